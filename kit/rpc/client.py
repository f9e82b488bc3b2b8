"""Channels to other processes of Assay. Retrying is the caller's business, who knows what is safe to send twice."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, TypeAlias

import grpc
import grpc.aio

from kit.listen import require_safe_target
from kit.rpc.credentials import channel_credentials
from kit.tls import ClientFiles, Reloaded

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


def connect(address: str, *, secret: str | None = None, tls: ClientFiles | None = None, allow_insecure: bool = False) -> grpc.aio.Channel:
    """A channel to "host:port", which connects when it is first used and again whenever it must; close it at the end.

    With a secret, every call carries the metadata `authorization: Bearer <secret>`. With `tls`, the other side must show a certificate that
    it trusts; without, an address beyond this machine is refused with CONNECT_INSECURE unless that is allowed. Raises TLS_FILES_UNUSABLE.
    """
    if tls is None:
        require_safe_target(address, allow_insecure=allow_insecure)
        if secret is None:
            return grpc.aio.insecure_channel(address, options=_OPTIONS)
    return _Channel(address, () if secret is None else (("authorization", f"Bearer {secret}"),), tls)


class _Channel(grpc.aio.Channel):
    """A channel that adds metadata to each call, and that makes calls with the TLS files as they are when a call begins.

    gRPC's own channels keep the certificates that they were made with, so there is a new one after a renewal, and the one before is closed
    when its last call has ended. (For metadata alone, interceptors would be four classes, and a task more in every call.)
    """

    def __init__(self, address: str, metadata: Metadata, tls: ClientFiles | None) -> None:
        self._address = address
        self._metadata = metadata
        self._options: tuple[tuple[str, Any], ...] = _OPTIONS
        if tls is not None and tls.server_name:
            self._options += (("grpc.ssl_target_name_override", tls.server_name),)
        self._renewed: Reloaded[grpc.ChannelCredentials] | None = None if tls is None else channel_credentials(tls)
        self._credentials = None if self._renewed is None else self._renewed.current
        self._channel = self._new_channel()
        # Calls that have not ended, of the channel and of those before it that still have some.
        self._open_count: Counter[grpc.aio.Channel] = Counter({self._channel: 0})
        self._closing: set[asyncio.Task[None]] = set()

    def unary_unary(self, *args: Any, **kwargs: Any) -> Any:
        return self._method("unary_unary", args, kwargs)

    def unary_stream(self, *args: Any, **kwargs: Any) -> Any:
        return self._method("unary_stream", args, kwargs)

    def stream_unary(self, *args: Any, **kwargs: Any) -> Any:
        return self._method("stream_unary", args, kwargs)

    def stream_stream(self, *args: Any, **kwargs: Any) -> Any:
        return self._method("stream_stream", args, kwargs)

    def _method(self, kind: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[..., Any]:
        """What a stub keeps of a method; it outlives the channels that it is called on."""
        channel = self._channel
        call = getattr(channel, kind)(*args, **kwargs)

        def start(*args_: Any, metadata: Metadata | None = None, **kwargs_: Any) -> Any:
            nonlocal channel, call
            current = self._current()
            if channel is not current:
                channel, call = current, getattr(current, kind)(*args, **kwargs)
            started = call(*args_, metadata=(*self._metadata, *(metadata or ())), **kwargs_)
            if self._renewed is not None:
                self._open_count[current] += 1
                started.add_done_callback(lambda _call: self._end(current))
            return started

        return start

    def _current(self) -> grpc.aio.Channel:
        if self._renewed is not None and (credentials := self._renewed.current) is not self._credentials:
            self._credentials = credentials
            before, self._channel = self._channel, self._new_channel()
            self._open_count[self._channel] = 0
            self._close_unless_used(before)
        return self._channel

    def _end(self, channel: grpc.aio.Channel) -> None:
        self._open_count[channel] -= 1
        if channel is not self._channel:
            self._close_unless_used(channel)

    def _close_unless_used(self, channel: grpc.aio.Channel) -> None:
        if not self._open_count[channel]:
            del self._open_count[channel]
            closing = asyncio.ensure_future(channel.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def _new_channel(self) -> grpc.aio.Channel:
        if self._credentials is None:
            return grpc.aio.insecure_channel(self._address, options=self._options)
        return grpc.aio.secure_channel(self._address, self._credentials, options=self._options)

    async def close(self, grace: float | None = None) -> None:
        for channel in list(self._open_count):
            await channel.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:  # noqa: FBT001, FBT002  as inherited
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self._channel.channel_ready()

    async def __aenter__(self) -> "_Channel":
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self.close()
