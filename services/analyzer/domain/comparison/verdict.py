"""What a comparison comes to, for one pair of versions or for all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import combinations
from types import MappingProxyType

import numpy as np

from services.analyzer.domain.arrays import Floats
from services.analyzer.domain.comparison.sequence import Contrast, contrast, radius
from services.analyzer.domain.comparison.strata import TRAITS, ComparedMetric, Stratum, Sums

# Probability that any verdict of a question is wrong, at any time.
ERROR = 0.05
# Beyond so many times the calls that there are, nothing is foretold.
FORETOLD_TIMES_MAX = 1_000.0


class Verdict(Enum):
    """What is known."""

    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE = "no difference worth having"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class StratumEffect:
    """A difference in one stratum, on the metric's scale, with its own 90 % interval (a hint, no verdict) and its share of the weight.

    Means are those of the values as they are, geometric ones in LATENCY.
    """

    stratum: Stratum
    difference: float
    low: float
    high: float
    weight_ratio: float
    version_mean: float
    baseline_mean: float
    version_count: float
    baseline_count: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a version differs from another in a metric.

    `difference` ± `half_width`: version less baseline, on the metric's scale: ratio, natural logarithm of seconds, share of the usual
    cost, revisions. The interval holds at all times, and together with those of the other comparisons of the question. NaN where no
    stratum has calls of both, and infinitely wide where there are hardly any. `further_call_count`: calls of both versions together until
    a verdict, if the difference is what it looks like now and calls come as they did; None if there is a verdict, or none in sight.
    """

    metric: ComparedMetric
    verdict: Verdict
    difference: float
    half_width: float
    margin: float
    call_count: float
    further_call_count: float | None
    strata: tuple[StratumEffect, ...]


def compare(
    metric: ComparedMetric,
    version: Sums,
    baseline: Sums,
    strata: Sequence[Stratum],
    *,
    comparison_count: int = 1,
    margin: float | None = None,
) -> Comparison:
    """Compares a version with a baseline, from sums of shape (strata,).

    `comparison_count`: how many comparisons the question has (versions and metrics); the error is shared among them (Bonferroni).
    """
    trait = TRAITS[metric]
    bound = trait.margin if margin is None else margin
    error = ERROR / comparison_count
    seen = contrast(version, baseline, trait)
    half = float(radius(seen, error))
    difference = float(seen.difference)
    sign = -1.0 if trait.is_lower_better else 1.0
    verdict = _verdict(sign * difference, half, bound)
    calls = float((version.count + baseline.count)[seen.weight > 0].sum())
    further = _further(seen, bound, error) * calls if verdict is Verdict.UNDECIDED and seen.pairs > 0 else math.inf
    foretold = further if math.isfinite(further) else None
    return Comparison(metric, verdict, difference, half, bound, calls, foretold, _effects(metric, seen, version, baseline, strata))


def compare_with_baseline(
    sums: Mapping[ComparedMetric, Sums],
    versions: Sequence[str],
    baseline: str,
    strata: Sequence[Stratum],
    margins: Mapping[ComparedMetric, float] = MappingProxyType({}),
) -> dict[str, dict[ComparedMetric, Comparison]]:
    """Compares every other version with a baseline in each metric, from sums of shape (versions, strata); corrected for all of them."""
    base = versions.index(baseline)
    count = (len(versions) - 1) * len(sums)
    return {
        name: {
            metric: compare(
                metric, each.of_version(number), each.of_version(base), strata, comparison_count=count, margin=margins.get(metric)
            )
            for metric, each in sums.items()
        }
        for number, name in enumerate(versions)
        if number != base
    }


@dataclass(frozen=True, slots=True)
class VersionPlace:
    """A version's place among all by one metric: `rank_low` … `rank_high` are the places that the verdicts leave it, all at once."""

    version: str
    rank_low: int
    rank_high: int
    lead: float
    call_count: float


