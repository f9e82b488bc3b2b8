"""TLS to PostgreSQL: the server is checked, plain connections are not made, and renewed files are taken up."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database
from kit.errors import AssayError
from kit.tls import ClientFiles
from tests.certificates import Authority
from tests.system_postgres import USER, SystemPostgres, system_postgres

ACCESS = f"""
host    postgres     {USER} 127.0.0.1/32 scram-sha-256
hostssl tls_only     {USER} 127.0.0.1/32 scram-sha-256 clientcert=verify-ca
"""
ENCRYPTED = text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
SHOWN = text("SELECT client_serial::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()")


@pytest_asyncio.fixture(scope="module")
async def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest_asyncio.fixture(scope="module")
async def ours(directory: Path) -> Authority:
    return Authority(directory, "ours")


@pytest_asyncio.fixture(scope="module")
async def server(directory: Path, ours: Authority) -> AsyncIterator[SystemPostgres]:
    async with system_postgres(directory / "server", ACCESS, ours.server_files(client_ca=ours, hosts=("127.0.0.1",))) as running:
        await running.create_database("tls_only")
        yield running


async def test_a_connection_is_encrypted_and_the_server_checked(server: SystemPostgres, ours: Authority) -> None:
    async with database.engine(server.url(), files=ours.client_files()) as engine, engine.connect() as connection:
        assert await connection.scalar(ENCRYPTED) is True


async def test_migrations_go_the_same_way(server: SystemPostgres, ours: Authority) -> None:
    files = ours.client_files(ours.pair("own", "collector"))
    migrations = "services.collector.migrations"
    await database.migrate(server.url("tls_only"), schema="collector", package=migrations, files=files)
    async with database.engine(server.url("tls_only"), files=files) as engine, engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM collector.project")) == 0


async def why_not(url: str, files: ClientFiles | None) -> str:
    """Why the database cannot be used."""
    async with database.engine(url, files=files) as engine:
        try:
            async with engine.connect():
                return ""
        except (OSError, DBAPIError, asyncpg.PostgresError) as error:
            return str(error)


async def test_a_server_that_is_not_to_be_trusted_is_not_told_the_password(server: SystemPostgres, ours: Authority, tmp_path: Path) -> None:
    theirs = Authority(tmp_path, "theirs")
    assert "certificate verify failed" in await why_not(server.url(), theirs.client_files())
    assert "Hostname mismatch" in await why_not(server.url(host="localhost"), ours.client_files())


async def test_a_client_certificate_is_shown_where_the_server_asks_for_one(server: SystemPostgres, ours: Authority) -> None:
    url = server.url("tls_only")
    assert "certificate" in await why_not(url, ours.client_files())
    assert await why_not(url, ours.client_files(ours.pair("own", "collector"))) == ""


async def test_a_server_without_tls_is_refused(tmp_path: Path, ours: Authority) -> None:
    async with system_postgres(tmp_path, ACCESS) as plain:
        assert "rejected SSL upgrade" in await why_not(plain.url(), ours.client_files())
        assert await why_not(plain.url(), None) == ""


async def shown_serial(engine: AsyncEngine) -> int:
    """The serial number of the client's certificate in a new connection, as the server sees it."""
    await engine.dispose()
    async with engine.connect() as connection:
        return int(await connection.scalar(SHOWN) or 0)


async def test_a_renewed_certificate_is_shown_in_the_next_connection(server: SystemPostgres, ours: Authority) -> None:
    own = ours.pair("renewed", "collector")
    async with database.engine(server.url("tls_only"), files=ours.client_files(own)) as engine:
        before = own.serial
        assert await shown_serial(engine) == before
        ours.pair("renewed", "collector")
        assert await shown_serial(engine) == own.serial != before
        kept = own.serial
        own.key.write_text("half a k")
        assert await shown_serial(engine) == kept


@pytest.mark.parametrize(
    "url", ["postgresql+asyncpg://u:p@/d?host=/run/postgres", "postgresql+asyncpg:///d", "postgresql+asyncpg://u@/d?host=a:1&host=/b:2"]
)
async def test_tls_over_a_unix_socket_is_one_clear_refusal(url: str, tmp_path: Path) -> None:
    files = Authority(tmp_path, "ours").client_files()
    with pytest.raises(AssayError, match="ASSAY_DATABASE_TLS_CA unset") as refused:
        async with database.engine(url, files=files):
            pass
    assert refused.value.reason == "DATABASE_WITHOUT_TLS"
