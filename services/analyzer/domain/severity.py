"""How much an anomaly matters, by its size alone; how sure it is has been decided before it is told."""

from __future__ import annotations

from services.analyzer.domain.finding import Family, Form
from services.analyzer.domain.metric import Direction, Metric, Severity
from services.analyzer.domain.series import Scope

# What is lost of a ratio that makes a warning, and what is critical.
_LOST = {Metric.SUCCESS_RATIO: (0.05, 0.3), Metric.QUALITY: (0.1, 0.3)}
# The factor by which the others grow that makes a warning, and what is critical; volume is told for the record until it multiplies.
_GROWN = {
    Metric.LATENCY: (1.5, 4.0),
    Metric.LATENCY_P95: (1.5, 4.0),
    Metric.TIME_TO_FIRST_TOKEN: (1.5, 4.0),
    Metric.COST_PER_CALL: (1.3, 3.0),
    Metric.OUTPUT_TOKENS: (1.5, 4.0),
    Metric.REVISIONS: (1.5, 4.0),
    Metric.CALL_VOLUME: (3.0, 10.0),
}
# The factor by which the volume shrinks.
_SHRUNK = (2.0, 10.0)
_TINY = 1e-12


def severity(family: Family, scope: Scope, observed: float, expected: float, *, is_replaced: bool) -> Severity:
    """INFO for what got better, is small, or is done elsewhere since; CRITICAL for what is large, or a silence of more than a series.

    `observed` and `expected` are in the metric's unit; ratios 0..1. A field that is missing is a warning, since what rests on it is blind.
    """
    if family.form is Form.FIELD:
        return Severity.WARNING
    if family.form is Form.SILENCE:
        loud = Severity.WARNING if scope.is_series else Severity.CRITICAL
        return Severity.INFO if is_replaced else loud
    if family.metric in _LOST:
        return _graded(expected - observed, _LOST[family.metric])
    if family.direction is Direction.UP:
        return _graded(observed / max(expected, _TINY), _GROWN[family.metric])
    if family.metric is Metric.CALL_VOLUME:
        return _graded(expected / max(observed, _TINY), _SHRUNK)
    return Severity.INFO


def _graded(size: float, bars: tuple[float, float]) -> Severity:
    warning, critical = bars
    if size >= critical:
        return Severity.CRITICAL
    return Severity.WARNING if size >= warning else Severity.INFO
