"""Worlds in which it is known what each way of choosing brings, and what is estimated of it from calls that were chosen otherwise."""

import math

import numpy as np
import pytest

from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.ranking.evidence import Candidate, Sum
from services.analyzer.domain.ranking.gathered import NO_WINDOWS, Cell, CellWindows
from services.analyzer.domain.ranking.off_policy import Assumption, Logged, difference, doubly_robust_parts
from services.analyzer.domain.ranking.question import Question
from services.analyzer.domain.replaying.logged import DAY_S, LoggedCalls, Outcome
from services.analyzer.domain.replaying.policies import REPLAYED, Policy, targets
from services.analyzer.domain.replaying.replay import ALWAYS_ASSUMED, Replay, ReplayedOutcome, replay

TASK = "chat"
BEST, USUAL, CHEAP = Candidate("p", "best"), Candidate("p", "usual"), Candidate("q", "cheap")
ALL = (BEST, USUAL, CHEAP)
SUCCESS = np.array([0.95, 0.8, 0.5])
COST_USD = np.array([0.03, 0.02, 0.001])
CHOSEN = np.array([0.1, 0.6, 0.3])
STEPS = 10
HALF_LIFE_S = 7 * DAY_S


def world(seed: int, count: int = 2_000, *, sent: bool = True) -> tuple[LoggedCalls, Ints]:
    """Calls over ten days, chosen with known probabilities; and the day of each. Hard tasks, which fail more, go to the best more often."""
    chance = np.random.default_rng(seed)
    is_hard = chance.random(count) < 0.5
    ratio = np.where(is_hard[:, None], np.array([0.15, 0.65, 0.2]), np.array([0.05, 0.55, 0.4]))
    candidate = (chance.random(count)[:, None] > ratio.cumsum(1)[:, :-1]).sum(1)
    success = (chance.random(count) < SUCCESS[candidate] - 0.1 * (is_hard - 0.5)).astype(float)
    step = np.sort(chance.integers(0, STEPS, count))
    chosen = ratio[np.arange(count), candidate] if sent else np.full(count, np.nan)
    cost = np.where(chance.random(count) < 0.9, COST_USD[candidate], np.nan)
    outcomes = {
        Outcome.SUCCESS: success,
        Outcome.QUALITY: np.full(count, np.nan),
        Outcome.COST: cost,
        Outcome.LATENCY: chance.lognormal(0.0, 0.3, count),
    }
    return LoggedCalls(ALL, candidate, step * DAY_S + 60.0, chosen, outcomes), step


def fixed_tables(share: Floats) -> dict[Policy, Floats]:
    """Every policy the same, but for always choosing the cheap one."""
    tables = {policy: np.tile(share, (STEPS, 1)) for policy in REPLAYED}
    tables[Policy.CHEAPEST] = np.tile([0.0, 0.0, 1.0], (STEPS, 1))
    return tables


def outcome_of(found: Replay, policy: Policy, outcome: Outcome) -> ReplayedOutcome:
    (replayed,) = [each for each in found.policies if each.policy is policy]
    (one,) = [each for each in replayed.outcomes if each.outcome is outcome]
    return one


def test_estimates_hold_the_truth_as_often_as_they_say() -> None:
    share = np.array([0.7, 0.2, 0.1])
    truth, cheap = float(share @ SUCCESS), float(SUCCESS[2])
    held = np.zeros(4)
    for seed in range(100):
        found = replay(*world(seed, 1_000), fixed_tables(share))
        one = outcome_of(found, Policy.SUGGESTED_SHARE, Outcome.SUCCESS)
        other = outcome_of(found, Policy.CHEAPEST, Outcome.SUCCESS)
        intervals = (one.doubly_robust, one.inverse_propensity, other.doubly_robust, other.gain_of_ranking)
        held += [each.low <= real <= each.high for each, real in zip(intervals, (truth, truth, cheap, truth - cheap), strict=True)]
    assert (held >= 80).all() and (held[:3] < 100).all(), held


def test_without_probabilities_shares_stand_for_them_and_that_is_said() -> None:
    calls, step = world(1, sent=False)
    found = replay(calls, step, fixed_tables(CHOSEN))
    assert found.sent_ratio == 0 and found.assumptions == (Assumption.ESTIMATED.value, *ALWAYS_ASSUMED)
    half = LoggedCalls(ALL, calls.candidate, calls.start_s, np.where(step < 5, 0.5, np.nan), calls.outcomes)
    both = replay(half, step, fixed_tables(CHOSEN))
    assert both.assumptions[:2] == (Assumption.LOGGED.value, Assumption.ESTIMATED.value)


def test_costs_are_told_in_dollars_and_what_nobody_measured_is_left_out() -> None:
    found = replay(*world(2), fixed_tables(np.array([1.0, 0.0, 0.0])))
    cost = outcome_of(found, Policy.FIRST, Outcome.COST)
    assert cost.inverse_propensity.value == pytest.approx(0.03) and cost.call_count < 2_000
    assert outcome_of(found, Policy.CHEAPEST, Outcome.COST).gain_of_ranking.value == pytest.approx(0.029, abs=0.002)
    assert {each.outcome for each in found.policies[0].outcomes} == {Outcome.SUCCESS, Outcome.COST, Outcome.LATENCY}


