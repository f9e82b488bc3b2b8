"""All hubs of this process: who shares one, how many there may be, and when one that nobody reads ends."""

import asyncio
from collections.abc import Iterator

from assay.collector.v1.metrics_service_pb2 import WatchMetricsRequest

from gateway.hub import Hub, HubKey, Services
from gateway.settings import GatewaySettings
from kit import logs, metrics
from kit.errors import AssayError, Kind

RETRY_FULL_S = 10.0
RETRY_STOPPING_S = 1.0
_CLIENTS = metrics.gauge("assay_sse_clients", "Readers of live streams that are connected now.")
_log = logs.get_logger(__name__)


class Hubs:
    """Hands out hubs and takes them back. For use in one event loop."""

    def __init__(self, services: Services, settings: GatewaySettings) -> None:
        self._services = services
        self._settings = settings
        self._hubs: dict[HubKey, Hub] = {}  # the one that was left longest ago comes first
        self._tasks: dict[HubKey, asyncio.Task[None]] = {}
        self._retirements: dict[HubKey, asyncio.TimerHandle] = {}
        self._is_closed = False

    async def join(self, secret: str, question: WatchMetricsRequest) -> Hub:
        """The hub for a reader, once it has a first answer; `leave` it in the end.

        Raises what the collector says to the key and the question, STREAMS_EXHAUSTED, STOPPING, or DEADLINE_EXCEEDED.
        """
        if self._is_closed:
            raise AssayError(Kind.UNAVAILABLE, "STOPPING", "the gateway is stopping", retry_after_s=RETRY_STOPPING_S)
        self._require_room_for_client(secret)
        key = HubKey(secret, question.SerializeToString(deterministic=True))
        hub = self._hubs.get(key) or self._start(key)
        hub.clients += 1
        _CLIENTS.inc()
        if key in self._retirements:
            self._retirements.pop(key).cancel()
        try:
            await self._first_answer(hub)
        except BaseException:
            self.leave(hub)
            raise
        return hub

    def leave(self, hub: Hub) -> None:
        """Says that a reader is gone. The last one's hub goes on for a while, for whoever comes back."""
        hub.clients -= 1
        _CLIENTS.dec()
        if hub.clients == 0 and self._hubs.get(hub.key) is hub:
            self._hubs[hub.key] = self._hubs.pop(hub.key)
            loop = asyncio.get_running_loop()
            self._retirements[hub.key] = loop.call_later(self._settings.hub_idle_s, self._retire, hub.key)

    async def close(self) -> None:
        """Ends every stream, and takes no more readers."""
        self._is_closed = True
        tasks = list(self._tasks.values())
        for key in list(self._hubs):
            self._retire(key)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _first_answer(self, hub: Hub) -> None:
        try:
            await asyncio.wait_for(hub.decided.wait(), self._settings.query_deadline_s)
        except TimeoutError:
            raise AssayError(Kind.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "no first answer in time") from None
        if hub.refusal is not None:
            raise hub.refusal

    def _require_room_for_client(self, secret: str) -> None:
        mine = sum(hub.clients for hub in self._of(secret))
        everybody = sum(hub.clients for hub in self._hubs.values())
        if mine >= self._settings.stream_clients_per_key_max or everybody >= self._settings.stream_clients_max:
            raise _exhausted("too many live streams are open")

    def _start(self, key: HubKey) -> Hub:
        if len(list(self._of(key.secret))) >= self._settings.hubs_per_key_max:
            self._retire_one(self._of(key.secret))
        if len(self._hubs) >= self._settings.hubs_max:
            self._retire_one(iter(self._hubs.values()))
        hub = Hub(key, self._services, self._settings)
        self._hubs[key] = hub
        self._tasks[key] = task = asyncio.create_task(hub.run())
        task.add_done_callback(lambda task: self._ended(hub, task))
        return hub

    def _of(self, secret: str) -> Iterator[Hub]:
        return (hub for hub in self._hubs.values() if hub.key.secret == secret)

    def _retire_one(self, hubs: Iterator[Hub]) -> None:
        idle = next((hub for hub in hubs if hub.clients == 0), None)
        if idle is None:
            raise _exhausted("too many different questions are being watched")
        self._retire(idle.key)

    def _retire(self, key: HubKey) -> None:
        self._tasks[key].cancel()
        self._forget(key)

    def _ended(self, hub: Hub, task: asyncio.Task[None]) -> None:
        if self._hubs.get(hub.key) is hub:
            self._forget(hub.key)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("live stream failed", error=error)

    def _forget(self, key: HubKey) -> None:
        del self._hubs[key], self._tasks[key]
        if key in self._retirements:
            self._retirements.pop(key).cancel()


def _exhausted(message: str) -> AssayError:
    return AssayError(Kind.RESOURCE_EXHAUSTED, "STREAMS_EXHAUSTED", message, retry_after_s=RETRY_FULL_S)
