"""What conditions say of tables."""

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerter.domain.alert import Severity
from services.alerter.domain.metric import WAYS, RuleMetric, columns_of, is_additive, unit, values
from services.alerter.domain.rule import USUAL_TIERS, Absence, Burn, BurnTier, Comparison, Heartbeat
from services.alerter.domain.table import Table, adds_up
from services.alerter.domain.verdict import Verdict, columns_needed, is_measured, verdicts, windows_of
from tests.alerter.rules.domain.samples import outcomes, table, threshold

U, C, M, B = (verdict.value for verdict in (Verdict.UNKNOWN, Verdict.CLEAR, Verdict.BETWEEN, Verdict.BREACH))
KEYS = [("a",), ("b",), ("c",), ("d",), ("e",), ("f",)]


def test_a_threshold_has_two_levels_and_a_minimum() -> None:
    seen = verdicts(threshold(), {300: outcomes(KEYS, [[10], [100], [100], [100], [9], [0]], [[8], [90], [94], [95], [0], [0]])})
    assert seen.verdict[:, 0].tolist() == [B, M, M, C, U, U]
    assert seen.observed[:5, 0].tolist() == [0.8, 0.9, 0.94, 0.95, 0.0] and isnan(seen.observed[5, 0])


def test_a_threshold_above() -> None:
    condition = threshold(
        metric=RuleMetric.LATENCY_P95, comparison=Comparison.ABOVE, threshold=2.0, resolve_threshold=1.5, minimum_call_count=1
    )
    seen = verdicts(condition, {300: table(KEYS[:5], call_count=[[1]] * 5, latency_p95_s=[[2.5], [2.0], [1.6], [1.5], [nan]])})
    assert seen.verdict[:, 0].tolist() == [B, M, M, C, U]


@pytest.mark.parametrize(
    ("metric", "columns", "expected"),
    [
        (RuleMetric.COST, {"cost_usd_nanos": 2_500_000_000}, 2.5),
        (RuleMetric.COST_PER_CALL, {"cost_usd_nanos": 3e9, "cost_known_count": 4}, 0.75),
        (RuleMetric.COST_PER_ACCEPTED_TASK, {"cost_usd_nanos": 3e9, "accepted_task_count": 0}, nan),
        (RuleMetric.COST_UNKNOWN_RATIO, {"cost_unknown_count": 1, "call_count": 4}, 0.25),
        (RuleMetric.LATENCY_MEAN, {"latency_sum_s": 9.0, "succeeded_count": 6}, 1.5),
        (RuleMetric.QUALITY_RATIO, {"quality_sum": 1.5, "quality_count": 2}, 0.75),
        (RuleMetric.REVISIONS_PER_TASK, {"revision_count": 3, "task_count": 2}, 1.5),
        (RuleMetric.CALL_COUNT, {"call_count": 7}, 7.0),
        (RuleMetric.TIME_TO_FIRST_TOKEN_P50, {"time_to_first_token_p50_s": 0.4}, 0.4),
    ],
)
def test_metrics_are_computed_from_their_columns(metric: RuleMetric, columns: dict[str, float], expected: float) -> None:
    (found,) = values(metric, {name: np.array([float(value)]) for name, value in columns.items()})
    assert found == pytest.approx(expected, nan_ok=True)


def test_every_metric_has_a_way_and_a_unit() -> None:
    assert set(WAYS) == set(RuleMetric)
    assert all("call_count" in columns_of(metric) for metric in RuleMetric)
    quantiles = {metric for metric in RuleMetric if not is_additive(metric)}
    assert {metric.name.rpartition("_")[2][0] for metric in quantiles} == {"P"} and len(quantiles) == 8
    units = {metric.name: unit(metric) for metric in RuleMetric}
    assert units["LATENCY_P95"] == units["TIME_TO_FIRST_TOKEN_P50"] == "s" and units["COST_PER_CALL"] == "USD"
    assert units["SUCCESS_RATIO"] == units["COST_UNKNOWN_RATIO"] == "ratio" and units["REVISIONS_PER_TASK"] == ""
    assert units["OUTPUT_TOKENS_PER_CALL"] == "tokens" and units["CALL_COUNT"] == "calls"


