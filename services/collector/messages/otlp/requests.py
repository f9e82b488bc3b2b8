"""Requests of OpenTelemetry's TraceService as batches of calls, and what became of these as its answer."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from services.collector.domain import limits
from services.collector.domain.refusals import Refusal
from services.collector.messages.otlp.spans import SpanReader

# Refusals that an answer tells of by their words; it counts all of them.
_REASONS_TOLD_MAX = 5
_BATCH_ID_HEX = 32
# Who sent spans of a scope without a name.
NO_SCOPE = "opentelemetry"


@dataclass(frozen=True, slots=True)
class SpanBatch:
    """Serialised calls of one instrumentation, and an id that is theirs whenever they are sent again.

    `sender` is the instrumentation's scope: its name, a slash and its version.
    """

    batch_id: bytes
    calls: Sequence[bytes]
    sender: str


@dataclass(frozen=True, slots=True)
class Exported:
    """The calls among the spans of a request, and how many spans are none."""

    batches: Sequence[SpanBatch]
    ignored_count: int

    @property
    def call_count(self) -> int:
        """How many spans are calls."""
        return sum(len(batch.calls) for batch in self.batches)


def exported(request: ExportTraceServiceRequest, reader: SpanReader) -> Exported:
    """The calls of a request, by instrumentation, in batches as large as the collector takes."""
    calls: dict[str, list[bytes]] = {}
    ignored_count = 0
    for resource_spans in request.resource_spans:
        resource = reader.of_resource(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            scope = scope_spans.scope
            of_scope = calls.setdefault(f"{scope.name or NO_SCOPE}/{scope.version}", [])
            for span in scope_spans.spans:
                call = reader.call(span, resource)
                if call is None:
                    ignored_count += 1
                else:
                    of_scope.append(call.SerializeToString())
    batches = [SpanBatch(_batch_id(part), part, sender) for sender, of_scope in calls.items() for part in _parts(of_scope)]
    return Exported(batches, ignored_count)


def response(refusals: Iterable[Refusal]) -> ExportTraceServiceResponse:
    """The answer, which tells of refused spans as a partial success."""
    told = list(refusals)
    if not told:
        return ExportTraceServiceResponse()
    reasons = dict.fromkeys(f"{refusal.fault.field}: {refusal.fault.message}" for refusal in told)
    words = "; ".join(list(reasons)[:_REASONS_TOLD_MAX])
    return ExportTraceServiceResponse(partial_success=ExportTracePartialSuccess(rejected_spans=len(told), error_message=words))


def _parts(calls: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for begin in range(0, len(calls), limits.BATCH_ITEMS_MAX):
        yield calls[begin : begin + limits.BATCH_ITEMS_MAX]


def _batch_id(calls: Sequence[bytes]) -> bytes:
    return hashlib.sha256(b"".join(calls)).hexdigest()[:_BATCH_ID_HEX].encode()
