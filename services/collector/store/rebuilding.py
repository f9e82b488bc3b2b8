"""Reads what roll-ups are rebuilt from, and what is stored of them, under the locks that keep all of it still."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.collector.domain.levels import Level
from services.collector.domain.stored_calls import CallRow
from services.collector.domain.task import TaskState
from services.collector.store.partitions import partition_date

# Calls that are in memory at a time.
CALLS_AT_ONCE = 20_000

_PROJECTS = text(
    "SELECT project_id, time_zone FROM collector.project WHERE CAST(:project AS text) IS NULL OR project = :project ORDER BY project_id"
)
_STEPS = (
    "SELECT DISTINCT step FROM ("
    "SELECT c.start_us / $2 AS step FROM collector.call c JOIN collector.series s USING (series_id) WHERE s.project_id = $1 "
    "UNION ALL SELECT t.latest_start_us / $2 FROM collector.task t WHERE t.project_id = $1 "
    "UNION ALL SELECT r.chunk * l.chunk_us / $2 FROM collector.rollup r JOIN collector.series s USING (series_id) "
    "JOIN unnest($3::smallint[], $4::bigint[]) AS l(level, chunk_us) USING (level) WHERE s.project_id = $1) steps ORDER BY step"
)
# Keeps partitions from being dropped while the oldest one is looked up and calls are read.
_HOLD_PARTITIONS = "LOCK TABLE collector.call IN ACCESS SHARE MODE"
_PARTITIONS = (
    "SELECT min(c.relname::text) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'collector.call'::regclass"
)
# A score counts with the first of the calls that share an id, as evidence finds it.
_CALLS = (
    "SELECT c.series_id, c.start_us, c.outcome, c.receive_date, c.body, q.score_nanos "
    "FROM collector.call c JOIN collector.series s ON s.series_id = c.series_id "
    "LEFT JOIN collector.score q ON q.project_id = $1 AND q.call_id = c.call_id AND NOT EXISTS ("
    "SELECT FROM collector.call d JOIN collector.series e ON e.series_id = d.series_id "
    "WHERE d.call_id = c.call_id AND d.receive_date < c.receive_date AND e.project_id = $1) "
    "WHERE s.project_id = $1 AND c.start_us >= $2 AND c.start_us < $3"
)
_TASKS = (
    "SELECT project_id, task_id, call_count, cost_nanos, latency_us, revision_count, first_start_us, latest_start_us, latest_series_id, "
    "latest_outcome, first_receive_date, feedback_accepted, score_nanos FROM collector.task "
    "WHERE project_id = $1 AND latest_start_us >= $2 AND latest_start_us < $3"
)
_PENDING = "SELECT body FROM collector.rollup_pending WHERE project_id = $1 AND level = $2 ORDER BY pending_id"
_SERIES = "SELECT series_id, first_store_time FROM collector.series WHERE project_id = $1 ORDER BY series_id"
_CHUNKS = (
    "SELECT series_id, chunk, measures, entries, oldest_receive_date FROM collector.rollup "
    "WHERE level = $1 AND series_id = ANY($2::int[]) AND chunk BETWEEN $3 AND $4 ORDER BY series_id, chunk"
)


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """A stored chunk."""

    series_id: int
    chunk: int
    measures: bytes
    entries: bytes
    oldest_receive_date: date

    @property
    def pair(self) -> tuple[int, int]:
        """What it is found by within its level."""
        return self.series_id, self.chunk


async def projects(engine: AsyncEngine, project: str | None) -> list[tuple[int, str]]:
    """Number and zone of the project of that name, or of all."""
    async with engine.connect() as connection:
        return [(row[0], row[1]) for row in await connection.execute(_PROJECTS, {"project": project})]


async def steps(connection: asyncpg.Connection, project_id: int, step_us: int, levels: Sequence[Level]) -> list[int]:
    """The stretches of time, numbered from the epoch, in which the project has calls, tasks, or chunks of these levels."""
    numbers, chunk_us = [level.number for level in levels], [level.chunk_min * 60_000_000 for level in levels]
    return [row[0] for row in await connection.fetch(_STEPS, project_id, step_us, numbers, chunk_us)]


async def hold_partitions(connection: asyncpg.Connection) -> date:
    """Keeps the calls that are there, and returns the first day of receipt of which there are all; without any calls, today."""
    await connection.execute(_HOLD_PARTITIONS)
    name = await connection.fetchval(_PARTITIONS)
    return partition_date(name) if name else datetime.now(UTC).date()


async def calls(connection: asyncpg.Connection, project_id: int, first_us: int, end_us: int) -> AsyncIterator[list[CallRow]]:
    """The calls that start from `first_us` to before `end_us`, some at a time."""
    cursor = await connection.cursor(_CALLS, project_id, first_us, end_us)
    while rows := await cursor.fetch(CALLS_AT_ONCE):
        yield [tuple(row) for row in rows]


async def tasks(connection: asyncpg.Connection, project_id: int, first_us: int, end_us: int) -> list[TaskState]:
    """The tasks whose latest call starts in that time, as they are counted in roll-ups."""
    return [TaskState(*row) for row in await connection.fetch(_TASKS, project_id, first_us, end_us)]


async def pending(connection: asyncpg.Connection, project_id: int, level: Level) -> list[bytes]:
    """The deltas that wait to be folded into a level."""
    return [row[0] for row in await connection.fetch(_PENDING, project_id, level.number)]


async def series(connection: asyncpg.Connection, project_id: int) -> dict[int, date]:
    """The project's series, and the day since when each has calls."""
    return {row[0]: row[1].astimezone(UTC).date() for row in await connection.fetch(_SERIES, project_id)}


async def chunks(connection: asyncpg.Connection, level: Level, series_ids: Sequence[int], first: int, last: int) -> list[ChunkRow]:
    """The stored chunks of these series, from chunk `first` to `last`, both included."""
    return [ChunkRow(*row) for row in await connection.fetch(_CHUNKS, level.number, series_ids, first, last)]
