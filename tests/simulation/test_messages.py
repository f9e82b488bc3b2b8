"""A simulation as lines and as messages says the same, and `assay replay` reads the lines."""

import io

from assay.telemetry.v1.call_pb2 import Call, CallOutcome
from assay.telemetry.v1.evidence_pb2 import Evidence

from cli.work.records import Record, read_records
from cli.work.simulate_messages import call_messages, evidence_messages
from simulation.arrays import Ints
from simulation.calls import Outcome
from simulation.fleet import FLEET
from simulation.incident_plan import DrawnPlan, WrittenPlan
from simulation.incidents import Field, Kind, Scope
from simulation.lines import lines
from simulation.stream import Simulation, blocks
from tests.simulation.world import DAY_US, HOUR_US, SEED, START_US, incident

LENGTH_US = 9 * HOUR_US


def as_it_is(time_us: Ints) -> Ints:
    return time_us


def test_lines_and_messages_say_the_same() -> None:
    """With every kind of incident and every field missing somewhere."""
    drawn = DrawnPlan(FLEET, SEED, HOUR_US).between(START_US, START_US + LENGTH_US)
    missing = (incident(Kind.FIELD_MISSING, 1.0, Scope(), field) for field in Field)
    simulation = Simulation(SEED, START_US, 1.0, WrittenPlan((*drawn, *missing)))
    found: dict[str, Call | Evidence] = {}
    for block in blocks(simulation, START_US + LENGTH_US):
        text = "".join(f"{line}\n" for line in lines(FLEET, block))
        for record in read_records(io.BytesIO(text.encode())):
            assert isinstance(record, Record), record
            message = record.message
            found[message.call_id if isinstance(message, Call) else message.evidence_id] = message
    messages: dict[str, Call | Evidence] = {}
    for block in blocks(simulation, START_US + LENGTH_US, by_end=True):
        messages |= {call.call_id: call for call in call_messages(FLEET, block.calls, as_it_is)}
        messages |= {evidence.evidence_id: evidence for evidence in evidence_messages(block.evidence, as_it_is)}
    # Ordered by their end, calls that are not over yet are missing at the end.
    assert 0 < len(found) - len(messages) < 0.01 * len(found)
    for name, message in messages.items():
        assert found[name] == message
    kinds = {message.WhichOneof("kind") for message in messages.values() if isinstance(message, Evidence)}
    assert kinds == {"evaluation", "feedback", "tests", "coverage", "static_analysis", "revision"}
    calls = [message for message in messages.values() if isinstance(message, Call)]
    for field in ("usage", "time_to_first_token", "cost_usd_nanos"):
        assert 0 < sum(call.HasField(field) for call in calls) < len(calls)
    assert 0 < sum(not call.prompt_version for call in calls) < len(calls)


def test_messages_are_stamped_with_real_times() -> None:
    (block,) = blocks(Simulation(SEED, START_US, 1.0), START_US + HOUR_US // 2)
    calls = list(call_messages(FLEET, block.calls, lambda time_us: time_us + DAY_US))
    assert [call.start_time.ToMicroseconds() - DAY_US for call in calls] == block.calls.start_us.tolist()
    evidence = list(evidence_messages(block.evidence, lambda time_us: time_us - DAY_US))
    assert [each.observe_time.ToMicroseconds() + DAY_US for each in evidence] == block.evidence.observe_us.tolist()


def test_outcomes_are_those_of_the_contract() -> None:
    assert {f"CALL_OUTCOME_{outcome.name}": int(outcome) for outcome in Outcome} == {
        name: number for name, number in CallOutcome.items() if number
    }
