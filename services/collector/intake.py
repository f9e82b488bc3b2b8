"""Takes messages off the ingest stream, and gives them back or acknowledges them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import nats.errors
from nats.aio.msg import Msg
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import logs
from kit.bus import Bus
from services.collector import streams
from services.collector.store import messages

_log = logs.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Taken:
    """A message, and the number of the stream that it stood in."""

    message: Msg
    stream_id: int

    @property
    def sequence(self) -> int:
        """Its place in the stream."""
        return self.message.metadata.sequence.stream

    @property
    def project(self) -> str:
        """Whose records it carries."""
        return streams.project_of(self.message.subject)


@dataclass(frozen=True, slots=True)
class _Stream:
    """The ingest stream since it was last made. One that was made anew is another one: it counts its messages from 1 again."""

    incarnation: str
    stream_id: int

    @property
    def created(self) -> datetime:
        return datetime.fromisoformat(self.incarnation)


class Intake:
    """The writer's side of the ingest stream."""

    def __init__(self, engine: AsyncEngine, bus: Bus) -> None:
        self._engine = engine
        self._bus = bus
        self._consumer = bus.consumer(streams.INGEST, streams.WRITER)
        self._stream: _Stream | None = None

    async def take(self, count: int, wait_s: float) -> list[Taken]:
        """What is there, up to `count` messages, waiting up to `wait_s` for the first.

        Raises AssayError while the bus is away, and for a stream that was not seen before the database's errors.
        """
        before = self._stream or await self._look()
        found = await self._consumer.fetch(count, wait_s)
        if not found:
            return []
        after = await self._look()
        # If the stream was made anew meanwhile, what was stored before that is of the one that is gone. Mixing them up would take a message
        # for one that was stored long ago.
        return [
            Taken(message, (before if message.metadata.timestamp < after.created and before != after else after).stream_id)
            for message in found
        ]

    async def close(self) -> None:
        """Takes no more."""
        await self._consumer.close()

    async def _look(self) -> _Stream:
        """The stream as it is now."""
        state = await self._bus.stream_state(streams.INGEST)
        if self._stream is None or self._stream.incarnation != state.incarnation:
            self._stream = _Stream(state.incarnation, await messages.stream_id(self._engine, state.incarnation))
        return self._stream

    async def acknowledge(self, taken: Iterable[Taken]) -> None:
        """Says that these are stored. If that is lost they come again, and are found to be stored."""
        try:
            for one in taken:
                await one.message.ack()
        except nats.errors.Error as error:
            _log.warning("messages cannot be acknowledged now", why=repr(error))

    async def give_back(self, taken: Iterable[Taken]) -> None:
        """Has these delivered again at once, to whoever asks. If that is lost they come again a little later."""
        try:
            for one in taken:
                if not one.message.is_acked:
                    await one.message.nak()
        except nats.errors.Error as error:
            _log.debug("messages cannot be given back now", why=repr(error))
