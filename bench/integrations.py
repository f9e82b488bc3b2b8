"""How fast the spans of OpenTelemetry become calls, and what the wrappers of the SDKs cost."""

import asyncio
import secrets
import time
from collections.abc import Iterator

import grpc.aio
import numpy as np
from assay.collector.v1.collector_service_pb2 import RECORD_KIND_CALL, GetLedgerRequest
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from bench import wrappers
from bench.figures import Figure, Report
from bench.load import SERIES
from bench.suite import RunningSuite, running_suite

AREA = "integrations"
SPAN_COUNT = 200_000
BATCH_SIZE = 512  # what OpenTelemetry's batch processor sends at a time
IN_FLIGHT_MAX = 16
RPC_TIMEOUT_S = 60.0
STORED_TIMEOUT_S = 300.0
POLL_S = 0.02

_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_LATENCY_NANOS = 1_500_000_000


async def run(report: Report, *, span_count: int = SPAN_COUNT) -> None:
    """Measures the wrappers, and one burst of spans, each of which is a call, until the last is stored."""
    wrappers.run(report)
    requests = list(exports(span_count))
    async with running_suite() as suite, suite.channel() as channel:
        export: grpc.aio.UnaryUnaryMultiCallable[bytes, ExportTraceServiceResponse] = channel.unary_unary(
            _EXPORT, response_deserializer=ExportTraceServiceResponse.FromString
        )
        places = asyncio.Semaphore(IN_FLIGHT_MAX)

        async def send(request: bytes) -> None:
            async with places:
                response = await export(request, timeout=RPC_TIMEOUT_S)
            if response.partial_success.rejected_spans:
                raise RuntimeError(f"a span of the bench was refused: {response.partial_success.error_message}")

        began = time.perf_counter()
        await asyncio.gather(*map(send, requests))
        await _stored(suite, span_count)
        report(Figure(AREA, "otlp_end_to_end", span_count / (time.perf_counter() - began), "spans/s", 15_000, "higher"))


async def _stored(suite: RunningSuite, span_count: int) -> None:
    async with suite.channel() as channel, asyncio.timeout(STORED_TIMEOUT_S):
        collector = CollectorServiceStub(channel)
        while True:
            answer = await collector.GetLedger(GetLedgerRequest(), timeout=RPC_TIMEOUT_S)
            if sum(total.stored_count for total in answer.totals if total.kind == RECORD_KIND_CALL) == span_count:
                return
            await asyncio.sleep(POLL_S)


def exports(span_count: int, seed: int = 1) -> Iterator[bytes]:
    """Serialised requests of spans as an instrumented program writes them, with 14 attributes each."""
    rng = np.random.default_rng(seed)
    now = time.time_ns()
    for first in range(0, span_count, BATCH_SIZE):
        size = min(BATCH_SIZE, span_count - first)
        series, tokens = rng.integers(0, len(SERIES), size).tolist(), rng.integers(200, 4_000, (size, 2)).tolist()
        spans = [_span(now, SERIES[which], counts) for which, counts in zip(series, tokens, strict=True)]
        resource = Resource(attributes=[_pair("service.name", "bench")])
        yield ExportTraceServiceRequest(
            resource_spans=[ResourceSpans(resource=resource, scope_spans=[ScopeSpans(spans=spans)])]
        ).SerializeToString()


def _span(now: int, series: tuple[str, str, str, str], counts: list[int]) -> Span:
    provider, model, task_type, version = series
    attributes: dict[str, str | int] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        "gen_ai.response.model": model,
        "gen_ai.response.id": secrets.token_hex(12),
        "gen_ai.request.max_tokens": 1_024,
        "gen_ai.usage.input_tokens": counts[0],
        "gen_ai.usage.cache_read.input_tokens": counts[0] // 4,
        "gen_ai.usage.output_tokens": counts[1],
        "gen_ai.agent.name": "implementer",
        "gen_ai.prompt.name": "main",
        "gen_ai.prompt.version": version,
        "assay.task_type": task_type,
        "server.address": "api.example.com",
    }
    return Span(
        trace_id=secrets.token_bytes(16),
        span_id=secrets.token_bytes(8),
        name=f"chat {model}",
        start_time_unix_nano=now - _LATENCY_NANOS,
        end_time_unix_nano=now,
        attributes=[_pair(key, value) for key, value in attributes.items()],
    )


def _pair(key: str, value: str | int) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value) if isinstance(value, str) else AnyValue(int_value=value))
