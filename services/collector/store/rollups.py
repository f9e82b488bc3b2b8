"""Roll-ups: deltas that wait, and the chunks that they are folded into."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import asyncpg
import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from kit.database import lock_key
from services.collector.domain.arrays import run_starts
from services.collector.domain.chunk import Chunks, decode_chunks, decode_deltas, encode_chunks, encode_delta
from services.collector.domain.levels import LEVELS, MINUTES, Level, as_level, chunk_number, chunk_numbers, next_level
from services.collector.domain.rollup import Windows, merge
from services.collector.domain.windows import zone_of
from services.collector.store import counters, exports
from services.collector.store.sql import transaction_if_free

# Deltas that one fold takes: more would be held in memory at once.
FOLD_DELTAS_MAX = 256
# And no more bytes than this, but for the first one: decoded, they are thirty times as much.
FOLD_BYTES_MAX = 1024 * 1024
# Chunks that are decoded at a time: 10 MB of measures, if each of their windows is filled.
FOLD_CHUNKS_MAX = 1_000

_ADD = "INSERT INTO collector.rollup_pending (project_id, level, create_time, oldest_receive_date, body) VALUES ($1, $2, now(), $3, $4)"
_DUE = text(
    "SELECT p.project_id, p.level FROM collector.rollup_pending p "
    "JOIN unnest(CAST(:levels AS smallint[]), CAST(:after_s AS double precision[]), CAST(:after_bytes AS bigint[])) "
    "AS l(level, after_s, after_bytes) ON l.level = p.level GROUP BY p.project_id, p.level, l.after_s, l.after_bytes "
    "HAVING min(p.create_time) < now() - make_interval(secs => l.after_s) OR sum(octet_length(p.body)) > l.after_bytes "
    "ORDER BY p.level, p.project_id"
)
_ZONE = "SELECT time_zone FROM collector.project WHERE project_id = $1"
_TAKE = (
    "DELETE FROM collector.rollup_pending WHERE pending_id IN (SELECT pending_id FROM ("
    "SELECT pending_id, sum(octet_length(body)) OVER (ORDER BY pending_id) - octet_length(body) AS bytes_before "
    "FROM collector.rollup_pending WHERE project_id = $1 AND level = $2 ORDER BY pending_id LIMIT $3) p WHERE bytes_before < $4) "
    "RETURNING oldest_receive_date, body"
)
_READ = (
    "SELECT r.series_id, r.chunk, r.oldest_receive_date, r.measures, r.entries FROM unnest($2::int[], $3::int[]) AS k(series_id, chunk) "
    "JOIN collector.rollup r ON r.series_id = k.series_id AND r.level = $1 AND r.chunk = k.chunk ORDER BY r.series_id, r.chunk"
)
_WRITE = (
    "INSERT INTO collector.rollup AS r (series_id, level, chunk, oldest_receive_date, measures, entries) "
    "SELECT c.series_id, $1, c.chunk, $5, c.measures, c.entries "
    "FROM unnest($2::int[], $3::int[], $4::bytea[], $6::bytea[]) AS c(series_id, chunk, measures, entries) "
    "ON CONFLICT (series_id, level, chunk) DO UPDATE SET measures = excluded.measures, entries = excluded.entries, "
    "oldest_receive_date = least(r.oldest_receive_date, excluded.oldest_receive_date)"
)
_REMOVE = (
    "DELETE FROM collector.rollup r USING unnest($2::int[], $3::int[]) AS k(series_id, chunk) "
    "WHERE r.series_id = k.series_id AND r.level = $1 AND r.chunk = k.chunk"
)


@dataclass(frozen=True, slots=True)
class Due:
    """Deltas of a project and level that are to be folded in."""

    project_id: int
    level: Level


def fold_lock(project_id: int) -> int:
    """The lock that whoever changes a project's chunks holds."""
    return lock_key(f"collector fold {project_id}")


async def add_pending(connection: asyncpg.Connection, project_id: int, level: Level, windows: Windows, oldest: date) -> None:
    """Notes what is to be added to the windows of a level. `oldest` is the earliest day of receipt of the calls in it."""
    if len(windows):
        body = await asyncio.to_thread(encode_delta, windows)
        await connection.execute(_ADD, project_id, level.number, oldest, body)


async def read_chunks(connection: asyncpg.Connection, level: Level, series: Sequence[int], chunks: Sequence[int]) -> Windows:
    """The windows of those of the given (series, chunk) pairs that are stored."""
    rows = await connection.fetch(_READ, level.number, series, chunks)
    return await asyncio.to_thread(decode_rows, [(row[0], row[1], row[3], row[4]) for row in rows], level)


