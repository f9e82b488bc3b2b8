"""Answers metric queries from roll-ups."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy.ext.asyncio import AsyncEngine

from kit.errors import AssayError, Kind
from services.collector.domain.answer import Answer, answer, group_numbers
from services.collector.domain.arrays import Ints
from services.collector.domain.chunk import decode_deltas
from services.collector.domain.levels import Level, as_level
from services.collector.domain.plan import plan
from services.collector.domain.rollup import Windows, merge, rekey
from services.collector.domain.windows import Grid, Retention, grid, zone_of
from services.collector.store.metrics import DIMENSIONS, MetricsStore, SeriesFilter, Stored, StoredLevel
from services.collector.store.projects import ProjectInfo
from services.collector.store.rollups import decode_rows

# Rows of one answer: half a gigabyte of memory, and more than anybody looks at.
ANSWER_WINDOWS_MAX = 3_000_000


@dataclass(frozen=True)
class Question:
    """A metric query. Times are microseconds since the epoch, the step is whole minutes or None for one window."""

    project: ProjectInfo
    start_us: int
    end_us: int
    step_min: int | None
    time_zone: str
    group_by: tuple[str, ...]
    chosen: SeriesFilter


@dataclass(frozen=True)
class Answered:
    """An answer, and the keys of its groups: values in the order of the question's `group_by`."""

    answer: Answer
    keys: Sequence[tuple[str, ...]]


class MetricsQueries:
    """Reads in the event loop, computes in a thread."""

    def __init__(self, engine: AsyncEngine, retention: Retention) -> None:
        self._store = MetricsStore(engine)
        self._retention = retention

    def grid_of(self, question: Question) -> Grid:
        """The windows of the answer. Raises AssayError for a range or step that cannot be answered."""
        return grid(
            question.start_us,
            question.end_us,
            step_min=question.step_min,
            zone=zone_of(question.time_zone or question.project.time_zone),
            project_zone=zone_of(question.project.time_zone),
            now_min=int(time.time()) // 60,
            retention=self._retention,
        )

    async def answer(self, question: Question, *, only_series: Sequence[int] | None = None) -> Answered:
        """The answer; with `only_series` only the groups that contain one of these series."""
        windows = self.grid_of(question)
        project_zone = zone_of(question.project.time_zone)
        series = await self._store.series(question.project.project_id, question.chosen)
        columns = [DIMENSIONS.index(name) for name in question.group_by]
        group, keys = group_numbers([tuple(row.terms[column] for column in columns) for row in series])
        ids = np.array([row.series_id for row in series], np.int64)
        if only_series is not None:
            wanted = np.isin(group, group[np.isin(ids, only_series)])
            ids, group = ids[wanted], group[wanted]
        if np.unique(group).size * len(windows) > ANSWER_WINDOWS_MAX:
            message = f"the answer would have more than {ANSWER_WINDOWS_MAX} windows: take a larger step, a shorter range or fewer groups"
            raise AssayError(Kind.INVALID_ARGUMENT, "RANGE_TOO_LARGE", message)
        pieces = plan(windows, project_zone)
        stored = await self._store.read(question.project.project_id, ids.tolist(), pieces)
        return Answered(await asyncio.to_thread(_compute, stored, ids, group, windows, project_zone), keys)


def _compute(stored: Stored, ids: Ints, group: Ints, windows: Grid, project_zone: ZoneInfo) -> Answer:
    waiting = {level: _of_series(decode_deltas(deltas), ids) for level, deltas in stored.pending.items()}
    parts = [_assembled(level, waiting, project_zone) for level in stored.levels]
    sums = parts[0] if len(parts) == 1 else merge(parts)
    number = group[np.searchsorted(ids, sums.series_id)]
    is_own_group = np.array_equal(group, np.arange(group.size))  # then nothing is added up, and the order stays
    sums = replace(sums, series_id=number) if is_own_group else rekey(sums, series_id=number)
    called = sums.measures[:, :6].any(axis=1)
    return answer(sums if called.all() else sums.select(np.flatnonzero(called)), windows)


def _assembled(stored: StoredLevel, waiting: dict[Level, Windows], project_zone: ZoneInfo) -> Windows:
    """What one level contributes: its chunks, and the deltas of this and of finer levels."""
    parts = [decode_rows(stored.chunks, stored.level)]
    for level, windows in waiting.items():
        if level.number <= stored.level.number and len(windows):
            parts.append(windows if level is stored.level else as_level(windows, stored.level, project_zone))
    return stored.piece.assemble(merge(parts) if len(parts) > 1 else parts[0])


def _of_series(windows: Windows, ids: Ints) -> Windows:
    wanted = np.isin(windows.series_id, ids)
    return windows if wanted.all() else windows.select(np.flatnonzero(wanted))
