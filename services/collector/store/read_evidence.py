"""Reading evidence in the order in which it was stored, and where its subjects count."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.collector.store.reading import snapshot

# A page of pieces has at most so many bytes, but for one piece that is larger by itself.
PAGE_BYTES_MAX = 8 * 1024 * 1024

_PAGE = text(
    "SELECT position, payload FROM ("
    "SELECT position, payload, sum(length(payload)) OVER (ORDER BY position) - length(payload) AS before FROM ("
    "SELECT position, payload FROM collector.evidence WHERE project_id = :project_id AND position > :after ORDER BY position LIMIT :count"
    ") page) pieces WHERE before < :bytes_max ORDER BY position"
)
_BY_INDEX = text("SET LOCAL enable_seqscan = off")
_TERMS = "s.provider, s.model, s.task_type, s.prompt_name, s.prompt_version"
# A call id that was taken twice is that of the first call, as evidence finds it.
_CALLS = text(
    f"SELECT DISTINCT ON (c.call_id) c.call_id AS subject_id, c.start_us, {_TERMS} FROM collector.call c "
    "JOIN collector.series s USING (series_id) WHERE s.project_id = :project_id AND c.call_id = ANY(:ids) "
    "ORDER BY c.call_id, c.receive_date"
)
_TASKS = text(
    f"SELECT t.task_id AS subject_id, t.latest_start_us AS start_us, {_TERMS} FROM collector.task t "
    "JOIN collector.series s ON s.series_id = t.latest_series_id WHERE t.project_id = :project_id AND t.task_id = ANY(:ids)"
)


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """A piece of evidence as it was stored, and its position among those of its project."""

    position: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class LocationRow:
    """Where a call or a task counts: at its start, or that of its latest call, in microseconds since 1970."""

    subject_id: str
    start_us: int
    provider: str
    model: str
    task_type: str
    prompt_name: str
    prompt_version: str


class EvidenceReader:
    """Every method is one snapshot."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def after(self, project_id: int, position: int, count: int) -> list[EvidenceRow]:
        """The first pieces after a position. Nothing is ever stored before what was seen: see the column's comment."""
        async with snapshot(self._engine) as connection:
            parameters = {"project_id": project_id, "after": position, "count": count, "bytes_max": PAGE_BYTES_MAX}
            return [EvidenceRow(row.position, bytes(row.payload)) for row in await connection.execute(_PAGE, parameters)]

    async def locate(
        self, project_id: int, call_ids: Sequence[str], task_ids: Sequence[str]
    ) -> tuple[list[LocationRow], list[LocationRow]]:
        """Where those of the calls and of the tasks that are stored count."""
        async with snapshot(self._engine) as connection:
            await connection.execute(_BY_INDEX)
            return await _located(connection, _CALLS, project_id, call_ids), await _located(connection, _TASKS, project_id, task_ids)


async def _located(connection: AsyncConnection, statement: TextClause, project_id: int, ids: Sequence[str]) -> list[LocationRow]:
    if not ids:
        return []
    return [LocationRow(*row) for row in await connection.execute(statement, {"project_id": project_id, "ids": list(ids)})]
