"""LiteLLM's spend logs where they are: in its PostgreSQL, read by a cursor in the order of their times."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import asyncpg

from cli.work.importing.litellm import COLUMNS, TABLE
from cli.work.importing.rows import CHUNK_ROWS, Row
from kit.errors import AssayError, Kind

CONNECT_TIMEOUT_S = 15.0
_COLUMNS = "SELECT column_name FROM information_schema.columns WHERE table_name = $1"


class LiteLlmTable:
    """The rows whose calls started in a range of time; an end of None is open."""

    def __init__(self, database_url: str, start: datetime | None, end: datetime | None) -> None:
        self._database_url = database_url
        self._start, self._end = _naive(start), _naive(end)
        self._read = 0
        self.size: int | None = None

    def position(self) -> int:
        """How many rows were read."""
        return self._read

    async def chunks(self) -> AsyncIterator[Sequence[Row]]:
        """Reads in one snapshot. Raises DATABASE_UNAVAILABLE, and TABLE_UNKNOWN where there is no such table."""
        try:
            connection = await asyncpg.connect(self._database_url, timeout=CONNECT_TIMEOUT_S)
        except (OSError, TimeoutError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise AssayError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE", f"cannot open LiteLLM's database: {error}") from error
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                cursor = await connection.cursor(await self._statement(connection), self._start, self._end)
                while found := await cursor.fetch(CHUNK_ROWS):
                    rows = [Row(self._read + place, dict(values)) for place, values in enumerate(found, 1)]
                    self._read += len(rows)
                    yield rows
        finally:
            await connection.close()

    async def _statement(self, connection: asyncpg.Connection) -> str:
        """Asks for the columns that there are: tables of older versions have fewer."""
        known = {row["column_name"] for row in await connection.fetch(_COLUMNS, TABLE)}
        if not known:
            raise AssayError(Kind.INVALID_ARGUMENT, "TABLE_UNKNOWN", f"the database has no table {TABLE}")
        columns = ", ".join(f'"{name}"' for name in COLUMNS if name in known)
        return (
            f'SELECT {columns} FROM "{TABLE}" WHERE ($1::timestamp IS NULL OR "startTime" >= $1) '  # noqa: S608 - names of this code alone
            'AND ($2::timestamp IS NULL OR "startTime" < $2) ORDER BY "startTime", request_id'
        )


def _naive(time: datetime | None) -> datetime | None:
    """LiteLLM's times are UTC without saying so."""
    return None if time is None else time.astimezone(UTC).replace(tzinfo=None)
