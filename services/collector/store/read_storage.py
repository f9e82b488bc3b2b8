"""Reading how much the tables hold."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.collector.store.reading import snapshot

# A partition counts with its table. A table that was never analysed says -1 rows.
_TABLES = text(
    "SELECT coalesce(parent.relname, part.relname) AS name, sum(pg_total_relation_size(part.oid)), sum(greatest(part.reltuples, 0)) "
    "FROM pg_class part JOIN pg_namespace schema ON schema.oid = part.relnamespace "
    "LEFT JOIN pg_inherits ON inhrelid = part.oid LEFT JOIN pg_class parent ON parent.oid = inhparent "
    "WHERE schema.nspname = 'collector' AND part.relkind = 'r' GROUP BY name ORDER BY 2 DESC, name"
)
_DATABASE = text("SELECT pg_database_size(current_database())")


@dataclass(frozen=True, slots=True)
class TableSize:
    """A table with its partitions and indexes; the rows are an estimate."""

    name: str
    byte_count: int
    row_count: int


class StorageReader:
    """Asks PostgreSQL's catalogue."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def sizes(self) -> tuple[int, Sequence[TableSize]]:
        """Bytes of the whole database, and the collector's tables, the largest first."""
        async with snapshot(self._engine) as connection:
            tables = [TableSize(str(row[0]), int(row[1]), int(row[2])) for row in await connection.execute(_TABLES)]
            return int((await connection.execute(_DATABASE)).scalar_one()), tables
