"""The migrations make what tables.py describes, since the one is frozen and the other goes on changing, and may take their time."""

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from kit import database
from kit.bus import Bus
from kit.embedded.stack import Stack
from services.analyzer import watch
from services.analyzer.app import MIGRATIONS, SCHEMA, analyzer
from services.analyzer.settings import AnalyzerSettings
from services.analyzer.tables import metadata
from services.collector.access.keys import new_secret
from tests.analyzer.service.site import eventually

_COLUMNS = text(
    "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, l.collname, "
    "pg_get_expr(d.adbin, d.adrelid) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
    "LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum LEFT JOIN pg_collation l ON l.oid = a.attcollation "
    "WHERE c.relnamespace = 'analyzer'::regnamespace AND a.attnum > 0 AND c.relkind = 'r' AND c.relname <> 'alembic_version' "
    "ORDER BY 1, a.attnum"
)
_INDEXES = text("SELECT indexdef FROM pg_indexes WHERE schemaname = 'analyzer' AND tablename <> 'alembic_version' ORDER BY 1")


def _difference(connection: Connection) -> list[object]:
    context = MigrationContext.configure(
        connection, opts={"include_schemas": True, "include_name": _is_ours, "compare_server_default": True}
    )
    return list(compare_metadata(context, metadata))


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    return name == SCHEMA if kind == "schema" else name != "alembic_version"


async def test_a_migrated_database_is_what_the_tables_say(stack: Stack) -> None:
    described = []
    for name in ("analyzer_migrated", "analyzer_made"):
        url = await stack.create_database(name)
        is_migrated = name == "analyzer_migrated"
        if is_migrated:
            await database.migrate(url, schema=SCHEMA, package=MIGRATIONS)
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            if is_migrated:
                assert await connection.run_sync(_difference) == []
            else:
                await connection.execute(text("CREATE SCHEMA analyzer"))
                await connection.run_sync(metadata.create_all)
            described.append(([tuple(row) for row in await connection.execute(_COLUMNS)], list(await connection.scalars(_INDEXES))))
        await engine.dispose()
    (columns, indexes), (made_columns, made_indexes) = described
    assert columns == made_columns
    assert indexes == made_indexes
    assert len(described[0][0]) > 60


async def test_whoever_asks_for_tables_waits_until_they_are_made(stack: Stack, bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bus.is_connected
    monkeypatch.setattr(watch, "LOOK_EVERY_S", 0.01)
    url, lock = await stack.create_database("analyzer_late"), {"key": database.lock_key(f"migrate {SCHEMA}")}
    own = {"listen": "127.0.0.1:0", "ops_listen": "", "collector_address": "127.0.0.1:1", "service_key": new_secret()}
    async with database.engine(url) as engine, engine.connect() as connection:
        await connection.execute(text("SELECT pg_advisory_lock(:key)"), lock)
        async with analyzer(AnalyzerSettings.model_validate({"database_url": url, "nats_url": stack.nats_url, **own})):

            async def wait_for_the_lock() -> bool:
                return bool(await connection.scalar(text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")))

            await eventually(wait_for_the_lock)
            await asyncio.sleep(20 * watch.LOOK_EVERY_S)  # as many looks
            await connection.execute(text("SELECT pg_advisory_unlock(:key)"), lock)
            await connection.execute(text("SELECT pg_advisory_lock(:key)"), lock)  # when the tables are made
            assert await connection.scalar(text("SELECT to_regclass('analyzer.project')")) is not None
