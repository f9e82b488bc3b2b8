"""Counters of series: grown by whoever folds minutes, read by whoever shows them."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import asyncpg
import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.collector.domain.chunk import Chunks, decode_chunks, encode_chunks
from services.collector.domain.counters import counted
from services.collector.domain.rollup import Windows, merge
from services.collector.store import reading

# Counters that are decoded at a time: each may have the whole of three histograms.
COUNTERS_AT_ONCE = 1_000
# A counter is stored as a chunk whose only window begins at 0.
_CHUNK_MIN = 1

_READ = "SELECT series_id, measures, entries FROM collector.counter WHERE series_id = ANY($1::int[]) ORDER BY series_id"
_WRITE = (
    "INSERT INTO collector.counter (series_id, measures, entries) SELECT * FROM unnest($1::int[], $2::bytea[], $3::bytea[]) "
    "ON CONFLICT (series_id) DO UPDATE SET measures = excluded.measures, entries = excluded.entries"
)
_SERIES = text(
    "SELECT series_id, provider, model, task_type, prompt_name, prompt_version FROM collector.series "
    "WHERE project_id = :project_id ORDER BY series_id"
)
_COUNTERS = text(
    "SELECT series_id, measures, entries FROM collector.counter WHERE series_id = ANY(CAST(:series_ids AS int[])) ORDER BY series_id"
)


async def add(connection: asyncpg.Connection, added: Windows) -> None:
    """Adds what a fold adds to the minutes of a project, whose fold lock is held."""
    growth = await asyncio.to_thread(counted, added)
    for begin, end in pairwise([*range(0, len(growth), COUNTERS_AT_ONCE), len(growth)]):
        some = growth.select(np.arange(begin, end))
        stored = await connection.fetch(_READ, some.series_id.tolist())
        grown = await asyncio.to_thread(_encoded, [tuple(row) for row in stored], some)
        await connection.execute(_WRITE, grown.series_id.tolist(), grown.measures, grown.entries)


class CounterReader:
    """Reads the counters of a project."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def read(self, project_id: int) -> tuple[dict[int, tuple[str, ...]], Windows]:
        """The terms of the project's series by number, and the counters of those that have counted, all as at one instant."""
        async with reading.snapshot(self._engine) as connection:
            terms = {row[0]: tuple(row[1:]) for row in await connection.execute(_SERIES, {"project_id": project_id})}
            rows = await connection.execute(_COUNTERS, {"series_ids": list(terms)})
            stored = [tuple(row) for row in rows]
        return terms, await asyncio.to_thread(_decoded, stored)


def _encoded(stored: Sequence[tuple[int, bytes, bytes]], growth: Windows) -> Chunks:
    return encode_chunks(merge([_decoded(stored), growth]), _CHUNK_MIN)


def _decoded(stored: Sequence[tuple[int, bytes, bytes]]) -> Windows:
    if not stored:
        return merge([])
    series_id, measures, entries = zip(*stored, strict=True)
    return decode_chunks(Chunks(np.array(series_id, np.int64), np.zeros(len(stored), np.int64), list(measures), list(entries)))
