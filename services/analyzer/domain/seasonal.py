"""What a series is expected to be at an instant: its level, its hour of the day, or its hour of the week, whichever has been right most."""

from __future__ import annotations

from array import array
from typing import ClassVar, NamedTuple

from services.analyzer.domain.series_configuration import DAY_S, HOUR_S, SeriesConfiguration

DAY_HOURS = 24
WEEK_HOURS = 7 * DAY_HOURS
# An hour is trusted once it has been seen twice, and held against outliers once it has been seen more than three times.
_TRUSTED_COUNT, _FIRM_COUNT = 2, 3
_COUNT_MAX = 255
# Errors and steps beyond so many mean errors count as that many: a Huber function (Huber, Annals of Mathematical Statistics 1964).
ERROR_CLIP = 5.0
_STEP_CLIP = 3.0


class Expectation(NamedTuple):
    """What was expected of a row, by each profile and by the best one, and the hours that it falls into."""

    best: float
    level: float
    by_day: float
    by_week: float
    day_hour: int
    week_hour: int


class Season:
    """Three expectations learnt side by side, robustly; the one of the least mean absolute error so far is used.

    Choosing the expert that was best, with forgetting, is "follow the leader" (Herbster, Warmuth, Tracking the best expert, 1998).
    Hours are of UTC.
    """

    FIELDS: ClassVar[tuple[str, ...]] = ("level", "level_error", "day_error", "week_error")
    __slots__ = (*FIELDS, "_rate", "day", "day_counts", "week", "week_counts")

    def __init__(self, configuration: SeriesConfiguration) -> None:
        self._rate = configuration.profile_rate
        self.level = self.level_error = self.day_error = self.week_error = 0.0
        self.day, self.day_counts = array("d", bytes(8 * DAY_HOURS)), bytearray(DAY_HOURS)
        self.week, self.week_counts = array("d", bytes(8 * WEEK_HOURS)), bytearray(WEEK_HOURS)

    def expect(self, time_s: float) -> Expectation:
        """What is expected at this instant, seconds since the epoch."""
        # A float just below midnight may be 86,400 s into its day.
        day_hour = min(int(time_s % DAY_S / HOUR_S), DAY_HOURS - 1)
        week_hour = int(time_s // DAY_S) % 7 * DAY_HOURS + day_hour
        best = level = self.level
        error = self.level_error
        by_day = level
        if self.day_counts[day_hour] >= _TRUSTED_COUNT:
            by_day = self.day[day_hour]
            if self.day_error < error:
                best, error = by_day, self.day_error
        by_week = by_day
        if self.week_counts[week_hour] >= _TRUSTED_COUNT:
            by_week = self.week[week_hour]
            if self.week_error < error:
                best = by_week
        return Expectation(best, level, by_day, by_week, day_hour, week_hour)

    def learn(self, value: float, expected: Expectation, *, level_rate: float, spread_rate: float, floor: float, is_free: bool) -> None:
        """Takes the value in; an outlier by a bounded step only, unless learning is free. `floor` is the least error worth telling."""
        step_max = _STEP_CLIP * self.level_error + floor
        self.level_error = _toward(self.level_error, abs(value - expected.level), spread_rate, floor, is_free)
        self.day_error = _toward(self.day_error, abs(value - expected.by_day), spread_rate, floor, is_free)
        self.week_error = _toward(self.week_error, abs(value - expected.by_week), spread_rate, floor, is_free)
        step = value - self.level
        self.level += level_rate * (step if is_free else clip(step, step_max))
        self._learn_hour(self.day, self.day_counts, expected.day_hour, value, step_max)
        self._learn_hour(self.week, self.week_counts, expected.week_hour, value, step_max)

    def _learn_hour(self, profile: array[float], counts: bytearray, hour: int, value: float, step_max: float) -> None:
        counts[hour] = count = min(counts[hour] + 1, _COUNT_MAX)
        step = value - profile[hour]
        profile[hour] += max(self._rate, 1 / count) * (clip(step, step_max) if count > _FIRM_COUNT else step)


def clip(value: float, limit: float) -> float:
    """The value, but no farther from 0 than the limit."""
    return -limit if value < -limit else min(value, limit)


def _toward(mean: float, error: float, rate: float, floor: float, is_free: bool) -> float:  # noqa: FBT001 - called three times a row
    return mean + rate * ((error if is_free else min(error, ERROR_CLIP * mean + floor)) - mean)
