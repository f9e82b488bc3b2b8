"""Reads roll-ups for queries: the chunks of the series and times that are asked for, and the deltas that wait beside them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.collector.domain.arrays import ranges
from services.collector.domain.levels import LEVELS, Level
from services.collector.domain.plan import Level as Piece

_SERIES = text(
    "SELECT series_id, provider, model, task_type, prompt_name, prompt_version FROM collector.series WHERE project_id = :project_id "
    "AND (:any_provider OR provider = ANY(:providers)) AND (:any_model OR model = ANY(:models)) "
    "AND (:any_task_type OR task_type = ANY(:task_types)) AND (:any_prompt_name OR prompt_name = ANY(:prompt_names)) "
    "AND (:any_prompt_version OR prompt_version = ANY(:prompt_versions)) ORDER BY series_id"
)
_CHUNKS = (
    "SELECT series_id, chunk, measures, entries FROM collector.rollup WHERE level = $1 AND series_id = ANY($2::int[]) "
    "AND chunk = ANY($3::int[]) ORDER BY series_id, chunk"
)
_PENDING = "SELECT level, body FROM collector.rollup_pending WHERE project_id = $1 AND level <= $2 ORDER BY pending_id"

DIMENSIONS = ("provider", "model", "task_type", "prompt_name", "prompt_version")


@dataclass(frozen=True)
class SeriesFilter:
    """Keeps the series whose dimensions have one of the given values; a dimension that is not given may have any."""

    values: dict[str, list[str]]

    def parameters(self) -> dict[str, object]:
        """As the series statement wants them."""
        given = {f"{name}s": self.values.get(name, []) for name in DIMENSIONS}
        return given | {f"any_{name}": not self.values.get(name) for name in DIMENSIONS}


@dataclass(frozen=True)
class SeriesRow:
    """A series: its number and its terms in the order of DIMENSIONS."""

    series_id: int
    terms: tuple[str, ...]


@dataclass(frozen=True)
class StoredLevel:
    """What is stored of one piece of a plan: chunks as (series, chunk, measures, entries), in order."""

    piece: Piece
    level: Level
    chunks: Sequence[tuple[int, int, bytes, bytes]]


@dataclass(frozen=True)
class Stored:
    """What a query has read: the pieces of its plan, and the deltas that wait, by level."""

    levels: Sequence[StoredLevel]
    pending: dict[Level, list[bytes]]


class MetricsStore:
    """Reads series and roll-ups, each in one snapshot."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def series(self, project_id: int, chosen: SeriesFilter) -> list[SeriesRow]:
        """The series of a project that match."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(_SERIES, {"project_id": project_id, **chosen.parameters()})
            return [SeriesRow(row[0], tuple(row[1:])) for row in rows]

    async def read(self, project_id: int, series_ids: Sequence[int], pieces: Sequence[Piece]) -> Stored:
        """What the pieces of a plan need, of these series, and what waits of the project."""
        by_resolution = {level.resolution: level for level in LEVELS}
        coarsest = max((by_resolution[piece.resolution].number for piece in pieces), default=0)
        async with self._engine.connect() as plain:
            connection = await plain.execution_options(isolation_level="REPEATABLE READ")
            await connection.execute(text("SELECT 1"))  # begins the transaction that the driver's own statements are in
            driver = (await connection.get_raw_connection()).driver_connection
            assert driver is not None  # noqa: S101 - for the type checker
            levels = [await _level(connection, series_ids, piece, by_resolution[piece.resolution]) for piece in pieces]
            pending: dict[Level, list[bytes]] = {}
            for row in await driver.fetch(_PENDING, project_id, coarsest):
                pending.setdefault(LEVELS[row[0]], []).append(row[1])
            return Stored(levels, pending)


async def _level(connection: AsyncConnection, series_ids: Sequence[int], piece: Piece, level: Level) -> StoredLevel:
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None  # noqa: S101 - for the type checker
    first = piece.segment_start_min // level.chunk_min
    last = (piece.segment_end_min - 1) // level.chunk_min
    chunks = np.unique(ranges(first, last - first + 1))
    rows = await driver.fetch(_CHUNKS, level.number, series_ids, chunks.tolist())
    return StoredLevel(piece, level, [tuple(row) for row in rows])
