"""What the collector's stores share: the driver's own connection inside a transaction, for COPY and arrays."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import chain

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

# So much is handed to the driver at a time, which waits for the server to take it.
_COPY_PIECE_BYTES = 256 * 1024

_LOCKS = text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) key")
_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(:key)")


@asynccontextmanager
async def locked_transaction(engine: AsyncEngine, lock_keys: Iterable[int]) -> AsyncIterator[asyncpg.Connection]:
    """A transaction that holds the advisory locks, taken in sorted order, so that no two wait for each other."""
    async with engine.begin() as connection:
        # SQLAlchemy begins the transaction with its first statement, which therefore must not be one of the driver's.
        await connection.execute(_LOCKS, {"keys": sorted(set(lock_keys))})
        yield await driver_of(connection)


@asynccontextmanager
async def transaction_if_free(engine: AsyncEngine, lock_key: int) -> AsyncIterator[asyncpg.Connection | None]:
    """A transaction that holds the advisory lock, or None where somebody else does: for work that one at a time in the cluster is to do."""
    async with engine.begin() as connection:
        is_free = (await connection.execute(_TRY_LOCK, {"key": lock_key})).scalar_one()
        yield await driver_of(connection) if is_free else None


async def driver_of(connection: AsyncConnection) -> asyncpg.Connection:
    """The driver's connection, in the same transaction, which must have begun."""
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, asyncpg.Connection)  # noqa: S101 - for the type checker: kit.database makes no other
    return driver


async def copy(connection: asyncpg.Connection, table: str, columns: Sequence[str], rows: bytes) -> None:
    """Adds rows in the binary form, as `domain.copy_rows` makes them, to a table of the collector."""

    async def pieces() -> AsyncIterator[bytes]:
        for begin in range(0, len(rows), _COPY_PIECE_BYTES):
            yield rows[begin : begin + _COPY_PIECE_BYTES]

    await connection.copy_to_table(table, schema_name="collector", columns=columns, source=pieces(), format="binary")


def unused_character(text: str) -> str:
    """A character that the text does not have, to separate parts of it by. No text of less than a million characters has them all."""
    legal = chain(range(1, 0xD800), range(0xE000, 0x110000))  # those between are halves of others
    return next(character for character in map(chr, legal) if character not in text)
