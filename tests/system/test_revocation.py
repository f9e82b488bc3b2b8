"""A revoked key stops working within 5 seconds, also where it is in use already."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from itertools import count

import grpc
import grpc.aio
import httpx
import pytest
from assay.access.v1.access_service_pb2 import CheckKeyRequest, RevokeKeyRequest
from assay.access.v1.access_service_pb2_grpc import AccessServiceStub
from assay.collector.v1.collector_service_pb2 import StreamCallsRequest
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub
from assay.collector.v1.metrics_service_pb2 import ListSeriesRequest, WatchMetricsRequest
from assay.collector.v1.metrics_service_pb2_grpc import MetricsServiceStub
from google.protobuf.duration_pb2 import Duration

from tests.system.samples import call, calls_batch
from tests.system.suite import ANSWER_TIMEOUT_S, Suite

pytestmark = pytest.mark.slow

STOPPED_WITHIN_S = 5.0
USED_FOR_S = 1.5  # before it is revoked: every user of it has worked, and its answers are remembered wherever they can be
ASK_EVERY_S = 0.1
GIVE_UP_S = 12.0

Use = Callable[[Suite, str], Awaitable[None]]
_batch_numbers = count()


async def record(suite: Suite, secret: str) -> None:
    async with suite.channel(secret) as channel:
        while True:
            number = next(_batch_numbers)
            await CollectorServiceStub(channel).RecordCalls(calls_batch(f"r{number}", [call(f"r{number}")]), timeout=ANSWER_TIMEOUT_S)
            await asyncio.sleep(ASK_EVERY_S)


async def stream_calls(suite: Suite, secret: str) -> None:
    async def batches() -> AsyncIterator[StreamCallsRequest]:
        while True:
            number = next(_batch_numbers)
            yield StreamCallsRequest(batch=calls_batch(f"s{number}", [call(f"s{number}")]))
            await asyncio.sleep(ASK_EVERY_S)

    async with suite.channel(secret) as channel:
        async for _ in CollectorServiceStub(channel).StreamCalls(batches()):
            pass


async def read(suite: Suite, secret: str) -> None:
    async with suite.channel(secret) as channel:
        while True:
            await MetricsServiceStub(channel).ListSeries(ListSeriesRequest(), timeout=ANSWER_TIMEOUT_S)
            await asyncio.sleep(ASK_EVERY_S)


async def check_key(suite: Suite, secret: str) -> None:
    async with suite.channel(secret) as channel:
        while True:
            await AccessServiceStub(channel).CheckKey(CheckKeyRequest(), timeout=ANSWER_TIMEOUT_S)
            await asyncio.sleep(ASK_EVERY_S)


async def watch(suite: Suite, secret: str) -> None:
    """Nothing may happen for minutes in what is watched."""
    question = WatchMetricsRequest(range=Duration(seconds=3_600), step=Duration(seconds=60))
    question.filter.providers.append("silent")
    async with suite.channel(secret) as channel:
        async for _ in MetricsServiceStub(channel).WatchMetrics(question):
            pass


async def watch_moving(suite: Suite, secret: str) -> None:
    async with suite.channel(secret) as channel:
        async for _ in MetricsServiceStub(channel).WatchMetrics(WatchMetricsRequest(range=Duration(seconds=3_600))):
            pass


async def until_401(ask: Callable[[], Awaitable[httpx.Response]]) -> None:
    """Asks again and again; any other status than 200 before is an AssertionError."""
    while (status := (await ask()).status_code) != HTTPStatus.UNAUTHORIZED:
        assert status == HTTPStatus.OK
        await asyncio.sleep(ASK_EVERY_S)


async def ask_over_http(suite: Suite, secret: str) -> None:
    async with suite.http(secret) as http:
        await until_401(lambda: http.get("/api/v1/metrics", params={"start": "-1h"}))


async def record_over_http(suite: Suite, secret: str) -> None:
    async with suite.http(secret) as http:
        await until_401(lambda: http.post("/api/v1/calls", json={"calls": []}))


async def follow_events(suite: Suite, secret: str) -> None:
    async with suite.http(secret) as http:
        async with http.stream("GET", "/api/v1/stream") as response:
            assert response.status_code == 200
            async for _ in response.aiter_lines():
                pass
        assert (await http.get("/api/v1/stream")).status_code == 401


USES: dict[str, Use] = {
    "RecordCalls": record,
    "StreamCalls": stream_calls,
    "ListSeries": read,
    "CheckKey": check_key,
    "WatchMetrics, silent": watch,
    "WatchMetrics, moving": watch_moving,
    "GET /metrics": ask_over_http,
    "POST /calls": record_over_http,
    "GET /stream": follow_events,
}


async def test_a_revoked_key_stops_everywhere_within_five_seconds(suite: Suite) -> None:
    project = await suite.new_project()
    secret, key_id = await suite.new_key(project, "ADMIN")
    ended_s: dict[str, float] = {}
    uses = {name: asyncio.create_task(ended(ended_s, name, use(suite, secret))) for name, use in USES.items()}
    await asyncio.sleep(USED_FOR_S)
    assert ended_s == {}, "a key that works was refused"
    async with suite.channel() as channel:
        await AccessServiceStub(channel).RevokeKey(RevokeKeyRequest(project=project, key_id=key_id), timeout=ANSWER_TIMEOUT_S)
    revoked_s = time.monotonic()
    _, late = await asyncio.wait(uses.values(), timeout=GIVE_UP_S)
    for task in late:
        task.cancel()
    results = await asyncio.gather(*uses.values(), return_exceptions=True)
    took_s = {name: round(ended_s[name] - revoked_s, 1) if name in ended_s else None for name in USES}
    assert all(took is not None and took <= STOPPED_WITHIN_S for took in took_s.values()), (took_s, results)
    for name, result in zip(USES, results, strict=True):
        if isinstance(result, grpc.aio.AioRpcError):
            assert result.code() is grpc.StatusCode.UNAUTHENTICATED, name
        else:
            assert result is None, name  # those over HTTP look at the status themselves


async def ended(ended_s: dict[str, float], name: str, use: Awaitable[None]) -> None:
    """Notes when a use of the key ends, but not when we end it."""
    try:
        await use
    except asyncio.CancelledError:
        raise
    except Exception:
        ended_s[name] = time.monotonic()
        raise
    ended_s[name] = time.monotonic()
