"""Levels that became normal: `accepted_shift`. An operator's are applied by whoever works on the project."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from services.analyzer.domain.metric import Metric
from services.analyzer.domain.series import SeriesKey
from services.analyzer.domain.signals import AcceptedShift
from services.analyzer.store.records import Shift
from services.analyzer.tables import accepted_shift_table, series_table

# Waiting ones that are applied at once.
WAITING_MAX = 100

_shift = accepted_shift_table.c
_series = series_table.c
_SELECT = select(accepted_shift_table, *(_series[name] for name in SeriesKey._fields)).join(
    series_table, _series.series_id == _shift.series_id
)


class ShiftStore:
    """Every method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def ask(self, project: str, key: SeriesKey, metric: Metric, key_id: str) -> int | None:
        """Notes that a level is to become normal, and returns the number of that; None where the series is not known.

        One that waits already is taken for the same.
        """
        async with self._engine.begin() as connection:
            is_this = [_series.project == project, *(_series[name] == value for name, value in key._asdict().items())]
            series_id = await connection.scalar(select(_series.series_id).where(*is_this).with_for_update())
            if series_id is None:
                return None
            waits = (_shift.series_id == series_id) & (_shift.metric == metric.value) & ~_shift.is_applied
            waiting: int | None = await connection.scalar(select(_shift.shift_id).where(_shift.project == project, waits))
            if waiting is not None:
                return waiting
            row = {"project": project, "series_id": series_id, "metric": metric.value, "key_id": key_id, "is_applied": False}
            adding = insert(accepted_shift_table).values(**row, accept_time=datetime.now(UTC)).returning(_shift.shift_id)
            return int((await connection.execute(adding)).scalar_one())

    async def waiting(self, project: str) -> list[Shift]:
        """Those that are to be applied, oldest first."""
        waits = [_shift.project == project, ~_shift.is_applied]
        return await self._read(_SELECT.where(*waits).order_by(_shift.shift_id).limit(WAITING_MAX))

    async def applied(self, shift_id: int, from_centre: float | None, to_centre: float | None) -> None:
        """Notes that a shift is normal now, and what was before."""
        values = {"is_applied": True, "from_centre": from_centre, "to_centre": to_centre}
        async with self._engine.begin() as connection:
            await connection.execute(update(accepted_shift_table).where(_shift.shift_id == shift_id).values(**values))

    async def drop(self, shift_id: int) -> None:
        """Forgets one that there is no reason for."""
        async with self._engine.begin() as connection:
            await connection.execute(delete(accepted_shift_table).where(_shift.shift_id == shift_id))

    async def add_accepted(self, project: str, series_id: int, accepted: AcceptedShift) -> None:
        """Notes a level that became normal by itself, unless it is noted already."""
        accept_time = datetime.fromtimestamp(accepted.time_s, UTC)
        row = {"series_id": series_id, "metric": accepted.metric.value, "accept_time": accept_time}
        async with self._engine.begin() as connection:
            same = [_shift[name] == value for name, value in row.items()]
            if await connection.scalar(select(_shift.shift_id).where(_shift.project == project, *same)) is None:
                levels = {"from_centre": accepted.from_value, "to_centre": accepted.to_value}
                values = {**row, **levels, "project": project, "key_id": "", "is_applied": True}
                await connection.execute(insert(accepted_shift_table).values(**values))

    async def find(self, project: str, shift_id: int) -> Shift | None:
        """One of them, None where it was dropped."""
        found = await self._read(_SELECT.where(_shift.project == project, _shift.shift_id == shift_id))
        return found[0] if found else None

    async def page(self, project: str, before: int | None, count: int) -> list[Shift]:
        """The latest first; with `before`, those with smaller numbers."""
        statement = _SELECT.where(_shift.project == project)
        if before is not None:
            statement = statement.where(_shift.shift_id < before)
        return await self._read(statement.order_by(_shift.shift_id.desc()).limit(count))

    async def _read(self, statement: Any) -> list[Shift]:
        async with self._engine.connect() as connection:
            return [_of(row) for row in await connection.execute(statement)]


def _of(row: Any) -> Shift:
    columns: Sequence[str] = ("shift_id", "series_id", "key_id", "accept_time", "from_centre", "to_centre", "is_applied")
    key = SeriesKey(*(getattr(row, name) for name in SeriesKey._fields))
    return Shift(key=key, metric=Metric(row.metric), **{name: getattr(row, name) for name in columns})
