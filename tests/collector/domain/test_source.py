"""What is counted of sources' fields, and what follows of it."""

from datetime import UTC, datetime, timedelta

import pytest
from assay.telemetry.v1.call_pb2 import (
    CALL_OUTCOME_CANCELLED,
    CALL_OUTCOME_FAILED,
    CALL_OUTCOME_SUCCEEDED,
    Call,
    TokenUsage,
)
from google.protobuf.duration_pb2 import Duration
from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain.source import CALLS_MIN, FIELDS, FieldTally, State, tally
from services.collector.messages.call_columns import read_calls

NOW = datetime(2026, 5, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
NAMES = [field.name for field in FIELDS]


def counts(*calls: Call) -> dict[str, tuple[int, int]]:
    """Calls that could have had each field, and those that had it."""
    found = tally(read_calls([call.SerializeToString() for call in calls]), "1.0", NOW)
    assert found.call_count == len(calls)
    return {name: (field.call_count, field.filled_count) for name, field in zip(NAMES, found.fields, strict=True)}


def test_a_call_that_tells_all_fills_every_field_that_it_can() -> None:
    whole = Call(
        call_id="1",
        task_id="t",
        time_to_first_token=Duration(seconds=1),
        agent="a",
        prompt_name="p",
        prompt_version="1",
        outcome=CALL_OUTCOME_SUCCEEDED,
        usage=TokenUsage(input_token_count=9, output_token_count=9, cache_read_token_count=3, reasoning_token_count=2),
        revision_count=0,
        ranking_id="r",
        selection_ratio=0.5,
    )
    assert counts(whole) == {name: (0, 0) if name == "error_type" else (1, 1) for name in NAMES}


def test_fields_count_only_where_a_call_could_have_them() -> None:
    found = counts(
        Call(call_id="1", outcome=CALL_OUTCOME_FAILED, error_type="Timeout"),
        Call(call_id="2", outcome=CALL_OUTCOME_FAILED),
        Call(call_id="3", outcome=CALL_OUTCOME_CANCELLED),
        Call(call_id="4", outcome=CALL_OUTCOME_SUCCEEDED),
    )
    assert found["error_type"] == (2, 1)
    assert found["time_to_first_token"] == found["usage"] == (1, 0)
    assert found["agent"] == found["ranking_id"] == (4, 0)


@pytest.mark.parametrize(
    ("field", "state"),
    [
        (FieldTally(), State.UNKNOWN),
        (FieldTally(CALLS_MIN - 1, 0, CALLS_MIN - 1), State.UNKNOWN),
        (FieldTally(CALLS_MIN, 0, CALLS_MIN), State.NEVER),
        (FieldTally(100, 100, 0, NOW), State.FILLED),
        (FieldTally(1_000 + CALLS_MIN, 1_000, CALLS_MIN, NOW), State.CEASED),
        (FieldTally(1_000 + CALLS_MIN - 1, 1_000, CALLS_MIN - 1, NOW), State.FILLED),
        (FieldTally(1_000 + 100, 10, 100, NOW), State.FILLED),  # one in a hundred has it: such a run is nothing special
        (FieldTally(1_000 + 2_000, 10, 2_000, NOW), State.CEASED),
        (FieldTally(1 + CALLS_MIN, 1, CALLS_MIN, NOW), State.CEASED),
    ],
)
def test_a_field_has_ceased_when_the_run_without_it_is_no_chance(field: FieldTally, state: State) -> None:
    assert field.state is state


def test_tallies_follow_one_another_in_time() -> None:
    with_agent = tally(read_calls([Call(call_id="1", agent="a").SerializeToString()]), "1", NOW)
    without = tally(read_calls([Call(call_id=f"{number}").SerializeToString() for number in range(3)]), "2", LATER)
    both = with_agent.then(without)
    assert (both.version, both.first_time, both.last_time, both.call_count) == ("2", NOW, LATER, 4)
    assert both.fields[NAMES.index("agent")] == FieldTally(4, 1, 3, NOW)
    again = both.then(with_agent)
    assert again.fields[NAMES.index("agent")] == FieldTally(5, 2, 0, NOW)


tallies = st.builds(
    lambda filled, unfilled: FieldTally(filled + unfilled, filled, 0 if filled else unfilled, NOW if filled else None),
    st.integers(0, 50),
    st.integers(0, 50),
)


@given(tallies, tallies, tallies)
def test_it_does_not_matter_how_tallies_are_put_together(first: FieldTally, second: FieldTally, third: FieldTally) -> None:
    assert first.then(second).then(third) == first.then(second.then(third))
