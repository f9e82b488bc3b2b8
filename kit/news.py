"""Tells those who watch a project what is announced of it on the bus, and when something may have been missed."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from nats.aio.msg import Msg

from kit import patience
from kit.bus import Bus

# Announcements that one watch has yet to be told; who is further behind has to list what there is.
WAITING_MAX = 1_000
# How soon it is told that the connection to the bus was lost meanwhile.
LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Told:
    """Announcements as they came. `list_again`: others may be missing, so that what they are about is to be listed."""

    list_again: bool
    payloads: list[bytes]


class _Inbox:
    """What one watch has yet to be told."""

    def __init__(self) -> None:
        self._payloads: list[bytes] = []
        self._list_again = True
        self.arrived = asyncio.Event()
        self.arrived.set()

    def add(self, payload: bytes) -> None:
        if len(self._payloads) >= WAITING_MAX:
            self.miss()
            return
        self._payloads.append(payload)
        self.arrived.set()

    def miss(self) -> None:
        """What waits is of no more use to who has to list everything."""
        self._payloads.clear()
        self._list_again = True
        self.arrived.set()

    def take(self) -> Told:
        told = Told(self._list_again, self._payloads)
        self._payloads, self._list_again = [], False
        self.arrived.clear()
        return told


class News:
    """Every watch of one kind in this process, fed by one subscription. Each project has a subject of its own, `<subject>.<project>`."""

    def __init__(self, bus: Bus, subject: str) -> None:
        self._bus = bus
        self._subject = subject
        self._inboxes: dict[str, set[_Inbox]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Listens until asked to stop."""
        await self._bus.connected()
        async with self._bus.subscribed(f"{self._subject}.*", self._on_message):
            self._miss()  # what was announced before is not known to those who came first
            seen = self._bus.connection_count
            while not stop.is_set():
                await patience.pause(stop, LOOK_EVERY_S)
                if self._bus.connection_count != seen:
                    seen = self._bus.connection_count
                    self._miss()

    async def watch(self, project: str) -> AsyncGenerator[Told, None]:
        """What is announced of a project, for ever. The first that is told is that what there is now is to be listed."""
        inbox = _Inbox()
        self._inboxes.setdefault(project, set()).add(inbox)
        try:
            while True:
                await inbox.arrived.wait()
                yield inbox.take()
        finally:
            self._inboxes[project].discard(inbox)
            if not self._inboxes[project]:
                del self._inboxes[project]

    def _miss(self) -> None:
        for inbox in [inbox for inboxes in self._inboxes.values() for inbox in inboxes]:
            inbox.miss()

    async def _on_message(self, message: Msg) -> None:
        for inbox in self._inboxes.get(message.subject.rpartition(".")[2], ()):
            inbox.add(message.data)
