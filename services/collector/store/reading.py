"""What the stores that only read share."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Column, ColumnElement, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit.database import away_is_unavailable


@asynccontextmanager
async def snapshot(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A connection on which every statement sees the database as it was at the first one. Raises DATABASE_UNAVAILABLE."""
    with away_is_unavailable():
        async with engine.connect() as connection:
            # The options last until the connection goes back to the pool.
            yield await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def is_any(column: Column[Any], values: Sequence[object]) -> ColumnElement[bool]:
    """Whether a column is one of the values; as an array, since many values would be as many parameters."""
    return column == any_(literal(list(values), ARRAY(column.type)))
