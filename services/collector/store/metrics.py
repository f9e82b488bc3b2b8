"""Reads roll-ups for queries: the chunks of the series and times that are asked for, and the deltas that wait beside them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.collector.domain.arrays import ranges
from services.collector.domain.batch import RecordKind
from services.collector.domain.levels import LEVELS, Level, level_of
from services.collector.domain.plan import Level as Piece
from services.collector.store import reading
from services.collector.store.projects import ProjectInfo
from services.collector.store.read_series import SeriesFilter

_CHUNKS = (
    "SELECT series_id, chunk, measures, entries FROM collector.rollup WHERE level = $1 AND series_id = ANY($2::int[]) "
    "AND chunk = ANY($3::int[]) ORDER BY series_id, chunk"
)
# Without the histograms, which are most of what is stored.
_SUMS = _CHUNKS.replace("entries", "NULL::bytea")
_PENDING = "SELECT level, body FROM collector.rollup_pending WHERE project_id = $1 AND level <= $2 ORDER BY pending_id"
_NEWEST = text("SELECT max(receive_time) FROM collector.message WHERE project_id = :project_id AND kind = :kind AND stored_count > 0")

DIMENSIONS = ("provider", "model", "task_type", "prompt_name", "prompt_version")


@dataclass(frozen=True)
class Question:
    """A metric query. Times are microseconds since the epoch, the step is whole minutes or None for one window.

    With `only_series` only the groups that contain one of these series are answered.
    """

    project: ProjectInfo
    start_us: int
    end_us: int
    step_min: int | None
    time_zone: str
    group_by: tuple[str, ...]
    chosen: SeriesFilter
    only_series: Sequence[int] | None = None
    with_log_moments: bool = False
    without_durations: bool = False


@dataclass(frozen=True)
class StoredLevel:
    """What is stored of one piece of a plan: chunks as (series, chunk, measures, entries), in order; all entries are None if left out."""

    piece: Piece
    level: Level
    chunks: Sequence[tuple[int, int, bytes, bytes | None]]

    @property
    def byte_count(self) -> int:
        """How much was read."""
        return sum(len(measures) + len(entries or b"") for _, _, measures, entries in self.chunks)


class Snapshot:
    """Roll-ups as they are at one instant, however long reading them takes."""

    def __init__(self, driver: asyncpg.Connection) -> None:
        self._driver = driver

    async def pending(self, project_id: int, pieces: Sequence[Piece]) -> dict[Level, list[bytes]]:
        """The project's deltas that wait for the levels of the pieces, or for finer ones."""
        found: dict[Level, list[bytes]] = {}
        coarsest = max(level_of(piece.resolution).number for piece in pieces)
        for number, body in await self._driver.fetch(_PENDING, project_id, coarsest):
            found.setdefault(LEVELS[number], []).append(body)
        return found

    async def chunks(self, series_ids: Sequence[int], pieces: Sequence[Piece], *, without_durations: bool = False) -> list[StoredLevel]:
        """What the pieces of a plan need of these series."""
        statement = _SUMS if without_durations else _CHUNKS
        found = []
        for piece in pieces:
            level = level_of(piece.resolution)
            first = piece.segment_start_min // level.chunk_min
            last = (piece.segment_end_min - 1) // level.chunk_min
            numbers = np.unique(ranges(first, last - first + 1))
            rows = await self._driver.fetch(statement, level.number, series_ids, numbers.tolist())
            found.append(StoredLevel(piece, level, [tuple(row) for row in rows]))
        return found


class MetricsStore:
    """Reads series and roll-ups."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def newest_receive_us(self, project_id: int) -> int:
        """When the newest stored call of a project was received, microseconds since the epoch; 0 if none is known."""
        async with self._engine.connect() as connection:
            newest = (await connection.execute(_NEWEST, {"project_id": project_id, "kind": int(RecordKind.CALL)})).scalar_one()
            return round(newest.timestamp() * 1e6) if newest is not None else 0

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        """Holds a connection while it is read from."""
        async with reading.snapshot(self._engine) as connection:
            await connection.execute(text("SELECT 1"))  # begins the transaction that the driver's own statements are in
            driver = (await connection.get_raw_connection()).driver_connection
            assert isinstance(driver, asyncpg.Connection)  # noqa: S101 - for the type checker: kit.database makes no other
            yield Snapshot(driver)
