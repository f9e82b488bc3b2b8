"""Recomputes roll-ups from calls, tasks and scores, compares them with what is stored, and mends what differs."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

import asyncpg
import numpy as np
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database
from kit.errors import AssayError, Kind
from services.collector.domain.arrays import Bools
from services.collector.domain.chunk import decode_deltas
from services.collector.domain.correction import Completeness, Correction, Pair, StoredWindows, correct, decode_each, minus
from services.collector.domain.levels import DAYS, LEVELS, MINUTES, QUARTERS, Level, as_days, chunk_number
from services.collector.domain.rollup import US_PER_MIN, Windows, coarsen, merge
from services.collector.domain.stored_calls import windows_of_calls
from services.collector.domain.task import task_windows
from services.collector.domain.windows import MINUTES_PER_DAY, Retention, zone_of
from services.collector.store import rebuilding
from services.collector.store.rebuilding import ChunkRow
from services.collector.store.rollups import fold_lock, replace_chunks
from services.collector.store.sql import locked_transaction
from services.collector.store.task_folding import TASK_LOCK
from services.collector.store.writing import project_lock

# The stretch of time whose calls are read at once: one chunk of quarters, six of minutes.
STEP_MIN = QUARTERS.chunk_min
# Series whose days are summed up at once: 32 days of quarters are 130 chunks each.
SERIES_AT_ONCE = 16
# Parts that are gathered before they are added up.
_PARTS_MAX = 8
# A local day is at most so long; a zone that is moved over the date line makes it that long.
_DAY_MIN_MAX = 2 * MINUTES_PER_DAY

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What was found. A window that differs was mended, unless it was only to be checked.

    Refused are chunks that differ, but of whose calls some are past retention: they stay as they are.
    """

    differing_window_count: int
    mended_chunk_count: int
    refused_chunk_count: int


async def rebuild_url(database_url: str, **options: object) -> RebuildReport:
    """As `rebuild`, on a database given by its URL."""
    async with database.engine(database_url, name="assay rebuild") as engine:
        return await rebuild(engine, **options)  # type: ignore[arg-type]


async def rebuild(
    engine: AsyncEngine,
    *,
    project: str | None,
    start: datetime | None,
    end: datetime | None,
    check: bool,
    progress: Progress,
    retention: Retention | None = None,
) -> RebuildReport:
    """Makes all levels of the roll-ups of a project, or of all, what calls, tasks and scores say; with `check` writes nothing.

    `start` and `end` bound the windows, moved outwards to whole steps of six hours; of days, those of the same 32 days are compared.
    `retention` is what the writers have. They go on meanwhile, and wait for one step at a time. `progress` is given how many steps are
    done and how many there are. Raises NOT_FOUND for an unknown project. Where nothing was wrong, nothing is changed.
    """
    found = await rebuilding.projects(engine, project)
    if project is not None and not found:
        raise AssayError(Kind.NOT_FOUND, "PROJECT_UNKNOWN", f"there is no project {project}")
    span = _Span.of(start, end)
    kept = retention or Retention()
    runs = [_ProjectRun(engine, project_id, zone_of(zone), kept, check) for project_id, zone in found]
    plans = [await run.plan(span) for run in runs]
    total, done = sum(len(plan.steps) + len(plan.day_steps) for plan in plans), 0
    for run, plan in zip(runs, plans, strict=True):
        for step in plan.steps:
            await run.step(step)
            done += 1
            progress(done, total)
        for day_chunk, series_ids in plan.day_steps:
            await run.day_step(day_chunk, series_ids)
            done += 1
            progress(done, total)
    return RebuildReport(
        sum(run.differing_window_count for run in runs),
        sum(run.mended_chunk_count for run in runs),
        sum(run.refused_chunk_count for run in runs),
    )


