"""Draws of all candidates' scores together, and what is counted in them: ranks, who is best, who gets what traffic."""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from scipy.special import ndtri

from services.analyzer.domain.arrays import Bools, Floats, Ints
from services.analyzer.domain.ranking.hierarchy import Posterior
from services.analyzer.domain.ranking.measures import SAME_CALLS_CORRELATION, TRAITS, RankedMetric, Scale, utility

# Enough that a probability is within 0.02 of the exact one (95 %), and 40 candidates are answered within the time of a request.
DRAW_COUNT: Final = 2_048
# Shares of the traffic need no more than a thousandth.
SHARE_DRAW_COUNT: Final = 1_024
_SEED = 20_260_101
# Draws are made for so many candidates more at a time, and kept: the next candidate finds its own.
_COLUMN_STEP = 64
INTERVAL_TAIL = 0.05
# Tails of rank intervals, towards the nearer end of the ranking and towards its middle. Estimates of the extreme are drawn to the middle,
# so that the end needs the longer reach, and there is hardly any room to get wider in. Of 25 evenly spread arms with 100 calls each,
# intervals with the same tail on both sides (2 %) miss the last in 9 % of the cases and are 14.1 wide on average; these miss each arm in
# 2.5 % at most and are 14.3 wide.
_RANK_TAIL_OUTWARD = 0.005
_RANK_TAIL_INWARD = 0.025
# Traffic follows who is best if there were this many times the evidence: plain Thompson sampling explores more than a choice between
# many similar candidates repays. Beliefs from elsewhere are not sharpened, so that who is new is tried. See docs/decisions/0008-ranking.md.
SHARPENING: Final = 12.0
# This share of the traffic goes to all alike. Nobody's is 0 then, without which logged data tell nothing of a candidate (positivity).
EXPLORED_RATIO: Final = 0.01
# A candidate that beats the first in so many draws cannot be told from it.
_TIED_PROBABILITY = 0.05


class Scores(NamedTuple):
    """What was counted in the draws; every field has shape (candidates,)."""

    low: Floats
    high: Floats
    probability_best: Floats
    probability_above_first: Floats
    rank_low: Ints
    rank_high: Ints
    suggested_ratio: Floats

    @property
    def is_tied(self) -> Bools:
        """Whether each candidate cannot be told from the first."""
        result: Bools = self.probability_above_first >= _TIED_PROBABILITY
        return result


class _Table(NamedTuple):
    own: Floats  # (metrics, draws, columns), standard normal
    shared: Floats  # (metrics, draws, 1)
    mixture: Floats  # (metrics, draws), evenly in 0..1


def score_draws(parts: list[tuple[RankedMetric, float, Posterior]], columns: Ints, draw_count: int = DRAW_COUNT) -> Floats:
    """Draws of the weighted utility, shape (draws, candidates), from each metric's weight and posterior; of the candidates at `columns`."""
    table = _table((int(columns.max()) // _COLUMN_STEP + 1) * _COLUMN_STEP)
    total = np.zeros((draw_count, len(columns)))
    is_run = len(columns) == columns[-1] - columns[0] + 1  # candidates one behind the other need not be picked out, which takes longer
    run = slice(int(columns[0]), int(columns[-1]) + 1)
    for metric, weight, posterior in parts:
        place = np.minimum(np.searchsorted(np.cumsum(posterior.weight), table.mixture[metric, :draw_count]), len(posterior.weight) - 1)
        own = table.own[metric, :draw_count]
        values = own[:, run].copy() if is_run else np.take(own, columns, axis=1)
        values *= np.take(np.sqrt(posterior.own_variance[:, columns]), place, axis=0)
        values += np.take(posterior.mean[:, columns], place, axis=0)
        values += np.take(posterior.shared_deviation[:, columns], place, axis=0) * table.shared[metric, :draw_count]
        total += weight * _worth(metric, values)
    return total


def _worth(metric: RankedMetric, values: Floats) -> Floats:
    """The utility of draws. They need no more than seven digits, and sines of so many take a thirtieth of the time."""
    if TRAITS[metric].scale is Scale.ARCSINE:
        values = values.astype(np.float32)
    return utility(metric, values)


def counted(draws: Floats, sharpened: Floats, expected: Floats) -> Scores:
    """Counts in draws of scores, shape (draws, candidates). `sharpened`: the same as if there were `SHARPENING` times the evidence.

    `expected`: expected scores, by which candidates are ranked.
    """
    tail = int(INTERVAL_TAIL * len(draws))
    ordered = np.sort(draws.astype(np.float32), axis=0)  # whole, and still sooner than parted in double precision
    first = draws[:, [int(expected.argmax())]]
    count = len(expected)
    rank_low, rank_high = _rank_interval(draws)
    return Scores(
        ordered[tail].astype(np.float64),
        ordered[len(draws) - 1 - tail].astype(np.float64),
        _best_ratio(draws),
        (draws >= first).mean(0),
        rank_low,
        rank_high,
        (1 - EXPLORED_RATIO) * _best_ratio(sharpened) + EXPLORED_RATIO / count,
    )


def _best_ratio(draws: Floats) -> Floats:
    ratio: Floats = np.bincount(draws.argmax(1), minlength=draws.shape[1]) / len(draws)
    return ratio


def _rank_interval(draws: Floats) -> tuple[Ints, Ints]:
    """First and last rank that each candidate may have, shape (candidates,)."""
    draw_count, count = draws.shape
    candidate_at = np.argsort(-draws.astype(np.float32), axis=1)
    place = candidate_at + count * np.arange(count)
    times = np.bincount(place.ravel(), minlength=count * count).reshape(count, count).T  # (candidates, ranks)
    below = np.cumsum(times, 1)
    is_lower_half = times @ np.arange(1, count + 1) > draw_count * (count + 1) / 2
    tail_low = np.where(is_lower_half, _RANK_TAIL_INWARD, _RANK_TAIL_OUTWARD) * draw_count
    tail_high = np.where(is_lower_half, _RANK_TAIL_OUTWARD, _RANK_TAIL_INWARD) * draw_count
    low = (below <= tail_low[:, None]).sum(1) + 1
    high = (below < draw_count - tail_high[:, None]).sum(1) + 1
    return low, high


def make_draws() -> None:
    """Makes the draws that questions on up to 64 candidates take, so that none has to wait for them."""
    _table(_COLUMN_STEP)


@lru_cache(maxsize=4)
def _table(column_count: int) -> _Table:
    """Standard normal draws, evenly spread in each column (Latin hypercube), correlated between metrics as errors of the same calls are.

    Each block of columns has a seed of its own, so that a candidate's draws stay the same when there are more candidates.
    """
    blocks = [np.random.default_rng((_SEED, block)) for block in range(column_count // _COLUMN_STEP)]
    own = np.concatenate([_normal(chance, (len(RankedMetric), DRAW_COUNT, _COLUMN_STEP)) for chance in blocks], axis=2)
    chance = np.random.default_rng(_SEED)
    shared = _normal(chance, (len(RankedMetric), DRAW_COUNT, 1))
    mixture = (chance.random((len(RankedMetric), DRAW_COUNT)).argsort(1) + 0.5) / DRAW_COUNT
    factor = np.linalg.cholesky(SAME_CALLS_CORRELATION)
    return _Table(np.tensordot(factor, own, 1), np.tensordot(factor, shared, 1), mixture)


def _normal(chance: np.random.Generator, shape: tuple[int, int, int]) -> Floats:
    result: Floats = ndtri((chance.random(shape).argsort(1) + 0.5) / DRAW_COUNT)
    return result
