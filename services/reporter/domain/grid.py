"""The tables of a report as one block of numbers: sums by cell, period and window, in which everything is compared."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

import numpy as np

from services.reporter.domain.arrays import Floats, Ints
from services.reporter.domain.period_data import PeriodData, SeriesKey, Sum, Table
from services.reporter.domain.spans import Span, spans

_Cell = TypeVar("_Cell", bound=Hashable)
_Other = TypeVar("_Other", bound=Hashable)

PERIOD = -1
PREVIOUS = -2


@dataclass(frozen=True)
class Grid(Generic[_Cell]):
    """`sums`: shape (sums, cells, blocks, windows): the last block is the period, the one before the previous period, and any before
    those are what is usual, oldest first. A block is
    there only if the project was from its start on.
    """

    cells: tuple[_Cell, ...]
    sums: Floats

    @property
    def block_count(self) -> int:
        """Blocks, the period included: at least 1."""
        return int(self.sums.shape[2])

    def of(self, which: Sum, block: int = PERIOD) -> Floats:
        """A sum of one block by cell, shape (cells,)."""
        result: Floats = self.sums[which, :, block].sum(-1)
        return result

    def grouped(self, cell_of: Callable[[_Cell], _Other]) -> Grid[_Other]:
        """The same sums by something coarser, in the order of its first appearance."""
        groups: dict[_Other, int] = {}
        place = np.array([groups.setdefault(cell_of(cell), len(groups)) for cell in self.cells], np.int64)
        sums = np.zeros((self.sums.shape[0], len(groups), *self.sums.shape[2:]))
        for old, new in enumerate(place.tolist()):
            sums[:, new] += self.sums[:, old]
        return Grid(tuple(groups), sums)

    def chosen(self, places: Sequence[int] | Ints) -> Grid[_Cell]:
        """Some of the cells."""
        return Grid(tuple(self.cells[place] for place in places), self.sums[:, np.asarray(places, np.int64)])


def grid_of(data: PeriodData) -> Grid[SeriesKey]:
    """All series in order of their keys. Windows that the period has not come to yet are left out of the other blocks as well.

    Raises AssayError for a period or zone that is none.
    """
    looked = spans(data.start, data.end, data.zone)
    began = began_at(data)
    is_there = [began is not None and began <= span.start for span in (*looked.baseline, looked.previous)]
    earlier = [span for span, there in zip((*looked.baseline, looked.previous), is_there, strict=True) if there]
    # Blocks are in order, so that the previous one is there if any is; without it nothing is usual either.
    order = sorted(earlier, key=lambda span: span.start)
    known = windows_known(data, looked.step_s)
    # Of a first window that is not over no part of earlier ones is the same.
    if not is_there[-1] or known == 0:
        order = []
    keys = sorted({*data.period.keys, *data.previous.keys, *data.baseline.keys})
    blocks = [*order, looked.period]
    window_count = max(1, *(-(-int((span.end - span.start).total_seconds()) // looked.step_s) for span in blocks))
    sums = np.zeros((len(Sum), len(keys), len(blocks), window_count))
    place = {key: number for number, key in enumerate(keys)}
    for table in (data.baseline, data.previous, data.period):
        for number, span in enumerate(blocks):
            _add(sums[:, :, number], table, place, span, looked.step_s)
    return Grid(tuple(keys), sums if known is None else sums[..., : max(known, 1)])


def windows_known(data: PeriodData, step_s: int) -> int | None:
    """How many windows of a period that is not over are over; None for a period that is."""
    if data.data_until is None or data.data_until >= data.end:
        return None
    return int((data.data_until - data.start).total_seconds()) // step_s


def began_at(data: PeriodData) -> datetime | None:
    """When the project began: its first call, or the first window with one, since calls may be recorded long after they were made."""
    seen = [int(table.start_s.min()) for table in (data.period, data.previous, data.baseline) if len(table)]
    times = [datetime.fromtimestamp(min(seen), UTC)] if seen else []
    return min([*times, *([data.first_call_at] if data.first_call_at else [])], default=None)


def _add(target: Floats, table: Table, place: dict[SeriesKey, int], span: Span, step_s: int) -> None:
    """Adds the rows of a table that lie in a span to shape (sums, cells, windows). A clock that was changed moves windows by an hour."""
    begin, end = span.start.timestamp(), span.end.timestamp()
    kept = table.where((table.start_s >= begin) & (table.start_s < end))
    if not len(kept):
        return
    cell = np.array([place[key] for key in kept.keys], np.int64)[kept.series]
    window = np.clip(np.round((kept.start_s - begin) / step_s).astype(np.int64), 0, target.shape[2] - 1)
    flat = cell * target.shape[2] + window
    for which in range(len(Sum)):
        added = np.bincount(flat, kept.sums[which], minlength=target.shape[1] * target.shape[2])
        target[which] += added.reshape(target.shape[1:])
