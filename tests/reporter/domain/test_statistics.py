"""Spreads that windows show, moderated; p values after correction; and estimates that were picked for being large."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from services.reporter.domain.shrinkage import shrink
from services.reporter.domain.statistics import Change, Spread, change, dispersion, holm, is_significant


def noisy(seed: int, cells: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """Sums of normal values around 10 by cell, six blocks and seven windows, and their counts."""
    chance = np.random.default_rng(seed)
    count = chance.integers(50, 150, (cells, 6, 7)).astype(float)
    return count * 10 + np.sqrt(count) * chance.normal(0, spread, count.shape), count


def test_a_spread_is_found_whatever_the_level_of_blocks_and_the_season_are() -> None:
    above, below = noisy(1, 200, 3.0)
    plain = dispersion(above, below, Spread.CONSTANT)
    season = np.linspace(-4, 4, 7)[None, None, :] + np.arange(6.0)[None, :, None]
    moved = dispersion(above + season * below, below, Spread.CONSTANT)
    assert plain.variance.mean() == pytest.approx(9.0, rel=0.1)
    assert moved.variance.mean() == pytest.approx(9.0, rel=0.15)
    assert (plain.degrees > 30).all()


def test_intervals_of_changes_cover_as_often_as_they_say() -> None:
    above, below = noisy(2, 2_000, 3.0)
    found = change(
        (above[:, -1].sum(-1), above[:, -2].sum(-1)),
        (below[:, -1].sum(-1), below[:, -2].sum(-1)),
        dispersion(above, below, Spread.PROPORTIONAL),
        is_relative=True,
    )
    low, high = found.interval()
    assert 0.87 < ((low <= 0) & (high >= 0)).mean() < 0.93
    assert 0.03 < (found.p_value < 0.05).mean() < 0.07


def test_a_single_window_borrows_its_spread_and_nothing_is_compared_with_nothing() -> None:
    above, below = noisy(3, 3, 3.0)
    above[0, :-1], below[0, :-1] = 0.0, 0.0
    found = dispersion(above, below, Spread.PROPORTIONAL)
    assert np.isfinite(found.variance).all() and found.degrees[0] < found.degrees[1]
    compared = change((above[:, -1].sum(-1), above[:, -2].sum(-1)), (below[:, -1].sum(-1), below[:, -2].sum(-1)), found, is_relative=False)
    assert np.isnan(compared.value[0]) and compared.p_value[0] == 1.0 and np.isfinite(compared.value[1:]).all()
    alone = dispersion(above[:1, -1:, :1], below[:1, -1:, :1], Spread.BINOMIAL)
    assert np.isfinite(alone.variance).all() and alone.degrees[0] == 1.0


def test_a_ratio_that_is_always_one_still_has_a_spread() -> None:
    calls = np.full((1, 6, 7), 100.0)
    assert dispersion(calls, calls, Spread.BINOMIAL).variance[0] > 0


@settings(max_examples=40)
@given(arrays(np.float64, st.integers(1, 40), elements=st.floats(1e-9, 1.0)))
def test_corrected_p_values_are_larger_keep_their_order_and_lie_below_bonferronis(p_values: np.ndarray) -> None:
    corrected = holm(p_values)
    assert (corrected >= p_values).all() and (corrected <= np.minimum(p_values * len(p_values), 1.0) + 1e-12).all()
    assert (np.diff(corrected[np.argsort(p_values, kind="stable")]) >= 0).all()
    assert (is_significant(p_values) == (corrected <= 0.05)).all()


def test_where_there_is_nothing_hardly_anything_is_significant() -> None:
    chance = np.random.default_rng(4)
    assert np.mean([is_significant(chance.random(100)).any() for _ in range(1_000)]) < 0.07


def effects(seed: int, spread: float, count: int = 60) -> tuple[np.ndarray, Change]:
    chance = np.random.default_rng(seed)
    truth = chance.normal(0, spread, count)
    return truth, Change(truth + chance.normal(0, 1.0, count), np.ones(count), np.full(count, 1e4))


def test_the_largest_of_many_effects_is_covered_after_shrinkage_and_not_before() -> None:
    covered = plain = 0
    for seed in range(60):
        truth, seen = effects(seed, 0.7)
        place = int(np.argmax(seen.value))
        _, low, high = shrink(seen).belief(place)
        covered += low <= truth[place] <= high
        plain += abs(seen.value[place] - truth[place]) <= 1.645
    assert covered / 60 > 0.75
    assert plain / 60 < 0.65


def test_effects_far_beyond_their_errors_stay_what_they_are() -> None:
    _, seen = effects(1, 30.0)
    assert np.abs(shrink(seen).value - seen.value).max() < 0.5


def test_an_effect_that_was_not_seen_says_nothing_and_harms_nobody() -> None:
    _, seen = effects(2, 2.0, 8)
    hole = Change(np.append(seen.value, np.nan), np.append(seen.error, np.nan), np.append(seen.degrees, 1.0))
    whole, with_hole = shrink(seen), shrink(hole)
    assert with_hole.value[:-1] == pytest.approx(whole.value)
    assert with_hole.value[-1] == 0.0
    nothing = shrink(Change(np.array([np.nan]), np.array([np.nan]), np.array([1.0])))
    assert nothing.value[0] == 0.0


@settings(max_examples=30)
@given(st.floats(-5, 5), st.floats(0.05, 0.95))
def test_quantiles_and_probabilities_agree(value: float, ratio: float) -> None:
    found = shrink(Change(np.array([value, 0.3, -2.0]), np.ones(3), np.full(3, 50.0)))
    quantile = found.quantile(ratio)
    assert (found.probability_below(quantile + 1e-6) >= ratio - 1e-6).all()
    assert (found.probability_below(quantile - 1e-6) <= ratio + 1e-6).all()
    assert found.at(1).quantile(ratio)[0] == pytest.approx(quantile[1], abs=1e-6)
