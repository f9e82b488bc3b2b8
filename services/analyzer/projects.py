"""Which projects this process works on: learns of them, claims those that nobody works on, and hands them what is announced."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from assay.events.v1.ingest_pb2 import WindowsChanged
from google.protobuf.message import DecodeError
from nats.aio.msg import Msg

from kit import logs, patience
from kit.access import PROJECT_PATTERN
from kit.bus import Bus
from kit.errors import AssayError
from services.analyzer import streams
from services.analyzer.collector import Collector
from services.analyzer.inbox import Inbox
from services.analyzer.store.records import Claim
from services.analyzer.store.work import OwnershipLostError, WorkStore

_log = logs.get_logger(__name__)

# One round: claims are kept, new ones are made. Several times in the life of a lease.
ROUND_S = 1.5
# Claims of a round: all of one process that was killed, unless they are very many, are taken over within its lease and one more round.
CLAIMS_AT_ONCE = 100
# Projects that have no calls yet are found by asking; the others by what is announced.
LIST_EVERY_S = 30.0
# Work that failed begins again from what was kept.
RETRY_S = 10.0

Work = Callable[[Claim, Inbox], Coroutine[Any, Any, None]]


@dataclass
class _Held:
    claim: Claim
    inbox: Inbox
    task: "asyncio.Task[None]"


class Projects:
    """Runs the work on each project that is ours, for as long as it is."""

    def __init__(self, bus: Bus, collector: Collector, store: WorkStore, work: Work) -> None:
        self._bus = bus
        self._collector = collector
        self._store = store
        self._work = work
        self._owner = uuid4().hex
        self._held: dict[str, _Held] = {}
        self._announced: set[str] = set()
        self._listed_at = float("-inf")

    async def run(self, stop: asyncio.Event) -> None:
        """Works until asked to stop, and then gives all projects back."""
        await self._bus.connected()
        async with self._bus.subscribed(f"{streams.WINDOWS_SUBJECT}.*", self._on_message):
            try:
                seen = self._bus.connection_count
                while not stop.is_set():
                    await self._round()
                    if self._bus.connection_count != seen:
                        seen = self._bus.connection_count
                        for held in self._held.values():
                            held.inbox.miss()
                    await patience.pause(stop, ROUND_S)
            finally:
                await self._give_back()

    async def _on_message(self, message: Msg) -> None:
        try:
            event = WindowsChanged.FromString(message.data)
        except DecodeError as error:
            _log.error("an announcement cannot be read", subject=message.subject, error=error)
            return
        held = self._held.get(event.project)
        if held is not None:
            held.inbox.note(event)
        elif PROJECT_PATTERN.fullmatch(event.project):
            self._announced.add(event.project)

    async def _round(self) -> None:
        """What is to be done now and then; while a neighbour is away, it waits for the next round."""
        try:
            await self._list()
            await self._renew()
            for claim in await self._store.claim(self._owner, CLAIMS_AT_ONCE):
                self._begin(claim)
            for project in await self._store.with_requests(self._owner):
                if project in self._held:
                    self._held[project].inbox.attend()
        except Exception as error:
            if not patience.is_passing(error):
                raise
            _log.warning("waiting for the database", why=str(error) or repr(error))

    async def _list(self) -> None:
        found, self._announced = self._announced, set()
        if time.monotonic() - self._listed_at >= LIST_EVERY_S:
            try:
                found |= set(await self._collector.projects())
                self._listed_at = time.monotonic()
            except AssayError as error:
                _log.warning("the collector cannot be asked for its projects", reason=error.reason, why=error.message)
        if found:
            await self._store.add_projects(found)

    async def _renew(self) -> None:
        claims = [held.claim for held in self._held.values()]
        ours = await self._store.renew(self._owner, claims) if claims else set()
        for claim in claims:
            if claim.project not in ours:
                _log.warning("another process works on the project by now", project=claim.project)
                self._held.pop(claim.project).task.cancel()

    def _begin(self, claim: Claim) -> None:
        inbox = Inbox()
        task = asyncio.create_task(self._kept_working(claim, inbox))
        before, self._held[claim.project] = self._held.get(claim.project), _Held(claim, inbox, task)
        if before is not None:  # its lease had run out, and now is ours again
            before.task.cancel()

    async def _kept_working(self, claim: Claim, inbox: Inbox) -> None:
        """The work on a project, begun again when it fails: what is wrong with one must not hold up the others."""
        while True:
            try:
                await self._work(claim, inbox)
            except OwnershipLostError:
                return
            except Exception as error:  # noqa: BLE001 - told here, and tried again
                if patience.is_passing(error):
                    _log.warning("the work on a project waits", project=claim.project, why=str(error) or repr(error))
                else:
                    _log.error("the work on a project failed", project=claim.project, error=error)
            await asyncio.sleep(RETRY_S)

    async def _give_back(self) -> None:
        held = list(self._held.values())
        self._held.clear()
        for one in held:
            one.task.cancel()
        await asyncio.gather(*(one.task for one in held), return_exceptions=True)
        for one in held:
            try:
                await self._store.release(one.claim)
            except Exception as error:
                if not patience.is_passing(error):
                    raise
                return  # the leases run out by themselves
