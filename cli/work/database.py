"""Finds the database and does what `assay db` offers."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from cli.work.output import Json, print_json, print_table, step_progress
from kit import database
from kit.embedded.datadir import DataDir, read_run
from kit.errors import AssayError, Kind
from kit.settings import TlsSettings, load
from kit.tls import ClientFiles
from services.collector import rebuild as rebuilding
from services.collector.domain.windows import Retention
from services.collector.rebuild import RebuildReport
from services.collector.settings import CollectorSettings

DATABASE_URL_SETTING = "ASSAY_DATABASE_URL"
# Which schema is made by which migrations, one for each service.
SCHEMAS = {service: f"services.{service}.migrations" for service in ("collector", "analyzer", "alerter", "reporter")}

Result = TypeVar("Result")

_SIZES = text(
    """
    SELECT sum(pg_total_relation_size(c.oid))::bigint, count(*)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = :schema AND c.relkind = 'r'
    """
)


def database_url(data_dir: Path) -> str:
    """The URL of the setting, or of the suite that runs on the data directory. Raises NOT_RUNNING, DATABASE_ELSEWHERE."""
    url = os.environ.get(DATABASE_URL_SETTING)
    if url:
        return url
    own = read_run(data_dir).processes.get("postgres")
    if own is None:
        message = f"this suite uses a database elsewhere: set {DATABASE_URL_SETTING} as for `assay up`"
        raise AssayError(Kind.FAILED_PRECONDITION, "DATABASE_ELSEWHERE", message)
    shown = make_url(own.url)
    password = DataDir(data_dir.expanduser().resolve(), Path(str(shown.query["host"]))).secret("postgres_application")
    return shown.set(password=password).render_as_string(hide_password=False)


def database_tls() -> ClientFiles | None:
    """How the database of the setting is reached by TLS. The suite's own has none."""
    return load(TlsSettings).database_tls if os.environ.get(DATABASE_URL_SETTING) else None


def migrate(data_dir: Path, *, json: bool) -> None:
    """Brings every schema to its newest version and prints which that is."""
    url, files = database_url(data_dir), database_tls()

    async def work() -> None:
        for schema, package in SCHEMAS.items():
            await database.migrate(url, schema=schema, package=package, files=files)

    _run(url, work)
    show_status(data_dir, json=json)


def show_status(data_dir: Path, *, json: bool) -> None:
    """Prints the server's version and each schema's version, tables and size."""
    url, files = database_url(data_dir), database_tls()

    async def work() -> Json:
        async with database.engine(url, name="assay db", pool_size=1, files=files) as engine, engine.connect() as connection:
            server = (await connection.execute(text("SHOW server_version"))).scalar_one()
            return {"server_version": server, "schemas": [await schema_state(connection, name) for name in SCHEMAS]}

    found = _run(url, work)
    if json:
        print_json(found)
        return
    print(f"PostgreSQL {found['server_version']}")
    rows = ([each["schema"], each["version"], each["table_count"], each["bytes"] / 1_000_000] for each in found["schemas"])
    print_table(("schema", "version", "tables", "MB"), ([*row[:3], f"{row[3]:,.1f}"] for row in rows), empty="")


def rebuild(data_dir: Path, project: str | None, start: datetime | None, end: datetime | None, *, check: bool, json: bool) -> bool:
    """Rebuilds roll-ups, prints what was found, and tells whether anything differed."""
    url, files = database_url(data_dir), database_tls()
    settings = CollectorSettings(database_url=SecretStr(url), nats_url=SecretStr(""))
    retention = Retention(minute_days=settings.minutes_kept_days, fifteen_minutes_days=settings.quarters_kept_days)

    async def work() -> RebuildReport:
        with step_progress("Rebuilding") as progress:
            async with database.engine(url, name="assay db rebuild", files=files) as engine:
                return await rebuilding.rebuild(
                    engine, project=project, start=start, end=end, check=check, progress=progress, retention=retention
                )

    found = _run(url, work)
    if json:
        print_json(asdict(found))
    else:
        print(f"{found.differing_window_count:,} windows differ; {found.mended_chunk_count:,} chunks mended")
        print(f"{found.refused_chunk_count:,} chunks differ and stay as they are, since calls of theirs are past retention")
    return found.differing_window_count > 0


async def schema_state(connection: AsyncConnection, schema: str) -> Json:
    """A schema's version, None where it was never made."""
    size_bytes, table_count = (await connection.execute(_SIZES, {"schema": schema})).one()
    version = None
    if table_count:
        version = (await connection.execute(text(f'SELECT version_num FROM "{schema}".alembic_version'))).scalar_one()  # noqa: S608 - one of ours
    return {"schema": schema, "version": version, "table_count": table_count, "bytes": size_bytes or 0}


def _run(url: str, work: Callable[[], Awaitable[Result]]) -> Result:
    """Does the work in an event loop; a database that is out of reach is one line."""

    async def run() -> Result:
        try:
            return await work()
        except Exception as error:
            if not database.is_connection_error(error):
                raise
            shown = make_url(url).render_as_string()
            message = f"cannot reach the database at {shown}: {error.__cause__ or error}"
            raise AssayError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE", message) from error

    return asyncio.run(run())
