"""All that a report's tables hold against earlier periods, judged together: what is significant among so many."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from services.reporter.domain.arrays import Floats
from services.reporter.domain.grid import PERIOD, Grid
from services.reporter.domain.insights.scene import CALLS_MIN, PREVIOUS_ALONE, USUAL, Scene, compared
from services.reporter.domain.measures import BY_PROVIDER_AND_TASK, OVERALL, Direction, Measure
from services.reporter.domain.period_data import Sum
from services.reporter.domain.report import Mark
from services.reporter.domain.statistics import is_significant

Cell = tuple[str, str]
WHOLE: Final[Cell] = ("", "")


@dataclass(frozen=True)
class Comparison:
    """A measure of a provider on a kind of task (`WHOLE`: of everything) now, before, and usually; NaN: unknown."""

    cell: Cell
    measure: Measure
    now: float
    previous: float
    usual: float
    previous_mark: Mark
    usual_mark: Mark


@dataclass(frozen=True)
class _Tested:
    cell: Cell
    measure: Measure
    values: tuple[float, float, float]
    changes: tuple[float, float]
    p_values: tuple[float, float]


def comparisons(scene: Scene) -> tuple[Comparison, ...]:
    """Everything first, then each provider on each kind of task by falling spend, each by measure; what nobody has is left out."""
    if not scene.grid.cells:
        return ()
    whole: Grid[Cell] = scene.grid.grouped(lambda _: WHOLE)
    parts: Grid[Cell] = scene.grid.grouped(lambda key: (key.provider, key.task_type))
    order = np.argsort(-parts.of(Sum.COST_USD), kind="stable")
    tested = [each for measure in OVERALL for each in _tested(whole, measure)]
    found = [_tested(parts, measure) for measure in BY_PROVIDER_AND_TASK]
    tested += [column[place] for place in order.tolist() for column in found]
    holds = is_significant(np.array([p for each in tested for p in each.p_values])).reshape(-1, 2)
    return tuple(
        Comparison(each.cell, each.measure, *each.values, *(_mark(each, which, holds[place, which]) for which in (0, 1)))
        for place, each in enumerate(tested)
        if not np.isnan(each.values).all()
    )


def _mark(tested: _Tested, which: int, holds: np.bool_) -> Mark:
    if not holds:
        return Mark.NONE
    good = tested.measure.good
    if good is Direction.NEITHER:
        return Mark.CHANGED
    return Mark.BETTER if (tested.changes[which] > 0) == (good is Direction.MORE) else Mark.WORSE


def _tested(grid: Grid[Cell], measure: Measure) -> list[_Tested]:
    """One of each cell, in the grid's order."""
    previous = _against(grid, measure, PREVIOUS_ALONE, 1)
    usual = _against(grid, measure, USUAL, 2)
    now = measure.of(grid, PERIOD)
    if not measure.below:
        now = measure.parts(grid.sums)[0][:, PERIOD].sum(-1)
    return [
        _Tested(
            cell,
            measure,
            (float(now[place]), float(previous[0][place]), float(usual[0][place])),
            (float(previous[1][place]), float(usual[1][place])),
            (float(previous[2][place]), float(usual[2][place])),
        )
        for place, cell in enumerate(grid.cells)
    ]


def _against(grid: Grid[Cell], measure: Measure, blocks: slice, blocks_before: int) -> tuple[Floats, Floats, Floats]:
    """Value in other blocks (of a total: the mean of the blocks), change to the period, and its p value; shape (cells,)."""
    above, below = measure.parts(grid.sums)
    count = len(grid.cells)
    if grid.block_count <= blocks_before:
        return np.full(count, np.nan), np.full(count, np.nan), np.ones(count)
    summed = grid.sums[:, :, blocks].sum((2, 3))
    value = measure.value(summed) if measure.below else above[:, blocks].sum(-1).mean(1)
    moved = compared(above, below, measure.spread, is_relative=not (measure.is_difference or measure.is_logarithm), against=blocks)
    enough = (grid.of(Sum.CALLS) >= CALLS_MIN) & (summed[Sum.CALLS] >= CALLS_MIN)
    return value, moved.value, np.where(enough, moved.p_value, 1.0)
