"""Finds anomalies in one continuous series, row by row, each from itself and the rows before it alone."""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Iterator
from itertools import islice
from typing import ClassVar, NamedTuple

from kit.errors import AssayError, Kind
from services.analyzer.domain.seasonal import DAY_HOURS, ERROR_CLIP, WEEK_HOURS, Expectation, Season, clip
from services.analyzer.domain.series_configuration import SeriesConfiguration
from services.analyzer.domain.tail import Tail

DEFAULT = SeriesConfiguration()
# Greater values count as this one, so that no difference of two overflows.
VALUE_MAX = 1e300
# The spread of a series that never changes: so much of its value, or next to nothing at 0.
_SPREAD_MIN_RATIO = 1e-9
_SPREAD_MIN = 1e-300
# While a level is being found, a row is no farther off than this.
_SETTLING_DEVIATION_MAX = 3.0
_LOCAL_STEP_CLIP = 3.0
_INTERVAL_RATE = 0.05
_INTERVAL_FIRM_ROWS = 10
_INTERVAL_CLIP = 5.0

# To be raised with every change of what a state contains or means.
STATE_VERSION = 1


class Observation(NamedTuple):
    """What a row is.

    `is_anomaly`: news, to be told now; once in an episode, and again when it grows tenfold less probable.
    `score`: comparable between series. News: the surprise. Anything else: below the surprise that an alarm takes, and in the order of the
    root mean square surprise of all statistics.
    `surprise`: -log10 of the probability of the most improbable statistic, whether it is news or not.
    `expected`, `spread`: the centre and the mean absolute deviation that the row was held against; NaN where the row has no value.
    """

    score: float
    is_anomaly: bool
    surprise: float
    expected: float
    spread: float


_NO_VALUE = Observation(0.0, is_anomaly=False, surprise=0.0, expected=math.nan, spread=math.nan)


