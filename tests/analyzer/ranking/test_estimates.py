"""What sums say of each measure, and what candidates say of each other."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.analyzer.domain.ranking.evidence import Sum, dispersion_of, observed
from services.analyzer.domain.ranking.hierarchy import Posterior, Prior, posterior
from services.analyzer.domain.ranking.measures import Measure, RankedMetric, is_lower_better, natural, on_scale, utility
from tests.analyzer.ranking.samples import everything, evidence, moments, successes

P95 = Measure(RankedMetric.LATENCY, 0.95)
CALLS = np.array([400.0, 400.0, 400.0, 0.0])


def flat_prior(count: int, spread: float = 0.4) -> Prior:
    nothing = np.zeros(count)
    return Prior(nothing, nothing, np.array(spread), np.array(0.0), np.array(0.0))


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        (Measure(RankedMetric.SUCCESS), 0.9),
        (Measure(RankedMetric.QUALITY), 0.7),
        (Measure(RankedMetric.LATENCY), 2.0),
        (P95, 2.0 * math.exp(1.645 * 0.5)),
        (Measure(RankedMetric.TIME_TO_FIRST_TOKEN), 0.5),
        (Measure(RankedMetric.COST_PER_ACCEPTED_TASK), 0.03 / 0.9),
        (Measure(RankedMetric.TIME_PER_ACCEPTED_TASK), 2.0 / 0.9),
    ],
)
def test_each_measure_is_what_its_sums_say_and_unknown_where_there_are_none(measure: Measure, value: float) -> None:
    full = np.full(4, 1.0)
    seen = observed(evidence(everything(CALLS, 0.9 * full, 0.7 * full, 2.0 * full, 0.03 * full)), measure)
    assert natural(measure.metric, seen.value)[0, 0] == pytest.approx(value, rel=0.01)
    assert seen.evidence_count[:, 0].tolist() == [400, 400, 400, 0]
    assert (seen.precision[:3] > 0).all()
    assert seen.precision[3] == seen.value[3] == 0


def test_success_is_as_sure_as_the_square_root_of_its_calls_says() -> None:
    seen = observed(evidence(successes([100, 400, 400, 400], [0.8] * 4)), Measure(RankedMetric.SUCCESS))
    assert seen.precision[:, 0].tolist() == [400, 1600, 1600, 1600]


def test_failures_in_runs_make_success_less_sure() -> None:
    calls = np.full(50, 20.0)
    in_runs = np.where(np.arange(50) % 10 == 0, 0.0, 20.0)
    independent = np.random.default_rng(1).binomial(20, 0.9, 50).astype(float)
    worlds = (np.full(50, 18.0), in_runs, calls, independent)
    group = np.append(np.repeat(np.arange(4), 50), 4)
    found = dispersion_of(group, np.append(np.tile(calls, 4), 20.0), np.append(np.concatenate(worlds), 0.0), 6)
    assert found == pytest.approx([1.0, 20.0, 1.0, 1.0, 1.0, 1.0], rel=0.05, abs=0.5)
    assert found[[0, 2, 4, 5]].tolist() == [1.0] * 4


def test_squares_that_nobody_kept_are_replaced_by_a_guess() -> None:
    calls = np.full(4, 100.0)
    known = {**moments(Sum.QUALITY_COUNT, calls, np.full(4, 0.7), 0.2), Sum.QUALITY_SQUARE: np.full(4, np.nan)}
    seen = observed(evidence(known), Measure(RankedMetric.QUALITY))
    assert 1 / np.sqrt(seen.precision) == pytest.approx(np.full((4, 1), 0.02), rel=0.01)
    of_cost = {Sum.TASKS: calls, Sum.ACCEPTED_TASKS: calls, Sum.TASK_COST_USD: calls, Sum.TASK_COST_SQUARE: np.full(4, np.nan)}
    seen = observed(evidence(of_cost), Measure(RankedMetric.COST_PER_ACCEPTED_TASK))
    assert 1 / np.sqrt(seen.precision) == pytest.approx(np.full((4, 1), 0.1), rel=0.01)


def test_what_has_decayed_away_is_not_there() -> None:
    project = evidence(successes([100, 100, 100, 100], [0.8] * 4))
    assert not observed(project.discounted(1e-6), Measure(RankedMetric.SUCCESS)).precision.any()
    only_first = project.discounted(np.array([[1.0], [0.0], [0.0], [0.0]]))
    assert (observed(only_first, Measure(RankedMetric.SUCCESS)).precision > 0)[:, 0].tolist() == [True, False, False, False]


@pytest.mark.parametrize("metric", RankedMetric)
def test_scales_lead_there_and_back_and_utility_follows_what_is_better(metric: RankedMetric) -> None:
    values = np.array([0.1, 0.4, 0.9])
    scaled = np.array([on_scale(metric, value) for value in values])
    assert natural(metric, scaled) == pytest.approx(values)
    worth = utility(metric, scaled)
    assert (np.diff(worth) < 0).all() if is_lower_better(metric) else (np.diff(worth) > 0).all()


def test_halving_a_latency_is_worth_a_tenth() -> None:
    worth = utility(RankedMetric.LATENCY, np.log([0.1, 1.0, 2.0, 100.0]))
    assert worth[0] == pytest.approx(1) and worth[3] == pytest.approx(0, abs=1e-12)
    assert worth[1] - worth[2] == pytest.approx(0.1, abs=0.001)


def test_measures_are_named_with_their_quantile() -> None:
    assert P95.words == "latency p95" and P95.told(1.234) == "1.23 s"
    assert Measure(RankedMetric.SUCCESS).words == "success" and Measure(RankedMetric.SUCCESS).told(0.5) == "0.5"


def test_a_candidate_without_evidence_is_like_the_others_and_wide() -> None:
    known = posterior(np.array([1.0, 1.2, 1.4, 0.0]), np.array([400.0, 400.0, 400.0, 0.0]), flat_prior(4))
    assert known.expected()[3] == pytest.approx(1.2, abs=0.01)
    assert known.deviation()[3] > 3 * known.deviation()[:3].max()


def test_few_calls_are_drawn_to_the_others_and_many_are_not() -> None:
    value = np.array([1.0, 1.0, 1.0, 1.0, 1.4])
    few, many = (posterior(value, np.array([1e3, 1e3, 1e3, 1e3, calls]), flat_prior(5)).expected()[4] for calls in (4.0, 4e4))
    assert 1.0 < few < 1.3 < many < 1.4


def test_what_is_believed_of_a_candidate_moves_it_and_of_the_centre_all() -> None:
    nothing = np.zeros(3)
    prior = Prior(np.array([0.3, 0.0, -0.3]), np.full(3, 0.01), np.array(0.1), np.array(5.0), np.array(1e4))
    known = posterior(nothing, nothing, prior)
    assert known.expected() == pytest.approx([5.3, 5.0, 4.7])
    assert (known.deviation() > 0.1).all()


def test_quantiles_are_where_the_probability_is() -> None:
    known = posterior(np.array([1.0, 1.1, 1.5]), np.array([10.0, 400.0, 40.0]), flat_prior(3))
    for ratio in (0.05, 0.5, 0.95):
        assert known.probability_below(known.quantile(ratio)) == pytest.approx(np.full(3, ratio), abs=1e-3)
    assert known.likely().expected() == pytest.approx(known.expected(), abs=1e-3)
    assert len(known.likely().weight) < len(known.weight)
    values, weights = known.nodes()
    assert (values * weights).sum((0, 2)) == pytest.approx(known.expected())


def test_ninety_percent_intervals_cover_nine_of_ten_even_of_the_first_and_at_few_calls() -> None:
    repeats, arms, calls = 400, 25, 20
    chance = np.random.default_rng(5)
    truth = np.tile(np.linspace(0.45, 0.75, arms), (repeats, 1))
    value = np.arcsin(np.sqrt((chance.binomial(calls, truth) + 0.25) / (calls + 0.5)))
    nothing = np.zeros(repeats)
    known: Posterior = posterior(
        value, np.full(truth.shape, 4.0 * calls), Prior(0 * truth, 0 * truth, np.full(repeats, 0.4), nothing, nothing)
    )
    low, high = (natural(RankedMetric.SUCCESS, known.quantile(ratio)) for ratio in (0.05, 0.95))
    is_covered = (low <= truth) & (truth <= high)
    assert 0.86 <= is_covered.mean() <= 0.94
    assert 0.82 <= is_covered[np.arange(repeats), known.expected().argmax(1)].mean() <= 0.97


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(-3, 3), st.floats(0.1, 1e4)), min_size=2, max_size=8),
    st.integers(0, 7),
    st.floats(0.0, 2.0),
)
def test_better_evidence_never_lowers_what_is_expected(cells: list[tuple[float, float]], number: int, gain: float) -> None:
    value, precision = (np.array(each) for each in zip(*cells, strict=True))
    place = number % len(cells)
    before = posterior(value, precision, flat_prior(len(cells))).expected()[place]
    value[place] += gain
    assert posterior(value, precision, flat_prior(len(cells))).expected()[place] >= before - 1e-9
