"""When windows of a project have changed last, as the collector's writers announce it."""

import asyncio
import time
from collections.abc import Callable
from math import inf

from assay.events.v1.ingest_pb2 import WindowsChanged
from google.protobuf.message import DecodeError
from nats.aio.msg import Msg

from kit import logs, patience
from kit.bus import Bus
from services.alerter import streams

# How soon it is noticed that the bus was away.
RECONNECTION_LOOK_S = 1.0
_S_PER_MIN = 60.0
_log = logs.get_logger(__name__)


class WindowNews:
    """Hears the announcements of all projects. After the bus was away, those of any may have been missed."""

    def __init__(self, bus: Bus, clock: Callable[[], float] = time.time) -> None:
        self._bus = bus
        self._clock = clock
        self._on_change: Callable[[str | None], None] = _nobody
        self._changed_s: dict[str, float] = {}
        self._missed_s = -inf

    def tell(self, on_change: Callable[[str | None], None]) -> None:
        """Has `on_change` told from now on in which project something changed, None for any."""
        self._on_change = on_change

    def changed_s(self, project: str) -> float:
        """What was measured after this time, in seconds since 1970, knows of all changes. It may be ahead, for windows that are to come."""
        return max(self._changed_s.get(project, -inf), self._missed_s)

    async def run(self, stop: asyncio.Event) -> None:
        """Listens until asked to stop."""
        await self._bus.connected()
        async with self._bus.subscribed(f"{streams.WINDOWS_SUBJECT}.*", self._on_message):
            seen = None
            while not stop.is_set():
                if self._bus.connection_count != seen:
                    seen = self._bus.connection_count
                    self._missed_s = self._clock()
                    self._on_change(None)
                await patience.pause(stop, RECONNECTION_LOOK_S)

    async def _on_message(self, message: Msg) -> None:
        try:
            event = WindowsChanged.FromString(message.data)
        except DecodeError as error:
            _log.error("an announcement cannot be read", subject=message.subject, error=error)
            return
        changed_s = max(self._clock(), event.last_start_min * _S_PER_MIN)
        self._changed_s[event.project] = max(self._changed_s.get(event.project, -inf), changed_s)
        self._on_change(event.project)


def _nobody(_project: str | None) -> None:
    """Is told, and does nothing."""
