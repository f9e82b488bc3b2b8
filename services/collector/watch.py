"""Keeps answers to metric queries up to date: what the writers announce is looked at again, and what changed is passed on."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from math import inf

from assay.events.v1.ingest_pb2 import WindowsChanged
from google.protobuf.message import DecodeError
from nats.aio.msg import Msg

from kit import logs
from kit.bus import Bus
from services.collector import streams
from services.collector.domain.answer import Answered
from services.collector.query import MetricsQueries
from services.collector.store.metrics import Question
from services.collector.store.projects import ProjectInfo

_log = logs.get_logger(__name__)

# Changes within this time are looked at together.
GATHER_S = 0.3
# A watch of one window for its whole range moves on with the clock, whether calls come or not.
WHOLE_RANGE_EVERY_S = 15.0
# How soon it is noticed that the bus was away.
RECONNECTION_LOOK_S = 1.0
# More changed series than this at once, and all are looked at.
CHANGED_SERIES_MAX = 5_000
_US_PER_MIN = 60_000_000


@dataclass
class _Changes:
    """Gathers what is announced until it is looked at: the series (None for any), the span of their windows, the newest receipt of a call.

    Where announcements may have been missed, it `is_incomplete`.
    """

    is_incomplete: bool = False
    series_ids: set[int] | None = field(default_factory=set)
    first_start_min: int = 2**62
    last_start_min: int = -(2**62)
    newest_receive_us: int = 0

    def note(self, event: WindowsChanged) -> None:
        """Adds an announcement. However many there are, they take no more than so much memory."""
        if self.series_ids is not None:
            self.series_ids.update(event.series_ids)
            if len(self.series_ids) > CHANGED_SERIES_MAX:
                self.series_ids = None
        self.first_start_min = min(self.first_start_min, event.first_start_min)
        self.last_start_min = max(self.last_start_min, event.last_start_min)
        self.newest_receive_us = max(self.newest_receive_us, event.last_receive_unix_us)


class _Inbox:
    """Where a watch finds what has changed."""

    def __init__(self) -> None:
        self._changes = _Changes()
        self.arrived = asyncio.Event()

    def note(self, event: WindowsChanged) -> None:
        """Takes in an announcement."""
        self._changes.note(event)
        self.arrived.set()

    def miss(self) -> None:
        """Takes in that announcements may have been missed."""
        self._changes.is_incomplete = True
        self.arrived.set()

    def take(self) -> _Changes:
        """What has been gathered, which is then forgotten."""
        changes, self._changes = self._changes, _Changes()
        self.arrived.clear()
        return changes


@dataclass(frozen=True)
class Update:
    """A whole answer, or what changed in it.

    `newest_receive_us` is when the project's newest call in it was received, 0 if not known; `lag_s` how long the newest of the calls that
    changed it has taken from its receipt until it came into view, 0 if no call did.
    """

    is_snapshot: bool
    answered: Answered
    newest_receive_us: int
    lag_s: float = 0.0


class Watches:
    """Every watch of this process, fed by one subscription to the announcements."""

    def __init__(self, bus: Bus, queries: MetricsQueries) -> None:
        self._bus = bus
        self._queries = queries
        self._listening: dict[str, list[_Inbox]] = {}
        self._newest_us: dict[str, int] = {}

    @property
    def count(self) -> int:
        """How many watches are open."""
        return sum(len(inboxes) for inboxes in self._listening.values())

    async def newest_receive_us(self, project: ProjectInfo) -> int:
        """When the newest stored call of a project was received, 0 if there is none: as announced, or else as stored."""
        if not self._newest_us.get(project.project):
            self._note_newest(project.project, await self._queries.newest_receive_us(project))
        return self._newest_us[project.project]

    def _note_newest(self, project: str, receive_us: int) -> None:
        self._newest_us[project] = max(self._newest_us.get(project, 0), receive_us)

    async def run(self, stop: asyncio.Event) -> None:
        """Listens to the announcements until asked to stop."""
        await self._bus.connected()
        async with self._bus.subscribed(f"{streams.WINDOWS_SUBJECT}.*", self._on_message):
            await self._notice_reconnections(stop)

    async def _notice_reconnections(self, stop: asyncio.Event) -> None:
        """Has every watch look at everything again after the bus was away, until asked to stop."""
        seen = self._bus.connection_count
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), RECONNECTION_LOOK_S)
            if self._bus.connection_count != seen:
                seen = self._bus.connection_count
                for inbox in chain.from_iterable(self._listening.values()):
                    inbox.miss()

    async def _on_message(self, message: Msg) -> None:
        try:
            event = WindowsChanged.FromString(message.data)
        except DecodeError as error:
            _log.error("an announcement cannot be read", subject=message.subject, error=error)
            return
        self._note_newest(event.project, event.last_receive_unix_us)
        for inbox in self._listening.get(event.project, ()):
            inbox.note(event)

    async def watch(self, question: Question, range_min: int) -> AsyncGenerator[Update, None]:
        """The answer for the last `range_min` minutes, then what changes in it, for ever. The question's times are not used."""
        inbox = _Inbox()
        listening = self._listening.setdefault(question.project.project, [])
        listening.append(inbox)
        snapshot_after_s = WHOLE_RANGE_EVERY_S if question.step_min is None else inf
        try:
            while True:
                snapshot_at = time.monotonic() + snapshot_after_s
                yield await self._snapshot(question, range_min)
                while await _gathered(inbox, snapshot_at):
                    changes = inbox.take()
                    if changes.is_incomplete:
                        break
                    update = await self._changed(question, range_min, changes)
                    if update is not None:
                        yield update
        finally:
            listening.remove(inbox)

    async def _snapshot(self, question: Question, range_min: int) -> Update:
        newest = await self.newest_receive_us(question.project)
        start_us, end_us = _last(range_min)
        answered = await self._queries.answer(replace(question, start_us=start_us, end_us=end_us))
        return Update(is_snapshot=True, answered=answered, newest_receive_us=newest)

    async def _changed(self, question: Question, range_min: int, changes: _Changes) -> Update | None:
        """The windows that changed, None if none of them is in the range."""
        newest = await self.newest_receive_us(question.project)
        start_us, end_us = _last(range_min)
        if question.step_min is not None:
            start_us = max(start_us, changes.first_start_min * _US_PER_MIN)
            end_us = min(end_us, (changes.last_start_min + 1) * _US_PER_MIN)
        if start_us >= end_us:
            return None
        only_series = None if changes.series_ids is None else sorted(changes.series_ids)
        answered = await self._queries.answer(replace(question, start_us=start_us, end_us=end_us, only_series=only_series))
        lag_s = max(0.0, time.time() - changes.newest_receive_us / 1e6) if changes.newest_receive_us else 0.0
        return Update(is_snapshot=False, answered=answered, newest_receive_us=newest, lag_s=lag_s)


async def _gathered(inbox: _Inbox, until: float) -> bool:
    """Waits until something has changed, and a little for what comes with it; false if it is `until`, a monotonic time, before that."""
    try:
        async with asyncio.timeout(None if until == inf else max(0.0, until - time.monotonic())):
            await inbox.arrived.wait()
            await asyncio.sleep(GATHER_S)
    except TimeoutError:
        return False
    return True


def _last(range_min: int) -> tuple[int, int]:
    """Start and end of the last minutes, the one that is running included, in microseconds."""
    end_us = (time.time_ns() // 1_000 // _US_PER_MIN + 1) * _US_PER_MIN
    return end_us - range_min * _US_PER_MIN, end_us
