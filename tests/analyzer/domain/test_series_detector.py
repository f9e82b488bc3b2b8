"""The detector, on series whose anomalies are known, and on whatever may come."""

import math
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import AssayError
from services.analyzer.domain.series_configuration import DAY_S, HOUR_S
from services.analyzer.domain.series_detector import DEFAULT, STATE_VERSION, Observation, SeriesDetector

MINUTES_5_S = 300.0
Rows = list[tuple[float, float]]


def observed(rows: Iterable[tuple[float, float]], detector: SeriesDetector | None = None) -> list[Observation]:
    detector = detector or SeriesDetector()
    return [detector.observe(time_s, value) for time_s, value in rows]


def alarms(rows: Rows) -> list[int]:
    return [number for number, seen in enumerate(observed(rows)) if seen.is_anomaly]


def noise(count: int, *, seed: int = 1, interval_s: float = MINUTES_5_S, centre: float = 100.0) -> Rows:
    values = centre + np.random.default_rng(seed).normal(0, 5, count)
    return [(number * interval_s, value) for number, value in enumerate(values.tolist())]


def rhythm(days: int, *, seed: int = 1) -> Rows:
    """Five-minute rows of 10 by night and 100 from 9 to 18 o'clock."""
    rows = noise(days * 288, seed=seed, centre=0.0)
    return [(time_s, (100.0 if 9 <= time_s % DAY_S / HOUR_S < 18 else 10.0) + value / 5) for time_s, value in rows]


times = st.floats(-1e10, 1e10)
anything = st.lists(st.tuples(times, st.floats()), max_size=80)


@given(anything, st.integers(0, 80))
def test_a_row_depends_on_itself_and_those_before_alone(rows: Rows, cut: int) -> None:
    for whole, part in zip(observed(rows), observed(rows[:cut]), strict=False):
        assert same(whole, part)


@given(anything, st.integers(0, 80))
def test_a_detector_goes_on_from_its_state_as_if_nothing_had_been(rows: Rows, cut: int) -> None:
    first = SeriesDetector()
    observed(rows[:cut], first)
    second = SeriesDetector.from_bytes(first.to_bytes())
    assert second.to_bytes() == first.to_bytes()
    for one, other in zip(observed(rows[cut:], first), observed(rows[cut:], second), strict=True):
        assert same(one, other)


def same(one: Observation, other: Observation) -> bool:
    return np.array_equal(np.array(one), np.array(other), equal_nan=True)


@given(anything)
def test_whatever_comes_gets_a_score_within_bounds(rows: Rows) -> None:
    for (_, value), seen in zip(rows, observed(rows), strict=True):
        assert 0 <= seen.score <= DEFAULT.surprise_max
        assert 0 <= seen.surprise <= DEFAULT.surprise_max
        assert seen.is_anomaly == (seen.score >= DEFAULT.alarm_surprise)
        assert math.isfinite(seen.expected) == math.isfinite(seen.spread) == math.isfinite(value)


@pytest.mark.parametrize("tail", [1.0, 0.5, 0.2], ids=["Cauchy", "heavier", "heaviest"])
def test_there_are_no_more_alarms_than_the_bar_lets_through(tail: float) -> None:
    values = np.random.default_rng(1).standard_cauchy(5_000) ** 3 / tail
    rows = [(number * MINUTES_5_S, value) for number, value in enumerate(values.tolist())]
    found = alarms(rows)
    assert found
    heights = (DEFAULT.surprise_max + DEFAULT.bar_step - DEFAULT.alarm_surprise) / DEFAULT.bar_step
    assert len(found) <= heights + rows[-1][0] / DEFAULT.bar_fall_s + 1


def test_noise_alone_raises_few_alarms() -> None:
    found = sum(len(alarms(noise(4_000, seed=seed))) for seed in range(10))
    # One row in 1,000 is beyond an alarm's surprise for each statistic; the bar keeps most of them from being told.
    assert found <= 40_000 / 1_000


@pytest.mark.parametrize("size", [900.0, -900.0])
def test_a_spike_is_told_in_its_row_and_once(size: float) -> None:
    rows = noise(1_000)
    for number in range(800, 806):
        rows[number] = (rows[number][0], 100.0 + size)
    found = [number for number in alarms(rows) if 790 <= number < 900]
    assert found == [800]


def test_a_shift_that_no_single_row_shows_is_told_soon() -> None:
    for seed in range(20):
        shifted = [(time_s, value + 20.0 * (number >= 800)) for number, (time_s, value) in enumerate(noise(900, seed=seed))]
        assert any(800 <= number < 825 for number in alarms(shifted))


