"""Windows as the metrics see them: how many calls, and their mean on the metric's scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.evidence.configuration import HOUR_S
from services.analyzer.domain.metric import Metric
from services.analyzer.domain.window_columns import WindowColumns

# A task counts as so many possible revisions, so that a ratio can stand for "revisions a task".
REVISIONS_PER_TASK_MAX = 4
# The 95 % quantile of fewer calls is hardly more than their maximum.
_QUANTILE_CALLS_MIN = 10
# What makes the variance of the root of a Poisson count constant (Anscombe, Biometrika 1948).
ANSCOMBE = 3 / 8
# Beyond, logarithms and squares would not be finite.
_VALUE_MIN, _VALUE_MAX = 1e-12, 1e12
_LOG_MAX = 30.0


@dataclass(frozen=True, slots=True)
class Observations:
    """One row a window: its calls, at least one, and their mean on the scale of the metric.

    `within`: variance of the calls around that mean, NaN where it is not known.
    """

    series: Ints
    count: Floats
    value: Floats
    start_s: Floats
    end_s: Floats
    within: Floats

    def select(self, rows: Ints) -> Observations:
        """The rows at these places."""
        return Observations(self.series[rows], self.count[rows], self.value[rows], self.start_s[rows], self.end_s[rows], self.within[rows])

    @property
    def hour(self) -> Ints:
        """The hour that each window begins in, since 1970."""
        hour: Ints = (self.start_s // HOUR_S).astype(np.int64)
        return hour


def observations(windows: WindowColumns, metric: Metric) -> Observations:
    """The windows that say something on the metric. Values that are no numbers are left out, huge ones are cut. Not for CALL_VOLUME."""
    with np.errstate(all="ignore"):
        count, value = _VALUES[metric](windows)
        count = np.asarray(count, np.float64)
        squares = _SQUARES[metric](windows) if metric in _SQUARES else np.full(len(windows), np.nan)
        within = np.where(count > 1, np.maximum(squares - count * value**2, 0) / (count - 1), np.nan)
    rows = np.flatnonzero((count > 0) & np.isfinite(count) & np.isfinite(value))
    start_s, end_s = windows.start_s.astype(np.float64), windows.end_s.astype(np.float64)
    return Observations(windows.series[rows], count[rows], value[rows], start_s[rows], end_s[rows], within[rows])


def volumes(series: Ints, hour: Ints, call_count: Floats) -> Observations:
    """Calls of whole hours since 1970, on the scale of roots: each hour is one observation of CALL_VOLUME."""
    start_s = (hour * HOUR_S).astype(np.float64)
    ones = np.ones(len(series))
    return Observations(series, ones, root_of_count(call_count), start_s, start_s + float(HOUR_S), np.full(len(series), np.nan))


def root_of_count(count: Floats) -> Floats:
    """A count on the scale of roots, where its variance is about 1."""
    root: Floats = 2 * np.sqrt(count + ANSCOMBE)
    return root


_Values = tuple[Floats | Ints, Floats]


def _success(windows: WindowColumns) -> _Values:
    """The part of the calls that did not succeed."""
    count = windows.decided_count
    return count, np.clip(1 - windows.succeeded_count / count, 0, 1)


def _latency(windows: WindowColumns) -> _Values:
    return windows.latency_count, np.clip(windows.latency_log_sum / windows.latency_count, -_LOG_MAX, _LOG_MAX)


def _first_token(windows: WindowColumns) -> _Values:
    return windows.first_token_count, np.clip(windows.first_token_log_sum / windows.first_token_count, -_LOG_MAX, _LOG_MAX)


def _quantile(windows: WindowColumns) -> _Values:
    is_enough = windows.latency_count >= _QUANTILE_CALLS_MIN
    return np.where(is_enough, windows.latency_count, 0), _log(windows.latency_p95_s)


def _cost(windows: WindowColumns) -> _Values:
    return windows.cost_known_count, _log(windows.cost_usd / windows.cost_known_count)


def _tokens(windows: WindowColumns) -> _Values:
    return windows.succeeded_count, _log(windows.output_token_count / windows.succeeded_count)


def _revisions(windows: WindowColumns) -> _Values:
    count = REVISIONS_PER_TASK_MAX * windows.task_count
    return count, np.clip(windows.revision_count / count, 0, 1)


def _quality(windows: WindowColumns) -> _Values:
    return windows.quality_count, np.clip(windows.quality_sum / windows.quality_count, 0, 1)


def _log(value: Floats) -> Floats:
    """Logarithm; NaN where there is none."""
    logarithm: Floats = np.log(np.where(value > 0, np.clip(value, _VALUE_MIN, _VALUE_MAX), np.nan))
    return logarithm


_SQUARES: dict[Metric, Callable[[WindowColumns], Floats]] = {
    Metric.LATENCY: lambda windows: windows.latency_log_square_sum,
    Metric.TIME_TO_FIRST_TOKEN: lambda windows: windows.first_token_log_square_sum,
}
_VALUES: dict[Metric, Callable[[WindowColumns], _Values]] = {
    Metric.SUCCESS_RATIO: _success,
    Metric.LATENCY: _latency,
    Metric.LATENCY_P95: _quantile,
    Metric.TIME_TO_FIRST_TOKEN: _first_token,
    Metric.COST_PER_CALL: _cost,
    Metric.OUTPUT_TOKENS: _tokens,
    Metric.REVISIONS: _revisions,
    Metric.QUALITY: _quality,
}
