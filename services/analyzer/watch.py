"""Keeps those who watch a project's anomalies up to date, on every replica: what is told on the bus is looked up."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass

from nats.aio.msg import Msg

from kit.bus import Bus
from services.analyzer import streams
from services.analyzer.store.anomalies import AnomalyStore
from services.analyzer.store.records import StoredAnomaly

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
    """Every watch of this process, woken by one subscription."""

    def __init__(self, bus: Bus, anomalies: AnomalyStore) -> None:
        self._bus = bus
        self._anomalies = anomalies
        self._listening: dict[str, set[asyncio.Event]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Listens until asked to stop."""
        await self._bus.connected()
        async with self._bus.subscribed(f"{streams.ANOMALIES_SUBJECT}.*", self._on_message):
            await stop.wait()

    async def _on_message(self, message: Msg) -> None:
        for wake in self._listening.get(message.subject.rpartition(".")[2], ()):
            wake.set()

    async def watch(self, project: str) -> AsyncGenerator[Update, None]:
        """What is open, and then what changes, for ever."""
        wake = asyncio.Event()
        self._listening.setdefault(project, set()).add(wake)
        try:
            found, seen = await self._anomalies.open(project)
            yield Update(is_snapshot=True, anomalies=found)
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(wake.wait(), LOOK_EVERY_S)
                wake.clear()
                while changed := await self._anomalies.changed(project, seen, PAGE):
                    seen = changed[-1].change_number
                    yield Update(is_snapshot=False, anomalies=changed)
        finally:
            self._listening[project].discard(wake)
            if not self._listening[project]:
                del self._listening[project]
