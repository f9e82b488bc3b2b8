"""What one metric of each series is normally: its level, its hours of the day and week, its spread, and how certain that is."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from services.analyzer.domain.arrays import Bools, Floats, Ints
from services.analyzer.domain.evidence.configuration import DAY_HOURS, HOUR_S, WEEK_HOURS, EngineConfiguration, MetricPlan, Scale
from services.analyzer.domain.evidence.season_profile import Float32s, Profile, profile
from services.analyzer.domain.evidence.table import Table

# A guess of the spread is worth so many windows; what siblings have, and what calls of the same window differ by, so many.
_SPREAD_GUESS_WINDOWS = 4.0
_SPREAD_BORROWED_WINDOWS = 20.0
# Squared residuals of hours beyond this many of their variances count as that many.
_EXCESS_CLIP = 9.0
_EXCESS_DOUBT_HOURS = 72.0
# The spread of an hour's count, as part of it, before anything is known.
_COUNT_SPREAD_GUESS = 0.1
_RATIO_MIN = 1e-4
_SPREAD_MIN = 1e-12


@dataclass(frozen=True, slots=True)
class Prior:
    """What the parents say, a row a series: mean and variance of the series' level, infinite where there is no parent.

    `spread`: the typical variance of one call among siblings, NaN where there are too few.
    """

    mean: Floats
    variance: Floats
    parent: Ints
    spread: Floats

    @classmethod
    def nothing(cls, row_count: int) -> Prior:
        """Of series without parents."""
        return cls(np.zeros(row_count), np.full(row_count, np.inf), np.zeros(row_count, np.int64), np.full(row_count, np.nan))

    def joined(self, other: Prior) -> Prior:
        """These rows, then those."""
        return Prior(*(np.append(getattr(self, field.name), getattr(other, field.name)) for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is expected at hours, shape (rows, hours): the centre with the variance of its error, and where that comes from.

    `spread`, the variance of one call, `freedom`, from how many windows it is known, and `borrowed_ratio` have a row's shape.
    """

    centre: Floats
    error: Floats
    spread: Floats
    freedom: Floats
    profile: Profile
    borrowed_ratio: Floats


_SUMS = (
    *("call_count", "value_sum", "spread_count", "spread_sum", "within_count", "within_sum"),
    *("hour_count", "excess_sum", "variance_sum"),
)


