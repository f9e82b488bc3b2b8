"""Cuts the series of a query into slabs, each of which is read and added up at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from services.collector.domain.arrays import Ints
from services.collector.domain.plan import Level as Piece
from services.collector.domain.rollup import Windows
from services.collector.domain.windows import Resolution

# Stored bytes of a slab. What they decode to is some fifty times as much: small enough that memory is used again instead of being asked for
# anew, which halves the time, and large enough that numpy's calls have something to do.
SLAB_BYTES = 400_000

# What a window of a busy series takes, to begin with; then the slab before tells.
_WINDOW_BYTES = {Resolution.MINUTE: 60, Resolution.FIFTEEN_MINUTES: 200, Resolution.DAY: 1_500}

# A slab may have this many times as many series as the one before, whose series may have been quiet by chance.
_GROWTH_MAX = 4


@dataclass(frozen=True, eq=False)
class Slab:
    """Some series, in order, the group of each, and those groups that have series in other slabs as well."""

    series_id: Ints
    group: Ints
    split_groups: Ints

    def group_of(self, series_id: Ints) -> Ints:
        """The group of each of the series, which must be of this slab."""
        return self.group[np.searchsorted(self.series_id, series_id)]


class Slabs:
    """Hands out all series, group by group, in slabs of about SLAB_BYTES."""

    def __init__(self, series_id: Ints, group: Ints, pieces: Sequence[Piece]) -> None:
        """`group` is that of each series; `pieces` is the plan by which they are read."""
        order = np.lexsort((series_id, group))
        self._series_id, self._group = series_id[order], group[order]
        by_id = np.argsort(series_id)
        self._all = Slab(series_id[by_id], group[by_id], np.zeros(0, np.int64))
        self._series_bytes = max(1.0, sum(_bytes(piece) for piece in pieces))
        self._next = 0
        self._count = 0

    def take(self) -> Slab | None:
        """The next slab, None after the last."""
        begin, end = self._next, self._next + max(1, int(SLAB_BYTES / self._series_bytes))
        series_id, group = self._series_id[begin:end], self._group[begin:end]
        if not series_id.size:
            return None
        self._next, self._count = begin + series_id.size, series_id.size
        outside = np.concatenate([self._group[:begin][-1:], self._group[end : end + 1]])
        order = np.argsort(series_id)
        return Slab(series_id[order], group[order], np.intersect1d(group, outside))

    def chosen(self, windows: Windows) -> Windows:
        """The windows of series that are among those of the slabs."""
        wanted = np.isin(windows.series_id, self._all.series_id)
        return windows if wanted.all() else windows.select(np.flatnonzero(wanted))

    def group_of(self, series_id: Ints) -> Ints:
        """The group of each of the series, which must be among those of the slabs."""
        return self._all.group_of(series_id)

    def note(self, byte_count: int) -> None:
        """Tells how much was stored of the slab that was taken last."""
        self._series_bytes = max(byte_count / self._count, self._series_bytes / _GROWTH_MAX, 1.0)


def by_size(blobs: Sequence[bytes], byte_count: int) -> Iterator[list[bytes]]:
    """The blobs in turn, in lists that end with the blob by which they reach `byte_count`."""
    taken, size = list[bytes](), 0
    for blob in blobs:
        taken.append(blob)
        size += len(blob)
        if size >= byte_count:
            yield taken
            taken, size = [], 0
    if taken:
        yield taken


def _bytes(piece: Piece) -> float:
    span_min = int((piece.segment_end_min - piece.segment_start_min).sum())
    return span_min / piece.resolution * _WINDOW_BYTES[piece.resolution]
