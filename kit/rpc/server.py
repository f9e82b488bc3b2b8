"""A gRPC server as every process has it: with health, reflection and log levels, stopped gracefully."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias, cast

import grpc
import grpc.aio
from assay.operations.v1 import log_service_pb2, log_service_pb2_grpc
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from kit import listen as addresses
from kit.access import Guard
from kit.health import HealthService, Readiness
from kit.rpc.credentials import server_credentials
from kit.rpc.handlers import WrappingServer
from kit.rpc.log_service import LogService
from kit.rpc.stopping import Stopping
from kit.tls import ServerFiles

AddService: TypeAlias = Callable[[grpc.aio.Server], None]

# The contract's 8 MB for a batch, and room for what is around it. Over this, gRPC itself says RESOURCE_EXHAUSTED.
REQUEST_BYTES_MAX = 8 * 1024 * 1024 + 64 * 1024
# Each may hold a request in memory, or be a browser's open stream.
CONCURRENT_RPCS_MAX = 1_000
STOP_GRACE_S = 3.0
# Between saying NOT_SERVING and refusing: whoever watches the health hears of it before it hurts.
STOP_NOTICE_S = 0.1

_OPTIONS = (
    ("grpc.max_receive_message_length", REQUEST_BYTES_MAX),
    # Without this, a second process on the same port would take every other connection instead of failing.
    ("grpc.so_reuseport", 0),
    # Finds peers that vanished without a word, and grants clients the keepalive that kit.rpc.client asks for.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    # Who connects and does not get on with TLS and HTTP/2 is let go.
    ("grpc.server_handshake_timeout_ms", 10_000),
)


@asynccontextmanager
async def serve(
    listen: str,
    add_services: Sequence[AddService],
    *,
    service_names: Sequence[str],
    readiness: Readiness,
    log_guard: Guard | None = None,
    files: ServerFiles | None = None,
    allow_insecure: bool = False,
    grace_s: float = STOP_GRACE_S,
) -> AsyncIterator[str]:
    """Serves until the block is left, with TLS where there are files for it; yields the bound "host:port".

    `add_services` register servicers, and `service_names` says which: they are what health and reflection tell of.
    LogService is served where there is a guard for it. On leaving, `readiness` is closed, open streams end with
    UNAVAILABLE SERVER_STOPPING, and other RPCs have `grace_s` to finish.
    Raises LISTEN_INSECURE, LISTEN_ADDRESS_INVALID, ADDRESS_UNAVAILABLE or TLS_FILES_UNUSABLE.
    """
    server = grpc.aio.server(options=_OPTIONS, maximum_concurrent_rpcs=CONCURRENT_RPCS_MAX)
    stopping = Stopping()
    names = list(service_names)
    standard = [_health(readiness, names)]
    if log_guard is not None:
        names.append(log_service_pb2.DESCRIPTOR.services_by_name["LogService"].full_name)
        standard.append(_log_levels(log_guard))
    standard.append(_reflection(names))
    wrapping = WrappingServer(server, stopping)
    for add_service in (*add_services, *standard):
        add_service(cast("grpc.aio.Server", wrapping))
    if unknown := set(names) - wrapping.service_names:
        raise ValueError(f"no servicer was added for {sorted(unknown)}")
    address = _bind(server, listen, None if files is None else server_credentials(files), allow_insecure=allow_insecure)
    await server.start()
    try:
        yield address
    finally:
        readiness.close()
        await _stop(server, stopping, grace_s)


async def _stop(server: grpc.aio.Server, stopping: Stopping, grace_s: float) -> None:
    try:
        await asyncio.sleep(STOP_NOTICE_S)
    finally:
        stopping.begin()
        await server.stop(grace_s)


def _bind(server: grpc.aio.Server, listen: str, credentials: grpc.ServerCredentials | None, *, allow_insecure: bool) -> str:
    # Tried with a socket of our own first: gRPC does not say why it cannot bind, except in a line of its own on standard error.
    addresses.bind(listen, allow_insecure=allow_insecure or credentials is not None).close()
    host, _ = addresses.parse(listen)
    port = server.add_insecure_port(listen) if credentials is None else server.add_secure_port(listen, credentials)
    return addresses.join(host, port)


def _health(readiness: Readiness, names: Sequence[str]) -> AddService:
    service = HealthService(readiness, [*names, health.SERVICE_NAME])
    return lambda server: health_pb2_grpc.add_HealthServicer_to_server(service, server)


def _log_levels(guard: Guard) -> AddService:
    return lambda server: log_service_pb2_grpc.add_LogServiceServicer_to_server(LogService(guard), server)


def _reflection(names: Sequence[str]) -> AddService:
    service = reflection.aio.ReflectionServicer([*names, health.SERVICE_NAME, reflection.SERVICE_NAME])
    return lambda server: reflection_pb2_grpc.add_ServerReflectionServicer_to_server(service, server)
