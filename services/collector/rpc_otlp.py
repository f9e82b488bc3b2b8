"""OpenTelemetry's TraceService: what programs that are instrumented already send."""

import asyncio
from typing import Any, Protocol

import grpc
import grpc.aio
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import DESCRIPTOR, ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceServicer

from kit import metrics
from services.collector.domain.refusals import Refusal
from services.collector.ingest import Recorded
from services.collector.messages.otlp.requests import exported, response
from services.collector.messages.otlp.spans import SpanReader
from services.collector.messages.requests import BatchRequest

SERVICE_NAME = DESCRIPTOR.services_by_name["TraceService"].full_name
# For keys of the installation, which belong to no project.
PROJECT_HEADER = "assay-project"
# A request with more bytes is read in a thread, so that other callers are served meanwhile: 30 µs for each of some 500 spans.
READ_AT_ONCE_BYTES_MAX = 256 * 1024

_SPANS = metrics.counter("assay_otlp_spans_total", "Spans received: calls, refused ones, and those ignored as no call.", ["result"])

Context = grpc.aio.ServicerContext[Any, Any]


class Recorder(Protocol):
    """Records batches of calls for callers that may, and raises AssayError to others."""

    async def admit(self, batch: BatchRequest, context: Context) -> str:
        """The project of the batch."""

    async def record_batch(self, batch: BatchRequest, context: Context) -> Recorded:
        """Raises AssayError also where the batch cannot be taken now."""


class TraceServicer(TraceServiceServicer):
    """Export, whose spans become calls. A span that is sent again is known by its trace's and its own id."""

    def __init__(self, recorder: Recorder, reader: SpanReader) -> None:
        self._recorder = recorder
        self._reader = reader

    def add_to(self, server: grpc.aio.Server) -> None:
        """Registers the servicer. By hand: OpenTelemetry's generated code is older than what `kit.rpc` listens to."""
        handler = grpc.unary_unary_rpc_method_handler(
            self.Export, ExportTraceServiceRequest.FromString, ExportTraceServiceResponse.SerializeToString
        )
        server.add_registered_method_handlers(SERVICE_NAME, {"Export": handler})

    async def Export(self, request: ExportTraceServiceRequest, context: Context) -> ExportTraceServiceResponse:
        """Records the calls among the spans; other spans are counted, and no fault."""
        project = str(dict(context.invocation_metadata() or ()).get(PROJECT_HEADER, "")).encode()
        await self._recorder.admit(BatchRequest(project, b"", ()), context)
        if request.ByteSize() > READ_AT_ONCE_BYTES_MAX:
            read = await asyncio.to_thread(exported, request, self._reader)
        else:
            read = exported(request, self._reader)
        refusals: list[Refusal] = []
        for batch in read.batches:
            recorded = await self._recorder.record_batch(BatchRequest(project, batch.batch_id, batch.calls, sender=batch.sender), context)
            refusals += recorded.refusals
        _SPANS.labels(result="call").inc(read.call_count - len(refusals))
        _SPANS.labels(result="refused").inc(len(refusals))
        _SPANS.labels(result="ignored").inc(read.ignored_count)
        return response(refusals)
