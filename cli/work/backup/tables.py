"""The tables of all schemas, out of one snapshot and back into an empty database.

Which there are is asked of PostgreSQL, so that none is left out.
"""

import zipfile
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from graphlib import TopologicalSorter
from typing import IO

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cli.work.backup import archive as archives
from cli.work.backup.archive import TableEntry
from cli.work.database import SCHEMAS
from kit import migrations
from kit.database import lock_key, newest_version
from kit.errors import AssayError, Kind
from services.collector.store import partitions
from services.collector.store.sql import driver_of

VERSION_TABLE = "alembic_version"
Progress = Callable[[int, int], None]

_TABLES = (
    "SELECT n.nspname, c.relname, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
    "WHERE n.nspname = ANY($1::text[]) AND c.relkind = 'r' AND c.relname <> $2 GROUP BY 1, 2 ORDER BY 1, 2"
)
_REFERENCES = (
    "SELECT n.nspname || '.' || c.relname, m.nspname || '.' || d.relname FROM pg_constraint k "
    "JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
    "JOIN pg_class d ON d.oid = k.confrelid JOIN pg_namespace m ON m.oid = d.relnamespace "
    "WHERE k.contype = 'f' AND n.nspname = ANY($1::text[]) AND c.oid <> d.oid"
)
_SEQUENCES = (
    "SELECT schemaname || '.' || sequencename, last_value FROM pg_sequences WHERE schemaname = ANY($1::text[]) AND last_value IS NOT NULL"
)
# Keeps days of calls from being dropped while they are read.
_HOLD_PARTITIONS = text("LOCK TABLE collector.call IN ACCESS SHARE MODE")
_LOCK = text("SELECT pg_advisory_xact_lock(:key)")


async def versions(connection: AsyncConnection) -> dict[str, str]:
    """The version of each schema that is there."""
    found: dict[str, str] = {}
    for schema in SCHEMAS:
        if await connection.scalar(text("SELECT to_regclass(:name)"), {"name": f"{schema}.{VERSION_TABLE}"}) is not None:
            statement = text(f'SELECT version_num FROM "{schema}".{VERSION_TABLE}')  # noqa: S608 - one of ours
            found[schema] = (await connection.execute(statement)).scalar_one()
    return found


@asynccontextmanager
async def snapshot(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection that sees the database as it was at the first statement. Raises BACKUP_NOTHING_THERE."""
    async with engine.connect() as connection:
        if "collector" not in await versions(connection):
            message = "there is nothing to back up: the database has no tables of Assay's"
            raise AssayError(Kind.FAILED_PRECONDITION, "BACKUP_NOTHING_THERE", message)
        await connection.rollback()
        await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        await connection.execute(_HOLD_PARTITIONS)
        yield connection


async def dump(connection: AsyncConnection, archive: zipfile.ZipFile, progress: Progress) -> tuple[list[TableEntry], dict[str, int]]:
    """Writes all tables, and returns them with the last numbers of all sequences."""
    driver = await driver_of(connection)
    schemas = list(SCHEMAS)
    found = [TableEntry(*row) for row in await driver.fetch(_TABLES, schemas, VERSION_TABLE)]
    written = []
    for number, table in enumerate(found):
        with archives.member(archive, table.member) as file:

            async def write(data: bytes, file: IO[bytes] = file) -> None:
                file.write(data)

            copied = await driver.copy_from_table(
                table.name, schema_name=table.schema, columns=list(table.columns), output=write, format="binary"
            )
        written.append(replace(table, row_count=int(copied.split()[-1])))
        progress(number + 1, len(found))
    # Read last: a number that was given since the snapshot is not given again either.
    return written, dict(map(tuple, await driver.fetch(_SEQUENCES, schemas)))


async def make_schemas(connection: AsyncConnection, found: Mapping[str, str]) -> None:
    """Makes empty schemas of these versions. Whoever starts meanwhile waits. Raises RESTORE_NOT_EMPTY, SCHEMA_NEWER."""
    for schema in sorted(SCHEMAS):
        await connection.execute(_LOCK, {"key": lock_key(f"migrate {schema}")})
    there = await versions(connection)
    if there:
        message = f"the database has tables of Assay's already ({', '.join(sorted(there))}): restore into an empty one"
        raise AssayError(Kind.FAILED_PRECONDITION, "RESTORE_NOT_EMPTY", message)
    for schema, version in found.items():
        package = SCHEMAS.get(schema, "")
        if not package or version > newest_version(package):
            message = f"the backup has {schema} at version {version}, which this version of Assay does not know: use the newer one"
            raise AssayError(Kind.FAILED_PRECONDITION, "BACKUP_NEWER", message)
        await connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
        await connection.run_sync(migrations.upgrade, schema, package, version)


async def load(connection: AsyncConnection, archive: zipfile.ZipFile, tables: Sequence[TableEntry], progress: Progress) -> None:
    """Fills the tables, those that others refer to first, and makes the days of calls."""
    driver = await driver_of(connection)
    known = {(row[0], row[1]) for row in await driver.fetch(_TABLES, list(SCHEMAS), VERSION_TABLE)}
    for table in tables:
        if table.schema == "collector" and partitions.is_partition(table.name):
            await partitions.create(connection, partitions.partition_date(table.name))
        elif (table.schema, table.name) not in known:
            raise ValueError(f"there is no table {table.schema}.{table.name} in this version")
    ordered = _ordered(tables, [tuple(row) for row in await driver.fetch(_REFERENCES, list(SCHEMAS))])
    for number, table in enumerate(ordered):
        await driver.copy_to_table(
            table.name,
            schema_name=table.schema,
            columns=list(table.columns),
            source=_async(archives.pieces(archive, table.member)),
            format="binary",
        )
        progress(number + 1, len(ordered))


async def set_sequences(connection: AsyncConnection, sequences: Mapping[str, int]) -> None:
    """Has sequences go on behind the last numbers that they gave."""
    driver: asyncpg.Connection = await driver_of(connection)
    for name, last in sequences.items():
        await driver.execute("SELECT setval($1::text::regclass, $2)", name, last)


def is_calls(name: str) -> bool:
    """Whether a table of the collector's is a day of calls."""
    return partitions.is_partition(name)


def _ordered(tables: Iterable[TableEntry], references: Iterable[tuple[str, str]]) -> list[TableEntry]:
    by_name = {f"{table.schema}.{table.name}": table for table in tables}
    graph: dict[str, set[str]] = {name: set() for name in by_name}
    for name, referred in references:
        graph.setdefault(name, set()).add(referred)
    return [by_name[name] for name in TopologicalSorter(graph).static_order() if name in by_name]


async def _async(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
