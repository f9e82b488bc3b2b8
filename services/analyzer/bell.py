"""Wakes the scoring of a project when there is something to score."""

import asyncio
from contextlib import suppress

from nats.aio.msg import Msg

from kit.bus import Bus
from services.analyzer import streams


class Bells:
    """A bell for each project that is listened for. What is missed while the bus is away, the next look finds."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._bells: dict[str, asyncio.Event] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Listens until asked to stop."""
        await self._bus.connected()
        async with self._bus.subscribed(f"{streams.EVIDENCE_STORED_SUBJECT}.*", self._on_message):
            await stop.wait()

    def ring(self, project: str) -> None:
        """Wakes whoever waits for the project here."""
        if project in self._bells:
            self._bells[project].set()

    async def wait(self, project: str, seconds: float) -> None:
        """Returns when it rings, or has rung since the last time, or time is up."""
        bell = self._bells.setdefault(project, asyncio.Event())
        with suppress(TimeoutError):
            await asyncio.wait_for(bell.wait(), seconds)
        bell.clear()

    def forget(self, project: str) -> None:
        """Nobody here listens for the project any more."""
        self._bells.pop(project, None)

    async def _on_message(self, message: Msg) -> None:
        self.ring(message.subject.rpartition(".")[2])
