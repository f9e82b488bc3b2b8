"""What was seen of candidates: decayed sums by candidate and task type, and what they say of each measure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np

from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.ranking.measures import Measure, RankedMetric


class Candidate(NamedTuple):
    """What can be chosen."""

    provider: str
    model: str


class Sum(IntEnum):
    """The sums of a cell. A square sum that nobody kept is NaN: a spread is assumed in its place."""

    CALLS = 0  # all but the cancelled ones
    SUCCEEDED = 1
    QUALITY_COUNT = 2
    QUALITY = 3  # 0..1 an answer
    QUALITY_SQUARE = 4
    LATENCY_COUNT = 5
    LATENCY_LOG = 6  # natural logarithm of seconds, succeeded calls
    LATENCY_LOG_SQUARE = 7
    FIRST_TOKEN_COUNT = 8
    FIRST_TOKEN_LOG = 9
    FIRST_TOKEN_LOG_SQUARE = 10
    TASKS = 11  # whose cost is known
    ACCEPTED_TASKS = 12
    TASK_COST_USD = 13
    TASK_COST_SQUARE = 14
    TASK_TIME_S = 15
    TASK_TIME_SQUARE = 16


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that rankings of one project rest on.

    `sums`: shape (sums, candidates, task types), see `Sum`; decayed, so that a sum is of calls worth a fresh one each.
    `dispersion`: shape (candidates, task types), how many times the variance of the success ratio is that of independent calls, at least
    1 (see `dispersion_of`). `last_call_s`: likewise, NaN where there was no call.
    `incidents`: by (candidate, task type) what goes on there, in words. The sums of such a cell are those since its onset.
    """

    candidates: tuple[Candidate, ...]
    task_types: tuple[str, ...]
    sums: Floats
    dispersion: Floats
    last_call_s: Floats
    as_of_s: float
    incidents: Mapping[tuple[Candidate, str], str]

    def discounted(self, ratio: Floats | float) -> Evidence:
        """The same evidence, worth so much of what it was: one ratio for all, or by cell; 0 forgets a cell."""
        return replace(self, sums=self.sums * ratio)


class Observed(NamedTuple):
    """What the evidence says of one measure on its scale: estimate, 1 / its variance (0: nothing is known), and the decayed count."""

    value: Floats
    precision: Floats
    evidence_count: Floats


class _Moments(NamedTuple):
    number: Sum
    total: Sum
    square: Sum
    # Standard deviation that is taken where square sums are missing (quality: between the 0.15 inside a cell of real calls and the 0.28 of
    # all), and the least: the histograms that latencies come from tell no finer, and a judge's scores are no surer.
    assumed_spread: float
    least_spread: float


_MOMENTS: Final = {
    RankedMetric.QUALITY: _Moments(Sum.QUALITY_COUNT, Sum.QUALITY, Sum.QUALITY_SQUARE, 0.2, 0.01),
    RankedMetric.LATENCY: _Moments(Sum.LATENCY_COUNT, Sum.LATENCY_LOG, Sum.LATENCY_LOG_SQUARE, 0.5, 0.006),
    RankedMetric.TIME_TO_FIRST_TOKEN: _Moments(Sum.FIRST_TOKEN_COUNT, Sum.FIRST_TOKEN_LOG, Sum.FIRST_TOKEN_LOG_SQUARE, 0.5, 0.006),
}
_TASK_SUMS: Final = {
    RankedMetric.COST_PER_ACCEPTED_TASK: (Sum.TASK_COST_USD, Sum.TASK_COST_SQUARE),
    RankedMetric.TIME_PER_ACCEPTED_TASK: (Sum.TASK_TIME_S, Sum.TASK_TIME_SQUARE),
}
# Spread of cost and time among a cell's tasks in means, where squares are missing; 0.55 of a logarithm, seen in real calls, is 0.6, and
# tries and revisions add to it.
_ASSUMED_VARIATION = 1.0
# A cell's own spread counts beside so many degrees of freedom of all cells' common one (Smyth, Stat. Appl. Genet. Mol. Biol. 2004).
_COMMON_SPREAD_DEGREES = 8.0
# Below so much evidence, in calls, there is none; what has decayed away must not come back by a division.
COUNT_MIN = 1e-3


def observed(evidence: Evidence, measure: Measure) -> Observed:
    """What the sums say of a measure, shape (candidates, task types)."""
    if measure.metric is RankedMetric.SUCCESS:
        return _success(evidence)
    if measure.metric in _TASK_SUMS:
        return _per_accepted_task(evidence.sums, *_TASK_SUMS[measure.metric])
    return _mean_or_quantile(evidence.sums, _MOMENTS[measure.metric], measure)


