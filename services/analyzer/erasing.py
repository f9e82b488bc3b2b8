"""Takes erasures off the bus. Any analyzer may, whoever works on the project."""

import asyncio

import nats.errors
from assay.events.v1.erasures_pb2 import RecordsErased
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import logs
from kit.bus import Bus
from kit.errors import AssayError
from kit.patience import RETRY_S, StoppedError, is_passing, patiently, pause
from services.analyzer import streams
from services.analyzer.store.erasing import ErasingStore

_log = logs.get_logger(__name__)

FETCH_MAX = 20
FETCH_WAIT_S = 1.0
# The collector makes the stream: where there is none yet, there is nothing to hurry for.
STREAM_WAIT_S = 5.0
# Whoever was just reading evidence when it was erased has kept what came of it by then: it is erased once more.
AGAIN_AFTER_S = 60.0

CONSUMER = ConsumerConfig(durable_name="analyzer", ack_policy=AckPolicy.EXPLICIT, ack_wait=30.0, max_deliver=-1)


class Eraser:
    """Erases twice what it is told of: at once, and again when what was under way is over. A message is there until then."""

    def __init__(self, engine: AsyncEngine, bus: Bus, again_after_s: float = AGAIN_AFTER_S) -> None:
        self._bus = bus
        self._consumer = bus.consumer(streams.ERASED, CONSUMER)
        self._store = ErasingStore(engine)
        self._again_after_s = again_after_s
        self._is_stream_there = False

    async def run(self, stop: asyncio.Event) -> None:
        """Erases until asked to stop."""
        try:
            while not stop.is_set():
                for message in await self._fetched(stop):
                    await self._take(message, stop)
        except StoppedError:
            return  # it comes again, to whoever asks
        finally:
            await self._consumer.close()

    async def _fetched(self, stop: asyncio.Event) -> list[Msg]:
        """What there is. While the bus is away, or the stream not made yet, nothing, after some waiting."""
        try:
            if self._is_stream_there or await self._bus.has_stream(streams.ERASED):
                self._is_stream_there = True
                return await self._consumer.fetch(FETCH_MAX, FETCH_WAIT_S)
            await pause(stop, STREAM_WAIT_S)
        except AssayError as error:
            if not is_passing(error):
                raise
            self._is_stream_there = False
            await pause(stop, RETRY_S)
        return []

    async def _take(self, message: Msg, stop: asyncio.Event) -> None:
        project = message.subject.rpartition(".")[2]
        event = RecordsErased.FromString(message.data)
        await patiently(lambda: self._erase(project, event), stop)
        try:
            if message.metadata.num_delivered == 1:
                await message.nak(delay=self._again_after_s)
            else:
                await message.ack()
        except nats.errors.Error as error:
            _log.warning("an erasure cannot be acknowledged now, and comes again", why=repr(error))

    async def _erase(self, project: str, event: RecordsErased) -> None:
        if event.is_whole_project:
            await self._store.erase_project(project)
        else:
            await self._store.erase(project, event.call_ids, event.task_ids)
