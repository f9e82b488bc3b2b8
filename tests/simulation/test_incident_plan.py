"""Which incidents there are."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.fleet import FLEET
from simulation.incident_plan import DrawnPlan, WrittenPlan, incident_from_text
from simulation.incidents import SIZES, Field, Incident, Kind, Scope
from tests.simulation.world import DAY_US, HOUR_US, SEED, START_US, US

KINDS = len(Kind)
first_period = START_US // HOUR_US // KINDS * KINDS


@given(st.integers(0, 2**40))
def test_each_kind_comes_once_in_as_many_periods_as_there_are_kinds(seed: int) -> None:
    drawn = DrawnPlan(FLEET, seed, HOUR_US).between(first_period * HOUR_US, (first_period + KINDS) * HOUR_US)
    assert {each.kind for each in drawn} == set(Kind)
    assert len(drawn) == KINDS
    for each, after in pairwise(drawn):
        assert each.end_us < after.start_us
    for each in drawn:
        assert 0.1 * HOUR_US <= each.end_us - each.start_us <= 0.4 * HOUR_US + 1
        assert SIZES[each.kind].drawn_from <= each.size <= SIZES[each.kind].drawn_to
        assert (each.field is not None) == (each.kind is Kind.FIELD_MISSING)
        assert each.scope != Scope()


@settings(max_examples=50)
@given(st.integers(0, 20 * HOUR_US), st.integers(1, 20 * HOUR_US))
def test_a_plan_is_the_same_however_one_asks(offset_us: int, length_us: int) -> None:
    plan = DrawnPlan(FLEET, SEED, HOUR_US)
    start_us, end_us = START_US + offset_us, START_US + offset_us + length_us
    everything = plan.between(START_US - DAY_US, START_US + 3 * DAY_US)
    expected = [each for each in everything if each.start_us < end_us and each.end_us > start_us]
    assert plan.between(start_us, end_us) == expected
    assert WrittenPlan(tuple(reversed(everything))).between(start_us, end_us) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "outage@2h+30m:provider=openai,size=0.95",
            Incident(Kind.OUTAGE, START_US + 2 * HOUR_US, START_US + HOUR_US * 5 // 2, 0.95, Scope(provider="openai")),
        ),
        ("latency_step@0s+1.5h", Incident(Kind.LATENCY_STEP, START_US, START_US + HOUR_US * 3 // 2, 3.0, Scope())),
        (
            "field_missing@1d+90s:field=prompt_version,task_type=translation",
            Incident(
                Kind.FIELD_MISSING,
                START_US + DAY_US,
                START_US + DAY_US + 90 * US,
                1.0,
                Scope(task_type="translation"),
                Field.PROMPT_VERSION,
            ),
        ),
        (
            "cost_jump@1m+1m:model=gpt-5",
            Incident(Kind.COST_JUMP, START_US + 60 * US, START_US + 120 * US, 2.75, Scope(model="gpt-5")),
        ),
    ],
)
def test_an_incident_can_be_written_down(text: str, expected: Incident) -> None:
    assert incident_from_text(text, FLEET, START_US) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("outage", "write KIND@"),
        ("outage@2h", "write KIND@"),
        ("outage@2y+1h", "write KIND@"),
        ("flood@2h+1h", "there is no kind flood: choose from outage,"),
        ("outage@2h+0s", "an incident must last"),
        ("outage@2h+1h:provider=nobody", "the fleet has no provider nobody: choose from anthropic,"),
        ("outage@2h+1h:colour=red", "there is no colour: an incident has provider, model, task_type, size, field"),
        ("outage@2h+1h:size=2", "size of outage must be 0 to 1: part of the calls"),
        ("outage@2h+1h:size=much", "size of outage must be 0 to 1"),
        ("latency_step@2h+1h:size=0.5", "size of latency_step must be 1 to 100"),
        ("field_missing@2h+1h:field=latency", "there is no field latency: choose from usage,"),
    ],
)
def test_what_cannot_be_is_told(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told.replace("(", r"\(")):
        incident_from_text(text, FLEET, START_US)
