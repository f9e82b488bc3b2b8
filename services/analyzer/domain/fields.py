"""Fields that calls carried nearly always, and do not any more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from services.analyzer.domain.arrays import Bools, Floats, Ints
from services.analyzer.domain.metric import Metric
from services.analyzer.domain.monitor_configuration import MonitorConfiguration
from services.analyzer.domain.roster import grown
from services.analyzer.domain.window_columns import WindowColumns

# The fields that are watched, by the metric that can no longer be told without them. In an incident so many of the calls lack it.
FIELD_METRICS = (Metric.TIME_TO_FIRST_TOKEN, Metric.OUTPUT_TOKENS, Metric.COST_PER_CALL)
_MISSING_RATIO = 0.9
# A field is never believed to be filled more surely than this, nor less surely than that when it comes to evidence.
_LEAST_RATIO, _MOST_RATIO = 0.01, 0.5
# Older calls count less, so that what is remembered is worth no more than so many.
_REMEMBERED_CALLS = 5_000.0
# Evidence of being filled again that ends it: some four calls.
_RETURN_LOG10_E = 3.0

_COLUMNS = ("filled", "missing", "evidence", "back", "onset_s", "seen_s", "calls_since", "missing_since", "is_told")
STATE_OCTETS = 8 * len(FIELD_METRICS) * len(_COLUMNS)


@dataclass(frozen=True, slots=True)
class MissingFields:
    """What is missing now: columns of one length."""

    series: Ints
    metric: Ints  # Metric.value
    onset_s: Floats
    seen_s: Floats
    log10_e: Floats
    filled_ratio: Floats  # as it was
    remembered_count: Floats  # calls that this is known from
    call_count: Ints  # since the onset
    missing_count: Ints


class FieldWatch:
    """A likelihood ratio for each series and field, call by call: nine in ten calls lack the field, against as many as it was used to.

    The sum of its logarithms, never below 0, is Page's CUSUM (Biometrika 1954): at a bar of 10^b so many calls go by on average, at least,
    before it is reached for no reason (Lorden, Annals of Mathematical Statistics 1971). With 10^10 that is 60,000 days at 7,000 calls an
    hour. The share that was used to be missing is taken two standard deviations greater than seen, and never below 1 %.
    Failed calls are left out: they have no tokens. Whether calls carry tokens is known of windows alone: one with any is filled.
    """

    def __init__(self, configuration: MonitorConfiguration) -> None:
        self._configuration = configuration
        self.columns: Floats = np.zeros((0, len(FIELD_METRICS), len(_COLUMNS)))

    def grow(self, count: int) -> None:
        """Makes room for so many series."""
        self.columns = grown(self.columns, count)

    def learn(self, windows: WindowColumns) -> None:
        """Takes in history."""
        here, calls, filled, _, _ = _by_series(windows)
        self._remember(here, filled, calls - filled, np.ones_like(filled, np.bool_))

    def observe(self, windows: WindowColumns) -> None:
        """Tests what came, then learns from it where nothing is suspected."""
        here, calls, filled, start_s, end_s = _by_series(windows)
        missing = calls - filled
        rows = self.columns[here]
        was_filled, was_missing, evidence, back, onset_s, seen_s, calls_since, missing_since, is_told = np.moveaxis(rows, 2, 0)
        count = was_filled + was_missing
        is_watched = (count >= self._configuration.field_calls_min) & (was_filled >= self._configuration.field_ratio_min * count)
        usual = np.clip((was_missing + 2 * np.sqrt(was_missing + 1) + 1) / (count + 2), _LEAST_RATIO, _MOST_RATIO)
        step = missing * np.log10(_MISSING_RATIO / usual) + filled * np.log10((1 - _MISSING_RATIO) / (1 - usual))
        step = np.where(is_watched, step, 0.0)
        begins = (evidence == 0) & (step > 0)
        onset_s[begins] = np.broadcast_to(start_s[:, None], begins.shape)[begins]
        seen_s[:] = end_s[:, None]
        evidence[:] = np.maximum(evidence + step, 0.0)
        is_suspect = evidence > 0
        calls_since[:] = np.where(is_suspect, np.where(begins, 0.0, calls_since) + calls, 0.0)
        missing_since[:] = np.where(is_suspect, np.where(begins, 0.0, missing_since) + missing, 0.0)
        back[:] = np.where(is_told > 0, np.maximum(back - step, 0.0), 0.0)
        is_told[:] = (is_told > 0) | (evidence >= self._configuration.field_log10_e)
        self.columns[here] = rows
        self._end(here, back >= _RETURN_LOG10_E)
        self._remember(here, filled, missing, ~is_suspect)

    def pass_time(self, now_s: float) -> Ints:
        """What has been missing for very long is how it is from now on. Returns the series of which that became true."""
        rested = self._column("is_told") * (now_s - self._column("onset_s")) > self._configuration.field_rest_s
        series = np.flatnonzero(rested.any(axis=1))
        self.columns[rested] = 0.0
        return series

    def missing(self) -> MissingFields:
        """All that is missing now."""
        series, field = np.nonzero(self._column("is_told"))
        filled, missing, evidence, _, onset_s, seen_s, calls, missing_calls, _ = self.columns[series, field].T
        metric = np.array([metric.value for metric in FIELD_METRICS])[field]
        known = np.maximum(filled + missing, 1.0)
        counts = calls.astype(np.int64), missing_calls.astype(np.int64)
        return MissingFields(series, metric, onset_s, seen_s, evidence, filled / known, known, *counts)

    def state(self, series: int) -> bytes:
        """What is kept of a series, STATE_OCTETS long."""
        return bytes(self.columns[series].astype("<f8").tobytes())

    def restore(self, series: int, state: bytes) -> None:
        """Puts back what `state` gave."""
        self.columns[series] = np.frombuffer(state, "<f8").reshape(self.columns.shape[1:])

    def _column(self, name: str) -> Floats:
        return self.columns[:, :, _COLUMNS.index(name)]

    def _end(self, here: Ints, is_over: Bools) -> None:
        rows = self.columns[here]
        rows[is_over, _COLUMNS.index("evidence") :] = 0.0
        self.columns[here] = rows

    def _remember(self, here: Ints, filled: Floats, missing: Floats, is_normal: Bools) -> None:
        rows = self.columns[here]
        rows[:, :, 0] += np.where(is_normal, filled, 0.0)
        rows[:, :, 1] += np.where(is_normal, missing, 0.0)
        keep = np.minimum(1.0, _REMEMBERED_CALLS / np.maximum(rows[:, :, 0] + rows[:, :, 1], 1.0))
        rows[:, :, :2] *= keep[:, :, None]
        self.columns[here] = rows


def _by_series(windows: WindowColumns) -> tuple[Ints, Floats, Floats, Floats, Floats]:
    """The series that come; their succeeded calls and those with each field, shape (series, fields); first start and last end."""
    here, place = np.unique(windows.series, return_inverse=True)
    succeeded = windows.succeeded_count.astype(np.float64)
    has_tokens = windows.output_token_count + windows.input_token_count > 0
    filled = np.stack(
        [windows.first_token_count, np.where(has_tokens, succeeded, 0.0), windows.cost_known_count.astype(np.float64)], axis=1
    )
    filled = np.minimum(filled, succeeded[:, None])
    calls = np.bincount(place, succeeded, len(here)).astype(np.float64)
    sums = np.zeros(filled.shape)[: len(here)]
    np.add.at(sums, place, filled)
    start_s, end_s = np.full(len(here), np.inf), np.zeros(len(here))
    np.minimum.at(start_s, place, windows.start_s)
    np.maximum.at(end_s, place, windows.end_s)
    by_field: Floats = np.broadcast_to(calls[:, None], sums.shape)
    return here.astype(np.int64), by_field, sums, start_s, end_s
