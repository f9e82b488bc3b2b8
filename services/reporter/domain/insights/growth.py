"""Why the spend is not what it was: volume, prices, mix of models. With tokens and cache their effects add up to the change."""

import numpy as np

from services.reporter.domain.grid import PERIOD, PREVIOUS
from services.reporter.domain.insights.finding import Finding
from services.reporter.domain.insights.scene import Derived, Of, Scene, cells_to_tell, compared, cost_per_call, finding
from services.reporter.domain.measures import Unit
from services.reporter.domain.period_data import Sum
from services.reporter.domain.prices import model_of
from services.reporter.domain.report import InsightKind
from services.reporter.domain.statistics import Spread
from services.reporter.domain.statistics import growth as grown_by
from services.reporter.domain.words import listed, more, text
from services.reporter.domain.words import moved as rose

# A shift of a model's share below this is not worth a word.
_SHIFT_MIN = 0.02
_SHIFTS_TOLD = 3


def volume(scene: Scene) -> list[Finding]:
    """More or fewer calls of a kind of task, at what a call of it cost before."""
    grid = scene.grid.grouped(lambda key: key.task_type)
    calls = grid.sums[Sum.CALLS]
    moved = compared(calls, np.ones_like(calls), Spread.PROPORTIONAL, is_relative=True)
    now, then, per_call = grid.of(Sum.CALLS), grid.of(Sum.CALLS, PREVIOUS), cost_per_call(grid, PREVIOUS)
    findings = []
    for place, task in cells_to_tell(grid, moved):
        growth = more(grown_by(moved.value[place]))
        words = f"{text(now[place], Unit.COUNT)} calls of {task} after {text(then[place], Unit.COUNT)} in the period before."
        about = Of(InsightKind.VOLUME, task, f"{growth} calls of {task}", words)
        findings.append(finding(scene, about, (moved, place), float(then[place] * per_call[place])))
    return findings


def price(scene: Scene) -> list[Finding]:
    """A model whose tokens cost more or less than before."""
    grid = scene.grid.grouped(model_of)
    moved = compared(grid.sums[Sum.COST_USD], grid.sums[Derived.PRICED], Spread.PROPORTIONAL, is_relative=True)
    priced = grid.sums[Derived.PRICED][:, PERIOD].sum(-1)
    findings = []
    for place, model in cells_to_tell(grid, moved):
        growth = grown_by(moved.value[place])
        words = f"The same tokens of {model.model} ({model.provider}) cost {more(growth)} than in the period before."
        about = Of(InsightKind.PRICE, "/".join(model), f"The price of {model.model} {rose(growth)}", words)
        findings.append(finding(scene, about, (moved, place), float(priced[place])))
    return findings


def mix(scene: Scene) -> list[Finding]:
    """A kind of task whose calls went to dearer or cheaper models than before."""
    grid = scene.grid.grouped(lambda key: key.task_type)
    moved = compared(grid.sums[Derived.AT_EARLIER_COST], grid.sums[Sum.CALLS], Spread.PROPORTIONAL, is_relative=True)
    base = grid.of(Sum.CALLS) * cost_per_call(grid, PREVIOUS)
    findings = []
    for place, task in cells_to_tell(grid, moved):
        growth = grown_by(moved.value[place])
        way = "dearer" if growth > 0 else "cheaper"
        words = f"{_shifts(scene, task)} By that alone a call of {task} costs {more(growth)}."
        about = Of(InsightKind.MIX, task, f"{task} moved to {way} models", words.strip())
        findings.append(finding(scene, about, (moved, place), float(base[place])))
    return findings


def _shifts(scene: Scene, task: str) -> str:
    """Which models gained or lost share of a kind of task, the greatest shift first; empty if none did by much."""
    places = [place for place, key in enumerate(scene.grid.cells) if key.task_type == task]
    grid = scene.grid.chosen(places).grouped(model_of)
    then, now = (grid.of(Sum.CALLS, block) / grid.of(Sum.CALLS, block).sum() for block in (PREVIOUS, PERIOD))
    order = np.argsort(-np.abs(now - then), kind="stable")[:_SHIFTS_TOLD].tolist()
    shifts = [
        f"{grid.cells[place].model} from {text(then[place], Unit.RATIO)} to {text(now[place], Unit.RATIO)}"
        for place in order
        if abs(now[place] - then[place]) >= _SHIFT_MIN
    ]
    return f"Shares of the calls: {listed(shifts)}." if shifts else ""
