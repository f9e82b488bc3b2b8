"""Requests of the ingest RPCs, from bytes; and their answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from assay.collector.v1 import collector_service_pb2 as contract

from kit.errors import AssayError, Kind
from services.collector.domain import limits
from services.collector.domain.refusals import Refusal
from services.collector.messages import wire

# An empty call is 2 bytes here and 300 when read: above this size calls are counted before they are read.
_UNCOUNTED_BYTES_MAX = 128 * 1024


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """A batch as requested: `items` are messages of wire.Call or wire.Evidence, empty at `unreadable` places."""

    project: bytes
    batch_id: bytes
    items: Sequence[Any]
    unreadable: Sequence[int] = ()
    client_dropped_count: int = 0


def parse_calls(data: bytes) -> BatchRequest:
    """A RecordCallsRequest. Raises AssayError MESSAGE_MALFORMED or BATCH_TOO_LARGE."""
    _check_size(data)
    if len(data) > _UNCOUNTED_BYTES_MAX:
        _check_count(wire.parse(wire.CallsRequestApart, data).calls)
    return _calls_batch(wire.try_parse(wire.CallsRequest, data) or wire.parse(wire.CallsRequestApart, data))


def parse_stream_calls(data: bytes) -> BatchRequest:
    """A StreamCallsRequest; the same errors."""
    _check_size(data)
    if len(data) > _UNCOUNTED_BYTES_MAX:
        _check_count(wire.parse(wire.CallsStreamRequestApart, data).batch.calls)
    request = wire.try_parse(wire.CallsStreamRequest, data) or wire.parse(wire.CallsStreamRequestApart, data)
    return _calls_batch(request.batch)


def parse_evidence(data: bytes) -> BatchRequest:
    """A RecordEvidenceRequest; the same errors."""
    _check_size(data)
    request = wire.parse(wire.EvidenceRequestApart, data)
    _check_count(request.evidence)
    items, unreadable = _parsed_apart(wire.Evidence, request.evidence)
    return BatchRequest(request.project, request.batch_id, items, unreadable)


def calls_response(accepted_count: int, refusals: Sequence[Refusal]) -> contract.RecordCallsResponse:
    """The answer to a batch of calls."""
    return contract.RecordCallsResponse(accepted_count=accepted_count, rejections=map(_rejection, refusals))


def evidence_response(accepted_count: int, refusals: Sequence[Refusal]) -> contract.RecordEvidenceResponse:
    """The answer to a batch of evidence."""
    return contract.RecordEvidenceResponse(accepted_count=accepted_count, rejections=map(_rejection, refusals))


def _calls_batch(request: Any) -> BatchRequest:
    _check_count(request.calls)
    items = list(request.calls)
    unreadable: list[int] = []
    if items and isinstance(items[0], bytes):
        items, unreadable = _parsed_apart(wire.Call, items)
    return BatchRequest(request.project, request.batch_id, items, unreadable, request.client_dropped_count)


def _parsed_apart(message_class: Any, items: Sequence[bytes]) -> tuple[list[Any], list[int]]:
    messages = [wire.try_parse(message_class, item) for item in items]
    unreadable = [index for index, message in enumerate(messages) if message is None]
    for index in unreadable:
        messages[index] = message_class()
    return messages, unreadable


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
