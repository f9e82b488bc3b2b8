"""The last windows of each series by outcome: how many calls there were since a moment, and how they ended."""

from __future__ import annotations

import numpy as np

from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.metric import Outcome
from services.analyzer.domain.window_columns import WindowColumns

# Windows with calls that are kept of each series: half an hour of a busy one, half a day of one with two calls an hour.
KEPT_WINDOWS = 32
STATE_OCTETS = KEPT_WINDOWS * (8 + 2 * len(Outcome))
_COUNT_MAX = np.iinfo(np.uint16).max


class RecentCalls:
    """Rings of windows, one a series. A window's counts grow as more of its calls come; of a window that left the ring they are dropped."""

    def __init__(self) -> None:
        self.start_s: Ints = np.zeros((0, KEPT_WINDOWS), np.int64)
        self.counts = np.zeros((0, KEPT_WINDOWS, len(Outcome)), np.uint16)

    def grow(self, series_count: int) -> None:
        """Makes room for so many series."""
        more = series_count - len(self.start_s)
        if more > 0:
            self.start_s = np.concatenate([self.start_s, np.zeros((more, KEPT_WINDOWS), np.int64)])
            self.counts = np.concatenate([self.counts, np.zeros((more, *self.counts.shape[1:]), np.uint16)])

    def add(self, windows: WindowColumns) -> None:
        """Takes in what is new in windows."""
        order = np.lexsort((windows.start_s, windows.series))
        place = order
        while len(place):
            series = windows.series[place]
            is_first = np.append(True, series[1:] != series[:-1])
            self._add_one_each(windows.select(place[is_first]))
            place = place[~is_first]

    def _add_one_each(self, windows: WindowColumns) -> None:
        """Takes in at most one row a series."""
        series = windows.series
        known = self.start_s[series] == windows.start_s[:, None]
        oldest = self.start_s[series].argmin(axis=1)
        slot = np.where(known.any(axis=1), known.argmax(axis=1), oldest)
        is_kept = known.any(axis=1) | (windows.start_s > self.start_s[series, slot])
        is_new = is_kept & ~known.any(axis=1)
        self.counts[series[is_new], slot[is_new]] = 0
        series, slot = series[is_kept], slot[is_kept]
        self.start_s[series, slot] = windows.start_s[is_kept]
        total = self.counts[series, slot] + windows.outcome_counts[is_kept]
        self.counts[series, slot] = np.minimum(total, _COUNT_MAX)

    def outcomes_since(self, series: Ints, time_s: float | Floats) -> Ints:
        """Calls of these series in windows that start at or after the moment's minute, by outcome: shape (series, outcomes)."""
        minute_s = np.broadcast_to(np.floor(np.asarray(time_s) / 60) * 60, len(series))
        is_since = self.start_s[series] >= minute_s[:, None]
        total: Ints = (self.counts[series] * is_since[:, :, None]).sum(axis=1, dtype=np.int64)
        return total

    def calls_since(self, series: Ints, time_s: float | Floats) -> Ints:
        """Calls of these series since the moment's minute, those that were cancelled not counted."""
        total: Ints = self.outcomes_since(series, time_s)[:, : Outcome.CANCELLED.value].sum(axis=1)
        return total

    def newest_s(self, series: Ints) -> Ints:
        """Start of the newest window of each, 0 where there is none."""
        newest: Ints = self.start_s[series].max(axis=1)
        return newest

    def interval_s(self, series: Ints) -> Floats:
        """Mean time between the windows with calls, NaN where there are fewer than two."""
        starts = np.where(self.start_s[series] == 0, np.nan, self.start_s[series])
        count = (~np.isnan(starts)).sum(axis=1)
        span = np.where(count > 1, self.newest_s(series) - np.where(np.isnan(starts), np.inf, starts).min(axis=1), np.nan)
        interval: Floats = span / np.maximum(count - 1, 1)
        return interval

    def state(self, series: int) -> bytes:
        """What is kept of a series, STATE_OCTETS long."""
        return bytes(self.start_s[series].astype("<i8").tobytes() + self.counts[series].astype("<u2").tobytes())

    def restore(self, series: int, state: bytes) -> None:
        """Puts back what `state` gave."""
        split = 8 * KEPT_WINDOWS
        self.start_s[series] = np.frombuffer(state[:split], "<i8")
        self.counts[series] = np.frombuffer(state[split:], "<u2").reshape(self.counts.shape[1:])
