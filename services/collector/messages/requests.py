"""Requests of the ingest RPCs, from bytes; and their answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assay.collector.v1 import collector_service_pb2 as contract

from kit.errors import AssayError, Kind
from services.collector.domain import limits
from services.collector.domain.refusals import Refusal
from services.collector.messages import wire


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """A batch as requested: `items` are serialised messages, not looked at. `sender` is who made them, where that is not who calls."""

    project: bytes
    batch_id: bytes
    items: Sequence[bytes]
    client_dropped_count: int = 0
    sender: str = ""


def parse_calls(data: bytes) -> BatchRequest:
    """A RecordCallsRequest. Raises AssayError MESSAGE_MALFORMED or BATCH_TOO_LARGE."""
    _check_size(data)
    return _calls_batch(wire.parse(wire.CallsRequest, data))


def parse_stream_calls(data: bytes) -> BatchRequest:
    """A StreamCallsRequest; the same errors."""
    _check_size(data)
    return _calls_batch(wire.parse(wire.CallsStreamRequest, data).batch)


def parse_evidence(data: bytes) -> BatchRequest:
    """A RecordEvidenceRequest; the same errors."""
    _check_size(data)
    request = wire.parse(wire.EvidenceRequest, data)
    _check_count(request.evidence)
    return BatchRequest(request.project, request.batch_id, list(request.evidence))


def calls_response(accepted_count: int, refusals: Sequence[Refusal]) -> contract.RecordCallsResponse:
    """The answer to a batch of calls."""
    return contract.RecordCallsResponse(accepted_count=accepted_count, rejections=map(_rejection, refusals))


def evidence_response(accepted_count: int, refusals: Sequence[Refusal]) -> contract.RecordEvidenceResponse:
    """The answer to a batch of evidence."""
    return contract.RecordEvidenceResponse(accepted_count=accepted_count, rejections=map(_rejection, refusals))


def _calls_batch(request: Any) -> BatchRequest:
    _check_count(request.calls)
    return BatchRequest(request.project, request.batch_id, list(request.calls), request.client_dropped_count)


def _rejection(refusal: Refusal) -> contract.Rejection:
    return contract.Rejection(
        index=refusal.index,
        field=refusal.fault.field,
        reason=contract.RejectionReason.Value(f"REJECTION_REASON_{refusal.fault.reason.name}"),
        message=refusal.fault.message,
    )


def _check_size(data: bytes) -> None:
    _check_limit(len(data), "bytes", limits.BATCH_BYTES_MAX)


def _check_count(items: Sequence[Any]) -> None:
    _check_limit(len(items), "items", limits.BATCH_ITEMS_MAX)


def _check_limit(count: int, what: str, limit: int) -> None:
    if count > limit:
        raise AssayError(
            Kind.INVALID_ARGUMENT,
            "BATCH_TOO_LARGE",
            f"the batch has {count:,} {what}, at most {limit:,} are taken: split it",
            details={"limit": str(limit)},
        )
