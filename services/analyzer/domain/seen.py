"""What has been taken of each window already, so that of its present values only what is new is passed on."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np

from services.analyzer.domain.arrays import Bools, Floats, Ints
from services.analyzer.domain.metric import Outcome
from services.analyzer.domain.window_columns import EMPTY, WindowColumns

MINUTE_S = 60

_OUTCOME_COUNT = len(Outcome)
# The columns that add up, each one number a row. Whole numbers stay exact as doubles up to 2^53.
_SUMS = tuple(
    field.name for field in fields(WindowColumns) if field.name not in {"series", "start_s", "length_s", "outcome_counts", "latency_p95_s"}
)
_WIDTH = _OUTCOME_COUNT + len(_SUMS)
# Where the counts stand among the sums; sums of what they count do not change without them.
_COUNTS = [*range(_OUTCOME_COUNT), *(_OUTCOME_COUNT + place for place, name in enumerate(_SUMS) if name.endswith("_count"))]


@dataclass(slots=True)
class _Minute:
    """The windows of one minute: numbers of series, ascending, and their sums, shape (series, sums)."""

    series: Ints
    sums: Floats


class Seen:
    """Sums of the minutes that calls may still come to; those that are older are forgotten, and nothing more is taken of them."""

    def __init__(self) -> None:
        self._minutes: dict[int, _Minute] = {}
        self._first_s = 0

    @property
    def first_s(self) -> int:
        """Start of the first minute of which something can be new, seconds since 1970."""
        return self._first_s

    def forget(self, before_s: int) -> None:
        """Forgets the minutes that start before this moment, and takes nothing of them from now on."""
        self._first_s = max(self._first_s, before_s)
        for start_s in [start_s for start_s in self._minutes if start_s < self._first_s]:
            del self._minutes[start_s]

    def increments(self, windows: WindowColumns) -> WindowColumns:
        """What is new in these windows of a minute, given with their present values, each at most once; it counts as seen.

        A task counts in the window of its latest call, and so may leave a window again: that is not taken back, as all counts only grow.
        Windows in which nothing is new are left out.
        """
        windows = windows.select(windows.start_s >= self._first_s)
        sums = _sums(windows)
        new = np.zeros_like(sums)
        for start_s in np.unique(windows.start_s).tolist():
            rows = np.flatnonzero(windows.start_s == start_s)
            new[rows] = self._new(start_s, windows.series[rows], sums[rows])
        is_new: Bools = np.asarray((new[:, _COUNTS] > 0).any(axis=1))
        return _with_sums(windows.select(is_new), new[is_new])

    def add(self, increments: WindowColumns) -> None:
        """Counts increments that were taken by somebody else as seen."""
        increments = increments.select(increments.start_s >= self._first_s)
        sums = _sums(increments)
        for start_s in np.unique(increments.start_s).tolist():
            rows = np.flatnonzero(increments.start_s == start_s)
            series, place = np.unique(increments.series[rows], return_inverse=True)
            total = np.zeros((len(series), _WIDTH))
            np.add.at(total, place, sums[rows])
            minute = self._with_room(start_s, series)
            minute.sums[np.searchsorted(minute.series, series)] += total

    def _new(self, start_s: int, series: Ints, sums: Floats) -> Floats:
        minute = self._with_room(start_s, series)
        place = np.searchsorted(minute.series, series)
        new: Floats = np.maximum(sums - minute.sums[place], 0)
        # What a sum is made of does not grow without its count, but a logarithm may be below 0.
        signed = [place for place in range(_WIDTH) if place not in _COUNTS]
        new[:, signed] = sums[:, signed] - minute.sums[place][:, signed]
        minute.sums[place] += new
        return new

    def _with_room(self, start_s: int, series: Ints) -> _Minute:
        """The minute, with a row for each of these series."""
        minute = self._minutes.get(start_s) or _Minute(np.zeros(0, np.int64), np.zeros((0, _WIDTH)))
        missing = np.setdiff1d(series, minute.series)
        if len(missing):
            joined = np.concatenate([minute.series, missing])
            order = np.argsort(joined)
            rows = np.concatenate([minute.sums, np.zeros((len(missing), _WIDTH))])
            minute = _Minute(joined[order], rows[order])
        self._minutes[start_s] = minute
        return minute


def pack(increments: WindowColumns, series_ids: Callable[[Ints], Ints]) -> bytes:
    """Increments of windows of a minute as bytes, to be kept; `series_ids` says what the numbers of series are elsewhere."""
    head = np.stack([series_ids(increments.series), increments.start_s])
    return zlib.compress(head.astype("<i8").tobytes() + _sums(increments).astype("<f8").tobytes(), 1)


def unpack(body: bytes, numbers: Callable[[Ints], Ints]) -> WindowColumns:
    """What `pack` packed; `numbers` says which number a series has here."""
    content = zlib.decompress(body)
    count = len(content) // (8 * (2 + _WIDTH))
    series_id, start_s = np.frombuffer(content, "<i8", 2 * count).reshape(2, count).astype(np.int64)
    sums = np.frombuffer(content, "<f8", offset=16 * count).reshape(count, _WIDTH)
    windows = _blank(numbers(series_id), start_s)
    return _with_sums(windows, sums)


def _blank(series: Ints, start_s: Ints) -> WindowColumns:
    """Windows of a minute without calls."""
    count = len(series)
    zeros = {name: np.zeros(count, getattr(EMPTY, name).dtype) for name in _SUMS}
    return WindowColumns(
        series=series,
        start_s=start_s,
        length_s=np.full(count, MINUTE_S),
        outcome_counts=np.zeros((count, _OUTCOME_COUNT), np.int64),
        latency_p95_s=np.full(count, np.nan),
        **zeros,
    )


def _sums(windows: WindowColumns) -> Floats:
    """All columns that add up, shape (windows, sums)."""
    return np.column_stack([windows.outcome_counts.astype(np.float64), *(getattr(windows, name) for name in _SUMS)])


def _with_sums(windows: WindowColumns, sums: Floats) -> WindowColumns:
    """The windows with other sums."""
    columns = {name: sums[:, _OUTCOME_COUNT + place].astype(getattr(EMPTY, name).dtype) for place, name in enumerate(_SUMS)}
    return replace(windows, outcome_counts=sums[:, :_OUTCOME_COUNT].astype(np.int64), **columns)
