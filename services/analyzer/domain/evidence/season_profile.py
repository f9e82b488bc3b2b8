"""How much of what is expected depends on the hour: effects of hours of the day and week, each taken in as far as it was earned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.evidence.configuration import DAY_HOURS, WEEK_HOURS, MetricPlan

Float32s = npt.NDArray[np.float32]

_DAYS = WEEK_HOURS // DAY_HOURS
# What the guess on how much hours differ is worth, in hours seen.
_GUESS_HOURS = 6.0


@dataclass(frozen=True, slots=True)
class Profile:
    """Effects of hours on what is expected and the variance of their errors; which part of the seen effects of day and week is trusted.

    Arrays have the shape of the hours that were asked for.
    """

    effect: Floats
    error: Floats
    day_ratio: Floats
    week_ratio: Floats


def profile(
    weight: Float32s, total: Float32s, week_hour: Ints, *, mean: Floats, spread: Floats, plan: MetricPlan, guess_scale: Floats | None
) -> Profile:
    """The effects at these hours of the week, shape (rows, hours), counted from Thursday as days since 1970 are.

    `weight`, `total`, shape (rows, 168): calls and sums of values by hour of the week. `mean`, `spread`: of a whole row, and the
    variance of one call. Effects are random, normal, of unknown variance: best linear unbiased prediction (Robinson, Statistical
    Science 1991), with the variance by the method of moments of DerSimonian and Laird (Controlled Clinical Trials 1986), one standard
    error below its estimate so that chance is no season. Hours of the week are effects around those of the day.
    """
    by_week = weight.astype(np.float64).reshape(-1, _DAYS, DAY_HOURS)
    day_weight, day_total = by_week.sum(axis=1), total.reshape(-1, _DAYS, DAY_HOURS).sum(axis=1, dtype=np.float64)
    day_effect = np.divide(day_total, day_weight, out=np.repeat(mean[:, None], DAY_HOURS, axis=1), where=day_weight > 0) - mean[:, None]
    day_mean = np.tile(day_effect + mean[:, None], _DAYS)
    week_effect = np.divide(total, weight, out=day_mean.copy(), where=weight > 0) - day_mean
    unit = np.sqrt(spread) if guess_scale is None else guess_scale
    day_guess, week_guess = (plan.day_spread_guess * unit) ** 2, (plan.week_spread_guess * unit) ** 2
    day_variance = _variance(day_weight, day_effect, spread, np.ones(len(mean)), day_guess)
    week_weight = by_week.reshape(-1, WEEK_HOURS)
    week_variance = _variance(week_weight, week_effect, spread, (day_weight > 0).sum(axis=1), week_guess)
    # Whoever knows no weekend yet cannot know that there is none.
    is_week_seen = (by_week.sum(axis=2) > 0).all(axis=1)
    week_variance = np.where(is_week_seen, week_variance, np.maximum(week_variance, week_guess))
    rows, day_hour = np.arange(len(mean))[:, None], week_hour % DAY_HOURS
    day_ratio, day_error = _trust(day_weight[rows, day_hour], day_variance[:, None], spread[:, None])
    week_ratio, week_error = _trust(week_weight[rows, week_hour], week_variance[:, None], spread[:, None])
    effect = day_effect[rows, day_hour] * day_ratio + week_effect[rows, week_hour] * week_ratio
    return Profile(effect, day_error + week_error, day_ratio, week_ratio)


def _variance(weight: Floats, effect: Floats, spread: Floats, mean_count: Floats | Ints, guess: Floats) -> Floats:
    """Variance between true effects, shape (rows,): of what was seen, and of the guess while little was."""
    count = (weight > 0).sum(axis=1)
    freedom = np.maximum(count - mean_count, 0)
    total = np.maximum(weight.sum(axis=1), 1e-9)
    quadratic = (weight * effect**2).sum(axis=1) / spread
    scale = np.maximum(total - (weight**2).sum(axis=1) / total, 0) / spread
    seen = np.divide(quadratic - freedom - np.sqrt(2 * freedom), scale, out=np.zeros_like(scale), where=scale > 1e-9 / spread)
    variance: Floats = (_GUESS_HOURS * guess + freedom * np.maximum(seen, 0)) / (_GUESS_HOURS + freedom)
    return variance


def _trust(weight: Floats, variance: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """Which part of an effect seen in so many calls is trusted, and the variance of what is left."""
    ratio = weight * variance / (spread + weight * variance)
    return ratio, variance * (1 - ratio)
