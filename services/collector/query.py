"""Answers metric queries from roll-ups."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy.ext.asyncio import AsyncEngine

from kit.errors import AssayError, Kind
from services.collector.domain.answer import Answer, Answered, answer, concatenated, group_numbers
from services.collector.domain.arrays import Ints
from services.collector.domain.chunk import decode_deltas
from services.collector.domain.levels import Level
from services.collector.domain.measures import Measure
from services.collector.domain.plan import Level as Piece
from services.collector.domain.plan import plan
from services.collector.domain.rollup import Windows, merge, stacked
from services.collector.domain.slabs import Slab, Slabs
from services.collector.domain.windows import Grid, Retention, grid, zone_of
from services.collector.store.metrics import DIMENSIONS, MetricsStore, Question, StoredLevel
from services.collector.store.projects import ProjectInfo
from services.collector.store.read_series import SeriesReader
from services.collector.store.rollups import decode_rows

# Queries of one project that are answered at a time; others of the project wait, so that no project takes the process for itself.
QUERIES_AT_ONCE = 2

# Windows with calls in one answer: at some 170 bytes each they stay below what kit.rpc's clients take.
ANSWER_WINDOWS_MAX = 150_000

# Slabs of one query that are computed at a time: numpy lets two threads run beside each other, hardly more.
SLABS_AT_ONCE = 2

# Entries of groups in several slabs that are kept before they are added up: 75 MB.
SPLIT_ENTRIES_MAX = 3_000_000


class MetricsQueries:
    """Reads slab by slab in the event loop, and computes in threads what was read before."""

    def __init__(self, engine: AsyncEngine, retention: Retention, *, now_s: Callable[[], float] = time.time) -> None:
        self._store = MetricsStore(engine)
        self._series = SeriesReader(engine)
        self._retention = retention
        self._now_s = now_s
        self._turns: dict[int, asyncio.Semaphore] = {}

    def grid_of(self, question: Question) -> Grid:
        """The windows of the answer. Raises AssayError for a range or step that cannot be answered."""
        return grid(
            question.start_us,
            question.end_us,
            step_min=question.step_min,
            zone=zone_of(question.time_zone or question.project.time_zone),
            project_zone=zone_of(question.project.time_zone),
            now_min=int(self._now_s()) // 60,
            retention=self._retention,
        )

    async def newest_receive_us(self, project: ProjectInfo) -> int:
        """When the newest stored call of a project was received, microseconds since the epoch; 0 if none is known."""
        return await self._store.newest_receive_us(project.project_id)

    async def answer(self, question: Question) -> Answered:
        """The answer, when it is the query's turn."""
        async with self._turns.setdefault(question.project.project_id, asyncio.Semaphore(QUERIES_AT_ONCE)):
            return await self._answered(question)

    async def _answered(self, question: Question) -> Answered:
        windows = self.grid_of(question)
        series = await self._series.terms(question.project.project_id, question.chosen)
        columns = [DIMENSIONS.index(name) for name in question.group_by]
        group, keys = group_numbers([tuple(terms[column] for column in columns) for _, terms in series])
        ids = np.array([series_id for series_id, _ in series], np.int64)
        if question.only_series is not None:
            wanted = np.isin(group, group[np.isin(ids, question.only_series)])
            ids, group = ids[wanted], group[wanted]
        pieces = plan(windows, zone_of(question.project.time_zone))
        making = _Making(windows, question.with_log_moments, question.without_durations)
        return Answered(await self._computed(question.project.project_id, Slabs(ids, group, pieces), pieces, making), keys)

    async def _computed(self, project_id: int, slabs: Slabs, pieces: Sequence[Piece], making: "_Making") -> Answer:
        parts = _Parts(making)
        running: deque[asyncio.Task[_Part]] = deque()
        try:
            async with self._store.snapshot() as snapshot:
                waiting = await asyncio.to_thread(making.decoded, await snapshot.pending(project_id, pieces))
                while (slab := slabs.take()) is not None:
                    stored = await snapshot.chunks(slab.series_id.tolist(), pieces, without_durations=making.without_durations)
                    slabs.note(sum(level.byte_count for level in stored))
                    if len(running) == SLABS_AT_ONCE:
                        await parts.add(await running.popleft())
                    running.append(asyncio.create_task(asyncio.to_thread(_part, stored, waiting, slab, making)))
            while running:
                await parts.add(await running.popleft())
            return await asyncio.to_thread(parts.answer)
        finally:
            for task in running:
                task.cancel()


