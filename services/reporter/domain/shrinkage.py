"""Effects that were picked because they look large are smaller than they look: estimates that stay right after picking."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtr, ndtri, stdtrit

from services.reporter.domain.arrays import Floats
from services.reporter.domain.statistics import Change

# Spreads of true effects that are tried, beside none at all, as multiples of the smallest error; each is √2 of the one before.
_SPREADS: Final = np.concatenate([[0.0], 0.25 * np.sqrt(2.0) ** np.arange(28)])
# What is believed of the spreads before any effect is seen counts as so many effects, evenly over all of them: a handful of effects does
# not tell how they are spread.
_PRIOR_COUNT = 4.0
_ROUNDS = 60
_HALVINGS = 50


@dataclass(frozen=True)
class Shrunk:
    """What is believed of each true effect: a mixture of normal distributions around their means.

    `weight`, `mean`, `deviation`: shape (effects, spreads); a deviation of 0 is certainty.
    """

    weight: Floats
    mean: Floats
    deviation: Floats

    @property
    def value(self) -> Floats:
        """Expected effect, shape (effects,)."""
        result: Floats = (self.weight * self.mean).sum(1)
        return result

    def at(self, place: int) -> "Shrunk":
        """One of the effects, shape (1,)."""
        return Shrunk(*(each[place : place + 1] for each in (self.weight, self.mean, self.deviation)))

    def belief(self, place: int) -> tuple[float, float, float]:
        """Expected value of one effect, and its 90 % interval."""
        one = self.at(place)
        return float(one.value[0]), float(one.quantile(0.05)[0]), float(one.quantile(0.95)[0])

    def probability_below(self, bound: Floats | float) -> Floats:
        """Probability that each true effect is below a bound, shape (effects,)."""
        distance = np.asarray(bound, float)[..., None] - self.mean
        with np.errstate(divide="ignore", invalid="ignore"):
            below = np.where(self.deviation > 0, ndtr(distance / self.deviation), distance >= 0)
        result: Floats = (self.weight * below).sum(1)
        return result

    def quantile(self, ratio: float) -> Floats:
        """The effect below which the true one is with that probability, shape (effects,); found by halving."""
        low: Floats = (self.mean - 8 * self.deviation).min(1)
        high: Floats = (self.mean + 8 * self.deviation).max(1)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            is_below = self.probability_below(middle) < ratio
            low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
        return (low + high) / 2


def shrink(effects: Change) -> Shrunk:
    """All effects of one sort, drawn to 0 as far as they seem to be spread no wider than their errors.

    Empirical Bayes with a scale mixture of normal distributions around 0 whose weights are fitted to all effects together (Stephens,
    Biostatistics 2017). A posterior does not care why an effect was picked (Dawid 1994; Senn 2008): its interval holds for the
    largest one as for any, as far as the spread is told by the effects. Effects that are NaN stand for nothing; shape (effects,).
    """
    error = _normal_error(effects)
    seen = np.isfinite(error)
    spread = _SPREADS * float(np.min(error, initial=np.inf, where=seen)) if seen.any() else _SPREADS
    variance = spread**2
    estimate, square = np.where(seen, effects.value, 0.0)[:, None], np.where(seen, error, 1.0)[:, None] ** 2
    total = square + variance
    log_density = -0.5 * (np.log(total) + estimate**2 / total)
    density = np.exp(log_density - log_density.max(1, keepdims=True)) * seen[:, None]
    prior = _fitted(density[seen])
    weight = np.where(seen[:, None], density * prior, prior)
    known = np.where(seen[:, None], variance / total, 0.0)
    return Shrunk(weight / weight.sum(1, keepdims=True), known * estimate, np.where(seen[:, None], np.sqrt(known * square), spread))


def _fitted(density: Floats) -> Floats:
    """Weights of the spreads, shape (spreads,), by expectation and maximisation with a Dirichlet prior."""
    count = density.shape[1]
    weight = np.full(count, 1.0 / count)
    for _ in range(_ROUNDS if len(density) else 0):
        share = density * weight
        share /= share.sum(1, keepdims=True)
        weight = (share.sum(0) + _PRIOR_COUNT / count) / (len(density) + _PRIOR_COUNT)
    return weight


def _normal_error(effects: Change) -> Floats:
    """Errors with which a normal distribution's 90 % interval is as wide as Student's t makes it for the few degrees of freedom."""
    wider: Floats = effects.error * stdtrit(effects.degrees, 0.95) / ndtri(0.95)
    return wider
