"""Weights fitted to what people said: which components foretell it, held against answers that the fit has not seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize

from services.analyzer.domain.arrays import Floats
from services.analyzer.domain.quality.reading import Component

# With fewer answers a fit says more about chance than about people.
EXAMPLES_MIN = 30
# Fewer answers with a component than these leave its weight where it is.
_EXAMPLES_OF_COMPONENT_MIN = 10
_FOLDS = 5
# How strongly weights are held to the present ones: moving one by a factor e costs as much as being wrong by 1 once in a hundred answers.
_HOLD = 0.01
# No weight changes by more than about e⁴ = 55 times: what counts for nothing today may count tomorrow.
_LOG_MOVE_MAX = 4.0
_OTHERS = tuple(component for component in Component if component is not Component.FEEDBACK)


@dataclass(frozen=True, slots=True)
class Example:
    """An answer with feedback: the scores of its other components, and what people said, all 0..1."""

    scores: Mapping[Component, float]
    feedback_ratio: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Proposed weights, and by how much (root mean square) each answer's score misses its feedback: present weights, and proposed ones on
    answers that they were not fitted to. Feedback's own weight stays as it is.
    """

    weights: Mapping[Component, float]
    present_error: float
    cross_validated_error: float
    example_count: int


def calibrate(examples: Sequence[Example], present: Mapping[Component, float]) -> Calibration | None:
    """Weights by which the other components foretell feedback best; None with fewer than EXAMPLES_MIN examples that have any of them.

    Each answer's score is the mean of the components it has, by weight, as in `score`. Every fifth answer is left out in turn and
    foretold by a fit to the others.
    """
    useful = [example for example in examples if any(component in example.scores for component in _OTHERS)]
    if len(useful) < EXAMPLES_MIN:
        return None
    parts = np.array([[example.scores.get(component, np.nan) for component in _OTHERS] for example in useful])
    told = np.array([example.feedback_ratio for example in useful])
    start = np.log([present[component] for component in _OTHERS])
    fold = np.arange(len(useful)) % _FOLDS
    missed = np.concatenate(
        [_foretold(_fitted(parts[fold != k], told[fold != k], start), parts[fold == k]) - told[fold == k] for k in range(_FOLDS)]
    )
    weights = np.exp(_fitted(parts, told, start))
    weights *= np.exp(start).sum() / weights.sum()
    return Calibration(
        weights={**dict(zip(_OTHERS, weights.tolist(), strict=True)), Component.FEEDBACK: present[Component.FEEDBACK]},
        present_error=_root_mean_square(_foretold(start, parts) - told),
        cross_validated_error=_root_mean_square(missed),
        example_count=len(useful),
    )


def _fitted(parts: Floats, told: Floats, start: Floats) -> Floats:
    """Logarithms of the weights with the least squared error, held to `start`."""
    free = np.isfinite(parts).sum(0) >= _EXAMPLES_OF_COMPONENT_MIN

    def cost(move: Floats) -> float:
        error = _foretold(start + move, parts) - told
        return float((error**2).mean() + _HOLD * (move**2).mean())

    bounds = [(-_LOG_MOVE_MAX, _LOG_MOVE_MAX) if is_free else (0.0, 0.0) for is_free in free]
    found: Any = minimize(cost, np.zeros(len(start)), method="L-BFGS-B", bounds=bounds)
    result: Floats = start + found.x
    return result


def _foretold(log_weights: Floats, parts: Floats) -> Floats:
    """The score of each answer, shape (answers,), from its parts, shape (answers, components), NaN where it has none."""
    weights = np.where(np.isfinite(parts), np.exp(log_weights), 0.0)
    result: Floats = (weights * np.nan_to_num(parts)).sum(1) / weights.sum(1)
    return result


def _root_mean_square(error: Floats) -> float:
    return float(np.sqrt((error**2).mean()))