def dispersion_of(group: Ints, call_count: Floats, succeeded_count: Floats, group_count: int) -> Floats:
    """How much more the successes of windows vary than those of independent calls would, as a ratio of variances, at least 1.

    Windows with calls, shape (windows,), each of a group; the answer has shape (groups,). Failures come in runs, so that a hundred calls
    tell less than a hundred independent ones. Pearson's statistic by its degrees of freedom (McCullagh and Nelder, Generalized Linear
    Models, 4.5).
    """
    windows, calls, succeeded = (
        np.bincount(group, values, group_count) for values in (np.ones_like(call_count), call_count, succeeded_count)
    )
    ratio = succeeded / np.maximum(calls, 1.0)
    is_told = (windows >= 2) & (ratio > 0.0) & (ratio < 1.0)
    expected = call_count * ratio[group]
    variance = np.where(is_told[group], expected * (1 - ratio[group]), 1.0)
    statistic = np.bincount(group, (succeeded_count - expected) ** 2 / variance, group_count)
    return np.where(is_told, np.maximum(statistic / np.maximum(windows - 1, 1.0), 1.0), 1.0)


def _success(evidence: Evidence) -> Observed:
    """The angle of the success ratio; the added quarter makes its mean that of the ratio (Brown, Ann. Appl. Stat. 2008)."""
    count = evidence.sums[Sum.CALLS] / evidence.dispersion
    succeeded = evidence.sums[Sum.SUCCEEDED] / evidence.dispersion
    value = np.arcsin(np.sqrt(np.clip((succeeded + 0.25) / (count + 0.5), 0.0, 1.0)))
    return _told(value, 4.0 * count, evidence.sums[Sum.CALLS])


def _mean_or_quantile(sums: Floats, moments: _Moments, measure: Measure) -> Observed:
    """Mean, or that quantile of a log-normal distribution, whose logarithm is mean + deviation × spread."""
    count, total = sums[moments.number], sums[moments.total]
    divisor = np.maximum(count, COUNT_MIN)
    mean = total / divisor
    spread = np.maximum(_spread(sums[moments.square] - total * mean, count, moments.assumed_spread), moments.least_spread)
    deviation = 0.0 if measure.metric is RankedMetric.QUALITY else measure.quantile_deviation
    variance = spread**2 * (1 / divisor + deviation**2 / (2 * (divisor + _COMMON_SPREAD_DEGREES)))
    return _told(mean + deviation * spread, 1 / variance, count)


def _spread(square_deviation: Floats, count: Floats, assumed: float) -> Floats:
    """Standard deviation in each cell, drawn to that of all cells together."""
    is_known = np.isfinite(square_deviation) & (count > 1)
    squares = np.where(is_known, np.maximum(square_deviation, 0.0), 0.0)
    degrees = np.where(is_known, count - 1, 0.0)
    common = squares.sum() / degrees.sum() if degrees.sum() > 0 else assumed**2
    spread: Floats = np.sqrt((squares + _COMMON_SPREAD_DEGREES * common) / (degrees + _COMMON_SPREAD_DEGREES))
    return spread


def _per_accepted_task(sums: Floats, amount: Sum, square: Sum) -> Observed:
    """Logarithm of all cost (or time) by accepted tasks, its variance by the delta method. Half a task is added to both."""
    count, accepted, total = sums[Sum.TASKS], sums[Sum.ACCEPTED_TASKS], sums[amount]
    divisor = np.maximum(count, COUNT_MIN)
    mean = total / divisor
    relative = np.divide(sums[square] - total * mean, mean**2, out=np.zeros_like(mean), where=mean > 0)
    variation = _spread(np.where(np.isnan(sums[square]), np.nan, relative), count, _ASSUMED_VARIATION)
    accepted_ratio = np.clip((accepted + 0.5) / (divisor + 0.5), 0.0, 1.0)
    variance = (np.maximum(variation, 0.05) ** 2 + (1 - accepted_ratio) / accepted_ratio) / divisor
    value = np.log(np.where(mean > 0, mean, 1.0) / accepted_ratio)
    return _told(value, np.where(mean > 0, 1 / variance, 0.0), count)


def _told(value: Floats, precision: Floats, count: Floats) -> Observed:
    is_told = (count >= COUNT_MIN) & (precision > 0)
    return Observed(np.where(is_told, value, 0.0), np.where(is_told, precision, 0.0), np.where(count >= COUNT_MIN, count, 0.0))
