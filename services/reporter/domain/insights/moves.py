"""Models that another one beats or equals in everything on the same prompts, and what moving their calls there would save."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from services.reporter.domain.arrays import Floats
from services.reporter.domain.insights.finding import Advice, Finding
from services.reporter.domain.insights.scene import Scene
from services.reporter.domain.measures import ACCEPTED, COST_PER_CALL, LATENCY, QUALITY, SUCCESS, Measure
from services.reporter.domain.period_data import Sum
from services.reporter.domain.prices import Model
from services.reporter.domain.report import Estimate, InsightKind, RecommendationKind
from services.reporter.domain.shrinkage import Shrunk, shrink
from services.reporter.domain.statistics import Change, dispersion, growth
from services.reporter.domain.words import listed, more, ratio_estimate

# How much worse the other model may be and still count as no worse, on the measure's scale: points of ratios, logarithm of latency.
MARGINS: Final = {SUCCESS: 0.02, QUALITY: 0.03, ACCEPTED: 0.03, LATENCY: 0.15}
# With what probability each of them must hold.
SURE: Final = 0.9
# Costs are of this period alone, since prices change; what answers are like is taken from the last two.
_PERIODS_OF_OTHERS = 2
# Fewer calls of a model on a prompt are not compared; and what is compared must be a good part of what would be moved.
_CALLS_MIN = 5.0
_COMPARABLE_CALLS_MIN = 30.0
_COMPARABLE_RATIO_MIN = 0.5
# All pairs of so many models of a kind of task are looked at, those with the most calls.
MODELS_MAX: Final = 20


class Pair(NamedTuple):
    """Calls of `dear` that `cheap` could have served: cells of both on the same prompts and versions, shape (strata,)."""

    task: str
    dear: Model
    cheap: Model
    dear_cells: list[int]
    cheap_cells: list[int]


class _Column(NamedTuple):
    """A measure by cell: numerator, denominator and the variance of one unit of it."""

    above: Floats
    below: Floats
    variance: Floats
    degrees: Floats


@dataclass(frozen=True)
class Comparison:
    """All pairs compared: `cost`, and by measure how much better the cheap model is; `is_known`: shape (pairs,)."""

    pairs: list[Pair]
    raw_cost: Change
    cost: Shrunk
    others: dict[Measure, tuple[Change, Shrunk]]


def dominated_models(scene: Scene) -> list[Finding]:
    """A finding for each pair of models of a kind of task: with an effect where the move would pay, and without otherwise."""
    pairs = list(model_pairs(scene))
    if not pairs:
        return []
    compared = compared_models(scene, pairs)
    best: dict[tuple[str, Model], int] = {}
    value = compared.cost.value
    for place, pair in enumerate(pairs):
        if _is_no_worse(compared, place) and value[place] < value[best.get((pair.task, pair.dear), place)] + 1e-12:
            best[pair.task, pair.dear] = place
    return [
        _finding(scene, compared, place, is_told=best.get((pair.task, pair.dear)) == place and (pair.task, pair.cheap) not in best)
        for place, pair in enumerate(pairs)
    ]


def model_pairs(scene: Scene) -> Iterator[Pair]:
    """Pairs of models that served the same prompts; the one whose calls cost more comes first."""
    calls = scene.grid.of(Sum.CALLS) - scene.grid.of(Sum.COST_UNKNOWN)
    cost = scene.grid.of(Sum.COST_USD)
    tasks: dict[str, dict[Model, dict[tuple[str, str], int]]] = {}
    for place, key in enumerate(scene.grid.cells):
        if calls[place] >= _CALLS_MIN and cost[place] > 0:
            tasks.setdefault(key.task_type, {}).setdefault(Model(*key[:2]), {})[key[3:]] = place
    for task, models in tasks.items():
        most = sorted(models, key=lambda model: -calls[list(models[model].values())].sum())[:MODELS_MAX]
        for number, one in enumerate(most):
            for other in most[number + 1 :]:
                strata = sorted(models[one].keys() & models[other].keys())
                cells = [models[one][each] for each in strata], [models[other][each] for each in strata]
                if not strata or min(calls[cells[0]].sum(), calls[cells[1]].sum()) < _COMPARABLE_CALLS_MIN:
                    continue
                weight = 1 / (1 / calls[cells[0]] + 1 / calls[cells[1]])
                price = [float((weight * cost[each] / calls[each]).sum()) for each in cells]
                pair = Pair(task, one, other, *cells) if price[0] >= price[1] else Pair(task, other, one, cells[1], cells[0])
                all_calls = calls[list(models[pair.dear].values())].sum()
                if calls[pair.dear_cells].sum() >= _COMPARABLE_RATIO_MIN * all_calls:
                    yield pair


def compared_models(scene: Scene, pairs: list[Pair]) -> Comparison:
    """What is known of each pair: their costs, and how the cheap model's answers differ from the dear one's."""
    calls = scene.grid.of(Sum.CALLS)
    raw = _differences(_column(scene, COST_PER_CALL, 1), pairs, calls, is_relative=True)
    others = {}
    for measure in MARGINS:
        moved = _differences(_column(scene, measure, _PERIODS_OF_OTHERS), pairs, calls, is_relative=False)
        others[measure] = (moved, shrink(moved))
    return Comparison(pairs, raw, shrink(raw), others)


def _column(scene: Scene, measure: Measure, block_count: int) -> _Column:
    above, below = measure.parts(scene.grid.sums)
    spread = dispersion(above, below, measure.spread)
    return _Column(above[:, -block_count:].sum((1, 2)), below[:, -block_count:].sum((1, 2)), spread.variance, spread.degrees)


def _differences(column: _Column, pairs: list[Pair], calls: Floats, *, is_relative: bool) -> Change:
    """What calls of the dear model would have been at the cheap one, less what they were, each prompt weighted by the dear one's calls."""
    rows = [_difference(column, pair, calls, is_relative=is_relative) for pair in pairs]
    value, error, degrees = np.array(rows).T
    return Change(value, error, degrees)


