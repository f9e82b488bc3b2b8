"""The ledger: what was received, day by day, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import asyncpg
import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.collector.domain.batch import RecordKind
from services.collector.store.messages import MessageResult

_COUNTS = (
    "stored_count",
    "rejected_count",
    "duplicate_count",
    "dead_lettered_count",
    "client_dropped_count",
    "too_late_count",
)
_BOOK = (
    f"INSERT INTO collector.ledger AS l (project_id, receive_date, kind, {', '.join(_COUNTS)}) "
    "SELECT * FROM unnest($1::int[], $2::date[], $3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[]) "
    "ON CONFLICT (project_id, receive_date, kind) DO UPDATE SET " + ", ".join(f"{name} = l.{name} + excluded.{name}" for name in _COUNTS)
)


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """What became of the records of one day and kind, without what is in flight."""

    receive_date: date
    kind: RecordKind
    stored_count: int
    rejected_count: int
    duplicate_count: int
    dead_lettered_count: int
    client_dropped_count: int
    too_late_count: int


async def book(connection: asyncpg.Connection, results: Sequence[MessageResult]) -> None:
    """Adds the messages' counts to their days, in the order of the keys."""
    lines: dict[tuple[int, date, int], np.ndarray[tuple[int], np.dtype[np.int64]]] = {}
    for result in results:
        info = result.info
        key = (info.project_id, info.receive_date, int(info.kind))
        counts = (
            result.stored_count,
            info.rejected_count,
            result.duplicate_count,
            result.dead_lettered_count,
            info.client_dropped_count,
            result.too_late_count,
        )
        lines[key] = lines.get(key, np.zeros(len(_COUNTS), np.int64)) + counts
    rows = [(*key, *lines[key].tolist()) for key in sorted(lines)]
    await connection.execute(_BOOK, *(list(column) for column in zip(*rows, strict=True)))


async def read(engine: AsyncEngine, project_id: int, first: date | None, last: date | None) -> list[LedgerLine]:
    """The lines of the days from `first` to `last`, both included, oldest first."""
    async with engine.connect() as connection:
        rows = await connection.execute(
            text(
                f"SELECT receive_date, kind, {', '.join(_COUNTS)} FROM collector.ledger WHERE project_id = :project_id "
                "AND receive_date >= coalesce(CAST(:first AS date), '-infinity') AND receive_date <= coalesce(CAST(:last AS date), 'infinity') "
                "ORDER BY receive_date, kind"
            ),
            {"project_id": project_id, "first": first, "last": last},
        )
        return [LedgerLine(row[0], RecordKind(row[1]), *row[2:]) for row in rows]
