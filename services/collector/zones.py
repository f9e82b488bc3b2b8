"""When a project's zone changes, its days are another sum of the same quarters of an hour."""

from zoneinfo import ZoneInfo

import asyncpg
import numpy as np
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import logs
from services.collector.domain.levels import DAYS, QUARTERS, as_days
from services.collector.domain.rollup import merge
from services.collector.domain.windows import zone_of
from services.collector.store.rollups import decode_rows, fold_lock, remove_chunks, write_chunks
from services.collector.store.sql import locked_transaction

_log = logs.get_logger(__name__)

_SERIES = "SELECT series_id FROM collector.series WHERE project_id = $1 ORDER BY series_id"
_CHUNKS = (
    "SELECT series_id, chunk, measures, entries, oldest_receive_date FROM collector.rollup "
    "WHERE level = $1 AND series_id = $2 ORDER BY chunk"
)
_PENDING_DAYS = "DELETE FROM collector.rollup_pending WHERE project_id = $1 AND level = $2"


class ZoneChanges:
    """Makes daily roll-ups anew."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def on_change(self, project_id: int) -> None:
        """Sums up the project's days in its zone as it is now, as far back as quarters of an hour are kept; doing it twice changes nothing."""
        async with locked_transaction(self._engine, [fold_lock(project_id)]) as connection:
            zone = zone_of(await connection.fetchval("SELECT time_zone FROM collector.project WHERE project_id = $1", project_id))
            await connection.execute(_PENDING_DAYS, project_id, DAYS.number)
            for (series_id,) in await connection.fetch(_SERIES, project_id):
                await _remake_days(connection, series_id, zone)
        _log.info("daily roll-ups were made anew", project_id=project_id, time_zone=zone.key)


async def _remake_days(connection: asyncpg.Connection, series_id: int, zone: ZoneInfo) -> None:
    """Replaces a series' days by sums of its quarters. Days before the first quarter that is kept stay as they are."""
    quarter_rows = await connection.fetch(_CHUNKS, QUARTERS.number, series_id)
    if not quarter_rows:
        return
    quarters = decode_rows([tuple(row)[:4] for row in quarter_rows], QUARTERS)
    day_rows = await connection.fetch(_CHUNKS, DAYS.number, series_id)
    before = decode_rows([tuple(row)[:4] for row in day_rows], DAYS)
    kept = before.select(np.flatnonzero(before.start_min < quarters.start_min[0]))
    await remove_chunks(connection, DAYS, [(row[0], row[1]) for row in day_rows])
    oldest = min(row[4] for row in [*quarter_rows, *day_rows])
    await write_chunks(connection, DAYS, merge([kept, as_days(quarters, zone)]), oldest)
