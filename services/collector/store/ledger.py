"""The ledger: what was received, day by day, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import asyncpg
import numpy as np

from services.collector.domain.arrays import Ints
from services.collector.domain.batch import RecordKind
from services.collector.store.messages import MessageResult

_BOOK = (
    "INSERT INTO collector.ledger AS l (project_id, receive_date, kind, stored_count, rejected_count, duplicate_count, "
    "dead_lettered_count, client_dropped_count, too_late_count) SELECT * FROM unnest($1::int[], $2::date[], $3::smallint[], $4::bigint[], "
    "$5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[]) ON CONFLICT (project_id, receive_date, kind) DO UPDATE SET "
    "stored_count = l.stored_count + excluded.stored_count, rejected_count = l.rejected_count + excluded.rejected_count, "
    "duplicate_count = l.duplicate_count + excluded.duplicate_count, "
    "dead_lettered_count = l.dead_lettered_count + excluded.dead_lettered_count, "
    "client_dropped_count = l.client_dropped_count + excluded.client_dropped_count, "
    "too_late_count = l.too_late_count + excluded.too_late_count"
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
    lines: dict[tuple[int, date, int], Ints] = {}
    for result in results:
        info = result.info
        key = (info.project_id, info.receive_date, int(info.kind))
        counts = np.array(
            [
                result.stored_count,
                info.rejected_count,
                result.duplicate_count,
                result.dead_lettered_count,
                info.client_dropped_count,
                result.too_late_count,
            ]
        )
        lines[key] = lines[key] + counts if key in lines else counts
    rows = [(*key, *lines[key].tolist()) for key in sorted(lines)]
    await connection.execute(_BOOK, *(list(column) for column in zip(*rows, strict=True)))