@dataclass(frozen=True)
class _Making:
    """How the answer to a question is made of sums."""

    windows: Grid
    with_log_moments: bool
    without_durations: bool

    def decoded(self, pending: dict[Level, list[bytes]]) -> dict[Level, Windows]:
        """What waits, as windows by level."""
        found = {level: decode_deltas(deltas) for level, deltas in pending.items()}
        return {level: windows.without_histograms() for level, windows in found.items()} if self.without_durations else found

    def answer(self, sums: Windows) -> Answer:
        """The answer of the windows that have calls."""
        called = sums.measures[:, Measure.SUCCEEDED : Measure.CANCELLED + 1].any(axis=1)
        with_calls = sums if called.all() else sums.select(np.flatnonzero(called))
        return answer(with_calls, self.windows, with_log_moments=self.with_log_moments, with_durations=not self.without_durations)


@dataclass(frozen=True)
class _Part:
    """What a slab says: the answer of its groups, and the sums of those that have series in other slabs as well."""

    answer: Answer
    split: Windows


class _Parts:
    """Puts an answer together."""

    def __init__(self, making: _Making) -> None:
        self._making = making
        self._answers: list[Answer] = []
        self._split: list[Windows] = []
        self._merge_from = SPLIT_ENTRIES_MAX

    async def add(self, part: _Part) -> None:
        """Adds what a slab says. Raises RANGE_TOO_LARGE."""
        self._answers.append(part.answer)
        _require_fit(self._answers)
        if len(part.split):
            self._split.append(part.split)
        if sum(split.entry_row.size for split in self._split) > self._merge_from:
            self._split = [await asyncio.to_thread(merge, self._split)]
            self._merge_from = max(SPLIT_ENTRIES_MAX, 2 * self._split[0].entry_row.size)  # so that no sum is made over and over

    def answer(self) -> Answer:
        """All that was added. Raises RANGE_TOO_LARGE."""
        self._answers.append(self._making.answer(merge(self._split)))
        _require_fit(self._answers)
        return concatenated(self._answers)


def _require_fit(answers: Sequence[Answer]) -> None:
    if sum(one.group.size for one in answers) > ANSWER_WINDOWS_MAX:
        message = f"the answer would have more than {ANSWER_WINDOWS_MAX} windows: take a larger step, a shorter range or fewer groups"
        raise AssayError(Kind.INVALID_ARGUMENT, "RANGE_TOO_LARGE", message)


def _part(stored: Sequence[StoredLevel], waiting: dict[Level, Windows], slab: Slab, making: _Making) -> _Part:
    of_slab = {level: _of_series(deltas, slab.series_id) for level, deltas in waiting.items()}
    parts = [_assembled(level, of_slab, slab) for level in stored]
    sums = parts[0] if len(parts) == 1 else merge(parts)
    is_split = np.isin(sums.series_id, slab.split_groups)
    if not is_split.any():
        return _Part(making.answer(sums), merge([]))
    return _Part(making.answer(sums.select(np.flatnonzero(~is_split))), sums.select(np.flatnonzero(is_split)))


def _assembled(stored: StoredLevel, waiting: dict[Level, Windows], slab: Slab) -> Windows:
    """What one level contributes to each group: its chunks, and the deltas of this and of finer levels."""
    deltas = [windows for level, windows in waiting.items() if level.number <= stored.level.number and len(windows)]
    windows = stacked([decode_rows(stored.chunks, stored.level), *deltas])
    return stored.piece.assemble(replace(windows, series_id=slab.group_of(windows.series_id)))


def _of_series(windows: Windows, ids: Ints) -> Windows:
    wanted = np.isin(windows.series_id, ids)
    return windows if wanted.all() else windows.select(np.flatnonzero(wanted))
