"""Channels to other processes of Assay. Retrying is the caller's business, who knows what is safe to send twice."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, TypeAlias

import grpc
import grpc.aio

Metadata: TypeAlias = Sequence[tuple[str, str | bytes]]

# A page of 1,000 calls with all labels at their longest has 18 MB.
RESPONSE_BYTES_MAX = 32 * 1024 * 1024

_OPTIONS = (
    ("grpc.max_receive_message_length", RESPONSE_BYTES_MAX),
    # A neighbour that restarts is back within a second or two.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # How long one attempt to connect may take.
    ("grpc.min_reconnect_backoff_ms", 2_000),
    # A neighbour that vanished without closing its connections is noticed within half a minute.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # Neighbours are reached directly; a machine's proxy for the web would only get in between.
    ("grpc.enable_http_proxy", 0),
    # Nobody configures clients by DNS here; asking costs a look-up for each connection.
    ("grpc.service_config_disable_resolution", 1),
)


def connect(address: str, *, secret: str | None = None) -> grpc.aio.Channel:
    """A channel to "host:port", which connects when it is first used and again whenever it must; close it at the end.

    With a secret, every call carries the metadata `authorization: Bearer <secret>`.
    """
    channel = grpc.aio.insecure_channel(address, options=_OPTIONS)
    return channel if secret is None else _KeyedChannel(channel, (("authorization", f"Bearer {secret}"),))


class _KeyedChannel(grpc.aio.Channel):
    """Adds metadata to each call of a channel. (Interceptors would be four classes, and a task more in every call.)"""

    def __init__(self, channel: grpc.aio.Channel, metadata: Metadata) -> None:
        self._channel = channel
        self._metadata = metadata

    def unary_unary(self, *args: Any, **kwargs: Any) -> Any:
        return self._keyed(self._channel.unary_unary(*args, **kwargs))

    def unary_stream(self, *args: Any, **kwargs: Any) -> Any:
        return self._keyed(self._channel.unary_stream(*args, **kwargs))

    def stream_unary(self, *args: Any, **kwargs: Any) -> Any:
        return self._keyed(self._channel.stream_unary(*args, **kwargs))

    def stream_stream(self, *args: Any, **kwargs: Any) -> Any:
        return self._keyed(self._channel.stream_stream(*args, **kwargs))

    def _keyed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def start(*args: Any, metadata: Metadata | None = None, **kwargs: Any) -> Any:
            return call(*args, metadata=(*self._metadata, *(metadata or ())), **kwargs)

        return start

    async def close(self, grace: float | None = None) -> None:
        await self._channel.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:  # noqa: FBT001, FBT002  as inherited
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self._channel.channel_ready()

    async def __aenter__(self) -> "_KeyedChannel":
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self.close()
