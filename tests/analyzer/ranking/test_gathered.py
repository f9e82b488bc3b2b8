"""Windows of calls as evidence: what counts how much, and what goes on in an incident."""

from typing import Any

import numpy as np
import pytest

from services.analyzer.domain.anomaly import Anomaly
from services.analyzer.domain.arrays import Floats
from services.analyzer.domain.metric import AnomalyKind, Direction, Metric, Severity
from services.analyzer.domain.ranking import gathered
from services.analyzer.domain.ranking.evidence import Evidence, Sum
from services.analyzer.domain.ranking.gathered import NO_WINDOWS, Cell, CellWindows, Incident, concatenated, evidence_of, incident_of
from services.analyzer.domain.series import Scope
from tests.analyzer.ranking.samples import A, B, C

DAY_S = 86_400.0
NOW_S = 20_000 * DAY_S
ON_A, ON_B, OTHER = Cell(A, "code"), Cell(B, "code"), Cell(A, "chat")


def windows(*rows: tuple[Cell, float, float, float], length_s: float = DAY_S) -> CellWindows:
    """Rows of cell, days that its end is ago, calls and successes."""
    cells = tuple(dict.fromkeys(row[0] for row in rows))
    sums = np.zeros((len(Sum), len(rows)))
    sums[Sum.CALLS], sums[Sum.SUCCEEDED] = [row[2] for row in rows], [row[3] for row in rows]
    sums[Sum.QUALITY_SQUARE] = np.nan
    end_s = NOW_S - np.array([row[1] for row in rows]) * DAY_S
    return CellWindows(cells, np.array([cells.index(row[0]) for row in rows]), end_s - length_s, end_s, sums)


def gather(*args: CellWindows, incidents: list[tuple[Incident, CellWindows]] | None = None) -> Evidence:
    return evidence_of(concatenated(args), incidents or [], as_of_s=NOW_S, half_life_s=7 * DAY_S)


def calls_of(evidence: Evidence) -> Floats:
    calls: Floats = evidence.sums[Sum.CALLS]
    return calls


def test_nothing_is_evidence_of_nobody() -> None:
    nothing = gather(NO_WINDOWS, NO_WINDOWS)
    assert (nothing.candidates, nothing.task_types, nothing.sums.shape) == ((), (), (len(Sum), 0, 0))


def test_a_window_counts_half_after_a_half_life_and_parts_add_up() -> None:
    found = gather(windows((ON_B, 0, 10, 5), (ON_A, 6.5, 100, 90)), windows((ON_A, -0.5, 10, 10), (OTHER, 20.5, 8, 8)))
    assert (found.candidates, found.task_types) == ((A, B), ("chat", "code"))
    np.testing.assert_allclose(calls_of(found), [[1, 60], [0, 10 * 0.5 ** (0.5 / 7)]])
    assert np.isnan(found.sums[Sum.QUALITY_SQUARE, 0, 1]) and found.sums[Sum.QUALITY_SQUARE, 1, 0] == 0
    assert found.last_call_s[0].tolist() == [NOW_S - 20.5 * DAY_S, NOW_S]  # a window that has not ended yet is as of now
    assert np.isnan(found.last_call_s[1, 0])


def test_failures_that_come_in_runs_make_calls_count_for_less_and_few_windows_do_not_tell() -> None:
    runs = [(ON_A, float(day), 100.0, 50.0 if day % 3 == 0 else 100.0) for day in range(9)]
    few = [(ON_B, float(day), 100.0, 50.0 if day % 3 == 0 else 100.0) for day in range(4)]
    found = gather(windows(*runs, *few))
    assert found.dispersion[0, 0] > 10 and found.dispersion[1, 0] == 1


def test_in_an_incident_what_was_seen_since_its_onset_is_all_that_counts() -> None:
    past = windows((ON_A, 0, 1_000, 990), (ON_B, 0, 500, 480), (OTHER, 0, 30, 30))
    since = windows((ON_A, 0, 20, 0), (ON_B, 0, 40, 39), (Cell(C, "code"), 0, 5, 5), (OTHER, 0, 0, 0), length_s=600)
    of_a = Incident(A.provider, None, None, NOW_S - 600, "all fails")
    older = Incident(None, None, "code", NOW_S - 3_000, "all is slow")
    found = gather(past, incidents=[(of_a, since), (older, since)])
    assert found.incidents == {(A, "code"): "all fails", (B, "code"): "all is slow"}
    np.testing.assert_allclose(calls_of(found), [[30, 20], [0, 40]], rtol=0.06)
    assert found.sums[Sum.SUCCEEDED, 0, 1] == 0


def test_what_goes_on_in_an_incident_does_not_make_failures_seem_to_cluster() -> None:
    rows = [(ON_A, float(day), 100.0, 98.0) for day in range(1, 9)] + [(ON_A, 0.0, 100.0, 0.0)]
    incident = Incident(A.provider, A.model, "code", NOW_S - DAY_S, "all fails")
    assert gather(windows(*rows)).dispersion[0, 0] > 10
    assert gather(windows(*rows), incidents=[(incident, windows(rows[-1]))]).dispersion[0, 0] == 1


def test_beyond_the_limits_those_with_the_most_calls_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathered, "CANDIDATES_KEPT_MAX", 1)
    monkeypatch.setattr(gathered, "TASK_TYPES_KEPT_MAX", 1)
    found = gather(windows((ON_A, 0, 5, 5), (ON_B, 0, 50, 50), (OTHER, 0, 9, 9)))
    assert (found.candidates, found.task_types) == ((B,), ("code",))
    assert calls_of(found).shape == (1, 1)


@pytest.mark.parametrize(
    ("kind", "metric", "direction", "is_incident"),
    [
        (AnomalyKind.SHIFT, Metric.SUCCESS_RATIO, Direction.DOWN, True),
        (AnomalyKind.SPIKE, Metric.LATENCY, Direction.UP, True),
        (AnomalyKind.DRIFT, Metric.COST_PER_CALL, Direction.UP, True),
        (AnomalyKind.SHIFT, Metric.SUCCESS_RATIO, Direction.UP, False),
        (AnomalyKind.SHIFT, Metric.OUTPUT_TOKENS, Direction.UP, False),
        (AnomalyKind.SILENCE, Metric.CALL_VOLUME, Direction.DOWN, False),
        (AnomalyKind.FIELD_MISSING, Metric.QUALITY, Direction.DOWN, False),
    ],
)
def test_an_anomaly_is_an_incident_if_callers_are_worse_off(
    kind: AnomalyKind, metric: Metric, direction: Direction, is_incident: bool
) -> None:
    nothing: dict[str, Any] = dict.fromkeys(("observed", "expected", "expected_low", "expected_high", "log10_e", "detect_s", "peak_s"), 0.0)
    counts: dict[str, Any] = dict.fromkeys(("part_count", "call_count", "affected_count"), 0)
    anomaly = Anomaly(
        anomaly_id="a",
        kind=kind,
        metric=metric,
        direction=direction,
        severity=Severity.INFO,
        scope=Scope("openai", None, "code"),
        parts=(),
        start_s=7.0,
        end_s=None,
        p_value=None,
        outcome_counts={},
        main_outcome=None,
        explanation="words",
        is_open=True,
        version=1,
        **nothing,
        **counts,
    )
    assert incident_of(anomaly) == (Incident("openai", None, "code", 7.0, "words") if is_incident else None)
