"""Keeps those who watch a project's anomalies up to date, on every replica: what is told on the bus is looked up."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from nats.aio.msg import Msg

from kit import logs, patience
from kit.bus import Bus
from services.analyzer import streams
from services.analyzer.store.anomalies import AnomalyStore
from services.analyzer.store.records import StoredAnomaly

_log = logs.get_logger(__name__)

# Changes that are looked up at a time.
PAGE = 200
# Without the bus, changes are found by looking so often.
LOOK_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Update:
    """All open anomalies, or those that have changed."""

    is_snapshot: bool
    anomalies: list[StoredAnomaly]


class AnomalyWatches:
    """Every watch of this process, woken by one subscription, and by one look at the database for all of them."""

    def __init__(self, bus: Bus, anomalies: AnomalyStore) -> None:
        self._bus = bus
        self._anomalies = anomalies
        self._listening: dict[str, set[asyncio.Event]] = {}
        self._change_counts: dict[str, int] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Listens until asked to stop."""
        await self._bus.connected()
        async with self._bus.subscribed(f"{streams.ANOMALIES_SUBJECT}.*", self._on_message):
            while not stop.is_set():
                await patience.pause(stop, LOOK_EVERY_S)
                await self._look()

    async def _look(self) -> None:
        """Wakes those who watch a project in which something has changed since the look before."""
        try:
            counts = await self._anomalies.change_counts(list(self._listening))
        except Exception as error:
            if not patience.is_passing(error):
                raise
            _log.warning("changes cannot be looked for", why=str(error) or repr(error))
            return
        before, self._change_counts = self._change_counts, counts
        for project, count in counts.items():
            if before.get(project) != count:
                self._wake(project)

    async def _on_message(self, message: Msg) -> None:
        self._wake(message.subject.rpartition(".")[2])

    def _wake(self, project: str) -> None:
        for wake in self._listening.get(project, ()):
            wake.set()

    async def watch(self, project: str) -> AsyncGenerator[Update, None]:
        """What is open, and then what changes, for ever."""
        wake = asyncio.Event()
        self._listening.setdefault(project, set()).add(wake)
        try:
            found, seen = await self._anomalies.open(project)
            yield Update(is_snapshot=True, anomalies=found)
            while True:
                await wake.wait()
                wake.clear()
                while changed := await self._anomalies.changed(project, seen, PAGE):
                    seen = changed[-1].change_number
                    yield Update(is_snapshot=False, anomalies=changed)
        finally:
            self._listening[project].discard(wake)
            if not self._listening[project]:
                del self._listening[project]
