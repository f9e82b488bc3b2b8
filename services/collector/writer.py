"""The writer: stores what the ingest stream holds, many messages at a time, each exactly once."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from kit import logs, metrics
from kit.bus import Bus
from kit.patience import RETRY_S, StoppedError, is_passing, patiently, pause
from services.collector.announce import announce_evidence, announce_windows
from services.collector.dead_letter import dead_letter
from services.collector.domain.prepared import Prepared, prepare
from services.collector.intake import Intake, Taken
from services.collector.messages.evidence_messages import pieces
from services.collector.messages.ingest_messages import Received, call_batch, parse
from services.collector.store.partitions import PartitionStore
from services.collector.store.prices import PriceVersionStore
from services.collector.store.projects import ProjectReader
from services.collector.store.series import SeriesStore
from services.collector.store.writing import Added, WritingStore

_log = logs.get_logger(__name__)
_calls_total = metrics.counter("assay_writer_calls_total", "Calls that left the ingest stream, by what became of them", ["result"])
_commit_seconds = metrics.histogram("assay_writer_commit_seconds", "Time of one transaction of the writer")
# Lags are worth telling apart up to an hour: writers may have been away.
_LAG_BUCKETS = (*metrics.SECONDS_BUCKETS, 30.0, 60.0, 300.0, 900.0, 3_600.0)
_lag_seconds = metrics.histogram(
    "assay_writer_lag_seconds", "Time from receipt to store of the oldest message of a transaction", buckets=_LAG_BUCKETS
)

# Messages of one transaction. More calls in a transaction cost less each, and come into view later.
FETCH_MAX = 40
# How long a fetch waits for the first message; stopping waits as long.
FETCH_WAIT_S = 1.0
# So long the writer waits after it has taken all that there was: what comes meanwhile shares a transaction, and its sync to disk, for
# which those who are recording wait too. With 0.05 one call alone took half as long again as with this.
GATHER_S = 0.25


class Writer:
    """Stores what the ingest stream holds until it is asked to stop."""

    def __init__(self, engine: AsyncEngine, bus: Bus) -> None:
        self._bus = bus
        self._intake = Intake(engine, bus)
        self._projects = ProjectReader(engine)
        self._series = SeriesStore(engine)
        self._partitions = PartitionStore(engine)
        self._price_versions = PriceVersionStore(engine)
        self._store = WritingStore(engine, self._series)

    async def run(self, stop: asyncio.Event) -> None:
        """Takes and stores in turn; the next messages are read and prepared while the database stores the ones before."""
        storing: asyncio.Task[None] | None = None
        try:
            while not stop.is_set():
                taken = await self._take(stop)
                prepared = await self._prepared_or_none(taken) if taken else None
                if storing is not None:
                    await storing
                storing = asyncio.create_task(self._store_or_give_back(taken, prepared, stop)) if taken else None
                if 0 < len(taken) < FETCH_MAX:
                    await pause(stop, GATHER_S)
            if storing is not None:
                await storing
        finally:
            if storing is not None and not storing.done():
                storing.cancel()
                await asyncio.wait([storing])
            await self._intake.close()

    async def _take(self, stop: asyncio.Event) -> list[Taken]:
        try:
            return await self._intake.take(FETCH_MAX, FETCH_WAIT_S)
        except Exception as error:
            if not is_passing(error):
                raise
            _log.warning("nothing can be taken off the bus now", why=str(error))
            await pause(stop, RETRY_S)
            return []

    async def _prepared_or_none(self, taken: Sequence[Taken]) -> Prepared | None:
        """What can be computed beforehand, or None if something is in the way, which storing them will find and deal with."""
        try:
            return await self._prepare(taken)
        except Exception as error:  # noqa: BLE001 - tried again, and then handled, in _store_all
            _log.debug("messages cannot be prepared now", why=repr(error))
            return None

    async def _store_or_give_back(self, taken: Sequence[Taken], prepared: Prepared | None, stop: asyncio.Event) -> None:
        """Stores messages. If that has to wait for something while the writer is asked to stop, others are to do it."""
        try:
            await self._store_all(taken, prepared, stop)
        except StoppedError as stopped:
            _log.warning("messages are given back", count=len(taken), why=str(stopped.__cause__))
            await self._intake.give_back(taken)

    async def _store_all(self, taken: Sequence[Taken], prepared: Prepared | None, stop: asyncio.Event) -> None:
        """Stores messages, waiting for the database if it is away, and keeping aside the message that nothing else helps with."""
        try:
            stored, added = await self._store_together(taken, prepared, stop)
        except StoppedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is of one of the messages: it is looked for, logged and kept aside
            if prepared is not None:
                # What was prepared may be out of date, such as a day's partition that is gone: once more from the start.
                await self._store_all(taken, None, stop)
                return
            if len(taken) == 1:
                await self._keep_aside(taken[0], error, stop)
                return
            _log.warning("messages cannot be stored together", count=len(taken), why=repr(error))
            middle = len(taken) // 2
            await self._store_all(taken[:middle], None, stop)
            await self._store_all(taken[middle:], None, stop)
            return
        _report(stored, added)
        await patiently(lambda: self._announce(stored, added), stop)
        await self._intake.acknowledge(taken)

    async def _store_together(self, taken: Sequence[Taken], prepared: Prepared | None, stop: asyncio.Event) -> tuple[Prepared, Added]:
        first = prepared

        async def attempt() -> tuple[Prepared, Added]:
            nonlocal first
            # After a try that failed all is prepared again: what had been found in the database may be gone, such as a day's partition.
            ready, first = first or await self._prepare(taken), None
            began = time.perf_counter()
            added = await self._store.add(ready)
            _commit_seconds.observe(time.perf_counter() - began)
            return ready, added

        return await patiently(attempt, stop)

    async def _prepare(self, taken: Sequence[Taken]) -> Prepared:
        received = [await self._parse(one) for one in taken]
        names: dict[int, set[str]] = {}
        for one in received:
            names.setdefault(one.info.project_id, set()).update(one.series)
        projects = await self._projects.numbered(names)
        self._series.forget_if_many()
        for project_id in sorted(names):
            await self._series.prepare(project_id, projects[project_id].series_limit, names[project_id])
        await self._price_versions.prepare({one.message.calls.price_version for one in received})
        for receive_date in sorted({one.info.receive_date for one in received}):
            await self._partitions.ensure(receive_date)
        calls = call_batch(received, self._series.ids, self._price_versions.id_of)
        return prepare([one.info for one in received], calls, pieces(received))

    async def _parse(self, taken: Taken) -> Received:
        project = await self._projects.find(taken.project)
        if project is None:
            raise ValueError(f"there is no project {taken.project}")
        return parse(taken.message.data, taken.stream_id, taken.sequence, project.project_id)

    async def _announce(self, prepared: Prepared, added: Added) -> None:
        projects = await self._projects.numbered(change.project_id for change in added.changes)
        for change in added.changes:
            newest = prepared.newest_call_receive_us(change.project_id)
            await announce_windows(self._bus, projects[change.project_id].project, change.series_id, change.start_min, newest)
        if prepared.pieces:
            with_evidence = await self._projects.numbered({piece.project_id for piece in prepared.pieces})
            for project in with_evidence.values():
                await announce_evidence(self._bus, project.project)

    async def _keep_aside(self, taken: Taken, error: Exception, stop: asyncio.Event) -> None:
        _log.error("a message cannot be stored and is kept aside", sequence=taken.sequence, subject=taken.message.subject, error=error)

        async def attempt() -> None:
            project = await self._projects.find(taken.project)
            letter = dead_letter(taken, project.project_id if project else 0, repr(error))
            await self._store.add_dead_letter(letter)
            _calls_total.labels(result="dead_lettered").inc(letter.record_count)

        await patiently(attempt, stop)
        await self._intake.acknowledge([taken])


def _report(prepared: Prepared, added: Added) -> None:
    _calls_total.labels(result="stored").inc(sum(result.stored_count for result in added.results))
    _calls_total.labels(result="duplicate").inc(sum(result.duplicate_count for result in added.results))
    oldest = min(message.receive_time for message in prepared.messages)
    _lag_seconds.observe((datetime.now(UTC) - oldest).total_seconds())
    if not _log.is_enabled(logs.LEVELS["DEBUG"]):
        return
    for result in added.results:
        _log.debug(
            "a message is stored",
            batch_id=result.info.batch_id,
            part=result.info.part,
            sequence=result.info.sequence,
            stored=result.stored_count,
            duplicates=result.duplicate_count,
        )
