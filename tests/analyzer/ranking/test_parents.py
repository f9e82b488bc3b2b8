"""What neighbours say of a cell that was not seen."""

import numpy as np
import pytest

from services.analyzer.domain.arrays import Floats
from services.analyzer.domain.ranking.evidence import Observed
from services.analyzer.domain.ranking.parents import Parents, learn_parents

CANDIDATES, TASKS = 12, 6
PROVIDERS = np.arange(CANDIDATES) % 3


def world(of_provider: float, of_candidate: float, of_cell: float, seed: int = 1) -> tuple[Floats, Floats]:
    """Offsets of candidates and values of cells, with kinds of task far apart."""
    chance = np.random.default_rng(seed)
    provider = np.linspace(-of_provider, of_provider, 3)[PROVIDERS]
    candidate = provider + chance.normal(0, of_candidate, CANDIDATES)
    cells = candidate[:, None] + chance.normal(0, of_cell, (CANDIDATES, TASKS)) + np.linspace(0, 10, TASKS)
    return candidate - candidate.mean(), cells


def learnt(value: Floats, precision: Floats) -> Parents:
    parents = learn_parents(Observed(value, precision, precision), PROVIDERS, 1.0)
    assert parents is not None
    return parents


def test_one_kind_of_task_says_nothing_of_others() -> None:
    precision = np.zeros((CANDIDATES, TASKS))
    precision[:, 0] = 100.0
    assert learn_parents(Observed(np.ones_like(precision), precision, precision), PROVIDERS, 1.0) is None


def test_a_cell_is_foretold_by_the_candidates_other_cells_and_not_by_itself() -> None:
    candidate, value = world(0.0, 1.0, 0.1)
    precision = np.full(value.shape, 1e4)
    parents = learnt(value, precision)
    assert parents.offset[:, 0] == pytest.approx(candidate, abs=0.25)
    moved = value.copy()
    moved[0, 0] += 3.0
    others = learnt(moved, precision)
    assert abs(others.offset[0, 0] - parents.offset[0, 0]) < 0.2 < others.offset[0, 1] - parents.offset[0, 1]


def test_candidates_that_got_the_hard_tasks_are_not_blamed_for_them() -> None:
    candidate, value = world(0.0, 1.0, 0.05, seed=2)
    precision = np.full(value.shape, 1e4)
    precision[:6, 4:] = precision[6:, :2] = 0.0
    parents = learnt(value, precision)
    assert np.corrcoef(parents.offset[:, -1], candidate)[0, 1] > 0.98


def test_a_new_model_is_like_its_provider_and_wider() -> None:
    _, value = world(2.0, 0.2, 0.1)
    parents = learnt(value, np.full(value.shape, 1e4))
    assert np.diff(parents.provider_offset) == pytest.approx([2.0, 2.0], abs=0.6)
    assert parents.provider_variance.min() > parents.variance.max()
    assert parents.unknown_variance > parents.provider_variance.max()


def test_what_differs_from_task_to_task_says_little_of_the_next() -> None:
    alike, unlike = (learnt(world(0.0, *spreads)[1], np.full((CANDIDATES, TASKS), 1e4)) for spreads in ((1.0, 0.1), (0.1, 1.0)))
    assert alike.spread < 0.3 < unlike.spread
    assert np.abs(unlike.offset).max() < np.abs(alike.offset).max()


def test_a_new_kind_of_task_lies_about_where_the_others_do() -> None:
    _, value = world(0.0, 0.5, 0.1)
    parents = learnt(value, np.full(value.shape, 1e4))
    assert parents.centre[-1] == pytest.approx(value.mean(), abs=0.3)
    assert parents.centre_precision[-1] == pytest.approx(1 / np.var(value.mean(0), ddof=1), rel=0.2)
    two = np.zeros(value.shape)
    two[:, :2] = 1e4
    assert not learnt(value, two).centre_precision.any()
