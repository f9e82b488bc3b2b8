"""Anomalies as records: what is told of something that is not as it was."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from services.analyzer.domain.metric import AnomalyKind, Direction, Metric, Outcome, Severity
from services.analyzer.domain.series import Scope, SeriesKey

_ID_OCTETS = 16


@dataclass(frozen=True, slots=True)
class Part:
    """One series of an anomaly, or another metric of it that moved along. Values are in the unit of the metric."""

    key: SeriesKey
    metric: Metric
    observed: float
    expected: float
    call_count: int
    affected_count: int


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One episode, whole, as it is known now. Times are in seconds since 1970, values in the metric's unit (see `Metric`).

    `start_s`: when it began, as estimated. `detect_s`: the end of the newest window that was known when it was told first.
    `end_s`: when it was over, None while it is open. `peak_s`: end of the window with which it stood out most.
    `expected_low`, `expected_high`: within which the expected value lies. `log10_e`: evidence against nothing being wrong; `p_value` where
    there is one. `call_count`: calls since the start; `affected_count`: those that show it (failures, calls above the expected p95, …).
    `outcome_counts`: the calls since the start by how they ended; `main_outcome`: the most frequent that is no success, if any.
    `parts`: the series of the scope that show it, and with the lead metric's series those metrics that moved along; at most PARTS_MAX,
    the strongest; `part_count` is how many there are. `version` counts what was told of it, from 1.
    `merged_into`: the id of a wider anomaly that it turned out to be part of; it is not open then. "" where it is none.
    """

    anomaly_id: str
    kind: AnomalyKind
    metric: Metric
    direction: Direction
    severity: Severity
    scope: Scope
    parts: tuple[Part, ...]
    part_count: int
    start_s: float
    detect_s: float
    peak_s: float
    end_s: float | None
    observed: float
    expected: float
    expected_low: float
    expected_high: float
    log10_e: float
    p_value: float | None
    call_count: int
    affected_count: int
    outcome_counts: Mapping[Outcome, int]
    main_outcome: Outcome | None
    explanation: str
    is_open: bool
    version: int
    merged_into: str = ""


def anomaly_id(scope: Scope, metric: Metric, kind: AnomalyKind, start_s: float) -> str:
    """32 hexadecimal digits that follow from what is told first, so that whoever repeats the work gives the same."""
    text = "\0".join(["-" if part is None else f"={part}" for part in scope] + [str(metric.value), str(kind.value), str(round(start_s))])
    return hashlib.sha256(text.encode()).digest()[:_ID_OCTETS].hex()
