"""Calls and evidence have protobuf's JSON form, with the fields' names spelled either way."""

from assay.telemetry.v1.call_pb2 import Call
from assay.telemetry.v1.evidence_pb2 import Evidence
from google.protobuf import json_format

CALL = {
    "call_id": "c1",
    "task_id": "t1",
    "start_time": "2026-11-01T10:00:00.123456Z",
    "latency": "1.861s",
    "time_to_first_token": "0.250s",
    "provider": "anthropic",
    "model": "claude-sonnet-4-5",
    "task_type": "code_review",
    "outcome": "CALL_OUTCOME_SUCCEEDED",
    "usage": {"input_token_count": "642", "output_token_count": "158", "cache_read_token_count": "600"},
    "cost_usd_nanos": "382000",
    "revision_count": 1,
    "labels": {"branch": "main"},
    "selection_ratio": 0.25,
}
EVIDENCE = {
    "evidence_id": "e1",
    "call_id": "c1",
    "observe_time": "2026-11-01T10:00:05Z",
    "evaluation": {"evaluator": "verifier", "score_ratio": 0.5},
}


def camel(value: object) -> object:
    """The same with lowerCamelCase names; labels are the caller's own and stay."""
    if not isinstance(value, dict):
        return value
    return {
        "".join(word.capitalize() if place else word for place, word in enumerate(key.split("_"))): item if key == "labels" else camel(item)
        for key, item in value.items()
    }


def test_a_call_reads_the_same_in_both_spellings() -> None:
    snake = json_format.ParseDict(CALL, Call())
    assert json_format.ParseDict(camel(CALL), Call()) == snake
    assert snake.usage.cache_read_token_count == 600
    assert snake.latency.ToMicroseconds() == 1_861_000
    assert json_format.MessageToDict(snake, preserving_proto_field_name=True) == CALL


def test_evidence_reads_the_same_in_both_spellings() -> None:
    snake = json_format.ParseDict(EVIDENCE, Evidence())
    assert json_format.ParseDict(camel(EVIDENCE), Evidence()) == snake
    assert json_format.MessageToDict(snake, preserving_proto_field_name=True) == EVIDENCE
