"""Each bad call is refused alone, with the field and the reason; a sound one is not."""

from typing import Any

import pytest
from assay.telemetry.v1 import call_pb2
from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain import limits
from services.collector.domain.check import OUTCOME_MAX, check_calls
from services.collector.domain.refusals import Fault, Faults, Reason
from services.collector.domain.texts import TextRule
from tests.collector.ingest_samples import NOW_S, NOW_US, call, columns_of

DAY_S = 86_400
BACK_S = NOW_S - 400 * DAY_S
AHEAD_S = NOW_S + 600


def usage(**counts: int) -> dict[str, int]:
    """TokenUsage by the first words of its fields."""
    return {f"{name}_token_count": count for name, count in counts.items()}


REFUSED: list[tuple[dict[str, Any], str, Reason]] = [
    ({"call_id": None}, "call_id", Reason.MISSING),
    ({"call_id": "x" * 65}, "call_id", Reason.TOO_LONG),
    ({"call_id": "é" * 33}, "call_id", Reason.TOO_LONG),
    ({"call_id": "a\0b"}, "call_id", Reason.INVALID_TEXT),
    ({"task_id": "x" * 65}, "task_id", Reason.TOO_LONG),
    ({"task_id": "\0"}, "task_id", Reason.INVALID_TEXT),
    *[
        ({field: value}, field, reason)
        for field in ("provider", "model", "task_type")
        for value, reason in ((None, Reason.MISSING), ("x" * 129, Reason.TOO_LONG), ("a\0", Reason.INVALID_TEXT))
    ],
    *[
        ({field: value}, field, reason)
        for field in ("agent", "prompt_name", "prompt_version", "error_type")
        for value, reason in (("x" * 129, Reason.TOO_LONG), ("\0a", Reason.INVALID_TEXT))
    ],
    ({"start_time": None}, "start_time", Reason.MISSING),
    ({"start_time": {"seconds": BACK_S, "nanos": -1}}, "start_time", Reason.OUT_OF_RANGE),
    ({"start_time": {"seconds": NOW_S, "nanos": 1_000_000_000}}, "start_time", Reason.OUT_OF_RANGE),
    ({"start_time": {"seconds": BACK_S - 1, "nanos": 999_999_999}}, "start_time", Reason.OUT_OF_RANGE),
    ({"start_time": {"seconds": AHEAD_S, "nanos": 1_000}}, "start_time", Reason.OUT_OF_RANGE),
    ({"start_time": {"seconds": 2**63 - 1}}, "start_time", Reason.OUT_OF_RANGE),
    ({"start_time": {"seconds": -(2**63)}}, "start_time", Reason.OUT_OF_RANGE),
    ({"latency": None, "time_to_first_token": None}, "latency", Reason.MISSING),
    ({"latency": {"seconds": -1}}, "latency", Reason.OUT_OF_RANGE),
    ({"latency": {"nanos": -1}}, "latency", Reason.OUT_OF_RANGE),
    ({"latency": {"seconds": 1, "nanos": -1}}, "latency", Reason.OUT_OF_RANGE),
    ({"latency": {"seconds": -1, "nanos": 1}}, "latency", Reason.OUT_OF_RANGE),
    ({"latency": {"nanos": 1_000_000_000}}, "latency", Reason.OUT_OF_RANGE),
    ({"latency": {"seconds": 7 * DAY_S, "nanos": 1_000}}, "latency", Reason.OUT_OF_RANGE),
    ({"latency": {"seconds": 2**63 - 1}}, "latency", Reason.OUT_OF_RANGE),
    ({"time_to_first_token": {"nanos": -1}}, "time_to_first_token", Reason.OUT_OF_RANGE),
    ({"time_to_first_token": {"seconds": 2, "nanos": 500_001_000}}, "time_to_first_token", Reason.INCONSISTENT),
    ({"outcome": None}, "outcome", Reason.MISSING),
    ({"outcome": 7}, "outcome", Reason.UNKNOWN_VALUE),
    ({"outcome": -1}, "outcome", Reason.UNKNOWN_VALUE),
    *[
        ({"usage": usage(**{name: count})}, f"usage.{name}_token_count", Reason.OUT_OF_RANGE)
        for name in ("input", "output", "cache_read", "cache_write", "reasoning")
        for count in (-1, 10**9 + 1, 2**63 - 1, -(2**63))
    ],
    ({"usage": usage(input=5, cache_read=6)}, "usage.cache_read_token_count", Reason.INCONSISTENT),
    ({"usage": usage(input=5, cache_read=3, cache_write=3)}, "usage.cache_write_token_count", Reason.INCONSISTENT),
    ({"usage": usage(output=5, reasoning=6)}, "usage.reasoning_token_count", Reason.INCONSISTENT),
    ({"cost_usd_nanos": -1}, "cost_usd_nanos", Reason.OUT_OF_RANGE),
    ({"cost_usd_nanos": -(2**63)}, "cost_usd_nanos", Reason.OUT_OF_RANGE),
    ({"cost_usd_nanos": 10**15 + 1}, "cost_usd_nanos", Reason.OUT_OF_RANGE),
    ({"revision_count": -1}, "revision_count", Reason.OUT_OF_RANGE),
    ({"revision_count": 10**9 + 1}, "revision_count", Reason.OUT_OF_RANGE),
    ({"labels": {str(key): "" for key in range(17)}}, "labels", Reason.TOO_LONG),
    ({"labels": {"": "x"}}, "labels", Reason.MISSING),
    ({"labels": {"x" * 129: ""}}, "labels", Reason.TOO_LONG),
    ({"labels": {"x": "x" * 1_025}}, "labels", Reason.TOO_LONG),
    ({"labels": {"x": "\0"}}, "labels", Reason.INVALID_TEXT),
    ({"ranking_id": "x" * 65}, "ranking_id", Reason.TOO_LONG),
    ({"ranking_id": "\0"}, "ranking_id", Reason.INVALID_TEXT),
    *[
        ({"selection_ratio": ratio}, "selection_ratio", Reason.OUT_OF_RANGE)
        for ratio in (0.0, -0.1, 1.000001, float("nan"), float("inf"), float("-inf"))
    ],
]

