"""What is generated has the figures of the reference. The seed is fixed, so that nothing here is a matter of luck."""

import numpy as np
import pytest

from simulation import parameters
from simulation.arrays import Array, Floats
from simulation.calls import NONE, EvidenceKind
from simulation.fleet import FLEET
from tests.simulation.world import DAY_US, START_US, week

CELLS_LEAST = 5


def explained(values: Floats, cell: Array) -> tuple[float, float]:
    """The share of the variance that the cell explains, and the median of the standard deviations inside cells."""
    _, place = np.unique(cell, return_inverse=True)
    count = np.bincount(place)
    rest = values - (np.bincount(place, values) / count)[place]
    spreads = [values[place == each].std() for each in range(len(count)) if count[each] >= CELLS_LEAST]
    return 1 - rest.var() / values.var(), float(np.median(spreads))


def cells() -> Array:
    return week().calls.model.astype(np.int64) * 100 + week().task_type


def test_latency_depends_on_model_and_task_as_in_the_reference() -> None:
    is_answered = week().is_answered
    ratio, spread = explained(np.log(week().calls.latency_us[is_answered] / 1e6), cells()[is_answered])
    assert ratio == pytest.approx(parameters.LOG_LATENCY_EXPLAINED_RATIO, abs=0.06)
    assert spread == pytest.approx(parameters.LOG_LATENCY_CELL_SD, abs=0.06)


@pytest.mark.parametrize(
    ("quantile", "seconds"),
    # The reference's own quantiles over its answered calls.
    [(0.01, 0.75), (0.1, 1.7), (0.25, 3.8), (0.5, 10.7), (0.75, 28.6), (0.9, 72.5), (0.99, 309.0)],
)
def test_latencies_are_spread_as_in_the_reference(quantile: float, seconds: float) -> None:
    found = np.quantile(week().calls.latency_us[week().is_answered] / 1e6, quantile)
    assert found == pytest.approx(seconds, rel=0.45)


def test_calls_fail_as_often_as_in_the_reference_and_in_runs() -> None:
    calls, failed = week().calls, ~week().is_answered
    assert failed.mean() == pytest.approx(parameters.FAIL_RATIO, abs=0.02)
    order = np.lexsort((calls.start_us, calls.model))
    after, before = failed[order][1:], failed[order][:-1]
    is_same_model = np.diff(calls.model[order]) == 0
    assert after[is_same_model & before].mean() == pytest.approx(parameters.FAIL_AFTER_FAIL_RATIO, abs=0.08)
    assert after[is_same_model & ~before].mean() == pytest.approx(parameters.FAIL_AFTER_SUCCESS_RATIO, abs=0.01)


def test_a_withdrawn_model_never_answers_and_takes_its_share_of_calls() -> None:
    (withdrawn,) = (place for place, model in enumerate(FLEET.models) if model.is_withdrawn)
    calls = week().calls.take(week().calls.model == withdrawn)
    assert (calls.error == list(parameters.ERROR_RATIOS).index(parameters.WITHDRAWN_ERROR)).all()
    assert len(calls.start_us) / len(week().calls.start_us) == pytest.approx(0.042, abs=0.01)


def test_scores_are_those_of_the_reference() -> None:
    evaluations = week().evaluations
    scores = evaluations.first
    assert scores.mean() == pytest.approx(parameters.SCORE_MEAN, abs=0.04)
    assert scores.std() == pytest.approx(parameters.SCORE_SD, abs=0.04)
    assert (scores == 1).mean() == pytest.approx(parameters.SCORE_FULL_RATIO, abs=0.06)
    assert (evaluations.kind == EvidenceKind.JUDGED).mean() == pytest.approx(parameters.JUDGE_RATIO, abs=0.01)
    places = week().calls_of(evaluations)
    ratio, _ = explained(scores[places >= 0], cells()[places[places >= 0]])
    assert ratio == pytest.approx(parameters.SCORE_EXPLAINED_RATIO, abs=0.12)


def test_streamed_calls_are_as_many_and_their_first_token_comes_before_the_last() -> None:
    calls = week().calls
    is_streamed = calls.first_token_us != NONE
    assert is_streamed.mean() == pytest.approx(parameters.STREAMED_RATIO, abs=0.015)
    assert (calls.first_token_us[is_streamed] <= calls.latency_us[is_streamed]).all()


def test_tokens_spread_in_a_cell_as_in_the_reference() -> None:
    calls = week().calls
    here = (calls.input_count != NONE) & (calls.revision_count == 0)
    for counts, spread in (
        (calls.output_count, parameters.LOG_OUTPUT_CELL_SD),
        (calls.input_count, parameters.LOG_INPUT_CELL_SD),
    ):
        assert explained(np.log(np.maximum(counts[here], 1)), cells()[here])[1] == pytest.approx(spread, abs=0.05)
    speed = np.log(calls.output_count[here] / (calls.latency_us[here] / 1e6))
    assert explained(speed, cells()[here])[1] == pytest.approx(parameters.LOG_SPEED_CELL_SD, abs=0.06)


def test_the_rate_is_the_one_that_was_asked_for_over_a_week_and_follows_day_and_week() -> None:
    start_us = week().calls.start_us
    assert len(start_us) / (7 * 86_400) == pytest.approx(1.0, rel=0.03)
    days = np.bincount((start_us - START_US) // DAY_US)
    assert days[5:].max() < 0.6 * days[:5].min()
    hours = np.bincount((start_us % DAY_US) // (DAY_US // 24))
    assert hours.argmax() in {13, 14}
    assert hours.min() < 0.35 * hours.max()


def test_a_version_of_a_prompt_is_better_by_what_the_fleet_says() -> None:
    calls, evaluations = week().calls, week().evaluations
    places = week().calls_of(evaluations)
    version = calls.version[places[places >= 0]]
    names = [f"{FLEET.task_types[owner].name}/{each.name}" for owner, each in FLEET.versions]
    score = {name: evaluations.first[places >= 0][version == place].mean() for place, name in enumerate(names)}
    # The cut at 1 takes some of it.
    assert 0.03 < score["code_generation/v2"] - score["code_generation/v1"] <= 0.09
    assert 0.05 < score["tool_calling/v3"] - score["tool_calling/v1"] <= 0.11
    assert abs(score["summarization/v2"] - score["summarization/v1"]) < 0.01
