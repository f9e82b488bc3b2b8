"""Each incident does what its truth says, to the calls that it is about, and to no others."""

import numpy as np
import pytest

from simulation.arrays import Bools
from simulation.calls import NONE, Outcome
from simulation.fleet import FLEET
from simulation.incidents import Field, Incident, Kind, Scope, expected_effect
from tests.simulation.world import HOUR_US, START_US, Seen, hours, incident

OPENAI = Scope(provider="openai")
SONNET = Scope("anthropic", "claude-sonnet-4-5")
SUPPORT = Scope(task_type="customer_support")


def is_about(each: Incident, seen: Seen) -> Bools:
    scope = each.scope
    models = np.array([scope.provider in {"", model.provider} and scope.model in {"", model.name} for model in FLEET.models])
    tasks = np.array([scope.task_type in {"", task.name} for task in FLEET.task_types])
    during = (seen.calls.start_us >= each.start_us) & (seen.calls.start_us < each.end_us)
    about: Bools = during & models[seen.calls.model] & tasks[seen.task_type]
    return about


def both(each: Incident) -> tuple[Seen, Bools, Seen, Bools]:
    """The fleet with and without the incident, and which of the calls it is about."""
    with_it, without = hours(each), hours()
    return with_it, is_about(each, with_it), without, is_about(each, without)


@pytest.mark.parametrize(("kind", "outcome"), [(Kind.OUTAGE, Outcome.FAILED), (Kind.ERROR_BURST, Outcome.RATE_LIMITED)])
def test_errors_take_their_part_of_the_calls(kind: Kind, outcome: Outcome) -> None:
    each = incident(kind, 0.7, OPENAI)
    seen, about, before, about_before = both(each)
    success, usual = seen.is_answered[about].mean(), before.is_answered[about_before].mean()
    # Failed calls are tried again, more often in failing runs; so it is a little less than the usual share.
    assert success == pytest.approx(usual * expected_effect(each)["times"], abs=0.06)
    assert (seen.calls.outcome[about] == outcome).mean() == pytest.approx(0.7, abs=0.03)
    assert seen.is_answered[~about].mean() == pytest.approx(before.is_answered[~about_before].mean(), abs=0.01)
    assert np.median(seen.calls.latency_us[about & ~seen.is_answered]) < 1_000_000


@pytest.mark.parametrize("kind", [Kind.LATENCY_STEP, Kind.LATENCY_DRIFT])
def test_latencies_grow_by_the_factor(kind: Kind) -> None:
    seen, about, before, about_before = both(incident(kind, 3.0, SONNET))
    quarter = (seen.calls.start_us - START_US - HOUR_US) * 4 // HOUR_US
    quarter_before = (before.calls.start_us - START_US - HOUR_US) * 4 // HOUR_US
    factors = [
        np.median(seen.calls.latency_us[about & seen.is_answered & (quarter == number)])
        / np.median(before.calls.latency_us[about_before & before.is_answered & (quarter_before == number)])
        for number in range(4)
    ]
    expected = [3.0] * 4 if kind is Kind.LATENCY_STEP else [1.25, 1.75, 2.25, 2.75]
    assert factors == pytest.approx(expected, rel=0.15)


def test_a_cost_jump_multiplies_tokens_and_stated_costs_and_nothing_else() -> None:
    scope = Scope("mistral", "mistral-large-latest")
    seen, about, before, about_before = both(incident(Kind.COST_JUMP, 2.5, scope))
    now, usual = (each.calls.take(mask & each.is_answered) for each, mask in ((seen, about), (before, about_before)))
    assert now.call_id.tolist() == usual.call_id.tolist()
    assert (now.latency_us == usual.latency_us).all()
    for field in ("input_count", "output_count", "cost_nanos"):
        assert getattr(now, field).sum() / getattr(usual, field).sum() == pytest.approx(2.5, rel=0.01)


def test_a_quality_loss_is_taken_from_the_score() -> None:
    each = incident(Kind.QUALITY_LOSS, 0.3, Scope(task_type="customer_support"))
    means = []
    for seen in (hours(each), hours()):
        places = seen.calls_of(seen.evaluations)
        means.append(seen.evaluations.first[is_about(each, seen)[places]].mean())
    # Scores near 0 and 1 are cut, which hides a part of it.
    assert 0.18 < means[1] - means[0] < 0.3


def test_silence_hides_calls_and_their_evidence_and_changes_no_other() -> None:
    each = incident(Kind.SILENCE, 1.0, SUPPORT)
    seen, about, before, about_before = both(each)
    assert not about.any()
    assert about_before.sum() > 1_000
    assert seen.calls.call_id.tolist() == before.calls.call_id[~about_before].tolist()
    assert not np.isin(seen.evaluations.subject_id, before.calls.call_id[about_before]).any()


@pytest.mark.parametrize("field", list(Field))
def test_a_field_is_no_longer_filled(field: Field) -> None:
    each = incident(Kind.FIELD_MISSING, 1.0, OPENAI, field)
    seen, about, before, about_before = both(each)

    def has_field(which: Seen) -> Bools:
        calls = which.calls
        columns = {
            Field.USAGE: calls.input_count != NONE,
            Field.TIME_TO_FIRST_TOKEN: calls.first_token_us != NONE,
            Field.PROMPT_VERSION: calls.has_version,
        }
        found: Bools = columns[field]
        return found

    assert seen.calls.call_id.tolist() == before.calls.call_id.tolist()
    assert has_field(before)[about_before].any()
    assert not has_field(seen)[about].any()
    assert (has_field(seen)[~about] == has_field(before)[~about_before]).all()
    assert str(expected_effect(each)["figure"]).startswith(field.value)


def test_a_size_below_one_spares_some() -> None:
    _, about, _, about_before = both(incident(Kind.SILENCE, 0.5, SUPPORT))
    assert about.sum() / about_before.sum() == pytest.approx(0.5, abs=0.05)


def test_incidents_add_up() -> None:
    step, also = incident(Kind.LATENCY_STEP, 2.0, SONNET), incident(Kind.LATENCY_STEP, 3.0, Scope(provider="anthropic"))
    seen, before = hours(step, also), hours()
    medians = [np.median(each.calls.latency_us[is_about(step, each) & each.is_answered]) for each in (seen, before)]
    assert medians[0] / medians[1] == pytest.approx(6.0, rel=0.15)
