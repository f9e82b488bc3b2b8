"""NATS JetStream: one connection a process, durable publishing, and consumers that fetch many messages at a time."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import nats
import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, RawStreamMsg, StreamConfig, StreamInfo

from kit import tls
from kit.bus_tls import TlsClient
from kit.errors import AssayError, Kind

# A server that restarts is back within a second or two; waiting longer between tries would only add to that.
RECONNECT_WAIT_S = 0.25
# With the disk's sync inside, an acknowledgement takes milliseconds; a bus that needs this long is not there.
PUBLISH_TIMEOUT_S = 5.0
# What a client should wait before it sends again.
RETRY_UNAVAILABLE_S = 1.0
RETRY_FULL_S = 5.0
# A message that is there comes within a millisecond; after so long it is asked whether there is one, and how often.
NEXT_WAIT_S = 0.05
NEXT_TRIES = 40
# Server error codes that say that a stream has no room.
_FULL_CODES = frozenset({10023, 10047, 10077, 10122})


def _unavailable(why: str) -> AssayError:
    return AssayError(
        Kind.UNAVAILABLE,
        "BUS_UNAVAILABLE",
        f"the bus cannot be reached ({why}): send the same batch again",
        retry_after_s=RETRY_UNAVAILABLE_S,
    )


def _stream_full() -> AssayError:
    return AssayError(
        Kind.RESOURCE_EXHAUSTED,
        "STREAM_FULL",
        "the ingest stream is full: send the same batch again later",
        retry_after_s=RETRY_FULL_S,
    )


@dataclass(frozen=True)
class StreamState:
    """What a stream holds. `incarnation` changes when a stream is made anew, and its sequences start again."""

    incarnation: str
    first_sequence: int
    last_sequence: int
    message_count: int
    byte_count: int
    byte_limit: int


class Consumer:
    """A durable pull consumer, shared by all who open it under the same name."""

    def __init__(self, bus: "Bus", stream: str, config: ConsumerConfig) -> None:
        self._bus = bus
        self._stream = stream
        self._config = config
        self._subscription: JetStreamContext.PullSubscription | None = None

    async def fetch(self, count: int, timeout_s: float) -> list[Msg]:
        """What is there, up to `count` messages, waiting up to `timeout_s` for the first. Raises AssayError while the bus is away."""
        try:
            if self._subscription is None:
                self._subscription = await self._open()
            return await self._subscription.fetch(count, timeout=timeout_s)
        except nats.js.errors.NotFoundError:
            # The stream or the consumer was deleted under us; the next fetch makes the consumer again.
            await self.close()
            raise _unavailable("the consumer is gone") from None
        except TimeoutError:
            return []
        except (nats.errors.Error, OSError) as error:
            await self.close()
            raise _unavailable(repr(error)) from error

    async def _open(self) -> JetStreamContext.PullSubscription:
        info = await self._bus.jetstream.add_consumer(self._stream, self._config)
        return await self._bus.jetstream.pull_subscribe_bind(consumer=info.name, stream=self._stream)

    async def close(self) -> None:
        """Stops asking. A request that is still open would otherwise be given the next message, which then nobody reads."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
                await subscription.unsubscribe()

    async def floor(self) -> int:
        """The sequence up to which every message is acknowledged, 0 where nobody has begun to consume."""
        try:
            info = await self._bus.jetstream.consumer_info(self._stream, str(self._config.durable_name))
        except nats.js.errors.NotFoundError:
            return 0
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise _unavailable(repr(error)) from error
        return info.ack_floor.stream_seq if info.ack_floor else 0