def test_what_grows_tenfold_less_probable_is_told_again() -> None:
    rows = noise(1_200)
    for number, size in ((1_000, 60.0), (1_050, 60.0), (1_100, 2_000.0), (1_150, 60.0)):
        rows[number] = (rows[number][0], 100.0 + size)
    assert [number for number in alarms(rows) if number >= 1_000] == [1_000, 1_100]


def test_a_day_that_does_not_begin_is_told() -> None:
    rows = rhythm(14)
    begins = 12 * 288 + 9 * 12
    rows[begins : begins + 108] = [(time_s, 10.0 + (value - 100.0)) for time_s, value in rows[begins : begins + 108]]
    found = alarms(rows)
    assert next(number for number in found if number >= 4 * 288) in range(begins, begins + 3)


def test_the_rhythm_itself_is_no_news_once_it_is_known() -> None:
    assert [number for number in alarms(rhythm(21)) if number >= 5 * 288] == []


def test_what_comes_back_each_day_no_more_improbable_than_before_is_not_told_again() -> None:
    rows = noise(14 * 288)
    for day in range(4, 14):
        rows[day * 288 + 100] = (rows[day * 288 + 100][0], 1e6)
    spikes = {day * 288 + 100 for day in range(4, 14)}
    assert len(spikes & set(alarms(rows))) == 1


def test_after_a_gap_of_weeks_the_level_is_found_anew_without_a_storm() -> None:
    before = noise(1_000)
    resumed_s = before[-1][0] + 21 * DAY_S
    after = [(resumed_s + time_s, value * 40) for time_s, value in noise(1_000, seed=2)]
    found = [number for number in alarms([*before, *after]) if number >= 1_000]
    assert len(found) <= 3
    assert all(number >= 1_000 + DEFAULT.settling_rows for number in found)


def test_a_short_interruption_is_no_gap() -> None:
    rows = [*noise(1_000), (1_000 * MINUTES_5_S + HOUR_S, 300.0)]
    assert alarms(rows)[-1] == 1_000


@pytest.mark.parametrize("value", [0.0, 7.5, -3e299, 1e-300])
def test_a_constant_is_no_news_and_its_first_change_is(value: float) -> None:
    rows = [(number * MINUTES_5_S, value) for number in range(500)]
    assert alarms(rows) == []
    assert alarms([*rows, (500 * MINUTES_5_S, value * 0.9 + 0.1)]) == [500]


def test_a_new_regime_is_learnt_without_bounds() -> None:
    quiet = [(number * MINUTES_5_S, 5.0) for number in range(500)]
    noisy = [(500 * MINUTES_5_S + time_s, value) for time_s, value in noise(500)]
    seen = observed([*quiet, *noisy])
    assert seen[-1].expected == pytest.approx(100, abs=15)
    assert 1 < seen[-1].spread < 100
    assert sum(row.is_anomaly for row in seen) <= 4


@pytest.mark.parametrize("missing", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_none_changes_nothing(missing: float) -> None:
    detector = SeriesDetector()
    observed(noise(100), detector)
    before = detector.to_bytes()
    seen = detector.observe(100 * MINUTES_5_S, missing)
    assert (seen.score, seen.is_anomaly) == (0.0, False)
    assert detector.to_bytes() == before


def test_a_first_row_is_never_an_anomaly() -> None:
    assert observed([(1.7e9, 1e308)]) == [Observation(0.0, is_anomaly=False, surprise=0.0, expected=1e300, spread=0.0)]


def test_time_stands_still_for_rows_that_come_late_or_twice() -> None:
    detector = SeriesDetector()
    observed(noise(100), detector)
    latest_s = detector.time_s
    observed([(latest_s, 100.0), (latest_s - HOUR_S, 100.0)], detector)
    assert detector.time_s == latest_s


def test_a_clock_that_was_far_ahead_is_put_right() -> None:
    detector = SeriesDetector()
    observed([*noise(100), (1e11, 100.0), (100 * MINUTES_5_S, 100.0)], detector)
    assert detector.time_s == 100 * MINUTES_5_S


@pytest.mark.parametrize("factor", [2.0**-40, 2.0**40])
def test_the_unit_of_the_values_does_not_matter(factor: float) -> None:
    rows = noise(600)
    rows[500] = (rows[500][0], 400.0)
    assert alarms([(time_s, value * factor) for time_s, value in rows]) == alarms(rows)


GOOD = SeriesDetector().to_bytes()


@pytest.mark.parametrize("state", [b"", GOOD[:-1], GOOD + b"x", bytes([STATE_VERSION + 1]) + GOOD[1:]])
def test_what_is_no_state_of_this_version_is_refused(state: bytes) -> None:
    with pytest.raises(AssayError) as caught:
        SeriesDetector.from_bytes(state)
    assert caught.value.reason == "STATE_UNREADABLE"
    assert len(GOOD) < 2_200
