"""Series: the combinations of provider, model, task type and prompt, numbered, and bounded in number."""

from collections.abc import Sequence

import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit.database import lock_key
from services.collector.domain.arrays import Ints
from services.collector.domain.series import SEPARATOR, folded

# Names that are remembered in memory; past it all are forgotten and read again. 100 bytes each.
CACHE_MAX = 500_000

_TERMS = ("provider", "model", "task_type", "prompt_name", "prompt_version")
_NAMES = f"unnest({', '.join(f'CAST(:{term} AS text[])' for term in _TERMS)}) AS n({', '.join(_TERMS)})"
_FIND = text(
    f"SELECT s.series_id, {', '.join(f's.{term}' for term in _TERMS)} FROM {_NAMES} JOIN collector.series s USING ({', '.join(_TERMS)}) "
    "WHERE s.project_id = :project_id"
)
_ADD = text(
    f"INSERT INTO collector.series (project_id, first_store_time, {', '.join(_TERMS)}) "
    f"SELECT :project_id, now(), n.* FROM {_NAMES} ON CONFLICT DO NOTHING"
)
_COUNT = text("SELECT count(*) FROM collector.series WHERE project_id = :project_id")


class SeriesStore:
    """Numbers the series of all projects. A number once given stays; so what is remembered is never wrong."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._ids: dict[tuple[int, str], int] = {}
        self._projects: dict[int, int] = {}

    async def prepare(self, project_id: int, series_limit: int, names: Sequence[str]) -> None:
        """Makes sure that `ids` knows these names (terms joined by U+0000), adding the series that are new.

        Past `series_limit` series a new name folds its task type and prompt into `other`, past twice the limit its model and provider too.
        """
        missing = sorted({name for name in names if (project_id, name) not in self._ids})
        if not missing:
            return
        if len(self._ids) + len(missing) > CACHE_MAX:
            self._ids.clear()
            missing = sorted(set(names))
        async with self._engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key(f"collector series {project_id}")})
            found = await self._find(connection, project_id, missing)
            new = [name for name in missing if name not in found]
            if new:
                room = series_limit - int((await connection.execute(_COUNT, {"project_id": project_id})).scalar_one())
                target = {name: folded(name, place, room, series_limit) for place, name in enumerate(new)}
                targets = sorted(set(target.values()))
                await connection.execute(_ADD, _parameters(project_id, targets))
                ids = await self._find(connection, project_id, targets)
                found |= {name: ids[target[name]] for name in new}
        for name, series_id in found.items():
            self._ids[project_id, name] = series_id
            self._projects[series_id] = project_id

    async def _find(self, connection: AsyncConnection, project_id: int, names: Sequence[str]) -> dict[str, int]:
        rows = await connection.execute(_FIND, _parameters(project_id, names))
        return {SEPARATOR.join(terms): series_id for series_id, *terms in rows}

    def ids(self, project_id: int, names: Sequence[str]) -> Ints:
        """The numbers of series that `prepare` was called with, shape (names,)."""
        return np.array([self._ids[project_id, name] for name in names], np.int64)

    async def projects(self, series_ids: Sequence[int]) -> dict[int, int]:
        """Each series' project."""
        missing = [series_id for series_id in set(series_ids) if series_id not in self._projects]
        if missing:
            async with self._engine.connect() as connection:
                rows = await connection.execute(
                    text("SELECT series_id, project_id FROM collector.series WHERE series_id = ANY(:ids)"),
                    {"ids": missing},
                )
                self._projects.update({row.series_id: row.project_id for row in rows})
        return {series_id: self._projects[series_id] for series_id in series_ids}


def _parameters(project_id: int, names: Sequence[str]) -> dict[str, object]:
    columns = zip(*(name.split(SEPARATOR) for name in names), strict=True)
    return {"project_id": project_id, **{term: list(column) for term, column in zip(_TERMS, columns, strict=True)}}
