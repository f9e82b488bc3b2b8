"""Carries out erasures: at once, and once more when what was under way at the first time is stored. One at a time in the cluster."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from assay.events.v1.erasures_pb2 import RecordsErased
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database, logs
from kit.bus import Bus
from kit.patience import is_passing, pause
from services.collector import streams
from services.collector.access import audit
from services.collector.announce import announce_windows
from services.collector.domain.erasure import ErasureKind
from services.collector.messages.contents import content_id_of
from services.collector.store import erasures
from services.collector.store.erasing import AT_ONCE, Erased, ErasingStore
from services.collector.store.erasures import Erasure
from services.collector.store.sql import transaction_if_free

_log = logs.get_logger(__name__)

EVERY_S = 2.0
# Within this time everything that was under way has come to the database or to the stream: scores and evidence that were just being read,
# calls that a front had acknowledged. What is on the stream is waited for besides.
AGAIN_AFTER = timedelta(minutes=2)
_LOCK = database.lock_key("collector erasing")


class Eraser:
    """The writer's side of ErasureService. Whatever is interrupted is done again from the start: what is gone stays gone."""

    def __init__(self, engine: AsyncEngine, bus: Bus, again_after: timedelta = AGAIN_AFTER) -> None:
        self._engine = engine
        self._bus = bus
        self._store = ErasingStore(engine)
        self._again_after = again_after

    async def run(self, stop: asyncio.Event) -> None:
        """Works until asked to stop. While the database or the bus is away, it waits."""
        while not stop.is_set():
            try:
                await self.erase_due()
            except Exception as error:
                if not is_passing(error):
                    raise
                _log.warning("erasing has to wait", why=str(error) or repr(error))
            await pause(stop, EVERY_S)

    async def erase_due(self) -> None:
        """Makes every pass that is due, unless somebody else is at it."""
        async with transaction_if_free(self._engine, _LOCK) as connection:
            if connection is None:
                return
            for erasure in await erasures.due(self._engine):
                if await self._has_settled(erasure):
                    await self._pass(erasure)

    async def _has_settled(self, erasure: Erasure) -> bool:
        """Whether what was on the stream at the first pass is stored."""
        if erasure.pass_count == 0:
            return True
        state = await self._bus.stream_state(streams.INGEST)
        floor = await self._bus.consumer(streams.INGEST, streams.WRITER).floor()
        return state.incarnation != erasure.wait_incarnation or floor >= erasure.wait_sequence

    async def _pass(self, erasure: Erasure) -> None:
        before = await self._bus.stream_state(streams.INGEST)
        if erasure.subject.kind is ErasureKind.PROJECT:
            await self._erase_project(erasure)
        else:
            await self._erase_tasks(erasure)
        await self._erase_dead_letters(erasure)
        if erasure.pass_count == 0:
            place = before.incarnation, before.last_sequence
            await erasures.do_again(self._engine, erasure.key, self._again_after, place)
        else:
            # The stream keeps what is stored for a while, and records of many others with it: all of that goes.
            await self._bus.purge(streams.INGEST, await self._bus.consumer(streams.INGEST, streams.WRITER).floor() + 1)
            await self._end(erasure)
        _log.info("an erasure was carried out", project=erasure.project, erasure_id=erasure.erasure_id, time=erasure.pass_count + 1)

    async def _erase_tasks(self, erasure: Erasure) -> None:
        task_ids = [erasure.value] if erasure.subject.kind is ErasureKind.TASK else await self._erase_label(erasure)
        if not task_ids:
            return
        async for page in self._store.calls_of(erasure.project_id, task_ids):
            await self._erase_calls(erasure, page)
        for some in _chunks(task_ids):
            await self._tell(erasure, RecordsErased(task_ids=some))
            await self._clear_up(erasure, await self._store.erase_tasks(erasure.key, some))

    async def _erase_label(self, erasure: Erasure) -> list[str]:
        """Erases the calls with the label that belong to no task, and returns the tasks of the others."""
        task_ids = set(erasure.task_ids)
        async for of_tasks, alone in self._store.with_label(erasure.project_id, erasure.label_key, erasure.value):
            task_ids |= of_tasks
            if alone:
                await self._erase_calls(erasure, alone)
        # Late calls of these tasks need not have the label.
        await erasures.remember(self._engine, erasure.key, sorted(task_ids))
        return sorted(task_ids)

    async def _erase_project(self, erasure: Erasure) -> None:
        await self._tell(erasure, RecordsErased(is_whole_project=True))
        async for call_ids in self._store.calls_of(erasure.project_id, None):
            await self._clear_up(erasure, await self._store.erase_calls(erasure.key, call_ids))
        async for task_ids in self._store.tasks_of_project(erasure.project_id):
            await self._clear_up(erasure, await self._store.erase_tasks(erasure.key, task_ids))
        await self._store.erase_rest(erasure.project_id)
        await self._bus.purge_subject(streams.CONTENT, f"{streams.CONTENT_SUBJECT}.{erasure.project}.*.*")

    async def _erase_calls(self, erasure: Erasure, call_ids: Sequence[str]) -> None:
        # Told before they are gone: whoever is interrupted in between finds them again.
        await self._tell(erasure, RecordsErased(call_ids=call_ids))
        await self._clear_up(erasure, await self._store.erase_calls(erasure.key, call_ids))

    async def _tell(self, erasure: Erasure, event: RecordsErased) -> None:
        await self._bus.publish(f"{streams.ERASED_SUBJECT}.{erasure.project}", event.SerializeToString(), {})

    async def _clear_up(self, erasure: Erasure, erased: Erased) -> None:
        """What is left to do when records are gone: contents of their evidence, and whoever looks at their windows."""
        for content_id in filter(None, map(content_id_of, erased.evidence)):
            await self._bus.purge_subject(streams.CONTENT, f"{streams.CONTENT_SUBJECT}.{erasure.project}.{content_id}.*")
        if len(erased.windows):
            await announce_windows(self._bus, erasure.project, erased.windows.series_id, erased.windows.start_min, 0)

    async def _erase_dead_letters(self, erasure: Erasure) -> None:
        """Whole messages, also where they hold records of others beside: they could not be stored, and cannot be read in part."""
        subjects = [f"{subject}.{erasure.project}" for subject in (streams.CALLS_SUBJECT, streams.EVIDENCE_SUBJECT)]
        texts = [] if erasure.subject.kind is ErasureKind.PROJECT else [erasure.label_key, erasure.value]
        await self._store.erase_dead_letters(subjects, [text for text in texts if text])

    async def _end(self, erasure: Erasure) -> None:
        """Writes it into the audit log, and forgets what it was about."""
        async with self._engine.begin() as connection:
            if await erasures.end(connection, erasure.key):
                now = await erasures.get(connection, *erasure.key)
                counts = {name: str(getattr(now, name)) for name in ("call_count", "task_count", "evidence_count")}
                await audit.note(
                    connection,
                    time=datetime.now(UTC),
                    project=erasure.project,
                    actor=None,
                    action="records.erased",
                    subject=erasure.erasure_id,
                    details={"fingerprint": erasure.fingerprint, **counts},
                )


def _chunks(ids: Sequence[str]) -> list[list[str]]:
    rest = iter(ids)
    return list(iter(lambda: list(islice(rest, AT_ONCE)), []))
