"""Series: the combinations of provider, model, task type and prompt, numbered, and bounded in number."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import asyncpg
import numpy as np
from sqlalchemy.ext.asyncio import AsyncEngine

from kit.database import lock_key
from services.collector.domain.arrays import Ints
from services.collector.domain.series import SEPARATOR, fold, without_task_type
from services.collector.store.sql import locked_transaction

# Names that are remembered in memory; past it all are forgotten and read again. 100 bytes each.
CACHE_MAX = 500_000

_FIND = (
    "SELECT s.series_id, s.provider, s.model, s.task_type, s.prompt_name, s.prompt_version "
    "FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS n(provider, model, task_type, prompt_name, prompt_version) "
    "JOIN collector.series s USING (provider, model, task_type, prompt_name, prompt_version) WHERE s.project_id = $1"
)
_ADD = (
    "INSERT INTO collector.series (project_id, first_store_time, provider, model, task_type, prompt_name, prompt_version) "
    "SELECT $1, now(), n.* FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) n"
)
_COUNT = "SELECT count(*) FROM collector.series WHERE project_id = $1"
_PROJECTS = "SELECT series_id, project_id FROM collector.series WHERE series_id = ANY($1::int[])"


class SeriesStore:
    """Numbers the series of all projects. A number once given stays: while the limit is the same, what is remembered is never wrong."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._ids: defaultdict[int, dict[str, int]] = defaultdict(dict)  # by project and name
        self._limits: dict[int, int] = {}
        self._projects: dict[int, int] = {}

    def forget_if_many(self) -> None:
        """Bounds what is remembered. To be called before, not between, the calls of `prepare` that belong together."""
        if sum(map(len, self._ids.values())) > CACHE_MAX:
            self._ids.clear()

    async def prepare(self, project_id: int, series_limit: int, names: Iterable[str]) -> None:
        """Makes sure that `ids` knows these names (terms joined by U+0000), adding the series that are new.

        Past `series_limit` series a new name folds its task type and prompt into `other`, past twice the limit its model and provider too.
        """
        if self._limits.setdefault(project_id, series_limit) != series_limit:
            # Names that were folded may have a series of their own now.
            self._ids[project_id].clear()
            self._limits[project_id] = series_limit
        missing = sorted(set(names) - self._ids[project_id].keys())
        if not missing:
            return
        async with locked_transaction(self._engine, [lock_key(f"collector series {project_id}")]) as connection:
            found = await _find(connection, project_id, missing)
            new = [name for name in missing if name not in found]
            if new:
                found |= await _add(connection, project_id, series_limit, new)
        self._ids[project_id] |= found
        self._projects |= dict.fromkeys(found.values(), project_id)

    def ids(self, project_id: int, names: Sequence[str]) -> Ints:
        """The numbers of series that `prepare` was called with, shape (names,)."""
        return np.fromiter(map(self._ids[project_id].__getitem__, names), np.int64, len(names))

    async def projects(self, connection: asyncpg.Connection, series_ids: Iterable[int]) -> dict[int, int]:
        """Each series' project."""
        wanted = set(series_ids)
        missing = wanted - self._projects.keys()
        if missing:
            self._projects.update({row[0]: row[1] for row in await connection.fetch(_PROJECTS, sorted(missing))})
        return {series_id: self._projects[series_id] for series_id in wanted}


async def _add(connection: asyncpg.Connection, project_id: int, series_limit: int, new: Sequence[str]) -> dict[str, int]:
    """Adds the series of new names, folded where there is no room, and returns the number of each name's series."""
    count = await connection.fetchval(_COUNT, project_id)
    known = await _find(connection, project_id, sorted(set(map(without_task_type, new))))
    targets = fold(new, known.keys(), count, series_limit)
    ids = await _find(connection, project_id, sorted(set(targets.values())))
    adding = sorted(set(targets.values()) - ids.keys())
    if adding:
        await connection.execute(_ADD, project_id, *_columns(adding))
        ids |= await _find(connection, project_id, adding)
    return {name: ids[target] for name, target in targets.items()}


async def _find(connection: asyncpg.Connection, project_id: int, names: Sequence[str]) -> dict[str, int]:
    rows = await connection.fetch(_FIND, project_id, *_columns(names))
    return {SEPARATOR.join(row[1:]): row[0] for row in map(tuple, rows)}


def _columns(names: Sequence[str]) -> list[list[str]]:
    return [list(column) for column in zip(*(name.split(SEPARATOR) for name in names), strict=True)]