class Bus:
    """A connection that keeps trying: what is asked of it while the server is away fails with BUS_UNAVAILABLE."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.jetstream = client.jetstream(timeout=PUBLISH_TIMEOUT_S)
        self._connected = asyncio.Event()
        self._trouble = ""

    @property
    def is_connected(self) -> bool:
        return self._client.is_connected

    @property
    def connection_count(self) -> int:
        """How often the connection has been made: another number than before means that the server may be another."""
        return self._client.stats["reconnects"]

    @property
    def max_payload_bytes(self) -> int:
        """The largest message that the server takes. Known once connected."""
        return self._client.max_payload

    async def connected(self, timeout_s: float | None = None) -> None:
        """Returns when the first connection stands. Raises BUS_UNAVAILABLE, with what went wrong last, when it does not in time."""
        try:
            await asyncio.wait_for(self._connected.wait(), timeout_s)
        except TimeoutError:
            raise _unavailable(self._trouble or "no answer") from None

    async def keep_connecting(self, url: str, name: str) -> None:
        """Makes the first connection, however long it takes; later ones are the client's own doing."""
        while True:
            try:
                await self._client.connect(
                    url,
                    name=name,
                    allow_reconnect=True,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=RECONNECT_WAIT_S,  # type: ignore[arg-type]  # nats-py sleeps so long, fractions included
                    connect_timeout=2,
                    ping_interval=5,
                    max_outstanding_pings=2,
                    error_cb=self._note,
                )
            except (OSError, nats.errors.Error, TimeoutError):
                await asyncio.sleep(RECONNECT_WAIT_S)
            else:
                self._connected.set()
                return

    async def publish(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> bool:
        """Returns once the stream has the message on disk: True, or False if it had it already (same Nats-Msg-Id).

        Raises STREAM_FULL, or BUS_UNAVAILABLE when it is not known whether the message was taken.
        """
        if not self._client.is_connected:
            raise _unavailable("not connected")
        try:
            ack = await self.jetstream.publish(subject, payload, headers=dict(headers))
        except nats.js.errors.APIError as error:
            if error.err_code in _FULL_CODES:
                raise _stream_full() from error
            raise _unavailable(str(error)) from error
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise _unavailable(repr(error)) from error
        return not ack.duplicate

    async def ensure_stream(self, config: StreamConfig) -> None:
        """Makes the stream, or brings its limits up to date. Raises AssayError if it cannot be made on this server."""
        try:
            try:
                await self.jetstream.update_stream(config)
            except nats.js.errors.NotFoundError:
                await self.jetstream.add_stream(config)
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise _unavailable(f"stream {config.name}: {error!r}") from error

    async def stream_state(self, stream: str) -> StreamState:
        try:
            info: StreamInfo = await self.jetstream.stream_info(stream)
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise _unavailable(repr(error)) from error
        return StreamState(
            incarnation=str(info.created),
            first_sequence=info.state.first_seq,
            last_sequence=info.state.last_seq,
            message_count=info.state.messages,
            byte_count=info.state.bytes,
            byte_limit=info.config.max_bytes or -1,
        )

    async def purge(self, stream: str, before_sequence: int) -> None:
        """Removes the messages before `before_sequence`."""
        try:
            await self.jetstream.purge_stream(stream, seq=before_sequence)
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise _unavailable(repr(error)) from error

    async def message(self, stream: str, sequence: int) -> RawStreamMsg | None:
        """One message by its place, or None where it is no longer kept. The stream must allow direct reads, which spare JSON and base64."""
        try:
            return await self.jetstream.get_msg(stream, seq=sequence, direct=True)
        except nats.js.errors.NotFoundError:
            return None

    async def next_message(self, stream: str, subject: str, sequence: int) -> RawStreamMsg | None:
        """The first message from a place on whose subject, which may have wildcards, is meant; None if there is none. As `message` else."""
        find = partial(self.jetstream.get_msg, stream, seq=sequence, subject=subject, next=True)
        try:
            try:
                return await find(direct=True)
            except nats.js.errors.NotFoundError:  # a replica may not have it yet: only the leader can say that there is none
                return await find()
        except nats.js.errors.NotFoundError:
            return None
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise _unavailable(repr(error)) from error

    async def forget_consumer(self, stream: str, config: ConsumerConfig) -> None:
        """Has whoever consumes next under that name begin with the first message that is there."""
        try:
            with contextlib.suppress(nats.js.errors.NotFoundError):
                await self.jetstream.delete_consumer(stream, str(config.durable_name))
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise _unavailable(repr(error)) from error

    async def has_stream(self, stream: str) -> bool:
        """Whether there is a stream of that name."""
        try:
            await self.jetstream.stream_info(stream)
        except nats.js.errors.NotFoundError:
            return False
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise _unavailable(repr(error)) from error
        return True

    async def last_payload(self, stream: str, subject: str) -> bytes | None:
        """What was last published on a subject, None where nothing of it is kept. The stream must allow direct reads."""
        try:
            try:
                return (await self.jetstream.get_last_msg(stream, subject, direct=True)).data or b""
            except nats.js.errors.NotFoundError:  # a replica may not have it yet: only the leader can say that there is none
                return (await self.jetstream.get_last_msg(stream, subject)).data or b""
        except nats.js.errors.NotFoundError:
            return None
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise _unavailable(repr(error)) from error

    async def purge_subject(self, stream: str, subject: str) -> None:
        """Removes what is kept of a subject, which may have wildcards."""
        try:
            await self.jetstream.purge_stream(stream, subject=subject)
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise _unavailable(repr(error)) from error

    def consumer(self, stream: str, config: ConsumerConfig) -> Consumer:
        return Consumer(self, stream, config)

    async def headers_from(self, stream: str, sequence: int, subjects: Sequence[str], count_max: int) -> AsyncGenerator[Msg]:
        """The headers, without payloads, of up to `count_max` messages from `sequence` on. Raises the client's errors while it is away."""
        subscription = await self.jetstream.subscribe(
            subjects[0] if len(subjects) == 1 else "",
            stream=stream,
            ordered_consumer=True,
            config=ConsumerConfig(
                deliver_policy="by_start_sequence",  # type: ignore[arg-type]
                opt_start_seq=sequence,
                headers_only=True,
                filter_subjects=list(subjects) if len(subjects) > 1 else None,
            ),
        )
        try:
            received_count = 0
            for _ in range(count_max):
                message = await _next_or_none(subscription, received_count)
                if message is None:
                    return
                received_count = message.metadata.sequence.consumer
                yield message
                if message.metadata.num_pending == 0:
                    return
        finally:
            with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
                await subscription.unsubscribe()

    @asynccontextmanager
    async def subscribed(self, subject: str, on_message: Callable[[Msg], Awaitable[None]]) -> AsyncIterator[None]:
        """Hands what is published from now on to `on_message`, until the block is left. What comes while the server is away is missed."""
        subscription = await self._client.subscribe(subject, cb=on_message)
        try:
            yield
        finally:
            with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
                await subscription.unsubscribe()

    async def close(self) -> None:
        with contextlib.suppress(nats.errors.Error, OSError, TimeoutError):
            await self._client.close()

    async def _note(self, error: Exception) -> None:
        """The client reports each failed try; readiness tells of the last one."""
        self._trouble = str(error) or repr(error)


async def _next_or_none(subscription: JetStreamContext.PushSubscription, received_count: int) -> Msg | None:
    """The message after the first `received_count`, None if there is none (any more). Raises TimeoutError if it stays out."""
    for _ in range(NEXT_TRIES):
        try:
            return await subscription.next_msg(timeout=NEXT_WAIT_S)
        except TimeoutError:
            info = await subscription.consumer_info()
            delivered_count = info.delivered.consumer_seq if info.delivered else 0
            if not info.num_pending and delivered_count == received_count and not subscription.pending_msgs:
                return None
    raise TimeoutError


@asynccontextmanager
async def connect(url: str, name: str, files: tls.ClientFiles | None = None) -> AsyncIterator[Bus]:
    """A bus that is connecting in the background, by TLS alone where there are files for it; closed when the block is left.

    Raises TLS_FILES_UNUSABLE.
    """
    bus = Bus(Client() if files is None else TlsClient(files))
    connecting = asyncio.create_task(bus.keep_connecting(url, name))
    try:
        yield bus
    finally:
        connecting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await connecting
        await bus.close()


__all__ = ["Bus", "Consumer", "Msg", "StreamState", "connect", "nats"]
