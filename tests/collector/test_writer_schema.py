"""The migrations make what tables.py describes, since the one is frozen and the other goes on changing."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from kit import database
from kit.embedded.stack import Stack
from services.collector.access import tables as access_tables
from services.collector.tables import metadata

assert access_tables  # its tables are part of the metadata

_COLUMNS = text(
    "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, l.collname, c.relkind, "
    "pg_get_partkeydef(c.oid), pg_get_expr(d.adbin, d.adrelid) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
    "LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum "
    "LEFT JOIN pg_collation l ON l.oid = a.attcollation WHERE c.relnamespace = 'collector'::regnamespace AND a.attnum > 0 "
    "AND c.relkind IN ('r', 'p') AND c.relname <> 'alembic_version' ORDER BY 1, a.attnum"
)
_INDEXES = text("SELECT indexdef FROM pg_indexes WHERE schemaname = 'collector' AND tablename <> 'alembic_version' ORDER BY 1")


def _difference(connection: Connection) -> list[object]:
    context = MigrationContext.configure(
        connection, opts={"include_schemas": True, "include_name": _is_ours, "compare_server_default": True}
    )
    return list(compare_metadata(context, metadata))


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    return name == "collector" if kind == "schema" else name != "alembic_version"


async def test_a_migrated_database_is_what_the_tables_say(stack: Stack) -> None:
    migrated_url = await stack.create_database("schema_migrated")
    made_url = await stack.create_database("schema_made")
    await database.migrate(migrated_url, schema="collector", package="services.collector.migrations")
    described = []
    for url in (migrated_url, made_url):
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            if url == made_url:
                await connection.execute(text("CREATE SCHEMA collector"))
                await connection.run_sync(metadata.create_all)
            else:
                assert await connection.run_sync(_difference) == []
            columns = [tuple(row) for row in await connection.execute(_COLUMNS)]
            described.append((columns, list(await connection.scalars(_INDEXES))))
        await engine.dispose()
    assert described[0][0] == described[1][0]
    assert described[0][1] == described[1][1]
    assert len(described[0][0]) > 100


async def test_blobs_are_not_compressed_again(stack: Stack) -> None:
    url = await stack.create_database("schema_storage")
    await database.migrate(url, schema="collector", package="services.collector.migrations")
    async with database.engine(url) as engine, engine.connect() as connection:
        found = await connection.execute(
            text(
                "SELECT attrelid::regclass::text || '.' || attname FROM pg_attribute "
                "WHERE attrelid IN ('collector.rollup'::regclass, 'collector.rollup_pending'::regclass) AND attstorage = 'e' ORDER BY 1"
            )
        )
        assert list(found.scalars()) == ["collector.rollup.entries", "collector.rollup.measures", "collector.rollup_pending.body"]