def rank_versions(metric: ComparedMetric, sums: Sums, versions: Sequence[str], strata: Sequence[Stratum]) -> tuple[VersionPlace, ...]:
    """Orders versions by one metric, from sums of shape (versions, strata); corrected for all pairs.

    `lead`: how far a version is better than the others, its mean over those that it shares a stratum with; 0 where there is none.
    """
    count = len(versions)
    pairs = {
        (first, second): compare(
            metric, sums.of_version(first), sums.of_version(second), strata, comparison_count=count * (count - 1) // 2, margin=0.0
        )
        for first, second in combinations(range(count), 2)
    }
    better = np.zeros((count, count), bool)
    lead = np.full((count, count), np.nan)
    sign = -1.0 if TRAITS[metric].is_lower_better else 1.0
    for (first, second), each in pairs.items():
        better[first, second], better[second, first] = each.verdict is Verdict.BETTER, each.verdict is Verdict.WORSE
        lead[first, second], lead[second, first] = sign * each.difference, -sign * each.difference
    known = np.isfinite(lead)
    leads = np.divide(np.where(known, lead, 0.0).sum(1), known.sum(1), out=np.zeros(count), where=known.any(1))
    places = [
        VersionPlace(
            name, 1 + int(better[:, number].sum()), count - int(better[number].sum()), float(leads[number]), float(sums.count[number].sum())
        )
        for number, name in enumerate(versions)
    ]
    return tuple(sorted(places, key=lambda place: (place.rank_low, -place.lead, place.version)))


@dataclass(frozen=True, slots=True)
class Narrowing:
    """The sequence over time: at the end of each window the difference and half the width of its interval, shape (windows,)."""

    difference: Floats
    half_width: Floats

    def first_told(self, comparison: Comparison) -> int | None:
        """The window at whose end the comparison's verdict was known first; None while it is not."""
        if comparison.verdict is Verdict.UNDECIDED:
            return None
        sign = -1.0 if TRAITS[comparison.metric].is_lower_better else 1.0
        rows = zip((sign * self.difference).tolist(), self.half_width.tolist(), strict=True)
        told = (place for place, row in enumerate(rows) if _verdict(*row, comparison.margin) is comparison.verdict)
        return next(told, len(self.difference) - 1)  # at the very edge, sums that were added in another order may differ


def narrowing(metric: ComparedMetric, version: Sums, baseline: Sums, *, comparison_count: int = 1) -> Narrowing:
    """How the interval narrowed, from sums by window, shape (windows, strata)."""
    seen = contrast(version.accumulated(), baseline.accumulated(), TRAITS[metric])
    return Narrowing(seen.difference, radius(seen, ERROR / comparison_count))


def _verdict(gain: float, half: float, margin: float) -> Verdict:
    """What an interval around a gain says: 0 is outside of it, or it lies within the margin."""
    if abs(gain) > half:
        return Verdict.BETTER if gain > 0 else Verdict.WORSE
    return Verdict.NO_DIFFERENCE if abs(gain) + half < margin else Verdict.UNDECIDED


def _further(seen: Contrast, margin: float, error: float) -> float:
    """How many times the calls so far are still to come until a verdict; infinite if that is more than can be foretold."""
    distance = max(abs(float(seen.difference)), margin - abs(float(seen.difference)))
    times = np.geomspace(1.0, FORETOLD_TIMES_MAX, 400)
    spread = np.broadcast_to(seen.spread, times.shape)
    later = replace(seen, pairs=seen.pairs * times, clock=seen.clock * times, spread=spread, degrees=seen.degrees * times)
    reached = np.flatnonzero(radius(later, error) < distance)
    return float(times[reached[0]] - 1) if len(reached) else math.inf


def _effects(metric: ComparedMetric, seen: Contrast, version: Sums, baseline: Sums, strata: Sequence[Stratum]) -> tuple[StratumEffect, ...]:
    """The strata that have calls of both versions, the weightiest first."""
    half = 1.645 * np.sqrt(seen.variance_of_stratum)
    means = [np.exp(each.mean()) if metric is ComparedMetric.LATENCY else each.mean() for each in (version, baseline)]
    effects = [
        StratumEffect(
            strata[place],
            float(seen.of_stratum[place]),
            float(seen.of_stratum[place] - half[place]),
            float(seen.of_stratum[place] + half[place]),
            float(seen.weight[place] / seen.pairs),
            *(float(mean[place]) for mean in means),
            *(float(each.count[place]) for each in (version, baseline)),
        )
        for place in np.flatnonzero(seen.weight).tolist()
    ]
    return tuple(sorted(effects, key=lambda effect: (-effect.weight_ratio, effect.stratum)))
