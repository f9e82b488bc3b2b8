"""Confidence sequences: intervals of a difference that hold at all times at once, however often one looks."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from services.analyzer.domain.arrays import Floats
from services.analyzer.domain.comparison.strata import Sums, Trait

# The sequence is narrowest, for its kind, after about eight times so many pairs of calls: where differences of 0.1 to 0.2 standard
# deviations come to light. 25 and 100 were tried as well, see docs/decisions/0008-ranking.md.
MIXED_PAIRS: Final = 75.0
# Before so many, the spread is hardly known, and nothing is said. Likewise before it rests on so many degrees of freedom, which are few
# where only sums of windows are known.
PAIRS_MIN: Final = 15.0
DEGREES_MIN: Final = 20.0
# The spread of a stratum counts beside so many degrees of freedom of the common one, and a version's own in it beside so many of the
# stratum's. The latter are many: a version that has had no failure yet must not seem surely without any.
_COMMON_DEGREES = 8.0
_STRATUM_DEGREES = 50.0
# The guess of the spread counts as one call.
_GUESSED_CALLS = 1.0


@dataclass(frozen=True, slots=True)
class Contrast:
    """How far a version lies above another one; shapes (…), those of strata (…, strata).

    `difference`: the mean of the strata's differences, weighted by `weight` = pairs of calls that can be compared = n_a n_b / (n_a + n_b)
    (Mantel and Haenszel). `pairs`: all weights together. `clock`: variance of pairs × difference, the time in which that is a random walk.
    `spread`: common standard deviation of single values, and `degrees` the degrees of freedom that it rests on.
    """

    difference: Floats
    pairs: Floats
    clock: Floats
    spread: Floats
    degrees: Floats
    of_stratum: Floats
    variance_of_stratum: Floats
    weight: Floats


def contrast(version: Sums, baseline: Sums, trait: Trait) -> Contrast:
    """Compares two versions stratum by stratum. NaN where they share no stratum.

    The weights come from counts alone. So they do not lean to the side where a version happened to do well, and with no difference in any
    stratum the weighted sum of differences is a martingale whatever the mix of traffic does meanwhile: neither Simpson's paradox nor a
    mix that shifts can decide.
    """
    if trait.is_relative:
        version, baseline = _relative(version, baseline)
    together = version.count + baseline.count
    weight = np.divide(version.count * baseline.count, together, out=np.zeros_like(together), where=together > 0)
    parts = [_mean_and_squares(each) for each in (version, baseline)]
    degrees = [each.degrees for each in (version, baseline)]
    squares = parts[0][1] + parts[1][1]
    common = (squares.sum(-1) + _GUESSED_CALLS * trait.unit**2) / ((degrees[0] + degrees[1]).sum(-1) + _GUESSED_CALLS)
    usual = (squares + _COMMON_DEGREES * common[..., None]) / (degrees[0] + degrees[1] + _COMMON_DEGREES)
    variance = sum(
        (square + _STRATUM_DEGREES * usual) / (degree + _STRATUM_DEGREES) / np.maximum(each.count, 1.0)
        for each, (_, square), degree in zip((version, baseline), parts, degrees, strict=True)
    )
    variance = np.where(weight > 0, variance, np.nan)
    difference = np.where(weight > 0, parts[0][0] - parts[1][0], np.nan)
    pairs = weight.sum(-1)
    total = np.nansum(weight * difference, -1)
    mean = np.divide(total, pairs, out=np.full_like(total, np.nan), where=pairs > 0)
    clock = np.nansum(weight**2 * variance, -1)
    return Contrast(mean, pairs, clock, np.sqrt(common), (degrees[0] + degrees[1]).sum(-1), difference, variance, weight)


def radius(seen: Contrast, error: float) -> Floats:
    """Half the width of the interval that holds the true difference at all times at once with a probability of 1 - `error`.

    Robbins' normal mixture for a random walk with that clock (Howard, Ramdas, McAuliffe and Sekhon, Annals of Statistics 2021, eq. 14).
    The clock is estimated, which makes it asymptotic (Waudby-Smith et al., Annals of Statistics 2024). Infinite where too little is known.
    """
    is_told = (seen.pairs >= PAIRS_MIN) & (seen.degrees >= DEGREES_MIN)
    mixed = MIXED_PAIRS * seen.spread**2
    boundary = np.sqrt((seen.clock + mixed) * (np.log1p(seen.clock / mixed) - 2 * np.log(error)))
    result: Floats = np.divide(boundary, seen.pairs, out=np.full_like(boundary, np.inf), where=is_told)
    return result


def _relative(version: Sums, baseline: Sums) -> tuple[Sums, Sums]:
    """Values by the mean of all calls of their stratum."""
    count, total = version.count + baseline.count, version.total + baseline.total
    scale = np.divide(count, total, out=np.zeros_like(total), where=total > 0)
    scaled = [replace(each, total=each.total * scale, square=each.square * scale**2) for each in (version, baseline)]
    return scaled[0], scaled[1]


def _mean_and_squares(sums: Sums) -> tuple[Floats, Floats]:
    """Mean, and sum of squares around it."""
    mean = sums.mean()
    return mean, np.maximum(sums.square - sums.total * mean, 0.0)
