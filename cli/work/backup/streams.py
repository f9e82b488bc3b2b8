"""What the bus holds and the database may not: calls and evidence that are not stored yet, and contents that wait to be read."""

import zipfile
from collections.abc import Iterator, Sequence
from itertools import islice

from sqlalchemy.ext.asyncio import AsyncEngine

from cli.work.backup import archive as archives
from cli.work.backup.archive import Message, StreamEntry
from kit.bus import Bus
from services.collector import streams
from services.collector.settings import CollectorSettings
from services.collector.store import messages as message_store

# Messages whose claims are looked up together.
LOOKED_UP_MAX = 1_000
MESSAGE_ID = "Nats-Msg-Id"
_WHOLE = ">"


async def save(bus: Bus, archive: zipfile.ZipFile) -> list[StreamEntry]:
    """Writes the messages of the ingest stream that are not stored, and then all contents.

    To be done before the database's snapshot is taken: what is acknowledged by now, and is not among the messages by then, is in the
    snapshot. A message may be in both, and restoring tells by its claim.
    """
    saved = []
    for name in (streams.INGEST, streams.CONTENT):
        if await bus.has_stream(name):
            state = await bus.stream_state(name)
            first = await bus.consumer(name, streams.WRITER).floor() + 1 if name == streams.INGEST else state.first_sequence
            count = await _save(bus, archive, name, first, state.last_sequence)
            saved.append(StreamEntry(name, state.incarnation, count))
    return saved


async def _save(bus: Bus, archive: zipfile.ZipFile, name: str, first: int, last: int) -> int:
    count, sequence = 0, max(first, 1)
    with archives.member(archive, _member(name)) as file:
        while sequence <= last:
            found = await bus.next_message(name, _WHOLE, sequence)
            if found is None or found.seq is None or found.seq > last:
                break
            message = Message(str(found.subject), found.seq, _sent_headers(found.headers or {}), found.data or b"")
            archives.write_message(file, message)
            count, sequence = count + 1, found.seq + 1
    return count


async def give_back(
    bus: Bus, engine: AsyncEngine, archive: zipfile.ZipFile, saved: Sequence[StreamEntry], settings: CollectorSettings
) -> int:
    """Publishes what the restored database does not have; returns how many messages of calls and evidence.

    Where the bus is the one that was there before, it has them still, and those that came after the backup as well: the writer is given
    all that is there once more, and stores what it does not know.
    """
    replica_count = settings.stream_replica_count
    for config in (streams.ingest_stream(settings.stream_bytes_max, replica_count), streams.content_stream(replica_count)):
        if not await bus.has_stream(str(config.name)):
            await bus.ensure_stream(config)
    published = 0
    for stream in saved:
        state = await bus.stream_state(stream.name)
        kept_from = state.first_sequence if state.incarnation == stream.incarnation else None
        for some in _some(archives.messages(archive, _member(stream.name))):
            stored = await message_store.stored_of(engine, stream.incarnation, [message.sequence for message in some])
            for message in some:
                is_there = kept_from is not None and message.sequence >= kept_from
                if not is_there and not (stream.name == streams.INGEST and message.sequence in stored):
                    # With its old place: done twice it is there once, and what was purged of late does not look like it.
                    known_as = f"{message.headers.get(MESSAGE_ID, '')}/{stream.incarnation}/{message.sequence}"
                    headers = {**message.headers, MESSAGE_ID: known_as}
                    await bus.publish(message.subject, message.payload, headers)
                    published += stream.name == streams.INGEST
        if kept_from is not None and stream.name == streams.INGEST:
            await bus.forget_consumer(streams.INGEST, streams.WRITER)
    return published


def _member(stream: str) -> str:
    return f"streams/{stream}"


def _sent_headers(headers: dict[str, str]) -> dict[str, str]:
    """Those that came with the message, without those that the server adds when it hands one out."""
    return {name: value for name, value in headers.items() if name == MESSAGE_ID or not name.startswith("Nats-")}


def _some(found: Iterator[Message]) -> Iterator[list[Message]]:
    while some := list(islice(found, LOOKED_UP_MAX)):
        yield some