SOUND: list[dict[str, Any]] = [
    {},
    {"call_id": "x" * 64, "task_id": "é" * 32, "provider": "x" * 128, "error_type": "é" * 64},
    {"task_id": None, "agent": None, "prompt_name": None, "prompt_version": None, "error_type": None},
    {"start_time": {"seconds": BACK_S}},
    {"start_time": {"seconds": AHEAD_S}},
    {"latency": {}, "time_to_first_token": {}},
    {"latency": {"seconds": 7 * DAY_S}, "time_to_first_token": {"seconds": 7 * DAY_S}},
    {"time_to_first_token": None},
    {"usage": None},
    {"usage": {}},
    {"usage": usage(input=10**9, output=10**9, cache_read=5 * 10**8, cache_write=5 * 10**8, reasoning=10**9)},
    {"cost_usd_nanos": 0, "revision_count": 0},
    {"cost_usd_nanos": 10**15, "revision_count": 10**9},
    {"labels": {f"{key:0128}": "é" * 512 for key in range(16)}, "ranking_id": "x" * 64, "selection_ratio": 1.0},
    {"selection_ratio": 5e-324},
    *[{"outcome": outcome} for outcome in range(1, OUTCOME_MAX + 1)],
]


@pytest.mark.parametrize(("fields", "field", "reason"), REFUSED)
def test_a_bad_call_is_refused_alone(fields: dict[str, Any], field: str, reason: Reason) -> None:
    faults = check_calls(columns_of(call(), call(**fields), call()), NOW_US)
    (refusal,) = faults.refusals()
    assert (refusal.index, refusal.fault.field, refusal.fault.reason) == (1, field, reason)
    assert refusal.fault.message
    assert faults.is_sound.tolist() == [True, False, True]


@pytest.mark.parametrize("fields", SOUND)
def test_a_call_at_the_limits_is_taken(fields: dict[str, Any]) -> None:
    assert check_calls(columns_of(call(), call(**fields)), NOW_US).refusals() == []


def test_the_first_field_at_fault_is_told() -> None:
    calls = columns_of(call(call_id=None, provider=None, outcome=None), call(provider=None, agent="\0"))
    assert [refusal.fault.field for refusal in check_calls(calls, NOW_US).refusals()] == ["call_id", "provider"]


def test_bad_values_that_several_calls_share_refuse_each_of_them() -> None:
    calls = columns_of(call(agent="\0"), call(), call(agent=None), call(agent="\0"), call(agent="y" * 129))
    refusals = check_calls(calls, NOW_US).refusals()
    assert [(refusal.index, refusal.fault.reason) for refusal in refusals] == [
        (0, Reason.INVALID_TEXT),
        (3, Reason.INVALID_TEXT),
        (4, Reason.TOO_LONG),
    ]


def test_an_empty_batch_has_no_faults() -> None:
    assert check_calls(columns_of(), NOW_US).refusals() == []


def test_the_outcomes_are_those_of_the_contract() -> None:
    assert max(call_pb2.CallOutcome.values()) == OUTCOME_MAX


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", Reason.MISSING),
        (b"12345", Reason.TOO_LONG),
        (b"\xc3", Reason.INVALID_TEXT),
        (b"\xed\xa0\x80", Reason.INVALID_TEXT),  # a surrogate
        (b"a\0b", Reason.INVALID_TEXT),
        ("é".encode(), None),
        (b"abcd", None),
    ],
)
def test_a_text_is_judged_by_its_bytes(text: bytes, reason: Reason | None) -> None:
    fault = TextRule("field", 4, is_required=True).fault(text)
    assert (fault.reason if fault else None) == reason


def test_halves_of_a_character_in_two_texts_are_both_invalid() -> None:
    assert set(TextRule("field", 4).faults([b"\xc3", b"\xa9", b"ok"])) == {0, 1}


@given(st.lists(st.binary(max_size=6) | st.text(max_size=3).map(str.encode), max_size=8), st.booleans())
def test_many_texts_are_judged_like_each_of_them(texts: list[bytes], is_required: bool) -> None:
    rule = TextRule("field", 4, is_required=is_required)
    assert rule.faults(texts) == {place: fault for place, text in enumerate(texts) if (fault := rule.fault(text))}


def test_only_the_first_fault_of_an_item_is_kept() -> None:
    faults = Faults(2)
    first, second = (Fault(name, Reason.MALFORMED, "") for name in ("first", "second"))
    faults.add_each({1: first})
    faults.add_each({1: second})
    assert [(refusal.index, refusal.fault) for refusal in faults.refusals()] == [(1, first)]


def test_limits_leave_room_for_a_part_in_a_message() -> None:
    assert limits.PART_BYTES_MAX < limits.MESSAGE_BYTES_MAX
    assert limits.CONTENT_PART_BYTES_MAX < limits.PART_BYTES_MAX
