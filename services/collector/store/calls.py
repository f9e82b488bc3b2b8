"""The calls' rows: which ids are known, and adding a batch by COPY."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import asyncpg
import numpy as np

from services.collector.domain import call_body
from services.collector.domain.arrays import Ints
from services.collector.domain.batch import CallBatch, MessageInfo
from services.collector.domain.copy_rows import Blobs, Integers, binary_rows, days_of, texts
from services.collector.store.partitions import partition_name
from services.collector.store.sql import copy, unused_character

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
    day = days_of(receive_dates)
    for receive_date in sorted(set(receive_dates)):
        of_day = batch.keep((day == days_of([receive_date]))[batch.message])
        if len(of_day):
            await copy(connection, partition_name(receive_date), _COLUMNS, _rows(of_day, day, np.array(message_ids)))


def _rows(batch: CallBatch, day: Ints, message_id: Ints) -> bytes:
    """The calls as rows of _COLUMNS, given the day of receipt and the id of each message."""
    return binary_rows(
        [
            Integers(batch.start_us, 8),
            Integers(day[batch.message], 4),
            Integers(message_id[batch.message], 4),
            Integers(batch.series_id, 4),
            Integers(batch.outcome, 2),
            texts(batch.call_id),
            texts(batch.task_ids()),
            texts(batch.agent),
            texts(batch.error_type),
            Blobs(*call_body.encode(batch.numbers)),
            texts(batch.extras),
        ]
    )
