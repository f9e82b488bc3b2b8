"""What the messages on the bus carry of calls is what was sent, however it was written."""

import gzip
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from assay.telemetry.v1 import call_pb2
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain import limits
from services.collector.ingest import Recorded
from services.collector.messages import wire
from tests.collector.ingest_front import Carried, Front, in_microseconds
from tests.collector.ingest_samples import (
    call,
    calls_request,
    received,
)

REAL_CALLS = Path(__file__).parents[3] / "shared" / "data" / "llm_calls.jsonl.gz"


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6)
MAYBE_NAMES = st.just("") | NAMES
COUNTS = st.integers(0, 3) | st.integers(0, 10**9)


@st.composite
def sound_calls(draw: st.DrawFn) -> call_pb2.Call:
    """Any call that is taken."""
    latency_us = draw(st.integers(0, limits.DURATION_MAX_US))
    read, write, plain, reasoning, written = (draw(st.integers(0, 10**8)) if draw(st.booleans()) else 0 for _ in range(5))
    usage = {
        "input_token_count": read + write + plain,
        "output_token_count": reasoning + written,
        "cache_read_token_count": read,
        "cache_write_token_count": write,
        "reasoning_token_count": reasoning,
    }
    one = call(
        call_id=draw(NAMES),
        provider=draw(NAMES),
        model=draw(NAMES),
        task_type=draw(NAMES),
        outcome=draw(st.integers(1, 6)),
        usage=draw(st.sampled_from([usage, None])),
        cost_usd_nanos=draw(st.none() | st.integers(0, 10**15)),
        revision_count=draw(st.none() | st.integers(0, 10**9)),
        labels=draw(st.dictionaries(NAMES, MAYBE_NAMES, max_size=3)),
        ranking_id=draw(MAYBE_NAMES),
        selection_ratio=draw(st.none() | st.floats(0, 1, exclude_min=True)),
        time_to_first_token=None,
        **{name: draw(MAYBE_NAMES) for name in ("task_id", "agent", "prompt_name", "prompt_version", "error_type")},
    )
    one.latency.FromMicroseconds(latency_us)
    one.start_time.nanos = draw(st.integers(0, 999_999_999))
    if draw(st.booleans()):
        one.time_to_first_token.FromMicroseconds(draw(st.integers(0, latency_us)))
    return one


@given(st.lists(sound_calls(), max_size=6))
def test_what_the_messages_carry_is_what_was_sent(calls: list[call_pb2.Call]) -> None:
    front = Front()
    assert front.record(*calls) == Recorded(len(calls), [])
    carried = list(itertools.chain.from_iterable(Carried(part.calls) for part in front.parts))
    assert carried == [in_microseconds(one) for one in calls]


JSON_CALL = {
    "callId": "c-1",
    "taskId": "t",
    "startTime": "2027-01-15T07:59:00.5Z",
    "latency": "2.5s",
    "timeToFirstToken": "0.25s",
    "provider": "openai",
    "model": "gpt-5",
    "taskType": "chat",
    "outcome": "CALL_OUTCOME_SUCCEEDED",
    "usage": {"inputTokenCount": "10", "outputTokenCount": 5},
    "costUsdNanos": "7",
    "revisionCount": 0,
    "labels": {"team": "x"},
    "selectionRatio": 0.5,
}


def snake_case(name: str) -> str:
    """The other spelling of a field."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def test_both_spellings_of_json_are_the_same_call() -> None:
    other: dict[str, Any] = {snake_case(name): value for name, value in JSON_CALL.items()}
    other["usage"] = {snake_case(name): value for name, value in JSON_CALL["usage"].items()}  # type: ignore[attr-defined]
    calls = [json_format.Parse(json.dumps(form), call_pb2.Call()) for form in (JSON_CALL, other)]
    assert calls[0] == calls[1]
    front = Front()
    assert front.record(*calls).accepted_count == 2
    assert [in_microseconds(one) for one in calls] == list(Carried(front.parts[0].calls))


def test_real_calls_are_taken_as_they_are() -> None:
    if not REAL_CALLS.exists():
        pytest.skip(f"{REAL_CALLS} is not there")
    with gzip.open(REAL_CALLS, "rt") as lines:
        calls = [json_format.Parse(line, call_pb2.Call()) for line in itertools.islice(lines, 4_000)]
    front = Front()
    front.now_us = calls[-1].start_time.ToMicroseconds()
    assert front.record(*calls) == Recorded(len(calls), [])
    carried = list(itertools.chain.from_iterable(Carried(part.calls) for part in front.parts))
    assert carried == [in_microseconds(one) for one in calls]


def test_unset_numbers_read_as_what_no_call_may_hold() -> None:
    columns = received(calls_request(call(), call(cost_usd_nanos=0, revision_count=0)))
    assert columns.has_cost.tolist() == columns.has_revision.tolist() == [False, True]
    assert columns.cost_usd_nanos.tolist() == columns.revision_count.tolist() == [0, 0]
    assert all(value < 0 for value in wire.NOT_SET.values())
