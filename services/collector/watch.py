"""Keeps answers to metric queries up to date: what the writers announce is looked at again, and what changed is passed on."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from google.protobuf.message import DecodeError
from nats.aio.msg import Msg

from assay.events.v1.ingest_pb2 import WindowsChanged
from kit import logs
from kit.bus import Bus
from services.collector import streams
from services.collector.query import Answered, MetricsQueries, Question

_log = logs.get_logger(__name__)

# Changes within this time are looked at together.
GATHER_S = 0.3
# A watch of one window for its whole range moves on with the clock, whether calls come or not.
WHOLE_RANGE_EVERY_S = 15.0
# More changed series than this at once, and all are looked at.
CHANGED_SERIES_MAX = 5_000
_US_PER_MIN = 60_000_000


@dataclass(frozen=True)
class _Changed:
    """Series, and the span of their windows, that were announced."""

    series_ids: set[int]
    first_start_min: int
    last_start_min: int


class _Changes:
    """Gathers what is announced until it is looked at."""

    def __init__(self) -> None:
        self._events: list[WindowsChanged] = []
        self.arrived = asyncio.Event()

    def note(self, event: WindowsChanged) -> None:
        self._events.append(event)
        self.arrived.set()

    def take(self) -> _Changed:
        """What has been gathered, at least one event, which is then forgotten."""
        events, self._events = self._events, []
        self.arrived.clear()
        return _Changed(
            series_ids={series_id for event in events for series_id in event.series_ids},
            first_start_min=min(event.first_start_min for event in events),
            last_start_min=max(event.last_start_min for event in events),
        )


@dataclass(frozen=True)
class Update:
    """A whole answer, or what changed in it. `newest_receive_us` is when the newest call in it was received, 0 if not known."""

    is_snapshot: bool
    answered: Answered
    newest_receive_us: int

    @property
    def lag_s(self) -> float:
        """Time from the receipt of the newest call to now, when it came into view; 0 if not known."""
        return max(0.0, time.time() - self.newest_receive_us / 1e6) if self.newest_receive_us else 0.0


class Watches:
    """Every watch of this process, fed by one subscription to the announcements."""

    def __init__(self, bus: Bus, queries: MetricsQueries) -> None:
        self._bus = bus
        self._queries = queries
        self._listening: dict[str, list[_Changes]] = {}
        self._newest_us: dict[str, int] = {}

    def newest_receive_us(self, project: str) -> int:
        """When the newest stored call of a project was received, as far as it was announced here; 0 if none was."""
        return self._newest_us.get(project, 0)

    async def run(self, stop: asyncio.Event) -> None:
        """Listens to the announcements until asked to stop."""
        await self._bus.connected()
        async with self._bus.subscribed(f"{streams.WINDOWS_SUBJECT}.*", self._on_message):
            await stop.wait()

    async def _on_message(self, message: Msg) -> None:
        try:
            event = WindowsChanged.FromString(message.data)
        except DecodeError as error:
            _log.error("an announcement cannot be read", subject=message.subject, error=error)
            return
        self._newest_us[event.project] = max(self.newest_receive_us(event.project), event.last_receive_unix_us)
        for changes in self._listening.get(event.project, ()):
            changes.note(event)

    async def watch(self, question: Question, range_min: int) -> AsyncIterator[Update]:
        """The answer for the last `range_min` minutes, then what changes in it, for ever. The question's times are not used."""
        project = question.project.project
        changes = _Changes()
        listening = self._listening.setdefault(project, [])
        listening.append(changes)
        try:
            yield await self._snapshot(question, range_min)
            while True:
                try:
                    await asyncio.wait_for(changes.arrived.wait(), None if question.step_min else WHOLE_RANGE_EVERY_S)
                    await asyncio.sleep(GATHER_S)
                except TimeoutError:
                    yield await self._snapshot(question, range_min)
                    continue
                update = await self._changed(question, range_min, changes.take())
                if update is not None:
                    yield update
        finally:
            listening.remove(changes)

    async def _snapshot(self, question: Question, range_min: int) -> Update:
        newest = self.newest_receive_us(question.project.project)
        start_us, end_us = _last(range_min)
        return Update(True, await self._queries.answer(replace(question, start_us=start_us, end_us=end_us)), newest)

    async def _changed(self, question: Question, range_min: int, changes: _Changed) -> Update | None:
        """The windows that changed, None if none of them is in the range."""
        newest = self.newest_receive_us(question.project.project)
        start_us, end_us = _last(range_min)
        if question.step_min is not None:
            start_us = max(start_us, changes.first_start_min * _US_PER_MIN)
            end_us = min(end_us, (changes.last_start_min + 1) * _US_PER_MIN)
        if start_us >= end_us:
            return None
        few = len(changes.series_ids) <= CHANGED_SERIES_MAX
        answered = await self._queries.answer(
            replace(question, start_us=start_us, end_us=end_us), only_series=sorted(changes.series_ids) if few else None
        )
        return Update(False, answered, newest)


def _last(range_min: int) -> tuple[int, int]:
    """Start and end of the last minutes, the one that is running included, in microseconds."""
    end_us = (time.time_ns() // 1_000 // _US_PER_MIN + 1) * _US_PER_MIN
    return end_us - range_min * _US_PER_MIN, end_us