def test_what_callers_got_is_told_beside_it() -> None:
    calls, step = world(3)
    found = replay(calls, step, fixed_tables(np.array([1.0, 0.0, 0.0])))
    seen = outcome_of(found, Policy.AS_IT_WAS, Outcome.SUCCESS)
    assert seen.doubly_robust.value == pytest.approx(calls.outcomes[Outcome.SUCCESS].mean())
    assert seen.effective_count == pytest.approx(2_000) and seen.covered_ratio == 1
    assert seen.gain_of_ranking.low > 0
    (as_it_was,) = [each for each in found.policies if each.policy is Policy.AS_IT_WAS]
    assert [candidate for candidate, _ in as_it_was.shares] == [USUAL, CHEAP, BEST]


def test_whom_nobody_chose_is_not_covered_and_nothing_is_known_of() -> None:
    calls, step = world(4)
    kept = calls.candidate != 0
    few = LoggedCalls(
        ALL,
        calls.candidate[kept],
        calls.start_s[kept],
        calls.selection_ratio[kept],
        {name: values[kept] for name, values in calls.outcomes.items()},
    )
    found = replay(few, step[kept], fixed_tables(np.array([1.0, 0.0, 0.0])))
    one = outcome_of(found, Policy.SUGGESTED_SHARE, Outcome.SUCCESS)
    assert one.covered_ratio == 0 and one.effective_count == 0
    assert math.isnan(one.inverse_propensity.value) and math.isnan(one.gain_of_ranking.high)
    assert calls.among((*ALL[:1], Candidate("a", "a"), *ALL[1:])).candidate.max() == 3


def test_a_difference_of_too_few_calls_is_as_wide_as_rewards_are() -> None:
    few = Logged(np.ones(3), np.ones(3), np.ones(3))
    parts = doubly_robust_parts(few, np.zeros(3), np.zeros(3))
    found = difference(parts, parts)
    assert (found.value, found.low, found.high) == (0, -1, 1)


def days(until: int) -> CellWindows:
    """A window a day for each candidate, in which half of the calls go to the usual one."""
    counts = np.array([20.0, 60.0, 20.0])
    cells = tuple(Cell(candidate, TASK) for candidate in ALL)
    place, day = np.tile(np.arange(3), until), np.repeat(np.arange(until), 3) * DAY_S
    sums = np.zeros((len(Sum), 3 * until))
    sums[Sum.CALLS] = sums[Sum.TASKS] = sums[Sum.ACCEPTED_TASKS] = counts[place]
    sums[Sum.SUCCEEDED] = counts[place] * SUCCESS[place]
    sums[Sum.TASK_COST_USD] = counts[place] * COST_USD[place]
    sums[Sum.TASK_TIME_S] = counts[place] * np.array([1.0, 3.0, 2.0])[place]
    sums[[Sum.QUALITY_SQUARE, Sum.TASK_COST_SQUARE, Sum.TASK_TIME_SQUARE]] = np.nan
    return CellWindows(cells, place, day, day + DAY_S, sums)


def test_policies_know_what_was_known_then_and_choose_by_it() -> None:
    tables = targets(
        days(20), Question(TASK), half_life_s=HALF_LIFE_S, step_starts_s=[0.0, 10 * DAY_S], candidates=(*ALL, Candidate("z", "later"))
    )
    for policy in REPLAYED:
        assert tables[policy].sum(1) == pytest.approx(1)
        assert tables[policy][0] == pytest.approx(0.25), "nothing is known yet"
    assert tables[Policy.RANDOM][1] == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
    assert tables[Policy.FIXED][1].tolist() == [0, 1, 0, 0]
    assert tables[Policy.CHEAPEST][1].tolist() == [0, 0, 1, 0]
    assert tables[Policy.LOWEST_LATENCY][1].tolist() == [1, 0, 0, 0]
    assert tables[Policy.FIRST][1].max() == 1
    assert tables[Policy.SUGGESTED_SHARE][1].min() == 0 and (tables[Policy.SUGGESTED_SHARE][1][:3] > 0).all()


def test_who_may_not_be_chosen_is_chosen_by_no_policy() -> None:
    question = Question(TASK, candidates=(BEST, USUAL), denied_providers=frozenset({"q"}))
    tables = targets(days(10), question, half_life_s=HALF_LIFE_S, step_starts_s=[5 * DAY_S], candidates=ALL)
    assert all(table[0, 2] == 0 and table[0].sum() == pytest.approx(1) for table in tables.values())
    nobody = targets(
        NO_WINDOWS, Question(TASK, denied_providers=frozenset({"p", "q"})), half_life_s=1.0, step_starts_s=[0.0], candidates=ALL
    )
    assert all(table.sum() == 0 for table in nobody.values())


def test_a_mean_that_nobody_has_lets_all_be_chosen_alike() -> None:
    seen = days(5)
    seen.sums[Sum.TASKS] = 0.0
    tables = targets(seen, Question(TASK), half_life_s=HALF_LIFE_S, step_starts_s=[5 * DAY_S], candidates=ALL)
    assert tables[Policy.CHEAPEST][0] == pytest.approx(1 / 3)
