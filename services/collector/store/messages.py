"""Claims on the messages of the ingest stream: a message whose row is there has been stored."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.collector.domain.batch import MessageInfo

_CLAIMED = (
    "SELECT m.stream_id, m.sequence FROM unnest($1::int[], $2::bigint[]) AS k(stream_id, sequence) "
    "JOIN collector.message m ON m.stream_id = k.stream_id AND m.sequence = k.sequence"
)
_IDS = "SELECT nextval(pg_get_serial_sequence('collector.message', 'message_id'))::int FROM generate_series(1, $1)"
_ADD = (
    "INSERT INTO collector.message (message_id, stream_id, sequence, project_id, batch_id, part, part_count, receive_time, store_time, "
    "kind, stored_count, duplicate_count, rejected_count, dead_lettered_count) OVERRIDING SYSTEM VALUE "
    "SELECT m.message_id, m.stream_id, m.sequence, m.project_id, m.batch_id, m.part, m.part_count, m.receive_time, now(), m.kind, "
    "m.stored_count, m.duplicate_count, m.rejected_count, m.dead_lettered_count FROM unnest($1::int[], $2::int[], $3::bigint[], $4::int[], "
    "$5::text[], $6::int[], $7::int[], $8::timestamptz[], $9::smallint[], $10::int[], $11::int[], $12::int[], $13::int[]) "
    "AS m(message_id, stream_id, sequence, project_id, batch_id, part, part_count, receive_time, kind, stored_count, duplicate_count, "
    "rejected_count, dead_lettered_count)"
)


@dataclass(frozen=True, slots=True)
class MessageResult:
    """What became of the records of one message."""

    message_id: int
    info: MessageInfo
    stored_count: int
    duplicate_count: int
    dead_lettered_count: int = 0
    too_late_count: int = 0


async def stream_id(engine: AsyncEngine, incarnation: str) -> int:
    """The number of a stream's incarnation, the same for all who ask."""
    async with engine.begin() as connection:
        await connection.execute(
            text("INSERT INTO collector.stream (incarnation) VALUES (:incarnation) ON CONFLICT DO NOTHING"),
            {"incarnation": incarnation},
        )
        found = await connection.execute(
            text("SELECT stream_id FROM collector.stream WHERE incarnation = :incarnation"),
            {"incarnation": incarnation},
        )
        return int(found.scalar_one())


async def first_since(engine: AsyncEngine, stream_id: int, first_sequence: int, receive_time: datetime) -> int | None:
    """The lowest sequence, from `first_sequence` on, of the stored messages received since; None if there is none."""
    async with engine.connect() as connection:
        found = await connection.execute(
            text(
                "SELECT sequence FROM collector.message WHERE stream_id = :stream_id AND sequence >= :first_sequence "
                "AND receive_time >= :receive_time ORDER BY sequence LIMIT 1"
            ),
            {"stream_id": stream_id, "first_sequence": first_sequence, "receive_time": receive_time},
        )
        return found.scalar_one_or_none()


async def stored_of(engine: AsyncEngine, incarnation: str, sequences: Sequence[int]) -> set[int]:
    """Those of the messages of a stream, as it was then, that are stored."""
    async with engine.connect() as connection:
        found = await connection.scalars(
            text(
                "SELECT m.sequence FROM collector.message m JOIN collector.stream s USING (stream_id) "
                "WHERE s.incarnation = :incarnation AND m.sequence = ANY(:sequences)"
            ),
            {"incarnation": incarnation, "sequences": list(sequences)},
        )
        return set(found)


async def claimed(connection: asyncpg.Connection, infos: Iterable[MessageInfo]) -> set[tuple[int, int]]:
    """The places of those of the messages that are stored already."""
    stream_ids, sequences = zip(*(info.place for info in infos), strict=True)
    return {(row[0], row[1]) for row in await connection.fetch(_CLAIMED, stream_ids, sequences)}


async def forget_before(connection: asyncpg.Connection, receive_date: date) -> None:
    """Removes the rows of messages received before that day, and dead letters. A claim must last as long as a message may come again."""
    await connection.execute("DELETE FROM collector.message WHERE receive_time < $1::date", receive_date)
    await connection.execute("DELETE FROM collector.dead_letter WHERE store_time < $1::date", receive_date)


async def new_ids(connection: asyncpg.Connection, count: int) -> list[int]:
    """Numbers for `count` new rows."""
    return [row[0] for row in await connection.fetch(_IDS, count)]


async def claim(connection: asyncpg.Connection, results: Sequence[MessageResult]) -> None:
    """Notes that these messages are stored. A message that somebody else has stored meanwhile is an error, which undoes the transaction."""
    columns = zip(
        *(
            (
                result.message_id,
                result.info.stream_id,
                result.info.sequence,
                result.info.project_id,
                result.info.batch_id,
                result.info.part,
                result.info.part_count,
                result.info.receive_time,
                int(result.info.kind),
                result.stored_count,
                result.duplicate_count,
                result.info.rejected_count,
                result.dead_lettered_count,
            )
            for result in results
        ),
        strict=True,
    )
    await connection.execute(_ADD, *(list(column) for column in columns))
