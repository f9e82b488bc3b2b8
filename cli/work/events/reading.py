"""Reads a stream of the bus from a moment on, and goes on behind the last message when the bus was away."""

from dataclasses import dataclass
from datetime import datetime

from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from cli.work.events.kinds import EventKind
from kit.bus import Bus, Consumer, Msg
from kit.errors import AssayError, Kind

FETCH_MAX = 100
# A consumer that nobody asks any more is forgotten by the server.
INACTIVE_S = 60.0


@dataclass(frozen=True, slots=True)
class Start:
    """Where to begin: behind what is there now, with the first that is kept, or at a moment."""

    is_new: bool = False
    time: datetime | None = None


class EventReader:
    """Messages of one kind, in their order, of one project or of all."""

    def __init__(self, bus: Bus, kind: EventKind, project: str, start: Start) -> None:
        self._bus = bus
        self._kind = kind
        self._subject = f"{kind.subject}.{project or '*'}"
        self._start = start
        self._last_sequence = 0
        self._consumer: Consumer | None = None

    async def next(self, wait_s: float) -> list[Msg]:
        """What is there, waiting for the first so long. Raises STREAM_UNKNOWN, and BUS_UNAVAILABLE, after which it may be called again."""
        if self._consumer is None:
            if not await self._bus.has_stream(self._kind.stream):
                message = f"there is no stream {self._kind.stream}: this suite has published none of its events"
                raise AssayError(Kind.NOT_FOUND, "STREAM_UNKNOWN", message)
            self._consumer = self._bus.consumer(self._kind.stream, self._config())
        try:
            messages = await self._consumer.fetch(FETCH_MAX, wait_s)
        except AssayError:
            await self.close()
            raise
        if messages:
            self._last_sequence = messages[-1].metadata.sequence.stream
        return messages

    async def close(self) -> None:
        """Stops asking."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.close()

    def _config(self) -> ConsumerConfig:
        config = ConsumerConfig(
            filter_subject=self._subject,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=INACTIVE_S,
            deliver_policy=DeliverPolicy.NEW if self._start.is_new else DeliverPolicy.ALL,
        )
        if self._last_sequence:
            config.deliver_policy, config.opt_start_seq = DeliverPolicy.BY_START_SEQUENCE, self._last_sequence + 1
        elif self._start.time is not None:
            config.deliver_policy, config.opt_start_time = DeliverPolicy.BY_START_TIME, self._start.time
        return config
