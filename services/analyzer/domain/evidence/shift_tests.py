"""The two ways in which a metric is held against its baseline: as a mean of normal values, and as a ratio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.evidence.configuration import EngineConfiguration, MetricPlan, Scale
from services.analyzer.domain.evidence.evidence_of_shift import mean_log_e, ratio_log_e

# Fewer failures are no news of the same urgency: a fifth of the false alarms is for them.
_DOWN_COST = float(np.log(5))
# Of values that never differ.
_SPREAD_MIN = 1e-9
# What the spread is known from at least, in windows.
_FREEDOM_MIN = 4.0


@dataclass(frozen=True, slots=True)
class Window:
    """What a window says on a metric of a row: calls, their mean, how far it is off the centre, and how far it counts as being off."""

    count: Floats
    value: Floats
    plain_deviation: Floats
    deviation: Floats

    def select(self, places: Ints) -> Window:
        """The rows at these places."""
        return Window(self.count[places], self.value[places], self.plain_deviation[places], self.deviation[places])


@dataclass(frozen=True, slots=True)
class Normal:
    """What is normal for the rows at hand: centre, variance of its error, variance of one call, observations behind that."""

    centre: Floats
    error: Floats
    spread: Floats
    freedom: Floats

    def select(self, places: Ints) -> Normal:
        """The rows at these places."""
        return Normal(self.centre[places], self.error[places], self.spread[places], self.freedom[places])


class ShiftTest(Protocol):
    """What a way of testing has to know. Arrays have a row each; of candidates, a column for each supposed shift."""

    signs: Floats

    def window(self, count: Floats, value: Floats, normal: Normal) -> Window:
        """The window as it is to be summed up."""

    def increment(self, window: Window, normal: Normal) -> Floats:
        """Log-likelihood ratio of each supposed shift against none, shape (rows, shifts)."""

    def log_e(self, count: Floats, total: Floats, normal: Normal) -> Floats:
        """Natural logarithm of the evidence for a shift, shape (rows, shifts); `total` sums calls times deviation."""

    def back(self, window: Window, shift: Floats, normal: Normal) -> Floats:
        """Log-likelihood ratio of normal against this shift."""


class MeanTest:
    """Means of values that are about normal."""

    def __init__(self, plan: MetricPlan, configuration: EngineConfiguration) -> None:
        self._is_log_of_mean = plan.scale is Scale.MEAN_LOG
        self._deviation_max, self._deviation_growth = plan.deviation_max, plan.deviation_growth
        self._shift_spread = configuration.shift_spread
        self._shifts = np.array([*configuration.shifts, *(-shift for shift in configuration.shifts)])
        self.signs = np.sign(self._shifts)

    def window(self, count: Floats, value: Floats, normal: Normal) -> Window:
        """What is farther off than a window can be is taken back to that."""
        if self._is_log_of_mean:
            count, value = log_of_expected(count, value, normal.spread)
        error = np.sqrt(normal.spread / count + normal.error)
        limit = (self._deviation_max + self._deviation_growth * np.log(np.maximum(count, 1))) * error
        deviation = value - normal.centre
        return Window(count, value, deviation, np.clip(deviation, -limit, limit))

    def increment(self, window: Window, normal: Normal) -> Floats:
        """For shifts in standard deviations of one call."""
        deviation = (window.deviation / np.sqrt(normal.spread))[:, None]
        increment: Floats = window.count[:, None] * (self._shifts * deviation - self._shifts**2 / 2)
        return increment

    def log_e(self, count: Floats, total: Floats, normal: Normal) -> Floats:
        """See `mean_log_e`; the evidence counts where the sum has gone the way of the supposed shift."""
        spread, error, freedom = (column[:, None] for column in (normal.spread, normal.error, normal.freedom))
        with np.errstate(invalid="ignore", divide="ignore"):
            log_e = mean_log_e(
                count,
                total,
                spread=spread,
                error=error,
                freedom=np.maximum(freedom, _FREEDOM_MIN),
                shift_spread=self._shift_spread,
                sign=self.signs,
            )
        return np.where(count > 0, log_e, 0)

    def back(self, window: Window, shift: Floats, normal: Normal) -> Floats:
        """Of two normal distributions of equal spread. On the side of the shift nothing is cut off: it may be as far as outliers."""
        deviation = np.where(shift * window.plain_deviation > 0, window.plain_deviation, window.deviation)
        log_ratio: Floats = window.count * (shift / 2 - deviation) * shift / normal.spread
        return log_ratio


def log_of_expected(count: Floats, value: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """From the logarithm of a mean of so many calls to an estimate of that of the expected value; calls that the latter is worth.

    `spread`: squared coefficient of variation of one call. The logarithm of a mean lies below that of the expected value, and varies
    less than the mean does: both as for means of log-normal values, which are about log-normal again (Fenton, IRE Transactions 1960).
    """
    spread = np.maximum(spread, _SPREAD_MIN)
    variance = np.log1p(spread / count)
    return spread / variance, value + variance / 2


class RatioTest:
    """Calls that show something, by all calls."""

    def __init__(self, configuration: EngineConfiguration) -> None:
        self._factors = np.array([*configuration.odds_factors, *configuration.odds_factors_down])
        self.signs = np.where(self._factors > 1, 1.0, -1.0)
        self._up_count = len(configuration.odds_factors)

    def window(self, count: Floats, value: Floats, normal: Normal) -> Window:
        """As it is."""
        return Window(count, value, value - normal.centre, value - normal.centre)

    def increment(self, window: Window, normal: Normal) -> Floats:
        """For factors of the odds."""
        centre, hits = normal.centre[:, None], (window.count * window.value)[:, None]
        # ln(q/p) = ln f - ln(1 + p(f - 1)) and ln((1-q)/(1-p)) = -ln(1 + p(f - 1)) for odds that are f times those of p.
        increment: Floats = hits * np.log(self._factors) - window.count[:, None] * np.log1p(centre * (self._factors - 1))
        return increment

    def log_e(self, count: Floats, total: Floats, normal: Normal) -> Floats:
        """See `ratio_log_e`."""
        centre, error = normal.centre[:, None], normal.error[:, None]
        hits = np.clip(total + count * centre, 0, count)
        log_e = np.zeros_like(count)
        for part, is_up in ((slice(None, self._up_count), True), (slice(self._up_count, None), False)):
            log_e[:, part] = ratio_log_e(count[:, part], hits[:, part], centre, error, is_up=is_up)
        log_e[:, self._up_count :] -= _DOWN_COST
        return np.where(count > 0, log_e, 0)

    def back(self, window: Window, shift: Floats, normal: Normal) -> Floats:
        """Of two Bernoulli distributions."""
        shifted = np.clip(normal.centre + shift, 1e-4, 1 - 1e-4)
        hits = window.count * window.value
        log_ratio: Floats = hits * np.log(normal.centre / shifted) + (window.count - hits) * np.log((1 - normal.centre) / (1 - shifted))
        return log_ratio
