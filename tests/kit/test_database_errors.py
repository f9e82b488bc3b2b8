"""Which errors say that the database is away, which that transactions met, and which that the statement is wrong."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit import database
from kit.database import is_conflict_error, is_connection_error
from kit.errors import AssayError

NOBODY_LISTENS = "postgresql+asyncpg://u:p@127.0.0.1:{port}/d"
END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest_asyncio.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    async with database.engine(database_url, pool_size=3) as made:
        yield made


async def driver(connection: AsyncConnection) -> Any:
    await connection.execute(text("SELECT 1"))
    return (await connection.get_raw_connection()).driver_connection


async def test_a_server_that_does_not_listen_is_away(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        urls = [NOBODY_LISTENS.format(port=held.getsockname()[1]), f"postgresql+asyncpg://u:p@/d?host={tmp_path}"]
        for url in urls:
            async with database.engine(url) as made:
                with pytest.raises(Exception) as failed:  # noqa: PT011 - of which kind is what is asked
                    await made.connect().start()
            assert is_connection_error(failed.value), url
            assert not is_conflict_error(failed.value)


async def test_a_server_that_accepts_and_says_nothing_or_hangs_up_is_away() -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        url = NOBODY_LISTENS.format(port=server.sockets[0].getsockname()[1])
        async with database.engine(url) as made:
            with pytest.raises(Exception) as failed:  # noqa: PT011 - of which kind is what is asked
                await made.connect().start()
        assert is_connection_error(failed.value)


@pytest.mark.parametrize("with_driver", [False, True], ids=["SQLAlchemy's statement", "the driver's statement"])
@pytest.mark.parametrize("when", ["while it runs", "before it"])
async def test_a_connection_that_is_cut_is_away(engine: AsyncEngine, with_driver: bool, when: str) -> None:
    async def statement(connection: AsyncConnection, sql: str) -> None:
        if with_driver:
            raw = await driver(connection)
            await raw.execute(sql)
        else:
            await connection.execute(text(sql))

    async def transaction(begun: asyncio.Event, cut: asyncio.Event) -> None:
        async with engine.begin() as connection:
            await statement(connection, "SELECT 1")
            begun.set()
            if when == "before it":
                await cut.wait()
            await statement(connection, "SELECT pg_sleep(20)")

    begun, cut = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(transaction(begun, cut))
    await begun.wait()
    async with database.engine(engine.url.render_as_string(hide_password=False)) as other, other.connect() as connection:
        ended = 0
        while not ended:
            wanted = "active" if when == "while it runs" else "idle in transaction"
            ended = len((await connection.execute(text(f"{END_OTHERS} AND state = '{wanted}'"))).all())
    cut.set()
    with pytest.raises(Exception) as failed:  # noqa: PT011 - of which kind is what is asked
        await running
    assert is_connection_error(failed.value), repr(failed.value)
    with pytest.raises(AssayError) as told, database.away_is_unavailable():
        raise failed.value
    assert told.value.reason == "DATABASE_UNAVAILABLE"
    async with engine.connect() as again:
        assert (await again.execute(text("SELECT 1"))).scalar_one() == 1


async def test_a_pool_without_a_free_connection_is_away(database_url: str) -> None:
    async with database.engine(database_url, pool_size=1) as small, small.connect():
        small.sync_engine.pool._timeout = 0.05  # type: ignore[attr-defined]
        with pytest.raises(Exception) as failed:  # noqa: PT011 - of which kind is what is asked
            await small.connect().start()
    assert is_connection_error(failed.value)


async def test_a_cancelled_statement_passes(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        await connection.execute(text("SET LOCAL statement_timeout = '10ms'"))
        with pytest.raises(Exception) as failed:  # noqa: PT011 - of which kind is what is asked
            await connection.execute(text("SELECT pg_sleep(5)"))
    assert is_connection_error(failed.value)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.AdminShutdownError("terminating connection due to administrator command"),
        asyncpg.CrashShutdownError("terminating connection because of crash of another server process"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
        asyncpg.DiskFullError("could not extend file"),
        asyncpg.PostgresIOError("could not write"),
        asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction"),
        asyncpg.InterfaceError("cannot perform operation: connection is closed"),
        asyncpg.InterfaceError("cannot perform operation: another operation is in progress"),
        asyncpg.InternalClientError("got result for unknown protocol state 3"),
        ConnectionResetError(),
        BrokenPipeError(),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_server_that_goes_or_comes_is_away(error: Exception) -> None:
    assert is_connection_error(error)
    assert not is_conflict_error(error)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.exceptions._base.DataError("invalid input for query argument $1: closed (value out of int32 range)"),
        asyncpg.InterfaceError("the server expects 6 arguments for this query, 3 were passed"),
        asyncpg.UniqueViolationError("duplicate key"),
        asyncpg.CharacterNotInRepertoireError("invalid byte sequence"),
        asyncpg.InternalServerError("cache lookup failed"),
        ValueError("wrong"),
        KeyError("bug"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_is_wrong_with_the_statement_or_the_program_is_neither(error: Exception) -> None:
    assert not is_connection_error(error)
    assert not is_conflict_error(error)
    with pytest.raises(type(error)), database.away_is_unavailable():
        raise error


@pytest.mark.parametrize("error", [asyncpg.UndefinedTableError("no such table"), asyncpg.InvalidSchemaNameError("no such schema")])
def test_tables_that_are_not_made_yet_are_no_bug_of_who_asks_for_them(error: Exception) -> None:
    assert not is_connection_error(error)  # whoever prepares the database must hear of it
    with pytest.raises(AssayError) as told, database.away_is_unavailable():
        raise error
    assert told.value.reason == "DATABASE_UNAVAILABLE"


async def test_values_that_cannot_be_sent_are_the_statements_fault(engine: AsyncEngine) -> None:
    for statement, value in (("SELECT CAST(:value AS int)", 2**40), ("SELECT CAST(:value AS text)", "nul\0")):
        with pytest.raises(Exception) as failed:  # noqa: PT011 - of which kind is what is asked
            async with engine.connect() as connection:
                await connection.execute(text(statement), {"value": value})
        assert not is_connection_error(failed.value)
        assert not is_conflict_error(failed.value)


async def test_a_deadlock_and_a_lock_that_is_not_to_be_had_are_conflicts(engine: AsyncEngine) -> None:
    async def lock_both(first: int, second: int, has_one: asyncio.Event, other_has_one: asyncio.Event) -> None:
        async with engine.begin() as connection:
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({first})"))
            has_one.set()
            await other_has_one.wait()
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({second})"))

    one, two = asyncio.Event(), asyncio.Event()
    found = await asyncio.gather(lock_both(1, 2, one, two), lock_both(2, 1, two, one), return_exceptions=True)
    (error,) = [result for result in found if isinstance(result, BaseException)]
    assert is_conflict_error(error)
    assert not is_connection_error(error)

    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE held (x int)"))
    async with engine.begin() as holder:
        await holder.execute(text("LOCK TABLE held"))
        async with engine.connect() as connection:
            await connection.execute(text("SET LOCAL lock_timeout = '20ms'"))
            with pytest.raises(Exception) as failed:  # noqa: PT011 - of which kind is what is asked
                await connection.execute(text("LOCK TABLE held"))
    assert is_conflict_error(failed.value)


def test_a_statement_prepared_before_a_migration_is_a_conflict() -> None:
    error = asyncpg.InvalidCachedStatementError("cached statement plan is invalid due to a database schema change")
    assert is_conflict_error(error)
    assert not is_connection_error(error)
