"""One hostile client does all that it can, and another project does not notice."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import grpc
import grpc.aio
import pytest
from assay.collector.v1.collector_service_pb2 import (
    GetBatchesRequest,
    RecordCallsRequest,
    RecordCallsResponse,
    RejectionReason,
)
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub
from assay.collector.v1.metrics_service_pb2 import METRIC_DIMENSION_MODEL, QueryMetricsRequest, WatchMetricsRequest
from assay.collector.v1.metrics_service_pb2_grpc import MetricsServiceStub
from assay.telemetry.v1.call_pb2 import Call
from google.protobuf.duration_pb2 import Duration

from kit import rpc as kit_rpc
from tests.system.samples import call, calls_batch, timestamp
from tests.system.suite import ANSWER_TIMEOUT_S, Suite
from tests.system.surface import rpcs

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)
MODEL_NAMES = 10_000
BATCH_ITEMS_MAX = 5_000
BATCH_BYTES_MAX = 8 * 1024 * 1024
CONNECTIONS = 200
WATCHES = 50
STREAMS = 1_100
HELD_S = 4.0
RECORD_EVERY_S = 0.2
BUGS = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN})


def changed(change: Callable[[Call], object]) -> Call:
    made = call("bad")
    change(made)
    return made


def first_token_after_last(made: Call) -> None:
    made.time_to_first_token.FromMicroseconds(made.latency.ToMicroseconds() + 1)


def tokens(name: str, count: int) -> Callable[[Call], None]:
    return lambda made: setattr(made.usage, name, count)


def started(ago: timedelta) -> Callable[[Call], None]:
    return lambda made: made.start_time.CopyFrom(timestamp(datetime.now(UTC) - ago))


# Every refusal of a single call: what is done to a good one, the field and the reason that the answer names.
REFUSED: dict[str, tuple[Callable[[Call], object], str, str]] = {
    "no id": (lambda c: c.ClearField("call_id"), "call_id", "MISSING"),
    "no provider": (lambda c: c.ClearField("provider"), "provider", "MISSING"),
    "no model": (lambda c: c.ClearField("model"), "model", "MISSING"),
    "no task type": (lambda c: c.ClearField("task_type"), "task_type", "MISSING"),
    "no start": (lambda c: c.ClearField("start_time"), "start_time", "MISSING"),
    "no latency": (lambda c: c.ClearField("latency"), "latency", "MISSING"),
    "no outcome": (lambda c: c.ClearField("outcome"), "outcome", "MISSING"),
    "long id": (lambda c: setattr(c, "call_id", "x" * 65), "call_id", "TOO_LONG"),
    "long model": (lambda c: setattr(c, "model", "x" * 129), "model", "TOO_LONG"),
    "long error": (lambda c: setattr(c, "error_type", "x" * 129), "error_type", "TOO_LONG"),
    "zero byte": (lambda c: setattr(c, "provider", "a\x00b"), "provider", "INVALID_TEXT"),
    "negative tokens": (tokens("input_token_count", -1), "usage.input_token_count", "OUT_OF_RANGE"),
    "too many tokens": (tokens("output_token_count", 10**9 + 1), "usage.output_token_count", "OUT_OF_RANGE"),
    "too dear": (lambda c: setattr(c, "cost_usd_nanos", 10**15 + 1), "cost_usd_nanos", "OUT_OF_RANGE"),
    "negative cost": (lambda c: setattr(c, "cost_usd_nanos", -1), "cost_usd_nanos", "OUT_OF_RANGE"),
    "too slow": (lambda c: c.latency.FromTimedelta(7 * DAY + timedelta(microseconds=1)), "latency", "OUT_OF_RANGE"),
    "cache above input": (tokens("cache_read_token_count", 101), "usage.cache_read_token_count", "INCONSISTENT"),
    "reasoning above output": (tokens("reasoning_token_count", 21), "usage.reasoning_token_count", "INCONSISTENT"),
    "first token after last": (first_token_after_last, "time_to_first_token", "INCONSISTENT"),
    "unknown outcome": (lambda c: setattr(c, "outcome", 77), "outcome", "UNKNOWN_VALUE"),
    "too old": (started(401 * DAY), "start_time", "OUT_OF_RANGE"),
    "ahead": (started(timedelta(minutes=-11)), "start_time", "OUT_OF_RANGE"),
    "too many labels": (lambda c: c.labels.update({str(n): "x" for n in range(17)}), "labels", "TOO_LONG"),
    "large label": (lambda c: c.labels.update({"a": "x" * 1_025}), "labels", "TOO_LONG"),
}


class Hostile:
    """Sends as it likes, with a key that may do everything in its own project; notes every answer that is a bug."""

    def __init__(self, suite: Suite, channel: grpc.aio.Channel) -> None:
        self.codes: Counter[str] = Counter()
        self._suite = suite
        self._channel = channel
        self._collector = CollectorServiceStub(channel)
        self._metrics = MetricsServiceStub(channel)
        self._batch_count = 0

    async def record(self, calls: Sequence[Call], batch_id: str = "") -> RecordCallsResponse | None:
        """Records a batch; None where it is refused as a whole."""
        self._batch_count += 1
        request = calls_batch(batch_id or f"hostile-{self._batch_count}", calls)
        return await self._answered(self._collector.RecordCalls(request, timeout=ANSWER_TIMEOUT_S))

    async def _answered(self, call: Awaitable[RecordCallsResponse]) -> RecordCallsResponse | None:
        try:
            answer = await call
        except grpc.aio.AioRpcError as error:
            self.codes[error.code().name] += 1
            if error.code() in BUGS:
                raise
            return None
        self.codes["OK"] += 1
        return answer

    async def every_refusal(self) -> None:
        """A batch with one of each bad call, and a good one at each end."""
        calls = [call("good-first"), *(changed(change) for change, _, _ in REFUSED.values()), call("good-last")]
        answer = await self.record(calls)
        assert answer is not None
        expected = [(index, field, reason) for index, (_, field, reason) in enumerate(REFUSED.values(), 1)]
        prefix = "REJECTION_REASON_"
        found = [(each.index, each.field, RejectionReason.Name(each.reason).removeprefix(prefix)) for each in answer.rejections]
        assert found == expected
        assert answer.accepted_count == 2

    async def invalid_utf8(self) -> None:
        """Bytes that no client library would let through: the one call is refused, not the batch."""
        good, bad = call("utf8-good"), call("utf8-bad")
        bad.agent = "agent-to-damage"
        request = calls_batch("utf8", [good, bad]).SerializeToString().replace(b"agent-to-damage", b"agent-to-damag\xff")
        answer = await rpcs()["CollectorService.RecordCalls"].ask(self._channel, request)
        assert isinstance(answer, RecordCallsResponse)
        assert [(each.index, each.reason) for each in answer.rejections] == [(1, RejectionReason.Value("REJECTION_REASON_INVALID_TEXT"))]

    async def oversized(self) -> None:
        """One call too many, one byte too many, and what gRPC itself refuses."""
        plain = call("oversized")
        assert await self.record([plain] * (BATCH_ITEMS_MAX + 1)) is None
        large = call("large")
        large.labels.update({f"{number}": "x" * 1_000 for number in range(16)})
        assert await self.record([large] * (BATCH_BYTES_MAX // large.ByteSize() + 1)) is None
        assert await self.record([large] * (2 * BATCH_BYTES_MAX // large.ByteSize())) is None

    async def repeated_ids(self) -> None:
        """One id 5,000 times, and one batch id for different batches."""
        assert await self.record([call("always the same")] * BATCH_ITEMS_MAX) is not None
        for number in range(20):
            await self.record([call(f"under one batch id {number}")], batch_id="always-the-same")

    async def model_names(self) -> None:
        """Each of 10,000 calls with a model of its own, none of which has a price."""
        for first in range(0, MODEL_NAMES, BATCH_ITEMS_MAX):
            calls = [call(f"model-{number}") for number in range(first, first + BATCH_ITEMS_MAX)]
            for number, each in enumerate(calls, first):
                each.model = f"model-{number}"
                each.ClearField("cost_usd_nanos")
            assert await self.record(calls) is not None

    async def garbage(self) -> None:
        """No message at all, to every RPC."""
        for rpc in rpcs().values():
            for data in (b"\xff" * 100, b"\x0a\xff\xff\xff\xff\x0f", bytes(range(256)) * 16):
                refused = await rpc.refusal(self._channel, data)
                assert refused is None or refused.reason not in {"INTERNAL", "UNKNOWN"}, (rpc.name, refused)

    async def connections(self) -> None:
        """Many connections that say nothing, or nonsense, to both doors."""
        doors = [address.removeprefix("http://").rpartition(":") for address in (self._suite.collector, self._suite.url)]
        opened = await asyncio.gather(*(asyncio.open_connection(host, int(port)) for host, _, port in doors for _ in range(CONNECTIONS)))
        for number, (_, writer) in enumerate(opened):
            if number % 2:
                writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x10" + bytes([number % 256]) * 32)
        await asyncio.sleep(1)
        for _, writer in opened:
            writer.transport.abort()

    async def open_streams(self) -> None:
        """More streams than a front serves at a time, with a key and without, none of which ever says anything."""
        question = WatchMetricsRequest(range=Duration(seconds=86_400), step=Duration(seconds=60))
        async with self._suite.channel_to(self._suite.collector, None) as stranger:
            calls = [CollectorServiceStub(channel).StreamCalls() for channel in (self._channel, stranger) for _ in range(STREAMS)]
            watches = [self._metrics.WatchMetrics(question) for _ in range(STREAMS)]
            await asyncio.sleep(HELD_S)
            for call in (*calls, *watches):
                call.cancel()

    async def questions(self) -> None:
        """Large questions, several at a time, and many watches."""
        question = QueryMetricsRequest(start_time=timestamp(datetime.now(UTC) - 30 * DAY), group_by=[METRIC_DIMENSION_MODEL])
        watches = [self._metrics.WatchMetrics(WatchMetricsRequest(range=Duration(seconds=86_400))) for _ in range(WATCHES)]
        asked = await asyncio.gather(
            *(self._metrics.QueryMetrics(question, timeout=ANSWER_TIMEOUT_S) for _ in range(4)), return_exceptions=True
        )
        for answer in asked:
            assert not isinstance(answer, BaseException) or (isinstance(answer, grpc.aio.AioRpcError) and answer.code() not in BUGS), answer
        for watch in watches:
            watch.cancel()


async def seconds_to_see(suite: Suite, secret: str, stop: asyncio.Event) -> list[float]:
    """Records a batch now and then and tells how long each took to be queryable.

    AssertionError when one is not taken whole, TimeoutError when one cannot be seen within the time that any client would wait: the
    project was shut out. How fast it is beside an attack is for the benches to say, since all share the cores of this machine.
    """
    took_s: list[float] = []
    async with suite.channel(secret) as channel:
        collector = CollectorServiceStub(channel)
        while not stop.is_set():
            batch_id = f"calm-{len(took_s)}"
            sent_s = time.monotonic()
            answer = await collector.RecordCalls(
                calls_batch(batch_id, [call(f"{batch_id}-{number}") for number in range(5)]), timeout=ANSWER_TIMEOUT_S
            )
            assert answer.accepted_count == 5
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                while not (await collector.GetBatches(GetBatchesRequest(batch_ids=[batch_id]), timeout=ANSWER_TIMEOUT_S)).batches:
                    await asyncio.sleep(0.02)
            took_s.append(time.monotonic() - sent_s)
            await asyncio.sleep(RECORD_EVERY_S)
    return took_s


@asynccontextmanager
async def calm_project(suite: Suite) -> AsyncIterator[list[float]]:
    """Another project records while the block runs; afterwards the list tells how long each of its batches took."""
    project = await suite.new_project()
    secret, _ = await suite.new_key(project, "RECORD")
    stop, took_s = asyncio.Event(), list[float]()
    recording = asyncio.create_task(seconds_to_see(suite, secret, stop))
    try:
        yield took_s
    finally:
        stop.set()
        took_s += await recording
    account = (await suite.ledger(project))[1]
    assert account.received_count == account.stored_count == 5 * len(took_s)


async def test_a_hostile_client_disturbs_no_other_project(suite: Suite) -> None:
    project = await suite.new_project()
    secret, _ = await suite.new_key(project, "ADMIN")
    took_by_attack: dict[str, list[float]] = {}
    async with suite.channel(secret) as channel:
        hostile = Hostile(suite, channel)
        attacks = (
            hostile.every_refusal,
            hostile.invalid_utf8,
            hostile.oversized,
            hostile.repeated_ids,
            hostile.model_names,
            hostile.garbage,
            hostile.connections,
            hostile.questions,
            hostile.open_streams,
        )
        for attack in attacks:
            async with calm_project(suite) as took_s:
                await attack()
                await asyncio.sleep(RECORD_EVERY_S)
            took_by_attack[attack.__name__] = took_s
    slowest_s = {name: round(max(took_s), 2) for name, took_s in took_by_attack.items()}
    print(f"\nhostile: slowest batch of the other project {slowest_s} s; answers {dict(hostile.codes)}")
    await suite.ledger(project)  # balances, and nothing stays in flight


async def test_a_request_larger_than_the_limit_is_told_so(suite: Suite) -> None:
    secret, _ = await suite.new_key(await suite.new_project(), "RECORD")
    async with suite.channel(secret) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await CollectorServiceStub(channel).RecordCalls(RecordCallsRequest(batch_id="x", calls=[call("x")] * (BATCH_ITEMS_MAX + 1)))
    assert kit_rpc.error_of(refused.value).reason == "BATCH_TOO_LARGE"