class Baselines(Table):
    """Sums by hour of the week, forgotten exponentially; what was seen lately waits in `pending` until it is known to be normal."""

    weight: Float32s  # (rows, 168) calls
    total: Float32s  # (rows, 168) sums of values
    call_count: Floats  # (rows,) all calls
    value_sum: Floats
    spread_count: Floats  # windows behind the spread
    spread_sum: Floats
    within_count: Floats  # degrees of freedom of what calls of the same window differ by
    within_sum: Floats
    hour_count: Floats  # hours behind the excess of their variance
    excess_sum: Floats
    variance_sum: Floats
    forgotten_hour: Floats  # hours since 1970 up to which old calls were made to count less
    pending_hour: npt.NDArray[np.int32]  # (rows, 24) hours since 1970 of what waits
    pending: Float32s  # (rows, 24, 5): calls, sum of values, sum of expected values, windows, sum of squares
    centre: Floats  # of the present hour
    error: Floats
    spread: Floats
    freedom: Floats

    def __init__(self, plan: MetricPlan, configuration: EngineConfiguration) -> None:
        super().__init__()
        self.plan, self.configuration = plan, configuration
        for name in ("weight", "total"):
            self._column(name, np.float32, WEEK_HOURS)
        for name in _SUMS:
            self._column(name, np.float64)
        self._column("forgotten_hour", np.float64)
        self._column("pending_hour", np.int32, DAY_HOURS, fill=-1)
        self._column("pending", np.float32, DAY_HOURS, 5)
        for name in ("centre", "error", "spread", "freedom"):
            self._column(name, np.float64, fill=np.nan)

    def wait(self, rows: Ints, hour: Ints, count: Floats, value: Floats, squares: Floats) -> None:
        """Keeps windows of these hours back until it is known that they were normal. Rows are distinct.

        `squares`: squared residuals times calls. What is late teaches at once when its hour is no longer kept.
        """
        late = self.pending_hour[rows, hour % DAY_HOURS] > hour
        if late.any():
            self.add(rows[late], hour[late] % WEEK_HOURS, count[late], (count * value)[late])
            rows, hour = rows[~late], hour[~late]
            count, value, squares = count[~late], value[~late], squares[~late]
        slot = hour % DAY_HOURS
        # What still waits after a day is not known to be normal, and never teaches.
        stale = self.pending_hour[rows, slot] != hour
        self.pending[rows[stale], slot[stale]] = 0
        self.pending_hour[rows[stale], slot[stale]] = hour[stale]
        centre = self.centre[rows]
        is_seen = np.isfinite(centre)
        expected, squares = np.where(is_seen, count * centre, np.nan), np.where(is_seen, squares, 0)
        self.pending[rows, slot] += np.stack([count, count * value, expected, is_seen, squares], axis=1).astype(np.float32)

    def teach_until(self, rows: Ints, hour: Ints) -> None:
        """Teaches what waits of hours before these. Rows are distinct."""
        known = self.pending_hour[rows]
        place, slot = np.nonzero((known >= 0) & (known < hour[:, None]))
        self._teach(rows[place], slot)

    def drop_from(self, rows: Ints, hour: Ints) -> None:
        """Forgets what waits of these hours and later ones. Rows are distinct."""
        known = self.pending_hour[rows]
        place, slot = np.nonzero(known >= hour[:, None])
        self.pending[rows[place], slot] = 0
        self.pending_hour[rows[place], slot] = -1

    def _teach(self, rows: Ints, slot: Ints) -> None:
        """Adds what waits in these slots to the sums. Pairs are distinct; a row may come several times."""
        known = self.pending_hour[rows, slot] >= 0
        rows, slot = rows[known], slot[known]
        count, value_sum, expected_sum, windows, squares = self.pending[rows, slot].astype(np.float64).T
        self._learn_excess(rows, count, value_sum - expected_sum)
        self.add(rows, self.pending_hour[rows, slot].astype(np.int64) % WEEK_HOURS, count, value_sum)
        np.add.at(self.spread_count, rows, windows)
        np.add.at(self.spread_sum, rows, squares)
        self.pending[rows, slot] = 0
        self.pending_hour[rows, slot] = -1

    def _learn_excess(self, rows: Ints, count: Floats, residual_sum: Floats) -> None:
        """By how much hours differ more than their calls and the baseline's error explain."""
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = self.spread[rows] / count + self.error[rows]
            ratio = np.minimum((residual_sum / count) ** 2 / variance, _EXCESS_CLIP)
        known = np.isfinite(ratio)
        np.add.at(self.hour_count, rows[known], 1)
        np.add.at(self.excess_sum, rows[known], ratio[known] - 1)
        np.add.at(self.variance_sum, rows[known], variance[known])

    def add(self, rows: Ints, week_hour: Ints, count: Floats, value_sum: Floats) -> None:
        """Adds calls to the sums at once."""
        np.add.at(self.weight, (rows, week_hour), count.astype(np.float32))
        np.add.at(self.total, (rows, week_hour), value_sum.astype(np.float32))
        np.add.at(self.call_count, rows, count)
        np.add.at(self.value_sum, rows, value_sum)

    def add_weeks(self, rows: Ints, weight: Floats, total: Floats) -> None:
        """Adds calls and sums of values of the 168 hours of each of these rows, which are distinct."""
        weight, total = weight.reshape(-1, WEEK_HOURS), total.reshape(-1, WEEK_HOURS)
        self.weight[rows] += weight.astype(np.float32)
        self.total[rows] += total.astype(np.float32)
        self.call_count[rows] += weight.sum(axis=1)
        self.value_sum[rows] += total.sum(axis=1)

    def forget(self, rows: Ints, hour: Ints) -> None:
        """Makes old calls count less, up to these hours since 1970. Rows are distinct."""
        elapsed = np.where(self.forgotten_hour[rows] > 0, np.maximum(hour - self.forgotten_hour[rows], 0), 0)
        self.forgotten_hour[rows] = np.maximum(hour, self.forgotten_hour[rows])
        self.scale(rows, 0.5 ** (elapsed * HOUR_S / self.configuration.half_life_s))

    def scale(self, rows: Ints, factor: Floats) -> None:
        """Lets all that was learnt count so much. Rows are distinct."""
        self.weight[rows] *= factor[:, None].astype(np.float32)
        self.total[rows] *= factor[:, None].astype(np.float32)
        for name in _SUMS:
            getattr(self, name)[rows] *= factor

    def move(self, rows: Ints, shift: Floats) -> None:
        """Moves the level, hours and all. Rows are distinct."""
        self.total[rows] += self.weight[rows] * shift[:, None].astype(np.float32)
        self.value_sum[rows] += self.call_count[rows] * shift

    def expect(self, rows: Ints, hour: Ints, prior: Prior) -> Expectation:
        """What is expected at these hours since 1970, shape (rows, hours). NaN where nothing is known. Rows may repeat."""
        spread, freedom = self.known_spread(rows, prior)
        count = self.call_count[rows]
        with np.errstate(invalid="ignore", divide="ignore"):
            own_precision, prior_precision = count / spread, 1 / prior.variance[rows]
            precision = own_precision + prior_precision
            own_mean = np.where(count > 0, self.value_sum[rows] / count, 0)
            borrowed = prior_precision / precision
            own_level = self._ratio(rows) if self.plan.scale is Scale.RATIO else own_mean
            level = own_level * (1 - borrowed) + np.where(borrowed > 0, prior.mean[rows] * borrowed, 0)
            season = profile(
                self.weight[rows],
                self.total[rows],
                hour % WEEK_HOURS,
                mean=own_mean,
                spread=spread,
                plan=self.plan,
                guess_scale=self._guess_scale(own_mean),
            )
            level_error = 1 / precision + self._excess(rows) + spread / self.configuration.trusted_calls_max
        centre, error = level[:, None] + season.effect, level_error[:, None] + season.error
        if self.plan.scale is Scale.RATIO:
            centre = np.clip(centre, _RATIO_MIN, 1 - _RATIO_MIN)
        return Expectation(centre, error, spread, freedom, season, borrowed)

    def refresh(self, rows: Ints, hour: Ints, prior: Prior) -> None:
        """Sets the present hour of these rows."""
        expected = self.expect(rows, hour[:, None], prior)
        self.centre[rows], self.error[rows], self.spread[rows] = expected.centre[:, 0], expected.error[:, 0], expected.spread
        self.freedom[rows] = expected.freedom

    def _guess_scale(self, mean: Floats) -> Floats | None:
        """Unit of the guesses on how hours differ: counts differ in proportion, everything else in standard deviations of a call."""
        return np.maximum(mean, 1) if self.plan.scale is Scale.COUNT else None

    def _ratio(self, rows: Ints) -> Floats:
        """The part of the calls that show it; half a call of each kind is added, so that none seen is not none ever (Jeffreys)."""
        ratio: Floats = np.clip((self.value_sum[rows] + 0.5) / (self.call_count[rows] + 1), _RATIO_MIN, 1 - _RATIO_MIN)
        return ratio

    def own_spread(self, rows: Ints) -> tuple[Floats, Floats]:
        """Variance of one call as its own windows show it, and how many these are."""
        if self.plan.scale is Scale.RATIO:
            ratio = self._ratio(rows)
            return ratio * (1 - ratio), self.call_count[rows]
        count = self.spread_count[rows] + self.within_count[rows]
        return (self.spread_sum[rows] + self.within_sum[rows]) / np.maximum(count, _SPREAD_MIN), count

    def known_spread(self, rows: Ints, prior: Prior) -> tuple[Floats, Floats]:
        """Variance of one call, and from how many windows it is known.

        A weighted mean of what windows are off by and of what else is known, as moderated variances are (Smyth, Statistical Applications
        in Genetics and Molecular Biology 2004).
        """
        count = self.call_count[rows]
        if self.plan.scale is Scale.RATIO:
            return self.own_spread(rows)
        guess = np.full(len(rows), self.plan.spread_guess**2)
        if self.plan.scale is Scale.COUNT:
            guess += (_COUNT_SPREAD_GUESS * self.value_sum[rows] / np.maximum(count, 1)) ** 2
        is_borrowed = np.isfinite(prior.spread[rows])
        windows = np.where(is_borrowed, _SPREAD_BORROWED_WINDOWS, _SPREAD_GUESS_WINDOWS)
        within_windows = np.minimum(self.within_count[rows], _SPREAD_BORROWED_WINDOWS)
        within = self.within_sum[rows] / np.maximum(self.within_count[rows], _SPREAD_MIN)
        total = self.spread_sum[rows] + windows * np.where(is_borrowed, prior.spread[rows], guess) + within_windows * within
        freedom = self.spread_count[rows] + windows + within_windows
        return np.maximum(total / freedom, _SPREAD_MIN), freedom

    def _excess(self, rows: Ints) -> Floats:
        """Variance between hours that nothing else explains, where there is no doubt that there is some."""
        count = self.hour_count[rows]
        # As if so many hours without any had been seen before, and less two standard errors of a mean of squares.
        believed = count + _EXCESS_DOUBT_HOURS
        ratio = self.excess_sum[rows] / believed - 2 * np.sqrt(2 / believed)
        excess: Floats = np.maximum(ratio, 0) * self.variance_sum[rows] / np.maximum(count, 1)
        return excess

    def is_known(self, rows: Ints) -> Bools:
        """Whether there is enough to hold something against."""
        known: Bools = (self.call_count[rows] >= self.plan.calls_min) & np.isfinite(self.centre[rows])
        return known