class SeriesDetector:
    """The detector of one series. Five statistics, each with a tail of its own; the most improbable of them decides.

    They are the deviation from the local level, the residual above and below what is expected of the hour (see `Season`), and two moving
    averages of the residual (EWMA charts: Roberts, Technometrics 1959). All are in their spreads: moving mean absolute deviations, held
    against outliers. A row is news when its surprise reaches the bar; the bar then stands above that surprise and falls slowly.
    So a day has no more than one alarm for what goes on alike, and at most as many again as there are powers of ten to grow by.
    """

    FIELDS: ClassVar[tuple[str, ...]] = (
        *("rows", "settled_rows", "time_s", "interval_s", "local", "local_spread", "spread", "short", "medium"),
        *("outlier_share", "bar"),
    )
    __slots__ = (*FIELDS, "_configuration", "_medium_ratio", "_season", "_short_ratio", "_tails")

    def __init__(self, configuration: SeriesConfiguration = DEFAULT) -> None:
        self._configuration = configuration
        self.rows = self.settled_rows = self.time_s = self.interval_s = 0.0
        self.local = self.local_spread = self.spread = self.short = self.medium = self.outlier_share = 0.0
        self.bar = configuration.alarm_surprise
        self._season = Season(configuration)
        self._short_ratio = configuration.smoothed_spread_ratio(configuration.short_rate)
        self._medium_ratio = configuration.smoothed_spread_ratio(configuration.medium_rate)
        starts = [configuration.tail_start_point] * 3 + [configuration.tail_start_smoothed] * 2
        self._tails = [Tail(configuration, start) for start in starts]

    def observe(self, time_s: float, value: float) -> Observation:
        """Takes the next row in and says what it is. A value that is not finite is none: it changes nothing.

        `time_s`, finite, is in seconds since the epoch. Rows may come irregularly, out of order or twice: time then stands still for them.
        """
        if not math.isfinite(value):
            return _NO_VALUE
        value = clip(value, VALUE_MAX)
        self._pass_time(time_s, value)
        expected = self._season.expect(time_s)
        floor = _SPREAD_MIN_RATIO * (abs(value) + abs(expected.level)) + _SPREAD_MIN
        surprises = self._surprises(self._statistics(value, expected.best, floor))
        surprise = max(surprises)
        is_anomaly = self._is_news(surprise)
        spread = self.spread
        self._learn(value, expected, floor)
        score = surprise if is_anomaly else self._squeezed(surprises)
        return Observation(score, is_anomaly, surprise, expected.best, spread)

    def to_bytes(self) -> bytes:
        """All that was learnt, in some 2,100 bytes: the next rows are told the same by `from_bytes` of it."""
        season = self._season
        numbers = [float(getattr(part, name)) for part in self._parts() for name in part.FIELDS]
        numbers += [*season.day, *season.week]
        return _LAYOUT.pack(STATE_VERSION, *numbers, bytes(season.day_counts), bytes(season.week_counts))

    @classmethod
    def from_bytes(cls, state: bytes, configuration: SeriesConfiguration = DEFAULT) -> SeriesDetector:
        """The detector that `to_bytes` was asked of. Raises AssayError STATE_UNREADABLE if it was of another version or is no state."""
        if len(state) != _LAYOUT.size or state[0] != STATE_VERSION:
            raise AssayError(
                Kind.FAILED_PRECONDITION,
                "STATE_UNREADABLE",
                f"the state of a detector has {_LAYOUT.size} bytes and begins with version {STATE_VERSION}: start the series anew",
            )
        _, *numbers, day_counts, week_counts = _LAYOUT.unpack(state)
        detector = cls(configuration)
        detector._restore(iter(numbers), day_counts, week_counts)
        return detector

    def _restore(self, numbers: Iterator[float], day_counts: bytes, week_counts: bytes) -> None:
        for part in self._parts():
            for name in part.FIELDS:
                setattr(part, name, next(numbers))
        season = self._season
        season.day, season.day_counts = array("d", islice(numbers, DAY_HOURS)), bytearray(day_counts)
        season.week, season.week_counts = array("d", numbers), bytearray(week_counts)

    def _parts(self) -> tuple[SeriesDetector | Season | Tail, ...]:
        return self, self._season, *self._tails

    def _pass_time(self, time_s: float, value: float) -> None:
        configuration = self._configuration
        if not self.rows:
            self.time_s, self.local, self._season.level = time_s, value, value
        elapsed_s = time_s - self.time_s
        # A clock that was a gap's length ahead has been put right.
        if elapsed_s > 0 or elapsed_s < -configuration.gap_s:
            self.time_s = time_s
        elapsed_s = max(elapsed_s, 0.0)
        self.rows += 1
        self.settled_rows += 1
        is_gap = elapsed_s > max(configuration.gap_s, configuration.gap_intervals * self.interval_s)
        if is_gap and self.rows > configuration.settling_rows:
            self._settle_again(value)
        self.bar = max(configuration.alarm_surprise, self.bar - elapsed_s / configuration.bar_fall_s)
        if self.rows > 1:
            longest_s = _INTERVAL_CLIP * self.interval_s if self.rows > _INTERVAL_FIRM_ROWS else elapsed_s
            self.interval_s += max(_INTERVAL_RATE, 1 / self.rows) * (min(elapsed_s, longest_s) - self.interval_s)

    def _settle_again(self, value: float) -> None:
        """The level is looked for anew; season, spread and tails are kept."""
        self.settled_rows = 1.0
        self.local = self._season.level = value
        self.short = self.medium = self.outlier_share = 0.0

    def _statistics(self, value: float, expected: float, floor: float) -> tuple[float, float, float, float, float]:
        configuration = self._configuration
        local_deviation = (value - self.local) / (self.local_spread + floor)
        deviation = (value - expected) / (self.spread + floor)
        if self.settled_rows <= configuration.settling_rows:
            local_deviation = clip(local_deviation, _SETTLING_DEVIATION_MAX)
            deviation = clip(deviation, _SETTLING_DEVIATION_MAX)
        bounded = clip(deviation, configuration.smoothed_residual_max)
        self.short += configuration.short_rate * (bounded - self.short)
        self.medium += configuration.medium_rate * (bounded - self.medium)
        short, medium = abs(self.short) / self._short_ratio, abs(self.medium) / self._medium_ratio
        return abs(local_deviation), max(deviation, 0.0), max(-deviation, 0.0), short, medium

    def _surprises(self, statistics: tuple[float, ...]) -> list[float]:
        configuration = self._configuration
        is_settling = self.settled_rows <= configuration.settling_rows
        surprise_max = -math.log10(configuration.tail_ratio) if is_settling else configuration.surprise_max
        surprises = []
        for tail, statistic in zip(self._tails, statistics, strict=True):
            surprise = min(tail.surprise(statistic), surprise_max)
            tail.learn(statistic, surprise, self.rows)
            surprises.append(surprise)
        return surprises

    def _is_news(self, surprise: float) -> bool:
        is_news = surprise >= self.bar
        if surprise >= self._configuration.alarm_surprise:
            self.bar = max(self.bar, surprise + self._configuration.bar_step)
        return is_news

    def _squeezed(self, surprises: list[float]) -> float:
        alarm = self._configuration.alarm_surprise
        background = math.sqrt(sum(surprise * surprise for surprise in surprises) / len(surprises))
        return alarm * background / (alarm + background)

    def _learn(self, value: float, expected: Expectation, floor: float) -> None:
        configuration = self._configuration
        error, local_step = abs(value - expected.best), value - self.local
        is_free = self.settled_rows <= configuration.settling_rows or self.outlier_share > configuration.outlier_share_max
        is_outlier = error > ERROR_CLIP * self.spread + floor
        self.outlier_share += configuration.outlier_rate * (is_outlier - self.outlier_share)
        spread_rate = max(configuration.spread_rate, 1 / self.rows)
        local_error = abs(local_step)
        if not is_free:
            error = min(error, ERROR_CLIP * self.spread + floor)
            local_error = min(local_error, ERROR_CLIP * self.local_spread + floor)
            local_step = clip(local_step, _LOCAL_STEP_CLIP * self.local_spread + floor)
        self.spread += spread_rate * (error - self.spread)
        self.local_spread += spread_rate * (local_error - self.local_spread)
        self.local += max(configuration.local_rate, 1 / self.settled_rows) * local_step
        level_rate = max(configuration.level_rate, 1 / self.settled_rows)
        self._season.learn(value, expected, level_rate=level_rate, spread_rate=spread_rate, floor=floor, is_free=is_free)


_NUMBER_COUNT = len(SeriesDetector.FIELDS) + len(Season.FIELDS) + 5 * len(Tail.FIELDS) + DAY_HOURS + WEEK_HOURS
_LAYOUT = struct.Struct(f"<B{_NUMBER_COUNT}d{DAY_HOURS}s{WEEK_HOURS}s")
