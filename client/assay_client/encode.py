"""Recorded calls as bytes of the contract. Runs in the client's own thread: a call takes 7 µs here, too much for its caller."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from assay.collector.v1.collector_service_pb2 import RecordCallsRequest, RecordEvidenceRequest
from assay.telemetry.v1.call_pb2 import Call
from assay.telemetry.v1.evidence_pb2 import Evidence
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from assay_client.ids import time_ordered_id
from assay_client.usage import TokenCounts

# In the order of Client.record's parameters; a tuple is what costs the caller least.
RecordedCall: TypeAlias = tuple[
    str,  # provider
    str,  # model
    str,  # task_type
    float,  # start, seconds since 1970
    float,  # latency, seconds
    Any,  # outcome, as the contract's number
    str,  # error_type
    float | None,  # time to first token, seconds
    TokenCounts | None,
    str,  # task_id
    str,  # agent
    str,  # prompt_name
    str,  # prompt_version
    int | None,  # revision_count
    int | None,  # cost_usd_nanos
    dict[str, str] | None,  # labels
    str,  # ranking_id
    float | None,  # selection_ratio
    str,  # call_id; empty: one is made
]

# The largest call that the collector takes has 20 KB.
CALL_BYTES_MAX = 32 * 1024
# The largest content that it takes, and what is around it.
EVIDENCE_BYTES_MAX = (5 * 1024 + 64) * 1024
_US_PER_S = 1_000_000


def encode_calls(calls: Sequence[RecordedCall]) -> tuple[bytes, int, list[str]]:
    """The calls as a piece of a RecordCallsRequest, how many it holds, and why each of the others cannot be sent.

    Pieces put one after the other are one request: that is how repeated fields are written.
    """
    request = RecordCallsRequest()
    refusals = []
    for recorded in calls:
        count = len(request.calls)
        try:
            _fill(request.calls.add(), recorded)
        except (TypeError, ValueError, OverflowError, AttributeError) as error:
            del request.calls[count:]
            refusals.append(str(error))
    if request.ByteSize() > CALL_BYTES_MAX:
        refusals += _take_out_oversized(request)
    return request.SerializeToString(), len(request.calls), refusals


def encode_evidence(evidence: Evidence) -> bytes:
    """One piece of evidence as a piece of a RecordEvidenceRequest. Raises ValueError if it is too large to be taken."""
    if evidence.ByteSize() > EVIDENCE_BYTES_MAX:
        raise ValueError(f"{evidence.ByteSize():,} bytes are over {EVIDENCE_BYTES_MAX:,}")
    return RecordEvidenceRequest(evidence=[evidence]).SerializeToString()


def _take_out_oversized(request: RecordCallsRequest) -> list[str]:
    sizes = [call.ByteSize() for call in request.calls]
    too_large = [place for place, size in enumerate(sizes) if size > CALL_BYTES_MAX]
    for place in reversed(too_large):
        del request.calls[place]
    return [f"a call of {sizes[place]:,} bytes is over {CALL_BYTES_MAX:,}" for place in too_large]


def _fill(call: Call, recorded: RecordedCall) -> None:
    (
        call.provider,
        call.model,
        call.task_type,
        start_unix_s,
        latency_s,
        call.outcome,
        call.error_type,
        first_token_s,
        usage,
        call.task_id,
        call.agent,
        call.prompt_name,
        call.prompt_version,
        revision_count,
        cost_usd_nanos,
        labels,
        call.ranking_id,
        selection_ratio,
        call_id,
    ) = recorded
    call.call_id = call_id or time_ordered_id(int(start_unix_s * 1_000))
    _set_time(call.start_time, start_unix_s)
    _set_time(call.latency, latency_s)
    if first_token_s is not None:
        _set_time(call.time_to_first_token, first_token_s)
    if usage is not None:
        tokens = call.usage
        (
            tokens.input_token_count,
            tokens.output_token_count,
            tokens.cache_read_token_count,
            tokens.cache_write_token_count,
            tokens.reasoning_token_count,
        ) = usage
    if revision_count is not None:
        call.revision_count = revision_count
    if cost_usd_nanos is not None:
        call.cost_usd_nanos = cost_usd_nanos
    if selection_ratio is not None:
        call.selection_ratio = selection_ratio
    if labels:
        call.labels.update(labels)


def _set_time(message: Timestamp | Duration, value_s: float) -> None:
    """To the microsecond, which is what the collector keeps; ValueError for NaN, OverflowError for infinity."""
    seconds, micros = divmod(round(value_s * _US_PER_S), _US_PER_S)
    message.seconds = seconds
    message.nanos = micros * 1_000
