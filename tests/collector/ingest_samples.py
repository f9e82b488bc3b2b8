"""Calls and evidence to start from, and requests made of them."""

from collections.abc import Mapping
from typing import Any

from assay.collector.v1 import collector_service_pb2 as contract
from assay.telemetry.v1 import call_pb2, evidence_pb2

from services.collector.domain.received import ReceivedCalls
from services.collector.messages.call_columns import read_calls
from services.collector.messages.requests import parse_calls

NOW_US = 1_800_000_000_000_000
NOW_S = NOW_US // 1_000_000


def call(**fields: Any) -> call_pb2.Call:
    """A sound call, with these fields replaced; None clears one."""
    values: dict[str, Any] = {
        "call_id": "c-1",
        "task_id": "t-1",
        "start_time": {"seconds": NOW_S - 60, "nanos": 123_456_789},
        "latency": {"seconds": 2, "nanos": 500_000_999},
        "time_to_first_token": {"nanos": 300_000_000},
        "provider": "anthropic",
        "model": "claude-sonnet-4-5",
        "task_type": "code_review",
        "agent": "reviewer",
        "prompt_name": "review",
        "prompt_version": "7",
        "outcome": call_pb2.CALL_OUTCOME_SUCCEEDED,
        "usage": {"input_token_count": 1_000, "output_token_count": 200, "cache_read_token_count": 300},
    }
    values |= fields
    return call_pb2.Call(**{name: value for name, value in values.items() if value is not None})


def evidence(**fields: Any) -> evidence_pb2.Evidence:
    """A sound evaluation, with these fields replaced; None clears one."""
    values: dict[str, Any] = {
        "evidence_id": "e-1",
        "call_id": "c-1",
        "observe_time": {"seconds": NOW_S - 30},
        "evaluation": {"evaluator": "judge", "score_ratio": 0.75},
    }
    values |= fields
    return evidence_pb2.Evidence(**{name: value for name, value in values.items() if value is not None})


def calls_request(*calls: call_pb2.Call, **fields: Any) -> bytes:
    """A request of these calls."""
    return contract.RecordCallsRequest(**({"batch_id": "b-1", "calls": calls} | fields)).SerializeToString()


def evidence_request(*pieces: evidence_pb2.Evidence, **fields: Any) -> bytes:
    """A request of this evidence."""
    return contract.RecordEvidenceRequest(**({"batch_id": "b-1", "evidence": pieces} | fields)).SerializeToString()


def received(data: bytes) -> ReceivedCalls:
    """The columns of a request."""
    batch = parse_calls(data)
    return read_calls(batch.items)


def columns_of(*calls: call_pb2.Call) -> ReceivedCalls:
    """The columns of these calls."""
    return received(calls_request(*calls))


class KeptMessages:
    """A bus that keeps what is published; where `error` is set, it raises that."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, bytes, Mapping[str, str]]] = []
        self.error: Exception | None = None

    async def publish(self, subject: str, payload: bytes, headers: Mapping[str, str]) -> bool:
        """Keeps a message."""
        if self.error:
            raise self.error
        self.messages.append((subject, payload, headers))
        return True
