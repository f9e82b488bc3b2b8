"""Means of few scores, drawn to the mean of those they belong with, as far as these resemble each other."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.analyzer.domain.ranking.hierarchy import Posterior, Prior, posterior

# How far cells of one parent, and parents, usually lie from each other: real models on one task have 0.07 to 0.12.
_TYPICAL_SPREAD = 0.12
# How far scores in one cell lie from each other where there are too few to tell: as if so many scores had had this deviation.
_TYPICAL_DEVIATION, _TYPICAL_COUNT = 0.2, 10.0
_LOW, _HIGH = 0.05, 0.95


@dataclass(frozen=True, slots=True)
class Cell:
    """Scores that are averaged, such as those of one provider and kind of task; `parent` is what they share, such as the provider.

    `mean_ratio` of `count` scores, at least 1, and their `deviation` from it (0 for one).
    """

    parent: str
    mean_ratio: float
    count: int
    deviation: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the mean of a cell's scores is in truth, 0..1, with the interval that holds it with 90 % probability."""

    value_ratio: float
    low_ratio: float
    high_ratio: float


def shrink(cells: Sequence[Cell]) -> list[Estimate]:
    """The estimate of each cell, in the same order: drawn to its parent's, and that to where all parents lie.

    The fewer scores there are, the further. Two normal hierarchical models, one above the other; `posterior` has the formulas.
    """
    if not cells:
        return []
    variance = _variance(cells)
    children: dict[str, list[int]] = defaultdict(list)
    for position, cell in enumerate(cells):
        children[cell.parent].append(position)
    counts = np.array([sum(cells[child].count for child in group) for group in children.values()], float)
    sums = np.array([sum(cells[child].mean_ratio * cells[child].count for child in group) for group in children.values()])
    parents = posterior(sums / counts, counts / variance, _prior(0.0, 0.0)).expected()
    # Parents lie as far from each other as cells do; of one alone nobody knows where others would lie.
    prior = _prior(float(parents.mean()), _TYPICAL_SPREAD**-2 if len(parents) > 1 else 0.0)
    result: list[Estimate | None] = [None] * len(cells)
    for group in children.values():
        values = np.array([cells[child].mean_ratio for child in group])
        precision = np.array([cells[child].count for child in group]) / variance
        estimates = _estimates(posterior(values, precision, prior))
        for child, estimate in zip(group, estimates, strict=True):
            result[child] = estimate
    return [estimate for estimate in result if estimate is not None]


def _variance(cells: Sequence[Cell]) -> float:
    """Variance of scores within a cell, pooled over all, with a little of what is usual."""
    within = sum((cell.count - 1) * cell.deviation**2 for cell in cells)
    freedom = sum(cell.count - 1 for cell in cells)
    return (within + _TYPICAL_COUNT * _TYPICAL_DEVIATION**2) / (freedom + _TYPICAL_COUNT)


def _prior(centre: float, centre_precision: float) -> Prior:
    none = np.zeros(1)
    return Prior(none, none, np.array(_TYPICAL_SPREAD), np.array(centre), np.array(centre_precision))


def _estimates(found: Posterior) -> list[Estimate]:
    bounds = (np.clip(each, 0.0, 1.0).tolist() for each in (found.expected(), found.quantile(_LOW), found.quantile(_HIGH)))
    return [Estimate(value, low, high) for value, low, high in zip(*bounds, strict=True)]
