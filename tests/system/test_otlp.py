"""What OpenTelemetry's own exporters send becomes calls, once, whichever way it comes."""

import asyncio
import gzip
import time
from collections.abc import Sequence
from typing import Any

import pytest
from assay.collector.v1.collector_service_pb2 import RECORD_KIND_CALL
from assay.collector.v1.metrics_service_pb2 import ListCallsRequest, StoredCall
from assay.collector.v1.metrics_service_pb2_grpc import MetricsServiceStub
from grpc import Compression
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression as HttpCompression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.system.suite import ANSWER_TIMEOUT_S, Suite

CHAT: dict[str, str | int | float] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.response.model": "gpt-x",
    "gen_ai.usage.input_tokens": 120,
    "gen_ai.usage.cache_read.input_tokens": 100,
    "gen_ai.usage.output_tokens": 48,
    "gen_ai.response.time_to_first_chunk": 0.25,
}

STEPS: list[tuple[str, dict[str, str | int | float]]] = [
    ("chat gpt-x", CHAT),
    ("execute_tool", {"gen_ai.operation.name": "execute_tool"}),
    ("chat gpt-x", CHAT | {"error.type": "openai.RateLimitError"}),
    ("chat m", {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}),  # nobody knows of which provider
]


def spans_of_an_agent() -> Sequence[ReadableSpan]:
    """An agent and its steps."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource.create({"assay.task_type": "code_review"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("agent")
    began = time.time_ns() - 5_000_000_000
    agent = tracer.start_span("invoke_agent", attributes={"gen_ai.operation.name": "invoke_agent"}, start_time=began)
    inside = trace.set_span_in_context(agent)
    for number, (name, attributes) in enumerate(STEPS):
        start = began + number * 1_000_000_000
        tracer.start_span(name, inside, attributes=attributes, start_time=start).end(start + 500_000_000)
    agent.end()
    provider.shutdown()
    return kept.get_finished_spans()


def grpc_exporter(suite: Suite, secret: str) -> Any:
    headers = {"authorization": f"Bearer {secret}"}
    return GrpcExporter(endpoint=suite.otlp, insecure=True, headers=headers, compression=Compression.Gzip, timeout=60)


def http_exporter(suite: Suite, secret: str) -> Any:
    headers = {"authorization": f"Bearer {secret}"}
    return HttpExporter(endpoint=f"{suite.url}/v1/traces", headers=headers, compression=HttpCompression.Gzip, timeout=60)


async def export(exporter: Any, spans: Sequence[ReadableSpan]) -> SpanExportResult:
    try:
        return await asyncio.to_thread(exporter.export, spans)
    finally:
        await asyncio.to_thread(exporter.shutdown)


async def calls_of(suite: Suite, project: str) -> list[StoredCall]:
    async with suite.channel() as channel:
        answer = await MetricsServiceStub(channel).ListCalls(ListCallsRequest(project=project), timeout=ANSWER_TIMEOUT_S)
    return list(answer.calls)


@pytest.mark.parametrize("exporter_of", [grpc_exporter, http_exporter])
async def test_spans_of_models_become_calls_and_count_once(suite: Suite, exporter_of: Any) -> None:
    project = await suite.new_project()
    secret, _ = await suite.new_key(project, "RECORD")
    spans = spans_of_an_agent()
    for _ in range(2):  # an exporter that hears no answer sends them again
        assert await export(exporter_of(suite, secret), spans) is SpanExportResult.SUCCESS
    ledger = (await suite.ledger(project))[RECORD_KIND_CALL]
    assert (ledger.stored_count, ledger.duplicate_count) in {(2, 2), (2, 0)}
    assert ledger.rejected_count in {1, 2}
    failed, succeeded = await calls_of(suite, project)
    trace_id = f"{spans[0].context.trace_id:032x}"
    for stored in (failed, succeeded):
        assert (stored.call.provider, stored.call.model, stored.call.task_type) == ("openai", "gpt-x", "code_review")
        assert stored.call.task_id == trace_id
        assert stored.call.usage.input_token_count == 120
        assert stored.call.usage.cache_read_token_count == 100
        assert stored.call.time_to_first_token.ToMilliseconds() == 250
    assert failed.call.error_type == "openai.RateLimitError"
    assert [stored.call.outcome for stored in (failed, succeeded)] == [4, 1]


@pytest.mark.parametrize("exporter_of", [grpc_exporter, http_exporter])
async def test_spans_without_a_key_that_may_record_are_refused(suite: Suite, exporter_of: Any) -> None:
    project = await suite.new_project()
    reader, _ = await suite.new_key(project, "READ")
    for secret in ("assay_nobody", reader):
        assert await export(exporter_of(suite, secret), spans_of_an_agent()) is SpanExportResult.FAILURE
    assert await calls_of(suite, project) == []


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"{}", {"content-type": "application/json"}, "MEDIA_TYPE_UNKNOWN"),
        (b"\xff\xff", {"content-type": "application/x-protobuf"}, "MESSAGE_MALFORMED"),
        (b"", {"content-type": "application/x-protobuf", "content-encoding": "br"}, "ENCODING_UNKNOWN"),
        (b"no gzip", {"content-type": "application/x-protobuf", "content-encoding": "gzip"}, "MESSAGE_MALFORMED"),
        (gzip.compress(b"x" * 99)[:-9], {"content-type": "application/x-protobuf", "content-encoding": "gzip"}, "MESSAGE_MALFORMED"),
        (gzip.compress(bytes(20_000_000)), {"content-type": "application/x-protobuf", "content-encoding": "gzip"}, "BATCH_TOO_LARGE"),
    ],
    # Names, since gzip notes the time in what it makes: two processes would not call the cases alike.
    ids=["json", "no message", "unknown encoding", "no gzip", "gzip that is cut off", "too large"],
)
async def test_a_body_that_is_no_such_message_is_refused(suite: Suite, body: bytes, headers: dict[str, str], reason: str) -> None:
    async with suite.http(suite.admin_key) as client:
        response = await client.post("/v1/traces", content=body, headers=headers)
    assert response.status_code == 400
    assert response.json()["reason"] == reason