def _difference(column: _Column, pair: Pair, calls: Floats, *, is_relative: bool) -> tuple[float, float, float]:
    cells = np.array([pair.cheap_cells, pair.dear_cells])
    known = (column.below[cells] > 0).all(0)
    if not known.any() or not column.above[cells].any():  # no task was ever accepted: nobody says so
        return math.nan, math.nan, 1.0
    cells = cells[:, known]
    weight = calls[cells[1]] / calls[cells[1]].sum()
    mean = (weight * column.above[cells] / column.below[cells]).sum(1)
    variance = (weight**2 * column.variance[cells] / column.below[cells]).sum(1)
    degrees = float(np.average(column.degrees[cells].min(0), weights=weight))
    if not is_relative:
        return float(mean[0] - mean[1]), float(np.sqrt(variance.sum())), degrees
    return float(np.log(mean[0] / mean[1])), float(np.sqrt((variance / mean**2).sum())), degrees


def _no_worse(compared: Comparison, place: int) -> dict[Measure, float]:
    """Probability, by measure that both models have evidence of, that the cheap one is no worse by more than the margin."""
    told = {}
    for measure, (moved, belief) in compared.others.items():
        if np.isfinite(moved.value[place]):
            margin = MARGINS[measure]
            below = belief.at(place).probability_below(margin if measure is LATENCY else -margin)[0]
            told[measure] = float(below if measure is LATENCY else 1 - below)
    return told


def _is_no_worse(compared: Comparison, place: int) -> bool:
    """Whether all that is known says so, and it is known how good the answers are."""
    told = _no_worse(compared, place)
    return bool({QUALITY, ACCEPTED} & told.keys()) and min(told.values()) >= SURE and compared.cost.value[place] < 0


def _finding(scene: Scene, compared: Comparison, place: int, *, is_told: bool) -> Finding:
    pair = compared.pairs[place]
    subject = f"{pair.task}/{pair.dear.provider}/{pair.dear.model}"
    p_value = float(compared.raw_cost.p_value[place])
    if not is_told:
        return Finding(InsightKind.DOMINATED_MODEL, subject, "", "", 0.0, p_value)
    spend = float(scene.grid.of(Sum.COST_USD)[pair.dear_cells].sum())
    belief = compared.cost.belief(place)
    saved = tuple(-spend * growth(each) for each in (belief[0], belief[2], belief[1]))
    no_worse = _no_worse(compared, place)
    title = f"{pair.cheap.model} does {pair.task} as well as {pair.dear.model}, for {more(growth(belief[0]))}"
    names = listed([measure.words for measure in no_worse])
    words = (
        f"On the same prompts {pair.cheap.model} ({pair.cheap.provider}) costs {more(growth(belief[0]))} a call than "
        f"{pair.dear.model} ({pair.dear.provider}), and is no worse in {names}."
    )
    advice = _advice(scene, compared, place, belief, spend)
    ratio = max(saved[0], 0.0) / scene.spend_usd
    return Finding(InsightKind.DOMINATED_MODEL, subject, title, words, ratio, p_value, (saved[0], saved[1], saved[2]), advice)


def _advice(scene: Scene, compared: Comparison, place: int, belief: tuple[float, float, float], spend_usd: float) -> Advice:
    pair = compared.pairs[place]
    calls, cost = scene.grid.of(Sum.CALLS), scene.grid.of(Sum.COST_USD)
    of_task = [number for number, key in enumerate(scene.grid.cells) if key.task_type == pair.task]
    compared_calls = int(calls[pair.dear_cells].sum() + calls[pair.cheap_cells].sum())
    sure = min(*_no_worse(compared, place).values(), float(compared.cost.at(place).probability_below(0.0)[0]))
    return Advice(
        RecommendationKind.MOVE_MODEL,
        (pair.task, *pair.dear, *pair.cheap),
        pair.task,
        pair.cheap.provider,
        pair.cheap.model,
        f"Move {pair.task} from {pair.dear.model} to {pair.cheap.model}",
        "Prompt by prompt and version by version, what calls of the one model cost and were worth is held against the other's. That they "
        "were given alike tasks is assumed: where callers kept the hard ones for one model, the estimate is off by that.",
        f"Route {pair.task} back to {pair.dear.model} ({pair.dear.provider}).",
        spend_usd,
        *belief,
        sure,
        compared_calls,
        float(cost[of_task].sum() / max((calls - scene.grid.of(Sum.COST_UNKNOWN))[of_task].sum(), 1.0)),
        spend_usd / max(float(cost[of_task].sum()), 1e-12),
        tuple(_effects(compared, place)),
    )


def _effects(compared: Comparison, place: int) -> Iterator[tuple[str, Estimate]]:
    cost = [growth(each) for each in compared.cost.belief(place)]
    yield COST_PER_CALL.words, ratio_estimate(cost[0], cost[1], cost[2], is_points=False)
    for measure, (moved, belief) in compared.others.items():
        if not np.isfinite(moved.value[place]):
            continue
        value, low, high = belief.belief(place)
        if measure is LATENCY:
            value, low, high = (growth(each) for each in (value, low, high))
        yield measure.words, ratio_estimate(value, low, high, is_points=measure is not LATENCY)
