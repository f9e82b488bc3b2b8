"""PostgreSQL: an engine, migrations of one service's schema, and advisory locks by name."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from kit.errors import AssayError, Kind

# Statements of one process at a time; PostgreSQL serves each from a process of its own.
POOL_SIZE_MAX = 8
CONNECT_TIMEOUT_S = 10.0
# What a caller should wait before it asks again.
RETRY_AFTER_S = 1.0
# Older servers lack what partitions need, newer ones are untried.
SERVER_VERSION_MIN = 15
SERVER_VERSION_MAX = 18
_LOST = (ConnectionError, OSError, asyncio.TimeoutError, InterfaceError, OperationalError, asyncpg.InterfaceError)


def is_connection_error(error: BaseException) -> bool:
    """Whether the database was out of reach or going down, so that the same statement may go through later."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    cause = error.__cause__ if isinstance(error, DBAPIError) else error
    cause = getattr(cause, "__cause__", None) or cause
    if isinstance(cause, asyncpg.PostgresError):
        # Classes 08 (connection), 53 (no resources) and 57P (the operator intervened); anything else is about the statement itself.
        return (cause.sqlstate or "").startswith(("08", "53", "57P"))
    return isinstance(error, _LOST) or isinstance(cause, _LOST)


@contextmanager
def away_is_unavailable() -> Iterator[None]:
    """Turns the errors of a database that is out of reach into UNAVAILABLE DATABASE_UNAVAILABLE, for callers to try again."""
    try:
        yield
    except Exception as error:
        if is_connection_error(error):
            message = "the database cannot be reached: try again in a moment"
            raise AssayError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE", message, retry_after_s=RETRY_AFTER_S) from error
        raise


@asynccontextmanager
async def engine(url: str, *, name: str = "assay", pool_size: int = POOL_SIZE_MAX) -> AsyncIterator[AsyncEngine]:
    """Connections to `url` (postgresql+asyncpg://…), closed when the block is left. `name` shows in pg_stat_activity."""
    made = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={"timeout": CONNECT_TIMEOUT_S, "server_settings": {"application_name": name, "jit": "off"}},
    )
    try:
        yield made
    finally:
        await made.dispose()


async def check_server(connection: AsyncConnection) -> None:
    """Raises FAILED_PRECONDITION if the server's version is none that Assay runs on."""
    number = int((await connection.execute(text("SHOW server_version_num"))).scalar_one()) // 10_000
    if not SERVER_VERSION_MIN <= number <= SERVER_VERSION_MAX:
        raise AssayError(
            Kind.FAILED_PRECONDITION,
            "DATABASE_VERSION_UNSUPPORTED",
            f"PostgreSQL {number} is not supported: use {SERVER_VERSION_MIN} to {SERVER_VERSION_MAX}",
        )


def lock_key(name: str) -> int:
    """The advisory lock of a name: the first eight bytes of its hash, as PostgreSQL's bigint."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)


async def migrate(url: str, *, schema: str, package: str) -> None:
    """Brings `schema` to the newest version that `package` (a dotted path with `versions`) knows.

    Processes that start together take turns. Raises FAILED_PRECONDITION for a schema that is newer than this program.
    """
    own = create_async_engine(url, poolclass=NullPool, connect_args={"timeout": CONNECT_TIMEOUT_S})
    try:
        async with own.begin() as connection:
            await check_server(connection)
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key(f"migrate {schema}")})
            await connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
            await connection.run_sync(_upgrade, schema, package)
    finally:
        await own.dispose()


def _upgrade(connection: Connection, schema: str, package: str) -> None:
    config = Config()
    config.set_main_option("script_location", f"{package}:")
    script = ScriptDirectory.from_config(config)
    known = {revision.revision for revision in script.walk_revisions()}

    def steps(current: tuple[str, ...], _context: object) -> list[object]:
        unknown = set(current) - known
        if unknown:
            raise AssayError(
                Kind.FAILED_PRECONDITION,
                "SCHEMA_NEWER",
                f"the database's schema {schema} is at version {', '.join(unknown)}, which this version of Assay does not know: "
                "start the newer version that made it",
            )
        return list(script._upgrade_revs("head", current))  # type: ignore[arg-type]  # noqa: SLF001 - Alembic's own commands do the same

    with EnvironmentContext(config, script, fn=steps) as environment:
        environment.configure(
            connection=connection,
            version_table="alembic_version",
            version_table_schema=schema,
            transaction_per_migration=False,
        )
        with environment.begin_transaction():
            environment.run_migrations()
