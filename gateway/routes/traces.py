"""POST /v1/traces: OTLP over HTTP, for exporters that do not speak gRPC."""

import zlib

from fastapi import APIRouter, Request, Response
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from gateway.auth import CallerOf
from gateway.parts import PartsOf
from gateway.recording import BODY_BYTES_MAX
from gateway.routes.recording import recording
from kit.errors import AssayError, Kind

PATH = "/v1/traces"
MEDIA_TYPE = "application/x-protobuf"
_GZIP = 16 + zlib.MAX_WBITS

# Its path and its messages are OpenTelemetry's, and so is its description.
router = APIRouter(include_in_schema=False)


@router.post(PATH)
async def export(request: Request, parts: PartsOf, caller: CallerOf) -> Response:
    """Records the calls among the spans."""
    async with recording(request, parts, caller) as body:
        spans = _spans(request, body)
        response = await parts.collector.ask(parts.collector.traces.Export, spans, caller.secret)
    return Response(response.SerializeToString(), media_type=MEDIA_TYPE)


def _spans(request: Request, body: bytes) -> ExportTraceServiceRequest:
    """The request's message. Raises MEDIA_TYPE_UNKNOWN, BODY_TOO_LARGE or MESSAGE_MALFORMED."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != MEDIA_TYPE:
        message = f"spans are taken as {MEDIA_TYPE}: set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf"
        raise AssayError(Kind.INVALID_ARGUMENT, "MEDIA_TYPE_UNKNOWN", message)
    encoding = request.headers.get("content-encoding", "identity")
    if encoding not in {"gzip", "identity"}:
        raise AssayError(Kind.INVALID_ARGUMENT, "ENCODING_UNKNOWN", "spans are taken as they are, or compressed with gzip")
    try:
        return ExportTraceServiceRequest.FromString(_unpacked(body) if encoding == "gzip" else body)
    except (DecodeError, zlib.error):
        raise AssayError(Kind.INVALID_ARGUMENT, "MESSAGE_MALFORMED", "the body is not a message of its type") from None


def _unpacked(body: bytes) -> bytes:
    reader = zlib.decompressobj(_GZIP)
    whole = reader.decompress(body, BODY_BYTES_MAX)
    if reader.unconsumed_tail:
        message = f"unpacked, the spans have more than {BODY_BYTES_MAX:,} bytes: send fewer at a time"
        raise AssayError(Kind.INVALID_ARGUMENT, "BATCH_TOO_LARGE", message)
    if not reader.eof:
        raise zlib.error("cut off")
    return whole
