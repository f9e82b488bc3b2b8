"""A revoked key stops working within 5 seconds, also where it is in use already."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from itertools import count

import grpc
import grpc.aio
import httpx
import pytest
from assay.access.v1.access_service_pb2 import CheckKeyRequest, RevokeKeyRequest
from assay.access.v1.access_service_pb2_grpc import AccessServiceStub
from assay.collector.v1.collector_service_pb2 import RecordCallsRequest, StreamCallsRequest
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub
from assay.collector.v1.metrics_service_pb2 import ListSeriesRequest, WatchMetricsRequest
from assay.collector.v1.metrics_service_pb2_grpc import MetricsServiceStub
from google.protobuf.duration_pb2 import Duration

from gateway.settings import GatewaySettings
from kit.access import MEMORY_AGE_MAX_S, MEMORY_AGE_S
from kit.open_streams import ADMIT_AGAIN_EVERY_S
from tests.system.samples import call, calls_batch
from tests.system.suite import ANSWER_TIMEOUT_S, Suite, eventually

pytestmark = pytest.mark.slow

ASK_EVERY_S = 0.1
ANSWERS_BEFORE = 5  # before it is revoked: its answers are remembered wherever they can be
# Of streams, that their server ends before all that was sent to it is read; and what it says while it cannot look keys up in time.
BUSY = frozenset({grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})
END_TIMEOUT_S = 120.0  # of the machine; what is asked of Assay is looked at by what it still allows

_batch_numbers = count()


@dataclass
class Usage:
    """What one use of the key got: how many answers, and when the last thing that was allowed had been asked."""

    answer_count: int = 0
    last_allowed_s: float = field(default_factory=time.monotonic)

    def note(self, asked_s: float) -> None:
        """Takes in that something was allowed, which was asked at that time."""
        self.answer_count += 1
        self.last_allowed_s = max(self.last_allowed_s, asked_s)


Use = Callable[[Suite, str, Usage], Awaitable[None]]


async def repeatedly(usage: Usage, ask: Callable[[], Awaitable[object]]) -> None:
    """Asks until it is refused."""
    while True:
        asked_s = time.monotonic()
        await ask()
        usage.note(asked_s)
        await asyncio.sleep(ASK_EVERY_S)


async def record(suite: Suite, secret: str, usage: Usage) -> None:
    async with suite.channel(secret) as channel:
        stub = CollectorServiceStub(channel)

        def batch() -> RecordCallsRequest:
            number = next(_batch_numbers)
            return calls_batch(f"r{number}", [call(f"r{number}")])

        await repeatedly(usage, lambda: stub.RecordCalls(batch(), timeout=ANSWER_TIMEOUT_S))


async def stream_calls(suite: Suite, secret: str, usage: Usage) -> None:
    sent_s: dict[str, float] = {}

    async def batches() -> AsyncIterator[StreamCallsRequest]:
        while True:
            batch_id = f"s{next(_batch_numbers)}"
            sent_s[batch_id] = time.monotonic()
            yield StreamCallsRequest(batch=calls_batch(batch_id, [call(batch_id)]))
            await asyncio.sleep(ASK_EVERY_S)

    async with suite.channel(secret) as channel:
        async for answer in CollectorServiceStub(channel).StreamCalls(batches()):
            usage.note(sent_s[answer.batch_id])


async def read(suite: Suite, secret: str, usage: Usage) -> None:
    async with suite.channel(secret) as channel:
        stub = MetricsServiceStub(channel)
        await repeatedly(usage, lambda: stub.ListSeries(ListSeriesRequest(), timeout=ANSWER_TIMEOUT_S))


async def check_key(suite: Suite, secret: str, usage: Usage) -> None:
    async with suite.channel(secret) as channel:
        stub = AccessServiceStub(channel)
        await repeatedly(usage, lambda: stub.CheckKey(CheckKeyRequest(), timeout=ANSWER_TIMEOUT_S))


async def watch(suite: Suite, secret: str, usage: Usage) -> None:
    """Nothing may happen for minutes in what is watched."""
    question = WatchMetricsRequest(range=Duration(seconds=3_600), step=Duration(seconds=60))
    question.filter.providers.append("silent")
    await follow_watch(suite, secret, usage, question)


async def watch_moving(suite: Suite, secret: str, usage: Usage) -> None:
    await follow_watch(suite, secret, usage, WatchMetricsRequest(range=Duration(seconds=3_600)))


async def follow_watch(suite: Suite, secret: str, usage: Usage, question: WatchMetricsRequest) -> None:
    """A watch is asked once; that it ends is what counts."""
    asked_s = time.monotonic()
    async with suite.channel(secret) as channel:
        async for _ in MetricsServiceStub(channel).WatchMetrics(question):
            usage.note(asked_s)


class RefusedError(Exception):
    """The key does not work (any more)."""


class AwayError(Exception):
    """Nobody could tell whether the key works."""


def look_at(status: int) -> None:
    """Raises RefusedError for 401, AwayError for 503, and AssertionError for any other status than 200."""
    if status == HTTPStatus.UNAUTHORIZED:
        raise RefusedError
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        raise AwayError
    assert status == HTTPStatus.OK


async def answered(ask: Awaitable[httpx.Response]) -> None:
    look_at((await ask).status_code)


async def ask_over_http(suite: Suite, secret: str, usage: Usage) -> None:
    async with suite.http(secret) as http:
        await repeatedly(usage, lambda: answered(http.get("/api/v1/metrics", params={"start": "-1h"})))


async def record_over_http(suite: Suite, secret: str, usage: Usage) -> None:
    async with suite.http(secret) as http:
        await repeatedly(usage, lambda: answered(http.post("/api/v1/calls", json={"calls": []})))


async def follow_events(suite: Suite, secret: str, usage: Usage) -> None:
    asked_s = time.monotonic()
    async with suite.http(secret) as http:
        async with http.stream("GET", "/api/v1/stream") as response:
            look_at(response.status_code)
            async for _ in response.aiter_lines():
                usage.note(asked_s)
        await answered(http.get("/api/v1/stream"))


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


async def until_refused(use: Use, suite: Suite, secret: str, usage: Usage) -> None:
    """Takes a use up again that ends for another reason, as it may on a machine with more to do. Raises RefusedError in the end."""
    while True:
        try:
            await use(suite, secret, usage)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNAUTHENTICATED:
                raise RefusedError from error
            if error.code() not in BUSY:
                raise
        except AwayError:
            pass
        await asyncio.sleep(ASK_EVERY_S)


def test_no_answer_about_a_key_is_believed_for_five_seconds() -> None:
    assert ADMIT_AGAIN_EVERY_S + MEMORY_AGE_S < MEMORY_AGE_MAX_S == 5
    assert GatewaySettings().key_check_interval_s < MEMORY_AGE_MAX_S


async def test_a_revoked_key_stops_everywhere_within_five_seconds(suite: Suite) -> None:
    """Nothing that is asked later is allowed, and what is open ends by itself: so it holds on a machine that has more to do, too."""
    project = await suite.new_project()
    secret, key_id = await suite.new_key(project, "ADMIN")
    usages = {name: Usage() for name in USES}
    uses = {name: asyncio.ensure_future(until_refused(use, suite, secret, usages[name])) for name, use in USES.items()}
    await eventually(partial(all_have_worked, usages, uses), END_TIMEOUT_S, "every use of the key works")
    async with suite.channel() as channel:
        await AccessServiceStub(channel).RevokeKey(RevokeKeyRequest(project=project, key_id=key_id), timeout=ANSWER_TIMEOUT_S)
    revoked_s = time.monotonic()
    _, late = await asyncio.wait(uses.values(), timeout=END_TIMEOUT_S)
    for task in late:
        task.cancel()
    results = dict(zip(uses, await asyncio.gather(*uses.values(), return_exceptions=True), strict=True))
    allowed_for_s = {name: round(usage.last_allowed_s - revoked_s, 1) for name, usage in usages.items()}
    assert all(allowed_s <= MEMORY_AGE_MAX_S for allowed_s in allowed_for_s.values()), (allowed_for_s, results)
    assert all(isinstance(result, RefusedError) for result in results.values()), results


async def all_have_worked(usages: Mapping[str, Usage], uses: Mapping[str, "asyncio.Future[None]"]) -> bool:
    """Whether every use got answers; a watch of what is silent gets one."""
    for name, use in uses.items():
        assert not use.done(), (name, use)
    return all(usage.answer_count >= (1 if "silent" in name else ANSWERS_BEFORE) for name, usage in usages.items())
