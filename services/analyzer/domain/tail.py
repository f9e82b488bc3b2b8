"""How improbable a value is, learnt on line: extreme value theory for one statistic that is never negative."""

from __future__ import annotations

import math
from typing import ClassVar

from services.analyzer.domain.series_configuration import SeriesConfiguration

_SHAPE_MAX = 0.9
_SHAPE_EXPONENTIAL = 1e-6
_SCALE_MIN = 1e-6
_SPACING_MIN = 1e-12
# The start of the tail moves by 1/(rows + this) of itself at first, then by the configured rate.
_FIRST_ROWS = 10.0


class Tail:
    """The tail of a statistic, as SPOT has it: a generalised Pareto distribution above a high quantile, fed by what is no alarm.

    Siffer, Fouque, Termier, Largouët, Anomaly detection in streams with extreme value theory, KDD 2017. Here the quantile moves (by
    stochastic approximation: Robbins, Monro 1951), old excesses are forgotten, and there is a guess to begin with. The
    distribution is fitted by probability-weighted moments (Hosking, Wallis, Technometrics 1987): with a0 = E[Y] and
    a1 = E[Y(1 - F(Y))], shape = 2 - a0 / (a0 - 2 a1) and scale = 2 a0 a1 / (a0 - 2 a1). As E[min(Y, Y')] = 2 a1 for
    independent excesses, two moving averages replace the sorting.
    """

    FIELDS: ClassVar[tuple[str, ...]] = ("start", "count", "mean", "weighted_mean", "last_excess", "shape", "scale")
    __slots__ = (*FIELDS, "_configuration", "_log_ratio")

    def __init__(self, configuration: SeriesConfiguration, start: float) -> None:
        self._configuration = configuration
        self._log_ratio = -math.log10(configuration.tail_ratio)
        self.start = start
        self.count = float(configuration.tail_prior_count)
        self.shape = configuration.tail_shape
        self.scale = configuration.tail_scale
        self.mean = self.scale / (1 - self.shape)
        self.weighted_mean = self.scale / (2 * (2 - self.shape))
        self.last_excess = self.mean

    def surprise(self, value: float) -> float:
        """-log10 of the probability of a value as great as this, 0 for 0; at most the configured maximum."""
        excess = value - self.start
        if excess <= 0:
            return self._log_ratio * value / self.start
        ratio = excess / self.scale
        beyond = math.log10(1 + self.shape * ratio) / self.shape if self.shape > _SHAPE_EXPONENTIAL else ratio / math.log(10)
        return min(self._log_ratio + beyond, self._configuration.surprise_max)

    def learn(self, value: float, surprise: float, rows: float) -> None:
        """Takes the value in, of this surprise, after so many rows. One that would be an alarm does not change the tail's form."""
        configuration = self._configuration
        excess = value - self.start
        step = max(configuration.tail_start_rate, 1 / (rows + _FIRST_ROWS)) * self.start
        if excess <= 0:
            self.start = max(self.start - step * configuration.tail_ratio, configuration.tail_start_min)
            return
        self.start = max(self.start + step * (1 - configuration.tail_ratio), configuration.tail_start_min)
        if surprise <= configuration.alarm_surprise:
            self._fit(excess)

    def _fit(self, excess: float) -> None:
        self.count = min(self.count + 1, self._configuration.tail_count_max)
        self.mean += (excess - self.mean) / self.count
        self.weighted_mean += (min(excess, self.last_excess) / 2 - self.weighted_mean) / self.count
        self.last_excess = excess
        spacing = self.mean - 2 * self.weighted_mean
        if spacing > _SPACING_MIN:
            self.shape = min(max(2 - self.mean / spacing, 0.0), _SHAPE_MAX)
        self.scale = max(self.mean * (1 - self.shape), _SCALE_MIN)
