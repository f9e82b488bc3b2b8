"""When a project's zone changes, its days are another sum of the same quarters of an hour."""

import asyncio
from datetime import date
from zoneinfo import ZoneInfo

import asyncpg
import numpy as np
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import logs
from services.collector.domain.arrays import Ints
from services.collector.domain.chunk import decode_deltas
from services.collector.domain.levels import DAYS, QUARTERS, Level, as_days
from services.collector.domain.rollup import Windows, merge, rekey
from services.collector.domain.windows import zone_of
from services.collector.store.rollups import decode_rows, fold_lock, replace_chunks
from services.collector.store.sql import locked_transaction

_log = logs.get_logger(__name__)

_ZONE = "SELECT time_zone FROM collector.project WHERE project_id = $1"
_SERIES = "SELECT series_id FROM collector.series WHERE project_id = $1 ORDER BY series_id"
_CHUNKS = (
    "SELECT series_id, chunk, measures, entries, oldest_receive_date FROM collector.rollup "
    "WHERE level = $1 AND series_id = $2 ORDER BY chunk"
)
_TAKE_PENDING = "DELETE FROM collector.rollup_pending WHERE project_id = $1 AND level = $2 RETURNING oldest_receive_date, body"


class ZoneChanges:
    """Makes daily roll-ups anew."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def on_change(self, project_id: int) -> None:
        """Sums up the project's days in its zone as it is now, as far back as quarters of an hour are kept.

        Doing it twice changes nothing.
        """
        async with locked_transaction(self._engine, [fold_lock(project_id)]) as connection:
            zone = zone_of(await connection.fetchval(_ZONE, project_id))
            pending = await connection.fetch(_TAKE_PENDING, project_id, DAYS.number)
            waiting = await asyncio.to_thread(decode_deltas, [row[1] for row in pending])
            for (series_id,) in await connection.fetch(_SERIES, project_id):
                added = waiting.select(np.flatnonzero(waiting.series_id == series_id))
                await _remake_days(connection, series_id, added, zone, min((row[0] for row in pending), default=date.max))
        _log.info("daily roll-ups were made anew", project_id=project_id, time_zone=zone.key)


async def _remake_days(connection: asyncpg.Connection, series_id: int, added: Windows, zone: ZoneInfo, oldest: date) -> None:
    """Replaces a series' days, with what waits to be added to them, whose oldest receipt is given."""
    quarter_rows = await connection.fetch(_CHUNKS, QUARTERS.number, series_id)
    day_rows = await connection.fetch(_CHUNKS, DAYS.number, series_id)
    if not quarter_rows and not len(added):
        return
    days = await asyncio.to_thread(_days, quarter_rows, day_rows, added, zone)
    oldest = min([row[4] for row in [*quarter_rows, *day_rows]], default=oldest)
    await replace_chunks(connection, DAYS, [(row[0], row[1]) for row in day_rows], days, oldest)


def _days(quarter_rows: list[asyncpg.Record], day_rows: list[asyncpg.Record], added: Windows, zone: ZoneInfo) -> Windows:
    """The days of the zone, as sums of their quarters; what is older stays in the days that it is in.

    The old day in which the first quarter lies may have begun earlier. What it holds of the time before is what the old
    days from it on have more than all quarters.
    """
    before = merge([_decoded(day_rows, DAYS), added])
    quarters = _decoded(quarter_rows, QUARTERS)
    if not len(quarters):
        return before
    days = as_days(quarters, zone)
    first = max(int(np.searchsorted(before.start_min, quarters.start_min[0], side="right")) - 1, 0)
    older, since = before.select(np.arange(first)), before.select(np.arange(first, len(before)))
    begin = since.start_min[:1]
    rest = merge([_at(begin, since), _at(begin, days.repeated(np.arange(len(days)), np.full(len(days), -1)))])
    return merge([older, as_days(rest, zone), days])


def _at(start_min: Ints, windows: Windows) -> Windows:
    return rekey(windows, start_min=np.repeat(start_min, len(windows)))


def _decoded(rows: list[asyncpg.Record], level: Level) -> Windows:
    return decode_rows([tuple(row)[:4] for row in rows], level)
