"""Questions and their answers."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.analyzer.domain.arrays import Floats
from services.analyzer.domain.ranking.answer import RankedCandidate, Ranking
from services.analyzer.domain.ranking.drawn import EXPLORED_RATIO
from services.analyzer.domain.ranking.evidence import Candidate, Evidence, Sum
from services.analyzer.domain.ranking.measures import Measure, RankedMetric
from services.analyzer.domain.ranking.model import prepare
from services.analyzer.domain.ranking.question import COST, LATENCY_P50, PRESETS, QUALITY, SUCCESS, Constraint, Question
from services.analyzer.domain.ranking.rank import ALL_LEFT_OUT, NOBODY, NOTHING_MEASURED, rank
from tests.analyzer.ranking.samples import AS_OF_S, BY_SUCCESS, NEW, A, B, C, D, everything, evidence, successes

MANY = np.full(4, 2_000.0)
P99 = Measure(RankedMetric.LATENCY, 0.99)


def contest(**changes: Floats) -> dict[Sum, Floats]:
    """A is the best answerer, B the cheapest, C the fastest, D the most reliable."""
    usual = {
        "calls": MANY,
        "success": np.array([0.95, 0.95, 0.95, 0.995]),
        "quality": np.array([0.95, 0.75, 0.75, 0.75]),
        "latency_s": np.array([4.0, 4.0, 0.5, 4.0]),
        "cost_usd": np.array([0.05, 0.001, 0.05, 0.05]),
    }
    return everything(**{**usual, **changes})


def answer(project: Evidence, **asked: object) -> Ranking:
    return rank(prepare(project), replace(Question("code", now_s=AS_OF_S), **asked))  # type: ignore[arg-type]


def order(ranking: Ranking) -> list[Candidate]:
    return [each.candidate for each in ranking.candidates]


def of(ranking: Ranking, candidate: Candidate) -> RankedCandidate:
    return next(each for each in ranking.candidates if each.candidate == candidate)


@pytest.mark.parametrize(("preset", "first"), [("quality", A), ("cheapest", B), ("fastest", C), ("reliable", D)])
def test_each_preset_puts_first_who_is_best_at_it(preset: str, first: Candidate) -> None:
    ranking = answer(evidence(contest()), objective=PRESETS[preset])
    best = ranking.candidates[0]
    assert best.candidate == first
    assert best.probability_best > 0.9 and best.rank_low == best.rank == 1
    assert [each.rank for each in ranking.candidates] == [1, 2, 3, 4]
    assert ranking.empty_reason == "" and not ranking.left_out and not ranking.unmeasured


def test_an_answer_tells_all_that_is_asked_of_each_candidate() -> None:
    ranking = answer(evidence(contest()), constraints=(Constraint(P99, 100.0),))
    assert sum(each.suggested_ratio for each in ranking.candidates) == pytest.approx(1)
    assert sum(each.probability_best for each in ranking.candidates) == pytest.approx(1)
    for each in ranking.candidates:
        assert each.score_low < each.score < each.score_high
        assert each.rank_low <= each.rank <= each.rank_high
        assert each.suggested_ratio >= EXPLORED_RATIO / 4
        assert each.call_count == 2_000 and each.last_call_s == AS_OF_S - 60
        assert {estimate.measure for estimate in each.estimates} >= {SUCCESS, QUALITY, COST, P99}
        assert all(estimate.low <= estimate.value <= estimate.high for estimate in each.estimates)
    assert "better than the middle candidate in quality: 0.95 (0.944 to 0.955)" in of(ranking, A).reasons
    assert of(ranking, C).reasons[0].startswith("better than the middle candidate in latency p50: 0.5 s (")


def test_the_same_question_has_the_same_answer() -> None:
    assert answer(evidence(contest())) == answer(evidence(contest()))


def test_an_order_that_the_data_do_not_carry_is_not_claimed() -> None:
    ranking = answer(evidence(successes([50] * 4, [0.80, 0.82, 0.84, 0.86])), objective=BY_SUCCESS)
    assert all(each.is_tied_with_first and (each.rank_low, each.rank_high) == (1, 4) for each in ranking.candidates)
    assert ranking.candidates[0].probability_best < 0.5
    assert "cannot be told from the first by this evidence" in ranking.candidates[1].reasons
    assert "cannot be told from the first by this evidence" not in ranking.candidates[0].reasons


def test_who_is_new_stands_wide_and_neither_first_nor_last() -> None:
    names = [Candidate(f"provider-{number}", "model") for number in range(9)]
    known = evidence(successes([2_000] * 9, np.linspace(0.7, 0.98, 9).tolist()), candidates=names)
    ranking = answer(known, objective=BY_SUCCESS, candidates=(*names, NEW))
    new = of(ranking, NEW)
    assert 3 <= new.rank <= 8 and new.rank_low <= 2 and new.rank_high >= 9
    assert new.last_call_s is None and new.call_count == 0
    assert new.reasons[0].startswith("never seen: judged by its provider's other models")
    assert new.suggested_ratio > 0.02


def test_neighbours_speak_for_a_known_model_on_a_new_kind_of_task() -> None:
    calls = np.full((4, 3), 500.0)
    calls[0, 0] = 0.0
    success = np.array([[0.99] * 3, [0.9] * 3, [0.8] * 3, [0.7] * 3])
    project = evidence({Sum.CALLS: calls, Sum.SUCCEEDED: calls * success}, task_types=("code", "chat", "search"))
    unseen = of(answer(project, objective=BY_SUCCESS, candidates=(A, B, C, D, NEW, Candidate("provider-a", "next"))), A)
    assert unseen.rank == 1 and unseen.reasons[0] == "never seen on this kind of task: judged by what it does on others"
    elsewhere = answer(project, objective=BY_SUCCESS, task_type="translation")
    assert order(elsewhere) == [A, B, C, D] and elsewhere.candidates[0].call_count == 0
    siblings = answer(
        project, objective=BY_SUCCESS, task_type="chat", candidates=(Candidate("provider-a", "next"), Candidate("provider-d", "next"))
    )
    assert [each.candidate.provider for each in siblings.candidates] == ["provider-a", "provider-d"]


def test_only_who_has_served_the_kind_of_task_is_ranked_unless_named() -> None:
    project = evidence(successes([100, 100, 0, 5], [0.9] * 4))
    ranking = answer(project, objective=BY_SUCCESS)
    assert set(order(ranking)) == {A, B, D}
    assert "little evidence: 5 calls" in of(ranking, D).reasons
    assert order(answer(project, objective=BY_SUCCESS, candidates=(C,))) == [C]


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ({"denied_providers": frozenset({"provider-a"})}, [A]),
        ({"denied_models": frozenset({"model-b"})}, [B]),
        ({"allowed_providers": frozenset({"provider-a"})}, [B, C, D]),
        ({"allowed_models": frozenset({"model-c", "model-d"})}, [A, B]),
    ],
)
def test_who_is_not_allowed_is_left_out_by_name(asked: dict[str, frozenset[str]], left: list[Candidate]) -> None:
    ranking = answer(evidence(contest()), **asked)
    assert [each.candidate for each in ranking.left_out] == left
    assert {each.reason for each in ranking.left_out} == {"NOT_ALLOWED"}
    assert not set(order(ranking)) & set(left)


@pytest.mark.parametrize(
    ("constraint", "left"),
    [
        (Constraint(SUCCESS, 0.98), {A, B, C}),
        (Constraint(QUALITY, 0.9), {B, C, D}),
        (Constraint(LATENCY_P50, 1.0), {A, B, D}),
        (Constraint(COST, 0.01), {A, C, D}),
        (Constraint(SUCCESS, 0.955), {A, B, C}),
        (Constraint(SUCCESS, 0.955, probability=0.05), set()),
    ],
)
def test_a_condition_must_surely_be_met(constraint: Constraint, left: set[Candidate]) -> None:
    ranking = answer(evidence(contest()), constraints=(constraint,))
    assert {each.candidate for each in ranking.left_out} == left
    for each in ranking.left_out:
        assert each.reason == "CONSTRAINT_NOT_MET" and constraint.measure.words in each.words and "is asked for" in each.words


def test_too_little_evidence_is_told_before_conditions() -> None:
    ranking = answer(evidence(contest(calls=np.array([50.0, 2e3, 2e3, 2e3]))), call_count_min=100, constraints=(Constraint(SUCCESS, 0.99),))
    told = {each.candidate: each for each in ranking.left_out}
    assert told[A].reason == "EVIDENCE_TOO_LITTLE" and told[A].words == "50 calls, at least 100 are asked for"


def test_a_condition_on_what_nobody_measured_leaves_everybody_out() -> None:
    ranking = answer(evidence(successes([100] * 4, [0.9] * 4)), constraints=(Constraint(QUALITY, 0.5),))
    assert ranking.candidates == () and ranking.empty_reason == ALL_LEFT_OUT
    assert {each.words for each in ranking.left_out} == {"quality has not been measured"}


def test_nobody_to_rank_is_an_answer() -> None:
    nobody = answer(evidence({Sum.CALLS: np.zeros((0, 1))}, candidates=()))
    assert nobody.candidates == () and nobody.empty_reason == NOBODY
    assert answer(evidence(contest()), allowed_models=frozenset({"other"})).empty_reason == ALL_LEFT_OUT
    unmeasured = answer(evidence(successes([100] * 4, [0.9] * 4)), objective=replace(BY_SUCCESS, weights={QUALITY: 1.0}))
    assert unmeasured.empty_reason == NOTHING_MEASURED and unmeasured.unmeasured == (QUALITY,)


def test_what_nobody_measured_does_not_count_and_is_told() -> None:
    ranking = answer(evidence(successes(MANY.tolist(), [0.9, 0.95, 0.8, 0.7])))
    assert order(ranking)[0] == B and set(ranking.unmeasured) == {QUALITY, COST, LATENCY_P50}


def test_an_outage_drops_a_candidate_whatever_is_asked_and_its_end_brings_it_back() -> None:
    before = evidence(contest())
    ratio = np.array([[1.0], [0.0], [1.0], [1.0]])
    since = np.zeros_like(before.sums)
    since[Sum.CALLS, 1], since[Sum.SUCCEEDED, 1] = 12, 1
    during = replace(before.discounted(ratio), incidents={(B, "code"): "success 0.08 instead of 0.95 since 12:04"})
    during = replace(during, sums=during.sums + since)
    for preset, objective in PRESETS.items():
        ranking = answer(during, objective=objective)
        dropped = of(ranking, B)
        assert dropped.rank == 4, preset
        assert dropped.suggested_ratio < 0.02 and dropped.incident
        assert dropped.reasons[0] == "in an incident: success 0.08 instead of 0.95 since 12:04"
    assert order(answer(before, objective=PRESETS["cheapest"]))[0] == B


def test_an_incident_without_success_measured_leaves_the_worth_as_it_is() -> None:
    by_quality: dict[Sum, Floats] = {each: sums for each, sums in contest().items() if each not in (Sum.SUCCEEDED, Sum.CALLS)}
    project = evidence(by_quality, incidents={(A, "code"): "slow"})
    assert order(answer(project, objective=replace(BY_SUCCESS, weights={QUALITY: 1.0}), candidates=(A, B)))[0] == A


def test_a_ranking_says_when_it_is_stale() -> None:
    ranking = answer(evidence(contest()), now_s=AS_OF_S + 10_000)
    assert ranking.is_stale and ranking.as_of_s == AS_OF_S
    assert not ranking.at(AS_OF_S + 1, 900).is_stale


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(5, 500), st.floats(0.2, 0.98)), min_size=4, max_size=4), st.integers(0, 3), st.floats(0.0, 1.0))
def test_more_successes_of_as_many_calls_never_lower_a_score(cells: list[tuple[int, float]], place: int, gain: float) -> None:
    calls, ratios = (np.array(each) for each in zip(*cells, strict=True))
    better = ratios.copy()
    better[place] += gain * (1 - better[place])
    candidate = (A, B, C, D)[place]
    scores = [of(answer(evidence(successes(calls, each)), objective=BY_SUCCESS), candidate).score for each in (ratios, better)]
    assert scores[1] >= scores[0] - 1e-4


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0.3, 0.98), min_size=4, max_size=4), st.sampled_from(sorted(PRESETS)))
def test_somebody_without_evidence_moves_nobody_else(ratios: list[float], preset: str) -> None:
    project = evidence(contest(success=np.array(ratios)))
    alone, joined = (answer(project, objective=PRESETS[preset], candidates=named) for named in ((A, B, C, D), (A, B, C, D, NEW)))
    assert [each for each in order(joined) if each != NEW] == order(alone)
    assert {each.candidate: each.score for each in joined.candidates if each.candidate != NEW} == pytest.approx(
        {each.candidate: each.score for each in alone.candidates}
    )


@settings(max_examples=15, deadline=None)
@given(st.floats(0.01, 100.0), st.floats(0.1, 10.0), st.sampled_from(sorted(PRESETS)))
def test_the_unit_of_money_and_time_does_not_matter(cost: float, time: float, preset: str) -> None:
    usual = {"latency_s": np.array([4.0, 3.0, 0.5, 2.0]), "cost_usd": np.array([0.05, 0.001, 0.02, 0.01])}
    scaled = {"latency_s": usual["latency_s"] * time, "cost_usd": usual["cost_usd"] * cost}
    rankings = [answer(evidence(contest(**each)), objective=PRESETS[preset]) for each in (usual, scaled)]
    assert order(rankings[0]) == order(rankings[1])
    gaps = [np.diff([each.score for each in ranking.candidates]) for ranking in rankings]
    assert gaps[0] == pytest.approx(gaps[1], abs=1e-6)
