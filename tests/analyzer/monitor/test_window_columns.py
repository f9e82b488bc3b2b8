"""Tables of windows, names of series and scopes, and the ids of anomalies."""

import numpy as np
import pytest

from services.analyzer.domain.anomaly import anomaly_id
from services.analyzer.domain.metric import AnomalyKind, Metric
from services.analyzer.domain.series import Scope, SeriesKey, scope_of
from services.analyzer.domain.window_columns import EMPTY, WindowColumns
from tests.analyzer.monitor.fleet import START_S, Fleet, grid

KEY = SeriesKey("openai", "gpt-5", "code_review", "review", "v2")


def test_tables_are_joined_in_the_order_of_time() -> None:
    fleet = Fleet(grid("p", "a", "xy"), (600.0, 600.0))
    late, early = fleet.windows(START_S + 60, 60), fleet.windows(START_S, 60)
    joined = WindowColumns.concatenated([late, early])
    assert joined.start_s.tolist() == [START_S, START_S, START_S + 60, START_S + 60]
    assert joined.end_s.tolist() == [START_S + 60, START_S + 60, START_S + 120, START_S + 120]
    assert joined.cost_usd.sum() == pytest.approx(early.cost_usd.sum() + late.cost_usd.sum())
    assert len(WindowColumns.concatenated([])) == len(EMPTY) == 0
    assert EMPTY.call_count.shape == (0,)


def test_cancelled_calls_decide_nothing() -> None:
    fleet = Fleet(grid("p", "a", "x"), (600.0,))
    window = fleet.windows(START_S, 60)
    window.outcome_counts[0] = [5, 1, 1, 1, 1, 7]
    assert (window.call_count[0], window.succeeded_count[0], window.decided_count[0]) == (16, 5, 9)


@pytest.mark.parametrize(
    ("scope", "contains", "is_series"),
    [
        (Scope(), True, False),
        (Scope(provider="openai"), True, False),
        (Scope(provider="anthropic"), False, False),
        (Scope(task_type="code_review", prompt_version="v2"), True, False),
        (scope_of(KEY), True, True),
        (scope_of(KEY._replace(prompt_version="")), False, True),
    ],
)
def test_a_scope_contains_the_series_that_agree_with_it(scope: Scope, contains: bool, is_series: bool) -> None:
    assert (scope.contains(KEY), scope.is_series) == (contains, is_series)
    assert scope.covers(scope_of(KEY)) == contains
    assert Scope().covers(scope)
    assert scope.covers(Scope()) == (scope == Scope())


def test_ids_follow_from_what_is_told_and_differ_otherwise() -> None:
    told = [
        (Scope(provider="a"), Metric.LATENCY, AnomalyKind.SHIFT, 60.0),
        (Scope(provider=""), Metric.LATENCY, AnomalyKind.SHIFT, 60.0),
        (Scope(), Metric.LATENCY, AnomalyKind.SHIFT, 60.0),
        (Scope(provider="a"), Metric.QUALITY, AnomalyKind.SHIFT, 60.0),
        (Scope(provider="a"), Metric.LATENCY, AnomalyKind.DRIFT, 60.0),
        (Scope(provider="a"), Metric.LATENCY, AnomalyKind.SHIFT, 120.0),
    ]
    ids = [anomaly_id(*each) for each in told]
    assert len(set(ids)) == len(ids)
    assert ids == [anomaly_id(*each) for each in told]
    assert all(len(each) == 32 and int(each, 16) >= 0 for each in ids)


def test_columns_hold_one_value_a_row_and_their_types() -> None:
    window = Fleet(grid("p", "ab", "xyz"), (60.0,) * 6).windows(START_S, 600)
    for name in WindowColumns.__dataclass_fields__:
        column = getattr(window, name)
        assert len(column) == len(window), name
        assert column.dtype == getattr(EMPTY, name).dtype, name
    assert np.isfinite(window.latency_log_sum).all()
