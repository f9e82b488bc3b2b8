"""The writer: takes messages off the ingest stream and stores them, many at a time, each exactly once."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from nats.aio.msg import Msg
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database, logs, metrics
from kit.bus import Bus
from kit.errors import AssayError
from services.collector import streams
from services.collector.announce import announce_windows
from services.collector.domain.batch import MessageInfo, RecordKind
from services.collector.messages.evidence_messages import pieces
from services.collector.messages.ingest_messages import Received, call_batch, parse
from services.collector.store import messages as message_store
from services.collector.store.partitions import PartitionStore
from services.collector.store.prices import PriceVersionStore
from services.collector.store.projects import ProjectReader
from services.collector.store.series import SeriesStore
from services.collector.store.writing import Added, Prepared, WritingStore

_log = logs.get_logger(__name__)
_calls_total = metrics.counter("assay_writer_calls_total", "Calls that left the ingest stream, by what became of them", ["result"])
_commit_seconds = metrics.histogram("assay_writer_commit_seconds", "Time of one transaction of the writer")
_lag_seconds = metrics.histogram("assay_writer_lag_seconds", "Time from receipt to store of the oldest message of a transaction")

# Messages of one transaction. More calls in a transaction cost less each, and come into view later.
FETCH_MAX = 40
# How long a fetch waits for the first message; stopping waits as long.
FETCH_WAIT_S = 1.0
# Between tries while the bus or the database is away.
RETRY_S = 0.5
# So long a reason is worth keeping beside a dead letter.
REASON_BYTES_MAX = 2_000


class Writer:
    """Stores what the ingest stream holds until it is asked to stop."""

    def __init__(self, engine: AsyncEngine, bus: Bus) -> None:
        self._bus = bus
        self._consumer = bus.consumer(streams.INGEST, streams.WRITER)
        self._engine = engine
        self._projects = ProjectReader(engine)
        self._series = SeriesStore(engine)
        self._partitions = PartitionStore(engine)
        self._price_versions = PriceVersionStore(engine)
        self._store = WritingStore(engine, self._series)
        self._stream_id: int | None = None
        self._stream_seen = (0, 0)

    async def run(self, stop: asyncio.Event) -> None:
        """Fetches and stores in turn; the next messages are read and prepared while the database stores the ones before."""
        storing: asyncio.Task[None] | None = None
        try:
            while not stop.is_set():
                found = await self._fetch()
                prepared = await self._prepared_or_none(found) if found else None
                if storing is not None:
                    await storing
                    storing = None
                if found:
                    storing = asyncio.create_task(self._store_all(found, prepared, stop))
        finally:
            if storing is not None:
                await storing

    async def _fetch(self) -> list[Msg]:
        try:
            return await self._consumer.fetch(FETCH_MAX, FETCH_WAIT_S)
        except AssayError as error:
            _log.warning("the bus cannot be read", why=error.message)
            await asyncio.sleep(RETRY_S)
            return []

    async def _prepared_or_none(self, found: Sequence[Msg]) -> Prepared | None:
        """What can be computed beforehand, or None if something is wrong with a message, which storing them one by one will find."""
        try:
            return await self._prepare(found)
        except Exception as error:  # noqa: BLE001 - tried again, and then handled, in _store_all
            _log.debug("messages cannot be prepared together", why=repr(error))
            return None

    async def _store_all(self, found: Sequence[Msg], prepared: Prepared | None, stop: asyncio.Event) -> None:
        """Stores messages, waiting for the database if it is away, and keeping aside the message that nothing else helps with."""
        while not stop.is_set():
            try:
                prepared = prepared or await self._prepare(found)
                await self._store_prepared(found, prepared)
            except Exception as error:
                prepared = None
                if isinstance(error, AssayError) or database.is_connection_error(error):
                    _log.warning("messages wait to be stored", count=len(found), why=str(error))
                    await asyncio.sleep(RETRY_S)
                elif len(found) == 1:
                    await self._keep_aside(found[0], error)
                    return
                else:
                    _log.warning("messages cannot be stored together", count=len(found), why=repr(error))
                    middle = len(found) // 2
                    await self._store_all(found[:middle], None, stop)
                    found = found[middle:]
            else:
                return

    async def _prepare(self, found: Sequence[Msg]) -> Prepared:
        stream_id = await self._stream()
        received = [await self._parse(message) for message in found]
        names: dict[int, set[str]] = {}
        for one in received:
            names.setdefault(one.info.project_id, set()).update(one.message.calls.series)
        limits = {project.project_id: project.series_limit for project in await self._projects.known()}
        for project_id, series in sorted(names.items()):
            await self._series.prepare(project_id, limits[project_id], sorted(series))
        await self._price_versions.prepare({one.message.calls.price_version for one in received})
        for receive_date in sorted({one.info.receive_date for one in received}):
            await self._partitions.ensure(receive_date)
        return Prepared(
            stream_id=stream_id,
            messages=[one.info for one in received],
            calls=call_batch(received, self._series.ids, self._price_versions.id_of),
            pieces=pieces(received),
        )

    async def _parse(self, message: Msg) -> Received:
        project = await self._projects.find(streams.project_of(message.subject))
        if project is None:
            raise ValueError(f"no project of the subject {message.subject}")
        return parse(message.data, message.metadata.sequence.stream, project.project_id)

    async def _stream(self) -> int:
        """The number of the stream as it is now: one that was made anew counts its messages from 1 again."""
        seen = self._consumer.generation
        if self._stream_id is None or seen != self._stream_seen:
            state = await self._bus.stream_state(streams.INGEST)
            self._stream_id, self._stream_seen = await message_store.stream_id(self._engine, state.incarnation), seen
        return self._stream_id

    async def _store_prepared(self, found: Sequence[Msg], prepared: Prepared) -> None:
        began = time.perf_counter()
        added = await self._store.add(prepared)
        _commit_seconds.observe(time.perf_counter() - began)
        _report(prepared, added)
        await self._announce(prepared, added)
        for message in found:
            await message.ack()

    async def _announce(self, prepared: Prepared, added: Added) -> None:
        names = {project.project_id: project.project for project in await self._projects.known()}
        newest: dict[int, int] = {}
        for info in prepared.messages:
            if info.kind is RecordKind.CALL:
                newest[info.project_id] = max(newest.get(info.project_id, 0), int(info.receive_time.timestamp() * 1e6))
        for change in added.changes:
            await announce_windows(
                self._bus,
                names[change.project_id],
                change.series_id,
                change.start_min,
                newest.get(change.project_id, 0),
            )

    async def _keep_aside(self, message: Msg, error: Exception) -> None:
        headers = message.headers or {}
        sequence = message.metadata.sequence.stream
        project = await self._projects.find(streams.project_of(message.subject))
        info = MessageInfo(
            sequence=sequence,
            project_id=project.project_id if project else 0,
            batch_id=headers.get("Nats-Msg-Id", "")[:200],
            part=0,
            part_count=1,
            receive_time=message.metadata.timestamp.astimezone(UTC),
            kind=RecordKind.EVIDENCE if headers.get(streams.KIND_HEADER) == "evidence" else RecordKind.CALL,
            rejected_count=0,
            client_dropped_count=0,
        )
        _log.error("a message cannot be stored and is kept aside", sequence=sequence, subject=message.subject, error=error)
        count = int(headers.get(streams.COUNT_HEADER, "0"))
        reason = repr(error)[:REASON_BYTES_MAX]
        await self._store.add_dead_letter(await self._stream(), info, count, message.subject, message.data, reason)
        await message.ack()


def _report(prepared: Prepared, added: Added) -> None:
    stored = sum(result.stored_count for result in added.results)
    duplicates = sum(result.duplicate_count for result in added.results)
    _calls_total.labels(result="stored").inc(stored)
    _calls_total.labels(result="duplicate").inc(duplicates)
    oldest = min(message.receive_time for message in prepared.messages)
    _lag_seconds.observe((datetime.now(UTC) - oldest).total_seconds())
    for result in added.results:
        _log.debug(
            "a message is stored",
            batch_id=result.info.batch_id,
            part=result.info.part,
            sequence=result.info.sequence,
            stored=result.stored_count,
            duplicates=result.duplicate_count,
        )
