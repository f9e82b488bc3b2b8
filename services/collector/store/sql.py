"""What the collector's stores share: the driver's own connection inside a transaction, for COPY and arrays."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

_LOCKS = text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) key")


@asynccontextmanager
async def locked_transaction(engine: AsyncEngine, lock_keys: Iterable[int]) -> AsyncIterator[asyncpg.Connection]:
    """A transaction that holds the advisory locks, taken in sorted order, so that no two wait for each other."""
    async with engine.begin() as connection:
        # SQLAlchemy begins the transaction with its first statement, which therefore must not be one of the driver's.
        await connection.execute(_LOCKS, {"keys": sorted(set(lock_keys))})
        raw = await connection.get_raw_connection()
        driver = raw.driver_connection
        assert isinstance(driver, asyncpg.Connection)  # noqa: S101 - for the type checker: kit.database makes no other
        yield driver