@dataclass(frozen=True, slots=True)
class _Span:
    """The steps that are asked for, from `first` to before `end`, and their minutes."""

    first: int
    end: int

    @staticmethod
    def of(start: datetime | None, end: datetime | None) -> "_Span":
        step_s = STEP_MIN * 60
        first = int(start.timestamp()) // step_s if start else 0
        return _Span(first, -(-int(end.timestamp()) // step_s) if end else 2**31)

    def has(self, step: int) -> bool:
        return self.first <= step < self.end


@dataclass(frozen=True, slots=True)
class _Plan:
    """Steps by number; chunks of days, each with some of the series."""

    steps: Sequence[int]
    day_steps: Sequence[tuple[int, Sequence[int]]]


@dataclass
class _ProjectRun:
    """One project's way through its steps."""

    engine: AsyncEngine
    project_id: int
    zone: ZoneInfo
    retention: Retention
    check: bool
    differing_window_count: int = 0
    mended_chunk_count: int = 0
    refused_chunk_count: int = 0
    # What was found wrong with quarters and was not mended, as days: days are compared with what quarters should be.
    unmended_days: Windows = field(default_factory=lambda: merge([]))
    unmended_pairs: set[Pair] = field(default_factory=set)

    async def plan(self, span: _Span) -> _Plan:
        """The steps in which there is anything."""
        async with locked_transaction(self.engine, [fold_lock(self.project_id)]) as connection:
            numbers = set(await rebuilding.steps(connection, self.project_id, STEP_MIN * US_PER_MIN, LEVELS))
            for level in (MINUTES, QUARTERS):
                waiting = await self._pending(connection, level)
                numbers.update(np.unique(waiting.start_min // STEP_MIN).tolist())
            series_ids = list(await rebuilding.series(connection, self.project_id))
        steps = sorted(filter(span.has, numbers))
        days = sorted(set().union(*map(_day_chunks, steps)))
        slices = [series_ids[first : first + SERIES_AT_ONCE] for first in range(0, len(series_ids), SERIES_AT_ONCE)]
        return _Plan(steps, [(chunk, some) for chunk in days for some in slices])

    async def step(self, step: int) -> None:
        """Rebuilds the minutes and quarters of one step, with writers and folds kept out."""
        span_min = step * STEP_MIN, (step + 1) * STEP_MIN
        locks = [project_lock(self.project_id), fold_lock(self.project_id), TASK_LOCK]
        async with locked_transaction(self.engine, locks) as connection:
            completeness = await self._completeness(connection)
            truth, oldest = await self._truth(connection, *span_min)
            oldest = oldest or completeness.kept_from
            # What waits is seen by every reader: chunks and deltas together are to be the truth.
            in_minutes = minus(truth, _within(await self._pending(connection, MINUTES), *span_min))
            in_quarters = minus(coarsen(in_minutes, 15), _within(await self._pending(connection, QUARTERS), *span_min))
            found = {}
            for level, expected in ((MINUTES, in_minutes), (QUARTERS, in_quarters)):
                stored, first_min = await self._stored(connection, level, span_min, list(completeness.series_since))
                kept = _within(expected, first_min, span_min[1])
                found[level] = await asyncio.to_thread(correct, kept, stored, level, completeness)
                await self._put_down(connection, level, found[level], oldest)
        if self.check:
            self.unmended_days = merge([self.unmended_days, as_days(found[QUARTERS].difference, self.zone)])
            self.unmended_pairs.update(found[QUARTERS].pairs)

    async def _stored(
        self, connection: asyncpg.Connection, level: Level, span_min: tuple[int, int], series_ids: Sequence[int]
    ) -> tuple[StoredWindows, int]:
        """What is stored of a level that is kept, and the first minute from which it is."""
        first = max(chunk_number(span_min[0], level), self._first_kept_chunk(level))
        rows = await rebuilding.chunks(connection, level, series_ids, first, chunk_number(span_min[1] - 1, level))
        return await asyncio.to_thread(_stored, rows, level), first * level.chunk_min

    async def day_step(self, day_chunk: int, series_ids: Sequence[int]) -> None:
        """Rebuilds one chunk of days of some series from their quarters, which are right by now or known to be wrong."""
        async with locked_transaction(self.engine, [fold_lock(self.project_id)]) as connection:
            completeness = await self._completeness(connection)
            begin_min, end_min = day_chunk * DAYS.chunk_min, (day_chunk + 1) * DAYS.chunk_min
            first = max(chunk_number(begin_min, QUARTERS), self._first_kept_chunk(QUARTERS))
            last = chunk_number(end_min + _DAY_MIN_MAX, QUARTERS)
            quarter_rows = await rebuilding.chunks(connection, QUARTERS, series_ids, first, last)
            quarters = await asyncio.to_thread(_stored, quarter_rows, QUARTERS)
            stored = await asyncio.to_thread(_stored, await rebuilding.chunks(connection, DAYS, series_ids, day_chunk, day_chunk), DAYS)
            summed = merge([as_days(quarters.windows, self.zone), _of_series(self.unmended_days, series_ids)])
            expected = minus(summed, _of_series(await self._pending(connection, DAYS), series_ids))
            blind = {pair[0] for pair in quarters.unreadable if pair not in self.unmended_pairs}
            # Days before the first quarter that is kept, and series with quarters that nobody can read, stay as they are.
            in_question = _Question(max(begin_min, first * QUARTERS.chunk_min), end_min, sorted(blind))
            expected = merge([in_question.of(expected), in_question.not_of(stored.windows)])
            correction = await asyncio.to_thread(correct, expected, stored, DAYS, completeness)
            oldest = min((row.oldest_receive_date for row in quarter_rows), default=completeness.kept_from)
            await self._put_down(connection, DAYS, correction, oldest)
        self.refused_chunk_count += len(blind)

    async def _put_down(self, connection: asyncpg.Connection, level: Level, correction: Correction, oldest: date) -> None:
        self.differing_window_count += correction.window_count
        self.refused_chunk_count += len(correction.refused)
        if correction.pairs and not self.check:
            await replace_chunks(connection, level, correction.pairs, correction.windows, oldest)
            self.mended_chunk_count += len(correction.pairs)

    async def _completeness(self, connection: asyncpg.Connection) -> Completeness:
        kept_from = await rebuilding.hold_partitions(connection)
        return Completeness(kept_from, await rebuilding.series(connection, self.project_id))

    async def _pending(self, connection: asyncpg.Connection, level: Level) -> Windows:
        return await asyncio.to_thread(decode_deltas, await rebuilding.pending(connection, self.project_id, level))

    def _first_kept_chunk(self, level: Level) -> int:
        """The first chunk that is kept for sure: retention may be dropping the one before it."""
        days = self.retention.minute_days if level is MINUTES else self.retention.fifteen_minutes_days
        return chunk_number(int(time.time()) // 60 - days * MINUTES_PER_DAY, level) + 1

    async def _truth(self, connection: asyncpg.Connection, begin_min: int, end_min: int) -> tuple[Windows, date | None]:
        """The minutes of a stretch of time as calls, scores and tasks have them, and the oldest day of receipt of the calls."""
        span_us = begin_min * US_PER_MIN, end_min * US_PER_MIN
        parts, oldest = [merge([])], date.max
        async for rows in rebuilding.calls(connection, self.project_id, *span_us):
            parts.append(await asyncio.to_thread(windows_of_calls, rows))
            oldest = min(oldest, *(row[3] for row in rows))
            if len(parts) > _PARTS_MAX:
                parts = [await asyncio.to_thread(merge, parts)]
        tasks = await rebuilding.tasks(connection, self.project_id, *span_us)
        parts.append(await asyncio.to_thread(task_windows, [], tasks))
        return await asyncio.to_thread(merge, parts), None if oldest == date.max else oldest


@dataclass(frozen=True, slots=True)
class _Question:
    """Which days are compared: those that begin from `begin_min` to before `end_min`, but of the series that are left out."""

    begin_min: int
    end_min: int
    without: Sequence[int]

    def of(self, windows: Windows) -> Windows:
        return windows.select(np.flatnonzero(self._has(windows)))

    def not_of(self, windows: Windows) -> Windows:
        return windows.select(np.flatnonzero(~self._has(windows)))

    def _has(self, windows: Windows) -> Bools:
        in_time = (windows.start_min >= self.begin_min) & (windows.start_min < self.end_min)
        return in_time & ~np.isin(windows.series_id, self.without)


def _stored(rows: Sequence[ChunkRow], level: Level) -> StoredWindows:
    windows, unreadable = decode_each([(row.pair, row.measures, row.entries) for row in rows], level)
    return StoredWindows(windows, {row.pair: row.oldest_receive_date for row in rows}, unreadable)


def _within(windows: Windows, begin_min: int, end_min: int) -> Windows:
    return windows.select(np.flatnonzero((windows.start_min >= begin_min) & (windows.start_min < end_min)))


def _of_series(windows: Windows, series_ids: Sequence[int]) -> Windows:
    return windows.select(np.flatnonzero(np.isin(windows.series_id, series_ids)))


def _day_chunks(step: int) -> set[int]:
    """The chunks that hold the days that a step may be part of."""
    return {chunk_number(step * STEP_MIN - _DAY_MIN_MAX, DAYS), chunk_number((step + 1) * STEP_MIN - 1, DAYS)}
