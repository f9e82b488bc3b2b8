"""The short way from JSON to messages, against protobuf's own."""

import json
from typing import Any

import pytest
from assay.telemetry.v1.call_pb2 import Call, CallOutcome, TokenUsage
from assay.telemetry.v1.evidence_pb2 import Evidence
from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from cli.work.json_messages import parser

parse_call = parser(Call)
parse_evidence = parser(Evidence)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
counts = st.integers(-(2**63), 2**63 - 1)
times = st.builds(
    Timestamp,
    seconds=st.integers(-62_135_596_800, 253_402_300_799),
    nanos=st.one_of(st.just(0), st.integers(0, 999).map(lambda ms: ms * 1_000_000), st.integers(0, 999_999_999)),
)
durations = st.builds(Duration, seconds=st.integers(0, 10**10), nanos=st.integers(0, 999_999_999))
calls = st.builds(
    Call,
    call_id=texts,
    start_time=times,
    latency=durations,
    time_to_first_token=st.none() | durations,
    provider=texts,
    outcome=st.sampled_from(CallOutcome.values()),
    usage=st.none() | st.builds(TokenUsage, input_token_count=counts, reasoning_token_count=counts),
    cost_usd_nanos=st.none() | counts,
    revision_count=st.none() | st.integers(-(2**31), 2**31 - 1),
    labels=st.dictionaries(texts, texts, max_size=3),
    selection_ratio=st.none() | st.floats(allow_nan=False),
)


def long_way(kind: type[Message], content: dict[str, Any]) -> Message | str:
    try:
        return json_format.ParseDict(content, kind())
    except (ValueError, json_format.ParseError) as error:
        return str(error)


def short_way(parse: Any, content: dict[str, Any]) -> Message | str:
    try:
        message: Message = parse(content)
    except (ValueError, json_format.ParseError) as error:
        return str(error)
    return message


@given(calls, st.booleans())
def test_every_call_is_read_back_as_it_was_in_either_spelling(call: Call, spelled_as_in_proto: bool) -> None:
    content = json_format.MessageToDict(call, preserving_proto_field_name=spelled_as_in_proto)
    assert parse_call(content) == call


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.sampled_from(["1.5s", "-1s", "2026-04-11T20:04:22Z", "5", "١s"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
names = st.sampled_from([name for field in Call.DESCRIPTOR.fields for name in (field.name, field.json_name)]) | texts


@given(st.dictionaries(names, json_values, max_size=4))
def test_whatever_is_given_the_answer_is_that_of_the_long_way(content: dict[str, Any]) -> None:
    assert repr(short_way(parse_call, content)) == repr(long_way(Call, content))


@pytest.mark.parametrize(
    "content",
    [
        {"start_time": "2026-04-11T20:04:22Z"},
        {"start_time": "2026-04-11T20:04:22.5Z"},
        {"start_time": "2026-04-11T20:04:22.123456789Z"},
        {"start_time": "2026-04-11T22:04:22.123+02:00"},
        {"start_time": "2026-04-11 20:04:22Z"},
        {"start_time": "2026-04-11T25:04:22Z"},
        {"start_time": "1969-12-31T23:59:59.999Z"},
        {"latency": "0.000000001s"},
        {"latency": "1.0000000001s"},
        {"latency": "99999999999999s"},
        {"latency": ".5s"},
        {"latency": "s"},
        {"latency": "1."},
        {"usage": {"inputTokenCount": "7", "nonsense": 1}},
        {"usage": None},
        {"call_id": "a", "callId": "b"},
        {"outcome": 1},
        {"cost_usd_nanos": "-5"},
        {"cost_usd_nanos": 5.0},
        {"cost_usd_nanos": True},
        {"revision_count": 2**31},
        {"selection_ratio": 1},
        {"selection_ratio": "NaN"},
        {"labels": {"a": 1}},
        {"labels": []},
    ],
)
def test_forms_that_are_allowed_or_wrong_are_treated_as_protobuf_does(content: dict[str, Any]) -> None:
    assert repr(short_way(parse_call, content)) == repr(long_way(Call, content))


@pytest.mark.parametrize(
    "content",
    [
        {"evidence_id": "e", "call_id": "c", "evaluation": {"evaluator": "judge", "score_ratio": 0.5}},
        {"evidence_id": "e", "call_id": "c", "task_id": "t"},
        {"evidence_id": "e", "code": {"language": "python", "content": "cHJpbnQoKQ=="}},
        {"evidence_id": "e", "feedback": {"accepted": True, "rating_ratio": 1}},
        {"evidence_id": "e", "tests": {"counts": {"passed_count": 3}}},
        {"evidence_id": "e", "tests": {"counts": {"passed_count": 3}}, "revision": {"count": 1}},
    ],
)
def test_evidence_of_every_kind_is_read(content: dict[str, Any]) -> None:
    assert repr(short_way(parse_evidence, content)) == repr(long_way(Evidence, content))


def test_an_ordinary_call_takes_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    line = (
        '{"call_id":"4c1d","task_id":"t:1","start_time":"2026-04-11T20:04:22.000000Z","latency":"1.861s","provider":"minimax",'
        '"model":"M2","task_type":"tool_calling","outcome":"CALL_OUTCOME_SUCCEEDED","usage":{"input_token_count":642,'
        '"output_token_count":158},"cost_usd_nanos":"382000","labels":{"a":"b"}}'
    )
    expected = json_format.ParseDict(json.loads(line), Call())
    monkeypatch.setattr(json_format, "ParseDict", None)
    assert parse_call(json.loads(line)) == expected
