"""What is believed of a candidate on a kind of task before it is seen there: by its other kinds, and by its provider's others."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from services.analyzer.domain.arrays import Bools, Floats, Ints
from services.analyzer.domain.ranking.evidence import Observed

# Spreads that are tried for cells, candidates and providers, as multiples of the typical one. Coarse: what they decide is itself only a
# belief.
_SPREADS = np.geomspace(0.05, 4.0, 6)
_LOG_PRIOR = 2 * np.log(_SPREADS) - 2 * np.log1p(_SPREADS**2)
# Combinations of spreads that are this much less probable than the best are left out.
_WEIGHT_MIN = 1e-3
# Rounds of estimating kinds of task and candidates in turn.
_ROUNDS = 8
# So many kinds of task say where another one may lie; with fewer, its own candidates say it alone.
_TASK_TYPES_MIN = 3


@dataclass(frozen=True, slots=True)
class Parents:
    """Beliefs on one measure, on its scale, each without what was seen of the very cell it is about.

    `offset`, `variance`: shape (candidates, task types + 1), how far a candidate lies from the centre of a kind of task; the last column
    is for a kind that nobody has seen, here as below. `provider_offset`, `provider_variance`: shape (providers,), the same of a new model;
    `unknown_variance`: of a model of a new provider. `spread`: how far cells lie from all that. `centre`, `centre_precision`: shape (task
    types + 1,), where kinds of task lie by the other ones.
    """

    offset: Floats
    variance: Floats
    provider_offset: Floats
    provider_variance: Floats
    unknown_variance: float
    spread: float
    centre: Floats
    centre_precision: Floats


class _Sums(NamedTuple):
    """Evidence level by level: precision, and precision times value; by the spreads of cells, and of candidates where they matter."""

    cell: tuple[Floats, Floats]  # (spreads, candidates, task types)
    candidate: tuple[Floats, Floats]  # (spreads, candidates)
    candidate_mean: tuple[Floats, Floats]  # (spreads, spreads, candidates): of the candidate's mean around its provider's
    provider: tuple[Floats, Floats]  # (spreads, spreads, providers)


class _Likely(NamedTuple):
    """The combinations of spreads that are worth looking at: their weights, places in the grid, and variances."""

    weight: Floats
    cell: Ints
    candidate: Ints
    candidate_variance: Floats
    provider_variance: Floats


def learn_parents(seen: Observed, providers: Ints, typical_spread: float) -> Parents | None:
    """Beliefs from all cells of a project, shape (candidates, task types); `providers` numbers each candidate's.

    None where there is evidence on fewer than two kinds of task: what a candidate does elsewhere is then not known of any.

    Nested normal model: cell = task type + provider + candidate + its own, the last three random with a spread of each. The spreads
    are integrated out over a grid. Task types are estimated by turns with candidates: who gets the hard tasks is not blamed for them.
    """
    seen = Observed(*(np.pad(each, ((0, 0), (0, 1))) for each in seen))
    is_seen_task: Bools = np.any(seen.precision > 0, axis=0)
    if is_seen_task.sum() < 2:
        return None
    centre = _task_types(seen, typical_spread)
    rest = np.where(seen.precision > 0, seen.value - centre, 0.0)
    variances = (typical_spread * _SPREADS) ** 2
    sums = _summed(rest, seen.precision, providers, variances)
    likely = _likely(rest, sums, variances)
    offset, variance = _without_own_cell(sums, likely, providers)
    provider_offset, provider_variance = _new_models(sums, likely)
    centres, centre_precision = _other_centres(centre, is_seen_task, typical_spread)
    return Parents(
        offset,
        variance,
        provider_offset,
        provider_variance,
        float(likely.weight @ (likely.candidate_variance + likely.provider_variance)),
        float(np.sqrt(likely.weight @ variances[likely.cell])),
        centres,
        centre_precision,
    )


def _task_types(seen: Observed, typical_spread: float) -> Floats:
    """Where each kind of task lies, shape (task types,); 0 where nothing was seen."""
    weight = seen.precision / (1 + seen.precision * typical_spread**2)
    per_task = np.maximum(weight.sum(0), np.finfo(float).tiny)
    candidate, task = np.zeros((len(weight), 1)), np.zeros(weight.shape[1])
    for _ in range(_ROUNDS):
        task = (weight * (seen.value - candidate)).sum(0) / per_task
        candidate = (weight * (seen.value - task)).sum(1, keepdims=True) / (weight.sum(1, keepdims=True) + typical_spread**-2)
    return task


def _summed(rest: Floats, precision: Floats, providers: Ints, variances: Floats) -> _Sums:
    cell = precision / (1 + precision * variances[:, None, None])
    of_cell = cell * rest
    candidate, of_candidate = cell.sum(-1), of_cell.sum(-1)
    drawn = 1 / (1 + candidate[:, None, :] * variances[:, None])
    mean, of_mean = candidate[:, None, :] * drawn, of_candidate[:, None, :] * drawn
    members = (providers[:, None] == np.arange(providers.max() + 1)).astype(float)
    return _Sums((cell, of_cell), (candidate, of_candidate), (mean, of_mean), (mean @ members, of_mean @ members))


def _likely(rest: Floats, sums: _Sums, variances: Floats) -> _Likely:
    """Weighs each combination of spreads by its marginal likelihood and prior."""
    cell = 0.5 * (_log(sums.cell[0]) - sums.cell[0] * rest**2).sum((-1, -2))
    by_candidate = cell + _mean_free(*sums.candidate)
    by_provider = by_candidate[:, None] + _around_zero(*sums.candidate_mean) + _mean_free(*sums.provider)
    drawn = 1 / (1 + sums.provider[0][:, :, None, :] * variances[:, None])
    last = _around_zero(sums.provider[0][:, :, None, :] * drawn, sums.provider[1][:, :, None, :] * drawn)
    prior = _LOG_PRIOR[:, None, None] + _LOG_PRIOR[:, None] + _LOG_PRIOR
    log_weight = by_provider[..., None] + last + prior
    weight = np.exp(log_weight - log_weight.max())
    places = np.nonzero(weight > _WEIGHT_MIN)
    chosen = weight[places]
    return _Likely(chosen / chosen.sum(), places[0], places[1], variances[places[1]], variances[places[2]])


def _log(precision: Floats) -> Floats:
    return np.log(np.where(precision > 0, precision, 1.0))


def _square(precision: Floats, weighted: Floats) -> Floats:
    """Precision times the square of the mean."""
    return np.divide(weighted**2, precision, out=np.zeros_like(weighted), where=precision > 0)


def _mean_free(precision: Floats, weighted: Floats) -> Floats:
    """What a mean that is free adds to the logarithm of the likelihood of its parts."""
    result: Floats = 0.5 * (_square(precision, weighted) - _log(precision)).sum(-1)
    return result


def _around_zero(precision: Floats, weighted: Floats) -> Floats:
    """Logarithm of the likelihood of means that lie around 0."""
    result: Floats = 0.5 * (_log(precision) - _square(precision, weighted)).sum(-1)
    return result


def _without_own_cell(sums: _Sums, likely: _Likely, providers: Ints) -> tuple[Floats, Floats]:
    """Belief on each cell from the candidate's other cells and its provider's other candidates."""
    others, of_others = (total[likely.cell][..., None] - part[likely.cell] for total, part in zip(sums.candidate, sums.cell, strict=True))
    siblings, of_siblings = (
        total[likely.cell, likely.candidate][:, providers] - part[likely.cell, likely.candidate]
        for total, part in zip(sums.provider, sums.candidate_mean, strict=True)
    )
    provider_variance = 1 / (siblings + 1 / likely.provider_variance[:, None])
    before = 1 / (likely.candidate_variance[:, None] + provider_variance)[..., None]
    precision = before + np.maximum(others, 0.0)
    mean = (before * (of_siblings * provider_variance)[..., None] + of_others) / precision
    return _mixed(likely.weight, mean, 1 / precision)


def _new_models(sums: _Sums, likely: _Likely) -> tuple[Floats, Floats]:
    """Belief on a model of each provider that has not been seen anywhere."""
    precision, weighted = (each[likely.cell, likely.candidate] for each in sums.provider)
    variance = 1 / (precision + 1 / likely.provider_variance[:, None])
    return _mixed(likely.weight, weighted * variance, variance + likely.candidate_variance[:, None])


def _mixed(weight: Floats, mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of a mixture over the first axis."""
    expected = np.tensordot(weight, mean, 1)
    return expected, np.tensordot(weight, variance + (mean - expected) ** 2, 1)


def _other_centres(centre: Floats, is_seen: Bools, typical_spread: float) -> tuple[Floats, Floats]:
    """Where each kind of task may lie by the others; precision 0 where too few say so."""
    count = is_seen.sum() - is_seen
    values = np.where(is_seen, centre, 0.0)
    mean = (values.sum() - values) / np.maximum(count, 1)
    variance = np.maximum(np.var(centre[is_seen], ddof=1), (typical_spread * _SPREADS[0]) ** 2) * (1 + 1 / np.maximum(count, 1))
    return mean, np.where(count >= _TASK_TYPES_MIN, 1 / variance, 0.0)
