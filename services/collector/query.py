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
from services.collector.domain.chunk import decode_deltas
from services.collector.domain.gathering import Gathering
from services.collector.domain.levels import Level, level_of
from services.collector.domain.measures import Measure
from services.collector.domain.plan import Level as Piece
from services.collector.domain.plan import plan
from services.collector.domain.rollup import Windows, merge
from services.collector.domain.slabs import SLAB_BYTES, Slab, Slabs, by_size
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
        making = _Making(windows, pieces, question.with_log_moments, question.without_durations)
        return Answered(await self._computed(question.project.project_id, Slabs(ids, group, pieces), making), keys)

    async def _computed(self, project_id: int, slabs: Slabs, making: "_Making") -> Answer:
        parts = _Parts(making)
        running: deque[asyncio.Task[_Part]] = deque()
        try:
            async with self._store.snapshot() as snapshot:
                waiting = await self._waiting(await snapshot.pending(project_id, making.pieces), slabs, making)
                while (slab := slabs.take()) is not None:
                    stored = await snapshot.chunks(slab.series_id.tolist(), making.pieces, without_durations=making.without_durations)
                    slabs.note(sum(level.byte_count for level in stored))
                    if len(running) == SLABS_AT_ONCE:
                        await parts.add(await running.popleft())
                    added = waiting.take(slab)
                    running.append(asyncio.create_task(asyncio.to_thread(_part, stored, added, slab, making)))
            while running:
                await parts.add(await running.popleft())
            return await asyncio.to_thread(parts.answer)
        finally:
            for task in running:
                task.cancel()

    async def _waiting(self, pending: dict[Level, list[bytes]], slabs: Slabs, making: "_Making") -> "_Waiting":
        """What waits to be folded, as the answer's groups and windows: read some bytes at a time, since a burst leaves much of it."""
        sums = Gathering()
        for level, deltas in pending.items():
            for some in by_size(deltas, SLAB_BYTES):
                sums.add(await asyncio.to_thread(making.of_deltas, level, some, slabs))
        return _Waiting(sums.total())


@dataclass(frozen=True)
class _Making:
    """How the answer to a question is made of sums."""

    windows: Grid
    pieces: Sequence[Piece]
    with_log_moments: bool
    without_durations: bool

    def of_deltas(self, level: Level, deltas: Sequence[bytes], slabs: Slabs) -> Windows:
        """What deltas of a level add to the answer's groups and windows: each piece counts those of its own and of finer levels."""
        windows = decode_deltas(deltas)
        windows = slabs.chosen(windows.without_histograms() if self.without_durations else windows)
        windows = replace(windows, series_id=slabs.group_of(windows.series_id))
        return merge([piece.assemble(windows) for piece in self.pieces if level.number <= level_of(piece.resolution).number])

    def answer(self, sums: Windows) -> Answer:
        """The answer of the windows that have calls."""
        called = sums.measures[:, Measure.SUCCEEDED : Measure.CANCELLED + 1].any(axis=1)
        with_calls = sums if called.all() else sums.select(np.flatnonzero(called))
        return answer(with_calls, self.windows, with_log_moments=self.with_log_moments, with_durations=not self.without_durations)


class _Waiting:
    """Sums that wait beside what is stored, in the order in which slabs take groups."""

    def __init__(self, sums: Windows) -> None:
        self._sums = sums
        self._next = 0

    def take(self, slab: Slab) -> Windows:
        """What waits for the groups of the slab and was not taken with the slab before."""
        end = int(np.searchsorted(self._sums.series_id, slab.group.max(), side="right"))
        begin, self._next = self._next, end
        return self._sums.select(np.arange(begin, end))


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
        self._split = Gathering()

    async def add(self, part: _Part) -> None:
        """Adds what a slab says. Raises RANGE_TOO_LARGE."""
        self._answers.append(part.answer)
        _require_fit(self._answers)
        await asyncio.to_thread(self._split.add, part.split)

    def answer(self) -> Answer:
        """All that was added. Raises RANGE_TOO_LARGE."""
        self._answers.append(self._making.answer(self._split.total()))
        _require_fit(self._answers)
        return concatenated(self._answers)


def _require_fit(answers: Sequence[Answer]) -> None:
    if sum(one.group.size for one in answers) > ANSWER_WINDOWS_MAX:
        message = f"the answer would have more than {ANSWER_WINDOWS_MAX} windows: take a larger step, a shorter range or fewer groups"
        raise AssayError(Kind.INVALID_ARGUMENT, "RANGE_TOO_LARGE", message)


def _part(stored: Sequence[StoredLevel], waiting: Windows, slab: Slab, making: _Making) -> _Part:
    sums = merge([*(_assembled(level, slab) for level in stored), waiting])
    is_split = np.isin(sums.series_id, slab.split_groups)
    if not is_split.any():
        return _Part(making.answer(sums), merge([]))
    return _Part(making.answer(sums.select(np.flatnonzero(~is_split))), sums.select(np.flatnonzero(is_split)))


def _assembled(stored: StoredLevel, slab: Slab) -> Windows:
    """What the chunks of one level contribute to each group."""
    windows = decode_rows(stored.chunks, stored.level)
    return stored.piece.assemble(replace(windows, series_id=slab.group_of(windows.series_id)))
