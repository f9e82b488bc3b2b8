"""The migrations make what tables.py describes, since the one is frozen and the other goes on changing."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from kit import database
from kit.embedded.stack import Stack
from services.reporter.app import MIGRATIONS, SCHEMA
from services.reporter.tables import metadata

TABLES = {table.name for table in metadata.sorted_tables}


def _difference(connection: Connection) -> list[object]:
    options = {"include_schemas": True, "include_name": _is_ours, "compare_server_default": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    if kind == "schema":
        return name == SCHEMA
    return kind != "table" or name in TABLES


async def test_a_migrated_database_is_what_the_tables_say(stack: Stack) -> None:
    url = await stack.create_database("reporter_schema")
    await database.migrate(url, schema=SCHEMA, package=MIGRATIONS)
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(_difference) == []
    await engine.dispose()
