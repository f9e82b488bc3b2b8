"""What the month will cost: a forecast of the days to come from those that were."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np

from services.alerter.domain.arrays import Floats

HISTORY_DAYS = 28
"""Four of each weekday: enough for its effect, and recent enough for the level."""
DAYS_MIN = 3
"""Fewer whole days than this tell no variance, and nothing is forecast."""
WEEKDAY_PRIOR_DAYS = 4.0
"""A weekday's factor is drawn towards 1 as if by so many days of average cost, so that a single odd day makes no season."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Of the whole month, in USD: what is expected, and the standard deviation of that."""

    mean_usd: float
    sd_usd: float

    def probability_above(self, limit_usd: float) -> float:
        """How probable it is, 0 to 1, that the month costs more."""
        if self.sd_usd == 0:
            return float(self.mean_usd > limit_usd)
        return 0.5 * erfc((limit_usd - self.mean_usd) / (self.sd_usd * sqrt(2.0)))


def forecast(
    spent_usd: float, past_usd: Sequence[float], past_weekdays: Sequence[int], coming: Sequence[tuple[int, float]]
) -> Forecast | None:
    """The month's cost, or None where too few days are known.

    `spent_usd` is what the month has cost so far, today included; `past_usd` the cost of whole days before today, at most HISTORY_DAYS of
    them, each of its weekday (0 to 6); `coming` the weekday and the share (0 to 1) of each day that is still to come, the rest of today
    first.

    A day's cost is level × its weekday's factor + noise. The level is the mean, a factor the shrunk ratio of its weekday's mean to it, and
    the noise's variance that of the residuals. The sum of the coming days is taken as normal, with the variance of their noise and of the
    level's own error.
    """
    costs, weekdays = np.asarray(past_usd, np.float64), np.asarray(past_weekdays, np.int64)
    if costs.size < DAYS_MIN:
        return None
    level = float(costs.mean())
    factors = _factors(costs, weekdays, level)
    residuals = costs - level * factors[weekdays]
    variance = float(residuals @ residuals) / (costs.size - 1)
    weight = sum(factors[weekday] * share for weekday, share in coming)
    noise = variance * sum(share for _, share in coming)
    return Forecast(spent_usd + level * float(weight), sqrt(noise + float(weight) ** 2 * variance / costs.size))


def _factors(costs: Floats, weekdays: "np.typing.NDArray[np.int64]", level: float) -> Floats:
    if level <= 0:
        return np.ones(7)
    count = np.bincount(weekdays, minlength=7)
    sums = np.bincount(weekdays, weights=costs / level, minlength=7)
    return np.asarray((sums + WEEKDAY_PRIOR_DAYS) / (count + WEEKDAY_PRIOR_DAYS))
