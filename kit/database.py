"""PostgreSQL: an engine, migrations of one service's schema, and advisory locks by name."""

import hashlib
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import resources

import asyncpg
from sqlalchemy import URL, event, text
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from kit import tls
from kit.driver_errors import is_away
from kit.errors import AssayError, Kind

# Statements of one process at a time; PostgreSQL serves each from a process of its own.
POOL_SIZE_MAX = 8
CONNECT_TIMEOUT_S = 10.0
# What a caller should wait before it asks again.
RETRY_AFTER_S = 1.0
# Older servers lack what partitions need, newer ones are untried.
SERVER_VERSION_MIN = 15
SERVER_VERSION_MAX = 18
# Transactions that met: rolled back since they stood in each other's way (40), or a lock that was not to be had in time (55P03).
_CONFLICT_STATES = ("40", "55P03")


def _driver_error(error: BaseException) -> BaseException:
    """The driver's error that SQLAlchemy's stands for, or the error itself."""
    while isinstance(error, (DBAPIError, AsyncAdapt_asyncpg_dbapi.Error)) and error.__cause__ is not None:
        error = error.__cause__
    return error


def is_connection_error(error: BaseException) -> bool:
    """Whether the database was out of reach or going down, so that the same statement may go through later."""
    cause = _driver_error(error)
    return is_away(cause) or isinstance(cause, PoolTimeoutError)


def is_conflict_error(error: BaseException) -> bool:
    """Whether transactions stood in each other's way, so that this one may go through when it is tried again."""
    cause = _driver_error(error)
    if isinstance(cause, asyncpg.InvalidCachedStatementError):
        return True  # a migration has changed a table under a prepared statement, which the driver now forgets
    return isinstance(cause, asyncpg.PostgresError) and (cause.sqlstate or "").startswith(_CONFLICT_STATES)


def cannot_answer_yet(error: BaseException) -> bool:
    """Whether the database was out of reach, or without the tables: a service answers before it has made them."""
    cause = _driver_error(error)
    return is_connection_error(cause) or isinstance(cause, (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError))


@contextmanager
def away_is_unavailable() -> Iterator[None]:
    """Turns the errors of a database that cannot answer yet into UNAVAILABLE DATABASE_UNAVAILABLE, for callers to try again."""
    try:
        yield
    except Exception as error:
        if cannot_answer_yet(error):
            message = "the database cannot be reached: try again in a moment"
            raise AssayError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE", message, retry_after_s=RETRY_AFTER_S) from error
        raise


@asynccontextmanager
async def engine(
    url: str, *, name: str = "assay", pool_size: int = POOL_SIZE_MAX, files: tls.ClientFiles | None = None
) -> AsyncIterator[AsyncEngine]:
    """Connections to `url` (postgresql+asyncpg://…), closed when the block is left. `name` shows in pg_stat_activity.

    With files for TLS there are no plain ones, and the server must show a certificate for its host. Raises TLS_FILES_UNUSABLE or
    DATABASE_WITHOUT_TLS.
    """
    made = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={"timeout": CONNECT_TIMEOUT_S, "server_settings": {"application_name": name, "jit": "off"}},
    )
    _encrypt(made, files)
    try:
        yield made
    finally:
        await made.dispose()


def _encrypt(engine: AsyncEngine, files: tls.ClientFiles | None) -> None:
    """Has each new connection made with the files as they then are."""
    if files is None:
        return
    _require_host(engine.url)
    contexts = tls.client_contexts(files)

    @event.listens_for(engine.sync_engine, "do_connect")
    def connect(_dialect: object, _record: object, _args: object, arguments: dict[str, object]) -> None:
        arguments["ssl"] = contexts.current


def _require_host(url: URL) -> None:
    """The driver would leave TLS out on a Unix socket without a word."""
    hosts = [url.host or "", *_all(url.query.get("host", ()))]
    if not any(hosts) or any(host.startswith("/") for host in hosts):
        message = (
            "PostgreSQL has no TLS on a Unix socket, as of the embedded server, which no other machine can reach: "
            "leave ASSAY_DATABASE_TLS_CA unset, or set ASSAY_DATABASE_URL to a server on the network"
        )
        raise AssayError(Kind.FAILED_PRECONDITION, "DATABASE_WITHOUT_TLS", message)


def _all(given: str | Iterable[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


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


async def migrate(url: str, *, schema: str, package: str, files: tls.ClientFiles | None = None) -> None:
    """Brings `schema` to the newest version that `package` (a dotted path with `versions`) knows.

    Processes that start together take turns. Raises FAILED_PRECONDITION for a schema that is newer than this program.
    """
    own = create_async_engine(url, poolclass=NullPool, connect_args={"timeout": CONNECT_TIMEOUT_S})
    _encrypt(own, files)
    try:
        async with own.begin() as connection:
            await check_server(connection)
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key(f"migrate {schema}")})
            await connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
            if await _version(connection, schema) == newest_version(package):
                return
            from kit import migrations  # noqa: PLC0415 - Alembic takes a second to load, and mostly there is nothing to do

            await connection.run_sync(migrations.upgrade, schema, package)
    finally:
        await own.dispose()


async def _version(connection: AsyncConnection, schema: str) -> str | None:
    """The schema's version, None where it has none yet."""
    if await connection.scalar(text("SELECT to_regclass(:name)"), {"name": f"{schema}.alembic_version"}) is None:
        return None
    version: str | None = await connection.scalar(text(f'SELECT version_num FROM "{schema}".alembic_version'))
    return version


def newest_version(package: str) -> str:
    """The newest version that a package of migrations knows: their files are numbered."""
    names = [entry.name for entry in resources.files(f"{package}.versions").iterdir()]
    return max(name.partition("_")[0] for name in names if name[:1].isdigit())


async def number(engine: AsyncEngine, statement: str) -> int:
    """The whole number that a statement answers, 0 for none."""
    async with engine.connect() as connection:
        return int(await connection.scalar(text(statement)) or 0)


async def vacuum(engine: AsyncEngine, *tables: str) -> None:
    """Frees what deleted rows of the tables took, as PostgreSQL does by itself now and then."""
    async with engine.connect() as connection:
        plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await plain.execute(text(f"VACUUM {', '.join(tables)}"))
