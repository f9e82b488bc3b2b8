"""What was recommended: `ranking`."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from services.analyzer.store.records import KeptRanking, WantedRankings
from services.analyzer.tables import ranking_table

_ranking = ranking_table.c
_COLUMNS = ("project", "ranking_id", "make_time", "task_type", "question", "ranking")
_PLACE = func.row_number().over(partition_by=_ranking.project, order_by=(_ranking.make_time.desc(), _ranking.ranking_id.desc()))
_NUMBERED = select(_ranking.project, _ranking.ranking_id, _PLACE.label("place")).subquery()
_TOO_MANY = select(_NUMBERED.c.project, _NUMBERED.c.ranking_id).where(_NUMBERED.c.place > bindparam("count"))


class KeptRankingStore:
    """Every method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, rows: Sequence[KeptRanking]) -> None:
        """Keeps rankings, one at least. One that is kept already, by another process perhaps, stays as it is."""
        async with self._engine.begin() as connection:
            await connection.execute(insert(ranking_table).on_conflict_do_nothing(), [asdict(row) for row in rows])

    async def find(self, project: str, ranking_id: str) -> KeptRanking | None:
        """One of them, None where it is not kept."""
        found = await self._read(select(ranking_table).where(_ranking.project == project, _ranking.ranking_id == ranking_id))
        return found[0] if found else None

    async def page(self, wanted: WantedRankings, after: tuple[datetime, str] | None, count: int) -> list[KeptRanking]:
        """The latest first; with `after`, those behind the one that was made then and has this id."""
        statement = select(ranking_table).where(_ranking.project == wanted.project)
        if wanted.task_type:
            statement = statement.where(_ranking.task_type == wanted.task_type)
        if wanted.start_time is not None:
            statement = statement.where(_ranking.make_time >= wanted.start_time)
        if wanted.end_time is not None:
            statement = statement.where(_ranking.make_time < wanted.end_time)
        if after is not None:
            statement = statement.where(tuple_(_ranking.make_time, _ranking.ranking_id) < tuple_(*after))
        return await self._read(statement.order_by(_ranking.make_time.desc(), _ranking.ranking_id.desc()).limit(count))

    async def forget(self, before: datetime, per_project_max: int) -> None:
        """Drops what was made before then, and of each project the oldest beyond so many."""
        async with self._engine.begin() as connection:
            await connection.execute(delete(ranking_table).where(_ranking.make_time < before))
            too_many = tuple_(_ranking.project, _ranking.ranking_id).in_(_TOO_MANY)
            await connection.execute(delete(ranking_table).where(too_many), {"count": per_project_max})

    async def _read(self, statement: Any) -> list[KeptRanking]:
        async with self._engine.connect() as connection:
            return [KeptRanking(*(getattr(row, name) for name in _COLUMNS)) for row in await connection.execute(statement)]
