"""Requests whose message is slow to come, or never comes: they must not hold a server's places for ever."""

import asyncio
import gc
import struct
import tracemalloc
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kit import metrics, rpc
from kit.health import Readiness
from kit.rpc import handlers, server

IN_TIME_S = 60.0
PLACES = 20
MESSAGE_BYTES = 1_000_000
CHECK = "/grpc.health.v1.Health/Check"
WATCH = "/grpc.health.v1.Health/Watch"
HEADERS_FRAME, SETTINGS_FRAME, END_HEADERS = 1, 4, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame of HTTP/2."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name: bytes, value: bytes) -> bytes:
    """A header that no table knows."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def headers_of(path: str) -> bytes:
    pairs = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "x", "content-type": "application/grpc", "te": "trailers"}
    return b"".join(literal(name.encode(), value.encode()) for name, value in pairs.items())


def too_slow_count() -> float:
    """RPCs that were given up since their message did not come."""
    found = 0.0
    for path in (CHECK, WATCH):
        labels = {"method": path.removeprefix("/"), "code": "DEADLINE_EXCEEDED"}
        found += metrics.REGISTRY.get_sample_value("assay_rpc_requests_total", labels) or 0.0
    return found


async def test_rpcs_without_a_message_give_their_places_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "MESSAGE_WAIT_MAX_S", 0.5)
    monkeypatch.setattr(server, "CONCURRENT_RPCS_MAX", PLACES)
    before = too_slow_count()
    async with rpc.serve("127.0.0.1:0", [], service_names=[], readiness=Readiness()) as address, asyncio.timeout(IN_TIME_S):
        host, _, port = address.rpartition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(PREFACE + frame(SETTINGS_FRAME, 0, 0))
        for number in range(PLACES):
            path = CHECK if number % 2 else WATCH
            writer.write(frame(HEADERS_FRAME, END_HEADERS, 2 * number + 1, headers_of(path)))
        await writer.drain()
        while too_slow_count() < before + PLACES:
            await asyncio.sleep(0.02)
        async with rpc.connect(address) as channel:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=IN_TIME_S)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        writer.close()


@pytest.mark.parametrize("path", [CHECK, WATCH])
async def test_a_request_that_ends_without_a_message_is_told_so(path: str) -> None:
    async with rpc.serve("127.0.0.1:0", [], service_names=[], readiness=Readiness()) as address, rpc.connect(address) as channel:
        call: Any = channel.stream_stream(path)(iter([]))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call.read()
    assert rpc.error_of(refused.value).reason == "MESSAGE_MALFORMED"


async def test_a_request_is_let_go_once_it_is_answered() -> None:
    """Not only when garbage is looked for, which a process that makes much of it does rarely."""
    request = health_pb2.HealthCheckRequest(service="x" * MESSAGE_BYTES)
    async with rpc.serve("127.0.0.1:0", [], service_names=[], readiness=Readiness()) as address, rpc.connect(address) as channel:
        health = health_pb2_grpc.HealthStub(channel)

        async def ask() -> None:
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await health.Check(request, timeout=IN_TIME_S)
            assert refused.value.code() is grpc.StatusCode.NOT_FOUND

        gc.disable()
        tracemalloc.start()
        try:
            await ask()
            before, _ = tracemalloc.get_traced_memory()
            for _ in range(10):
                await ask()
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
            gc.enable()
    assert after - before < 5 * MESSAGE_BYTES
