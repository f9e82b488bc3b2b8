"""Estimates of what another choice would have brought, against worlds where it is known."""

import math

import numpy as np
import pytest

from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.ranking.off_policy import (
    EFFECTIVE_COUNT_MIN,
    WEIGHT_MAX,
    Logged,
    doubly_robust,
    estimated_propensity,
    inverse_propensity,
    self_normalised,
)

REWARD = np.array([0.4, 0.6, 0.8])
CHOSEN = np.array([0.6, 0.3, 0.1])
CALLS = 20_000


def world(seed: int = 1, calls: int = CALLS) -> tuple[Ints, Floats]:
    """Who was chosen, and what came of it."""
    chance = np.random.default_rng(seed)
    arm = chance.choice(3, calls, p=CHOSEN)
    return arm, (chance.random(calls) < REWARD[arm]).astype(float)


def always(arm: Ints, reward: Floats, target: int, chosen: Floats | None = None) -> Logged:
    return Logged(reward, CHOSEN[arm] if chosen is None else chosen, (arm == target).astype(float))


@pytest.mark.parametrize("target", [0, 1, 2])
def test_each_estimator_finds_what_always_choosing_one_would_bring(target: int) -> None:
    arm, reward = world()
    logged = always(arm, reward, target)
    model = np.array([0.5, 0.5, 0.5])
    estimates = [
        inverse_propensity(logged),
        self_normalised(logged),
        doubly_robust(logged, model[arm], np.full(CALLS, model[target])),
    ]
    for each in estimates:
        assert each.low < REWARD[target] < each.high and each.value == pytest.approx(REWARD[target], abs=0.03)
        assert each.effective_count == pytest.approx(CALLS * CHOSEN[target], rel=0.1) and each.clipped_ratio == 0


def test_a_good_model_narrows_the_interval_and_repairs_wrong_probabilities() -> None:
    arm, reward = world()
    wrong = Logged(reward, np.full(CALLS, 1 / 3), (arm == 2).astype(float))
    assert inverse_propensity(wrong).high < REWARD[2]
    repaired = doubly_robust(wrong, REWARD[arm], np.full(CALLS, REWARD[2]))
    assert repaired.low < REWARD[2] < repaired.high
    plain, modelled = (
        inverse_propensity(always(arm, reward, 2)),
        doubly_robust(always(arm, reward, 2), REWARD[arm], np.full(CALLS, REWARD[2])),
    )
    assert modelled.high - modelled.low < plain.high - plain.low


def test_intervals_cover_nine_of_ten() -> None:
    covered = [each.low <= REWARD[1] <= each.high for seed in range(300) if (each := self_normalised(always(*world(seed, 400), 1)))]
    assert 0.85 <= np.mean(covered) <= 0.95


def test_shares_that_were_seen_stand_for_probabilities_that_were_not_sent() -> None:
    arm, reward = world()
    group = np.arange(CALLS) % 2
    chosen = estimated_propensity(group, arm)
    assert chosen[arm == 2] == pytest.approx(np.full((arm == 2).sum(), 0.1), abs=0.01)
    assert self_normalised(always(arm, reward, 2, chosen)).value == pytest.approx(0.8, abs=0.03)


def test_no_single_call_decides_and_what_was_cut_is_told() -> None:
    reward, target = np.ones(100), np.ones(100)
    chosen = np.full(100, 0.5)
    chosen[0] = 1e-6
    cut = inverse_propensity(Logged(reward, chosen, target))
    assert cut.clipped_ratio == 0.01 and cut.effective_count == pytest.approx((WEIGHT_MAX + 198) ** 2 / (WEIGHT_MAX**2 + 396))
    assert cut.effective_count < EFFECTIVE_COUNT_MIN and cut.high == 1.0


def test_calls_that_say_nothing_of_a_policy_give_no_value() -> None:
    for nothing in (np.zeros(0), np.zeros(5)):
        for estimate in (inverse_propensity, self_normalised):
            value = estimate(Logged(nothing, nothing, nothing))
            assert math.isnan(value.value) and (value.low, value.high, value.effective_count) == (0.0, 1.0, 0.0)
