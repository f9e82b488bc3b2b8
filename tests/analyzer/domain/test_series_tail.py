"""The tail of a statistic, against distributions whose tails are known."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.analyzer.domain.series_detector import DEFAULT
from services.analyzer.domain.tail import Tail

# Learns long, from everything, without a guess: what is left is the estimator.
PATIENT = replace(
    DEFAULT, tail_count_max=100_000, tail_prior_count=0, alarm_surprise=99.0, surprise_max=99.0, tail_start_min=0.01, tail_start_rate=1e-4
)


def taught(tail: Tail, values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Tail:
    for rows, value in enumerate(values.tolist(), 1):
        tail.learn(value, tail.surprise(value), rows)
    return tail


@pytest.mark.parametrize(
    ("shape", "quantile"),
    [(0.0, lambda p: -math.log(p)), (0.3, lambda p: (p**-0.3 - 1) / 0.3), (0.5, lambda p: (p**-0.5 - 1) / 0.5)],
    ids=["exponential", "heavy", "heavier"],
)
def test_the_surprise_is_the_logarithm_of_the_tail_probability(shape: float, quantile: "np.ufunc") -> None:
    probabilities = np.random.default_rng(1).random(60_000)
    tail = taught(Tail(PATIENT, 3.0), np.array([quantile(p) for p in probabilities]))
    assert tail.shape == pytest.approx(shape, abs=0.08)
    for surprise in (1.0, 2.0, 3.0, 4.0):
        assert tail.surprise(quantile(10**-surprise)) == pytest.approx(surprise, rel=0.12)


def test_what_is_as_great_as_never_before_is_told_by_the_guess_until_more_is_known() -> None:
    tail = Tail(DEFAULT, 4.0)
    assert tail.surprise(4.0) == pytest.approx(-math.log10(0.05))
    # A generalised Pareto distribution of shape 0.3 and scale 1.5, one row in twenty beyond 4.
    assert tail.surprise(10.0) == pytest.approx(-math.log10(0.05 * (1 + 0.3 * 6 / 1.5) ** (-1 / 0.3)))


def test_an_alarm_moves_the_start_of_the_tail_and_not_its_form() -> None:
    tail = Tail(DEFAULT, 4.0)
    form = (tail.mean, tail.weighted_mean, tail.shape, tail.scale, tail.count)
    tail.learn(1_000.0, tail.surprise(1_000.0), 1_000)
    assert (tail.mean, tail.weighted_mean, tail.shape, tail.scale, tail.count) == form
    assert tail.start > 4.0


def test_equal_excesses_say_nothing_of_the_shape() -> None:
    tail = Tail(replace(DEFAULT, tail_prior_count=0), 4.0)
    tail.last_excess = 1.0
    tail.learn(5.0, tail.surprise(5.0), 1_000)
    assert tail.shape == DEFAULT.tail_shape
    assert tail.mean == 1.0
    assert tail.scale == pytest.approx(1 - DEFAULT.tail_shape)


def test_the_start_does_not_fall_below_its_least() -> None:
    tail = taught(Tail(DEFAULT, 4.0), np.zeros(20_000))
    assert tail.start == DEFAULT.tail_start_min
    assert tail.surprise(0.0) == 0.0


def test_a_tail_without_shape_is_exponential() -> None:
    tail = Tail(DEFAULT, 4.0)
    tail.shape, tail.scale = 0.0, 2.0
    assert tail.surprise(6.0) == pytest.approx(-math.log10(0.05 * math.exp(-1)))


@given(st.lists(st.floats(0, allow_nan=False), max_size=60), st.floats(0), st.floats(0))
def test_more_is_never_less_surprising(history: list[float], one: float, other: float) -> None:
    tail = taught(Tail(DEFAULT, 4.0), np.array(history))
    less, more = sorted((one, other))
    assert 0 <= tail.surprise(less) <= tail.surprise(more) <= DEFAULT.surprise_max