def decode_rows(rows: Sequence[tuple[int, int, bytes, bytes | None]], level: Level) -> Windows:
    """The windows of chunks given as (series, chunk, measures, entries), ordered by series and chunk; all entries are None if left out."""
    if not rows:
        return merge([])
    series_id, chunk, measures, entries = zip(*rows, strict=True)
    places = np.array(series_id, np.int64), np.array(chunk, np.int64) * level.chunk_min
    return decode_chunks(Chunks(*places, list(measures), None if entries[0] is None else list(entries)))


async def write_chunks(connection: asyncpg.Connection, level: Level, windows: Windows, oldest: date) -> set[tuple[int, int]]:
    """Replaces the chunks of these windows, which must be whole, and returns their (series, chunk) pairs."""
    encoded = await asyncio.to_thread(encode_chunks, windows, level.chunk_min)
    series = encoded.series_id.tolist()
    chunks = (encoded.start_min // level.chunk_min).tolist()
    await connection.execute(_WRITE, level.number, series, chunks, encoded.measures, oldest, encoded.entries)
    return set(zip(series, chunks, strict=True))


async def replace_chunks(
    connection: asyncpg.Connection, level: Level, pairs: Iterable[tuple[int, int]], windows: Windows, oldest: date
) -> None:
    """Makes these (series, chunk) pairs hold these windows, all of which are in them; a chunk without windows is removed."""
    written = await write_chunks(connection, level, windows, oldest) if len(windows) else set()
    await remove_chunks(connection, level, sorted(set(pairs) - written))


async def remove_chunks(connection: asyncpg.Connection, level: Level, pairs: Sequence[tuple[int, int]]) -> None:
    """Removes chunks."""
    if pairs:
        await connection.execute(_REMOVE, level.number, [pair[0] for pair in pairs], [pair[1] for pair in pairs])


class FoldingStore:
    """Folds deltas into chunks, level by level. A reader sees either the delta or the chunk that has it, never both or none."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def due(self, *, everything: bool = False) -> list[Due]:
        """What has waited long enough, or grown large enough; finer levels first."""
        parameters = {
            "levels": [level.number for level in LEVELS],
            # Every delta is older than a second in the future, also by the clock of a transaction that began before it was made.
            "after_s": [-1.0 if everything else level.fold_after_s for level in LEVELS],
            "after_bytes": [level.fold_after_bytes for level in LEVELS],
        }
        async with self._engine.connect() as connection:
            rows = await connection.execute(_DUE, parameters)
            return [Due(row.project_id, LEVELS[row.level]) for row in rows]

    async def fold(self, due: Due, kept_from_min: int) -> int:
        """Adds the oldest deltas to their chunks and hands them on to the next level; returns how many, 0 if somebody else is at it.

        Windows of chunks that end before `kept_from_min` are past this level's retention: they go to the next level alone.
        """
        level = due.level
        async with transaction_if_free(self._engine, fold_lock(due.project_id)) as connection:
            rows = await connection.fetch(_TAKE, due.project_id, level.number, FOLD_DELTAS_MAX, FOLD_BYTES_MAX) if connection else []
            if not connection or not rows:
                return 0
            oldest = min(row[0] for row in rows)
            added = await asyncio.to_thread(decode_deltas, [row[1] for row in rows])
            coarser = next_level(level)
            if coarser is not None:
                # Read here and not remembered: who changes the zone makes all days anew, under the same lock.
                zone = zone_of(await connection.fetchval(_ZONE, due.project_id))
                handed_on = await asyncio.to_thread(as_level, added, coarser, zone)
                await add_pending(connection, due.project_id, coarser, handed_on, oldest)
            kept = added.select(np.flatnonzero(added.start_min // level.chunk_min >= chunk_number(kept_from_min, level)))
            if len(kept):
                await _add(connection, level, kept, oldest)
            if level is MINUTES and len(added):
                await counters.add(connection, added)
                await exports.note_changes(connection, due.project_id, added)
            return len(rows)

    async def drop_before(self, level: Level, start_min: int) -> int:
        """Removes the chunks of a level that end before an instant; returns how many."""
        async with self._engine.begin() as connection:
            done = await connection.execute(
                text("DELETE FROM collector.rollup WHERE level = :level AND chunk < :chunk"),
                {"level": level.number, "chunk": chunk_number(start_min, level)},
            )
            return done.rowcount


async def _add(connection: asyncpg.Connection, level: Level, added: Windows, oldest: date) -> None:
    first = np.flatnonzero(run_starts(added.series_id, added.start_min // level.chunk_min))
    bounds = [*first[::FOLD_CHUNKS_MAX].tolist(), len(added)]
    for begin, end in pairwise(bounds):
        some = added.select(np.arange(begin, end))
        series, chunks = chunk_numbers(some, level)
        stored = await read_chunks(connection, level, series, chunks)
        sums = await asyncio.to_thread(merge, [stored, some])
        await replace_chunks(connection, level, zip(series, chunks, strict=True), sums, oldest)
