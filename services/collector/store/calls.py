"""The calls' rows: which ids are known, and adding a batch by COPY."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import asyncpg

from services.collector.domain import call_body
from services.collector.domain.batch import CallBatch, MessageInfo
from services.collector.store.partitions import partition_name
from services.collector.store.sql import unused_character

# How many days back, beside the day of receipt itself, a repeated call id is recognised: 48 hours at least.
KNOWN_DAYS = 2
_COLUMNS = (
    "start_us",
    "receive_date",
    "message_id",
    "series_id",
    "outcome",
    "call_id",
    "task_id",
    "agent",
    "error_type",
    "body",
    "extras",
)
# As one text: for each element of an array, asyncpg asks whether it is an array too, which took 6 % of the writer's time.
_KNOWN = "SELECT call_id, series_id FROM collector.call WHERE call_id = ANY(string_to_array($1, $2)) AND receive_date >= $3"
# An id that was sent again after its repeat is no longer recognised has two rows: evidence is of the first.
_PLACES = "SELECT call_id, series_id, start_us, task_id FROM collector.call WHERE call_id = ANY($1::text[]) ORDER BY receive_date DESC"


async def known_ids(connection: asyncpg.Connection, call_ids: Sequence[str], receive_date: date) -> list[tuple[str, int]]:
    """Those of the ids that were stored lately, each with its series. The caller holds the locks of the projects."""
    separator = unused_character("".join(call_ids))
    rows = await connection.fetch(_KNOWN, separator.join(call_ids), separator, receive_date - timedelta(days=KNOWN_DAYS))
    return [(row[0], row[1]) for row in rows]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call counts."""

    call_id: str
    series_id: int
    start_us: int
    task_id: str


async def places(connection: asyncpg.Connection, call_ids: Sequence[str]) -> list[Place]:
    """Where those of the calls that are stored count, whichever project they are of; the latest received come first."""
    return [Place(*row) for row in await connection.fetch(_PLACES, call_ids)]


async def add(connection: asyncpg.Connection, batch: CallBatch, messages: Sequence[MessageInfo], message_ids: Sequence[int]) -> None:
    """Adds the calls to the partitions of their days, which must exist. `message_ids` are those of `messages`, in the same order."""
    receive_dates = [message.receive_date for message in messages]
    dates = [receive_dates[message] for message in batch.message.tolist()]
    rows = zip(
        batch.start_us.tolist(),
        dates,
        [message_ids[message] for message in batch.message.tolist()],
        batch.series_id.tolist(),
        batch.outcome.tolist(),
        batch.call_id,
        batch.task_ids(),
        batch.agent,
        batch.error_type,
        call_body.encode(batch.numbers),
        batch.extras,
        strict=True,
    )
    days = set(dates)
    if len(days) == 1:
        await _copy(connection, partition_name(days.pop()), rows)
        return
    by_day: dict[date, list[tuple[object, ...]]] = {day: [] for day in sorted(days)}
    for row in rows:
        by_day[row[1]].append(row)
    for day, day_rows in by_day.items():
        await _copy(connection, partition_name(day), day_rows)


async def _copy(connection: asyncpg.Connection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    await connection.copy_records_to_table(table, schema_name="collector", columns=_COLUMNS, records=rows)