# Of an objective of 99 %, so that a share of 14.4 % that fails burns 14.4 times too fast. Counts of calls and of those that fail, in
# the windows of 5 min, 30 min, 1 h, 6 h and 3 d.
BURNS = [
    # fast: both windows of the first tier at 14.4 exactly
    ("exactly fast", [(1_000, 144), (2_000, 144), (10_000, 1_440), (20_000, 1_440), (90_000, 1_440)], B, 0, 14.4),
    ("just not fast, nor slower", [(1_000, 143), (6_000, 300), (10_000, 1_440), (60_000, 1_440), (600_000, 1_440)], C, 0, 14.4),
    ("over in the short window", [(1_000, 0), (6_000, 0), (10_000, 1_440), (60_000, 1_440), (600_000, 1_440)], C, 0, 14.4),
    ("medium", [(1_000, 60), (2_000, 120), (10_000, 600), (20_000, 1_200), (90_000, 1_200)], B, 0, 6.0),
    ("slow", [(1_000, 10), (2_000, 20), (10_000, 100), (20_000, 200), (90_000, 900)], B, Severity.WARNING.value, 1.0),
    ("fast and slow", [(1_000, 150), (2_000, 300), (10_000, 1_500), (20_000, 3_000), (90_000, 9_000)], B, 0, 15.0),
    ("too few calls to tell", [(19, 10), (19, 10), (19, 10), (19, 10), (19, 10)], U, 0, 10 / 19 / 0.01),
    ("too few that fail", [(20, 4), (20, 4), (20, 4), (20, 4), (20, 4)], C, 0, 20.0),
    ("none", [(0, 0), (0, 0), (0, 0), (0, 0), (0, 0)], U, 0, nan),
]


@pytest.mark.parametrize(("counts", "verdict", "severity", "rate"), [case[1:] for case in BURNS], ids=[case[0] for case in BURNS])
def test_a_budget_burns_as_computed_by_hand(counts: list[tuple[int, int]], verdict: int, severity: int, rate: float) -> None:
    condition = Burn(0.99, USUAL_TIERS, minimum_call_count=20, minimum_bad_count=5)
    windows = (300, 1_800, 3_600, 21_600, 259_200)
    assert sorted(windows_of(condition)) == list(windows)
    tables = {window: outcomes([("a",)], [[all_]], [[all_ - bad]]) for window, (all_, bad) in zip(windows, counts, strict=True)}
    seen = verdicts(condition, tables)
    assert (seen.verdict[0, 0], seen.severity[0, 0]) == (verdict, severity)
    assert seen.observed[0, 0] == pytest.approx(rate, nan_ok=True)


def test_windows_of_a_burn_may_have_other_groups() -> None:
    condition = Burn(0.9, (BurnTier(2.0, 3_600, 300, Severity.CRITICAL),), 10, 1)
    seen = verdicts(condition, {3_600: outcomes([("a",), ("b",)], [[100], [100]], [[50], [50]]), 300: outcomes([("b",)], [[10]], [[0]])})
    assert dict(zip(seen.keys, seen.verdict[:, 0].tolist(), strict=True)) == {("a",): C, ("b",): B}
    assert seen.severity[:, 0].tolist() == [0, Severity.CRITICAL.value]


def test_absence_is_of_those_that_were_there() -> None:
    condition = Absence(86_400, 3_600, minimum_call_count=100)
    known = table(KEYS[:3], call_count=[[500], [99], [500]])
    seen = verdicts(condition, {86_400: known, 3_600: table([("a",)], call_count=[[1]])})
    assert seen.verdict[:, 0].tolist() == [C, C, B] and seen.observed[:, 0].tolist() == [500, 99, 500]
    assert columns_needed(condition) == {"call_count"} and is_measured(condition)


def test_conditions_that_are_not_measured_have_no_windows() -> None:
    assert windows_of(Heartbeat()) == () and not is_measured(Heartbeat())
    assert "succeeded_count" in columns_needed(Burn(0.9, USUAL_TIERS, 1, 1))
    assert columns_needed(threshold()) == {"call_count", "counted_count", "succeeded_count"}


@given(st.lists(st.lists(st.integers(0, 2**40), min_size=8, max_size=8), min_size=1, max_size=3), st.integers(1, 10))
def test_sliding_sums_are_exact(rows: list[list[int]], count: int) -> None:
    keys = [(str(number),) for number in range(len(rows))]
    made = table(keys, call_count=rows, latency_p95_s=rows).sliding(count)
    for row, summed in zip(rows, made.columns["call_count"], strict=True):
        assert summed.tolist() == [sum(row[max(0, end - count) : end]) for end in range(1, 9)]
    assert made.columns["latency_p95_s"].tolist() == rows


def test_groups_that_a_table_has_not_are_groups_without_calls() -> None:
    made = table([("a",), ("b",)], call_count=[[1, 2], [3, 4]], latency_p95_s=[[1, 2], [3, 4]]).aligned([("b",), ("x",)])
    assert made.columns["call_count"].tolist() == [[3, 4], [0, 0]]
    assert made.columns["latency_p95_s"][0].tolist() == [3, 4] and np.isnan(made.columns["latency_p95_s"][1]).all()
    assert adds_up("latency_sum_s") and not adds_up("latency_p99_s")
    assert Table([], 2, {"call_count": np.zeros((0, 2))}).aligned([("a",)]).columns["call_count"].tolist() == [[0, 0]]
