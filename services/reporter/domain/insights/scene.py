"""What all insights look at: sums by series, period and window, and what they would have cost otherwise."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple, TypeVar

import numpy as np

from services.reporter.domain.arrays import Floats
from services.reporter.domain.grid import PERIOD, PREVIOUS, Grid, grid_of
from services.reporter.domain.insights.finding import Advice, Finding
from services.reporter.domain.period_data import PeriodData, SeriesKey, Sum
from services.reporter.domain.prices import TOKEN_CLASSES, fitted_prices, model_of, token_classes
from services.reporter.domain.report import InsightKind
from services.reporter.domain.statistics import Change, Spread, change, dispersion, growth

_Cell = TypeVar("_Cell", bound=Hashable)

# Cells with fewer calls in either period are not looked at.
CALLS_MIN: Final = 20
PREVIOUS_ALONE: Final = slice(PREVIOUS, PERIOD)
USUAL: Final = slice(None, PREVIOUS)


class Derived(IntEnum):
    """Further rows of a grid's sums, US dollars at the prices of the previous period (of this one, where a model is new)."""

    PRICED = len(Sum)  # the tokens as they were
    AT_EARLIER_CACHE = PRICED + 1  # with as much read from the cache as the model read in the kind of task before
    AT_EARLIER_COST = PRICED + 2  # each call at what a call to its model cost in its kind of task before
    READ_WORTH = PRICED + 3  # what all input would cost less if it all were read from the cache


@dataclass(frozen=True)
class Scene:
    """The grid has the rows of `Sum` and of `Derived`. `spend_usd`: of the period, at least a tiny amount."""

    data: PeriodData
    grid: Grid[SeriesKey]
    spend_usd: float

    @property
    def is_comparable(self) -> bool:
        """Whether there is a previous period with calls."""
        return self.grid.block_count > 1 and bool(self.grid.of(Sum.CALLS, PREVIOUS).sum() > 0)

    @property
    def month_factor(self) -> float:
        """How many such periods a month of 30.4 days has."""
        return 30.4 * 86_400 / (self.data.end - self.data.start).total_seconds()


def scene_of(data: PeriodData) -> Scene:
    """Prepares what insights share."""
    grid = grid_of(data)
    spend = float(grid.of(Sum.COST_USD).sum())
    if not grid.cells:
        return Scene(data, grid, 1e-9)
    return Scene(data, Grid(grid.cells, np.concatenate([grid.sums, _derived(grid)])), max(spend, 1e-9))


def _derived(grid: Grid[SeriesKey]) -> Floats:
    then = PREVIOUS if grid.block_count > 1 else PERIOD
    prices = {**fitted_prices(grid, PERIOD), **fitted_prices(grid, then)}
    table = np.array([prices.get(model_of(key), np.zeros(TOKEN_CLASSES)) for key in grid.cells])
    priced = np.einsum("scbw,cs->cbw", token_classes(grid.sums), table)
    # Where no price could be told, calls cost what they cost: no change of price is seen, and tokens and cache stay together.
    priced = np.where((table.sum(1) > 0)[:, None, None], priced, grid.sums[Sum.COST_USD])
    worth = grid.sums[Sum.INPUT_TOKENS] * np.maximum(table[:, 0] - table[:, 1], 0.0)[:, None, None]
    read, input_tokens = grid.sums[Sum.CACHE_READ_TOKENS], grid.sums[Sum.INPUT_TOKENS]
    read_ratio = np.divide(read, input_tokens, out=np.zeros_like(read), where=input_tokens > 0)
    earlier_ratio = _earlier(grid, Sum.CACHE_READ_TOKENS, Sum.INPUT_TOKENS, then)
    earlier_ratio = earlier_ratio[:, None, None]
    at_cache = np.where(np.isfinite(earlier_ratio), priced + worth * (read_ratio - earlier_ratio), priced)
    per_call = _earlier(grid, Sum.COST_USD, Sum.CALLS, then)
    per_call = np.where(np.isfinite(per_call), per_call, _earlier(grid, Sum.COST_USD, Sum.CALLS, PERIOD))
    at_cost = grid.sums[Sum.CALLS] * np.nan_to_num(per_call)[:, None, None]
    return np.stack([priced, at_cache, at_cost, worth])


def _earlier(grid: Grid[SeriesKey], above: Sum, below: Sum, block: int) -> Floats:
    """A quotient of a block by model and kind of task, for each series, shape (cells,); NaN where there was nothing."""
    groups: dict[tuple[str, str, str], int] = {}
    place = np.array([groups.setdefault(key[:3], len(groups)) for key in grid.cells])
    over, under = (np.bincount(place, grid.of(which, block), minlength=len(groups)) for which in (above, below))
    result: Floats = np.divide(over, under, out=np.full(len(groups), np.nan), where=under > 0)[place]
    return result


def cells_to_tell(grid: Grid[_Cell], moved: Change) -> Iterator[tuple[int, _Cell]]:
    """The cells that can be compared: something changed that has a size, and there are calls enough in both periods."""
    calls = np.minimum(grid.of(Sum.CALLS), grid.of(Sum.CALLS, PREVIOUS))
    for place in np.flatnonzero(np.isfinite(moved.value) & (calls >= CALLS_MIN)).tolist():
        yield place, grid.cells[place]


class Of(NamedTuple):
    """What a finding is about, and what is said of it."""

    kind: InsightKind
    subject: str
    title: str
    text: str


def finding(scene: Scene, about: Of, change: tuple[Change, int], per_one_usd: float, advice: Advice | None = None) -> Finding:
    """A finding about money from a change, at one place, of the logarithm of something that cost so much before."""
    moved, place = change
    low, high = (float(end[place]) for end in moved.interval())
    effect = [per_one_usd * growth(each) for each in (float(moved.value[place]), low, high)]
    ratio = abs(effect[0]) / scene.spend_usd
    return Finding(*about, ratio, float(moved.p_value[place]), (effect[0], effect[1], effect[2]), advice)


def cost_per_call(grid: Grid[_Cell], block: int) -> Floats:
    """US dollars a call in a block, shape (cells,); 0 without calls."""
    calls = grid.of(Sum.CALLS, block)
    return np.divide(grid.of(Sum.COST_USD, block), calls, out=np.zeros(len(calls)), where=calls > 0)


def known_cost_per_call(grid: Grid[_Cell], block: int) -> Floats:
    """The same of calls whose cost is known: what later reports hold advice against."""
    calls = grid.of(Sum.CALLS, block) - grid.of(Sum.COST_UNKNOWN, block)
    return np.divide(grid.of(Sum.COST_USD, block), calls, out=np.zeros(len(calls)), where=calls > 0)


def compared(above: Floats, below: Floats, spread: Spread, *, is_relative: bool, against: slice = PREVIOUS_ALONE) -> Change:
    """From other blocks (the previous period) to this one, of numerators and denominators with shape (cells, blocks, windows)."""
    parts = [(each[:, PERIOD].sum(-1), each[:, against].sum((1, 2))) for each in (above, below)]
    return change(parts[0], parts[1], dispersion(above, below, spread), is_relative=is_relative)
