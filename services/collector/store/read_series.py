"""Reading series: which of a project's match a filter, and their listing."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.collector.store.reading import is_any, snapshot
from services.collector.tables import series_table

_COLUMNS = series_table.c
_TERMS = (_COLUMNS.provider, _COLUMNS.model, _COLUMNS.task_type, _COLUMNS.prompt_name, _COLUMNS.prompt_version)


@dataclass(frozen=True, slots=True)
class SeriesFilter:
    """The values of each term of which a series must have one; empty allows all. In the order of a series' terms."""

    providers: Sequence[str] = ()
    models: Sequence[str] = ()
    task_types: Sequence[str] = ()
    prompt_names: Sequence[str] = ()
    prompt_versions: Sequence[str] = ()

    def conditions(self) -> list[ColumnElement[bool]]:
        """The same of the columns of collector.series."""
        return [is_any(term, values) for term, values in zip(_TERMS, astuple(self), strict=True) if values]


@dataclass(frozen=True, slots=True)
class SeriesRow:
    """A series as it is stored."""

    series_id: int
    provider: str
    model: str
    task_type: str
    prompt_name: str
    prompt_version: str
    first_store_time: datetime


async def find_ids(connection: AsyncConnection, project_id: int, series_filter: SeriesFilter) -> list[int]:
    """The numbers of the project's series that match."""
    found = select(func.array_agg(_COLUMNS.series_id)).where(_COLUMNS.project_id == project_id, *series_filter.conditions())
    return list((await connection.execute(found)).scalar_one() or ())


class SeriesReader:
    """Finds and lists series."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def terms(self, project_id: int, series_filter: SeriesFilter) -> list[tuple[int, tuple[str, ...]]]:
        """Number and terms of the project's series that match, ordered by number."""
        found = select(_COLUMNS.series_id, *_TERMS).where(_COLUMNS.project_id == project_id, *series_filter.conditions())
        async with self._engine.connect() as connection:
            rows = await connection.execute(found.order_by(_COLUMNS.series_id))
            return [(series_id, tuple(terms)) for series_id, *terms in rows]

    async def list_series(self, project_id: int, series_filter: SeriesFilter, after: int | None, limit: int) -> list[SeriesRow]:
        """Up to `limit` series in the order of their keys, from the one behind the series numbered `after` on."""
        statement = select(_COLUMNS.series_id, *_TERMS, _COLUMNS.first_store_time).where(_COLUMNS.project_id == project_id)
        if after is not None:
            last = select(*_TERMS).where(_COLUMNS.series_id == after, _COLUMNS.project_id == project_id)
            statement = statement.where(tuple_(*_TERMS) > last.correlate(None).scalar_subquery())
        async with snapshot(self._engine) as connection:
            rows = await connection.execute(statement.where(*series_filter.conditions()).order_by(*_TERMS).limit(limit))
            return [SeriesRow(*row) for row in rows]
