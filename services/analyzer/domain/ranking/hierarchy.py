"""Candidates estimated together: each is drawn to the others as far as they resemble each other, which is estimated, too."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from services.analyzer.domain.arrays import Floats

# Spreads that are tried, as multiples of the typical one, evenly by powers: enough that the sum is the integral to 1 %.
SPREAD_COUNT = 24
_SPREADS = np.geomspace(1 / 32, 16, SPREAD_COUNT)
# Spreads that are this much less probable than the best are left out where only one measure is looked at.
_WEIGHT_MIN = 1e-3
# Steps to a quantile; each doubles the digits that are right, and the first guess has one or two.
_NEWTON_STEPS = 4
_ROOT_TURN = np.sqrt(2 * np.pi)
# Abscissas and weights of an integral over a normal distribution.
_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(7)


class Prior(NamedTuple):
    """What is believed of candidates before their own evidence on this kind of task; all on the scale of the measure.

    `offset`, `variance`: shape (…, candidates), how far each lies from the common centre by what it (or its provider) does elsewhere, and
    how unsure that is. `spread`: shape (…), about how far candidates lie from what is believed so. `centre`, `centre_precision`: shape (…),
    where the kinds of task lie; precision 0 where nothing is known.
    """

    offset: Floats
    variance: Floats
    spread: Floats
    centre: Floats
    centre_precision: Floats


@dataclass(frozen=True, slots=True)
class Posterior:
    """A mixture over the spreads that are possible, each with its weight; shapes (…, spreads) and (…, spreads, candidates).

    Under spread g, candidate i is mean + √own · (a draw of its own) + shared · (one draw for all), draws being standard normal.
    """

    weight: Floats
    mean: Floats
    own_variance: Floats
    shared_deviation: Floats

    def expected(self) -> Floats:
        """Expected value of each candidate, shape (…, candidates)."""
        result: Floats = (self.weight[..., None] * self.mean).sum(-2)
        return result

    def deviation(self) -> Floats:
        """Standard deviation of each candidate, shape (…, candidates)."""
        second = (self.weight[..., None] * (self.total_variance() + self.mean**2)).sum(-2)
        result: Floats = np.sqrt(np.maximum(second - self.expected() ** 2, 0.0))
        return result

    def total_variance(self) -> Floats:
        """Variance of each candidate under each spread."""
        return self.own_variance + self.shared_deviation**2

    def nodes(self) -> tuple[Floats, Floats]:
        """Values, shape (…, spreads, candidates, nodes), and weights, (…, spreads, 1, nodes), by which anything can be averaged."""
        values = self.mean[..., None] + np.sqrt(self.total_variance())[..., None] * _NODES
        return values, self.weight[..., None, None] * (_NODE_WEIGHTS / _NODE_WEIGHTS.sum())

    def probability_below(self, bound: Floats) -> Floats:
        """Probability that each candidate is below its bound, shape (…, candidates) as the bound's."""
        deviation = np.sqrt(self.total_variance())
        result: Floats = (self.weight[..., None] * ndtr((bound[..., None, :] - self.mean) / deviation)).sum(-2)
        return result

    def quantile(self, ratio: float) -> Floats:
        """The value below which each candidate is with that probability, shape (…, candidates).

        The quantile of a mixture lies between those of its parts; it is found between them by Newton's steps.
        """
        deviation = np.sqrt(self.total_variance())
        parts = self.mean + deviation * ndtri(ratio)
        low, high = parts.min(-2), parts.max(-2)
        value: Floats = np.clip(self.expected() + self.deviation() * ndtri(ratio), low, high)
        for _ in range(_NEWTON_STEPS):
            distance = (value[..., None, :] - self.mean) / deviation
            below = (self.weight[..., None] * ndtr(distance)).sum(-2)
            density = (self.weight[..., None] * np.exp(-0.5 * distance**2) / deviation).sum(-2) / _ROOT_TURN
            value = np.clip(value - (below - ratio) / np.maximum(density, np.finfo(float).tiny), low, high)
        return value

    def likely(self) -> "Posterior":
        """The same without the spreads that hardly count. For a posterior of one measure alone: weights of shape (spreads,)."""
        kept = self.weight > _WEIGHT_MIN * self.weight.max()
        weight = self.weight[kept]
        return Posterior(weight / weight.sum(), self.mean[kept], self.own_variance[kept], self.shared_deviation[kept])


def posterior(value: Floats, precision: Floats, prior: Prior) -> Posterior:
    """What is known of all candidates, from an estimate of each and 1 / its variance (0: none), shape (…, candidates).

    Normal hierarchical model: candidate i ~ N(centre + offset_i, spread² + variance_i). The centre is integrated out exactly and the
    spread over a grid, so that the uncertainty of both is in the answer. The spread's prior is flat in its square up to about the typical
    one and falls as its fourth power from there: intervals then cover at few calls (Morris and Lysy, Statistical Science 2012), which they
    do not with a prior that is flat in the spread (83 to 87 % instead of 90 % at 20 calls).

    Since the estimates are normal with known variance, the slope of a candidate's expected value in its own estimate is the ratio of the
    two variances (Tweedie's formula), never negative: better evidence never lowers what is expected.
    """
    spread = prior.spread[..., None] * _SPREADS
    variance = spread[..., None] ** 2 + prior.variance[..., None, :]
    precisions = precision[..., None, :]
    distance = (value - prior.offset)[..., None, :]
    drawn = 1 / (1 + precisions * variance)
    weight = precisions * drawn
    known = prior.centre_precision[..., None]
    centre_variance = 1 / (weight.sum(-1) + known)
    centre = ((weight * distance).sum(-1) + known * prior.centre[..., None]) * centre_variance
    rest = distance - centre[..., None]
    log_weight = 0.5 * (np.log(np.where(weight > 0, weight, 1.0)) - weight * rest**2).sum(-1) + 0.5 * np.log(centre_variance)
    log_weight += -0.5 * known * (centre - prior.centre[..., None]) ** 2 - 2 * np.log1p(_SPREADS**2) + 2 * np.log(_SPREADS)
    mixture = np.exp(log_weight - log_weight.max(-1, keepdims=True))
    return Posterior(
        mixture / mixture.sum(-1, keepdims=True),
        prior.offset[..., None, :] + distance - drawn * rest,
        variance * drawn,
        drawn * np.sqrt(centre_variance)[..., None],
    )
