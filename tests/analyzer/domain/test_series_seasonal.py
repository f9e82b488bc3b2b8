"""What is expected of an hour, after series whose rhythm is known."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from services.analyzer.domain.seasonal import Season, clip
from services.analyzer.domain.series_configuration import DAY_S, HOUR_S
from services.analyzer.domain.series_detector import DEFAULT


def learnt(value_at: Callable[[int], float], hours: int) -> Season:
    season = Season(DEFAULT)
    season.level = value_at(0)
    for hour in range(hours):
        teach(season, hour * HOUR_S, value_at(hour))
    return season


def teach(season: Season, time_s: float, value: float, *, is_free: bool = False) -> None:
    season.learn(value, season.expect(time_s), level_rate=0.01, spread_rate=0.01, floor=1e-9, is_free=is_free)


def daily(hour: int) -> float:
    return 100 + 50 * math.sin(hour % 24 / 24 * 2 * math.pi)


def weekly(hour: int) -> float:
    return daily(hour) if hour // 24 % 7 < 5 else 20.0


def test_nothing_but_the_level_is_expected_at_first() -> None:
    season = learnt(daily, 20)
    assert season.expect(20 * HOUR_S).best == season.level


def test_the_hour_of_the_day_is_expected_once_it_is_better_than_the_level() -> None:
    season = learnt(daily, 5 * 24)
    for hour in range(24):
        assert season.expect((5 * 24 + hour) * HOUR_S).best == pytest.approx(daily(hour), abs=1)


def test_the_hour_of_the_week_is_expected_once_it_is_better_than_the_day() -> None:
    hours = 5 * 7 * 24
    season = learnt(weekly, hours)
    for hour in range(7 * 24):
        assert season.expect((hours + hour) * HOUR_S).best == pytest.approx(weekly(hour), abs=1)


def test_a_series_without_rhythm_stays_with_its_level() -> None:
    values = np.random.default_rng(1).normal(10, 1, 8 * 7 * 24)
    season = learnt(lambda hour: float(values[hour]), len(values))
    for hour in range(7 * 24):
        expected = season.expect((len(values) + hour) * HOUR_S)
        assert expected.best == expected.level == pytest.approx(10, abs=0.5)


def test_an_outlier_moves_what_is_expected_by_a_bounded_step_unless_learning_is_free() -> None:
    held, free = learnt(daily, 20 * 24), learnt(daily, 20 * 24)
    before = held.expect(20 * 24 * HOUR_S)
    teach(held, 20 * 24 * HOUR_S, 1e9)
    teach(free, 20 * 24 * HOUR_S, 1e9, is_free=True)
    after = held.expect(20 * 24 * HOUR_S)
    assert abs(after.by_day - before.by_day) < 20
    assert abs(after.level - before.level) < 2
    assert free.level > 1e6


@pytest.mark.parametrize(
    ("time_s", "day_hour", "week_hour"),
    [(0.0, 0, 0), (DAY_S - 1, 23, 23), (DAY_S, 0, 24), (-1.0, 23, 167), (-1e-17, 23, 167), (7 * DAY_S + HOUR_S, 1, 1)],
)
def test_every_instant_has_its_hours(time_s: float, day_hour: int, week_hour: int) -> None:
    expected = Season(DEFAULT).expect(time_s)
    assert (expected.day_hour, expected.week_hour) == (day_hour, week_hour)


@pytest.mark.parametrize(("value", "clipped"), [(-3.0, -2.0), (-1.0, -1.0), (1.0, 1.0), (3.0, 2.0), (math.inf, 2.0)])
def test_clipping_is_symmetric(value: float, clipped: float) -> None:
    assert clip(value, 2.0) == clipped
