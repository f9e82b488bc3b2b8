"""Input that is no longer read from the provider's cache (or is now), and what it costs."""

import numpy as np

from services.reporter.domain.arrays import Floats
from services.reporter.domain.grid import PERIOD, PREVIOUS
from services.reporter.domain.insights.finding import Advice, Finding
from services.reporter.domain.insights.scene import Derived, Scene, cells_to_tell, compared, known_cost_per_call
from services.reporter.domain.measures import CACHE_READ, Unit
from services.reporter.domain.period_data import Sum
from services.reporter.domain.report import InsightKind, RecommendationKind
from services.reporter.domain.shrinkage import Shrunk, shrink
from services.reporter.domain.statistics import SIGNIFICANCE, Change, Spread
from services.reporter.domain.words import points, text

# No cache saves more of a cost than this; an interval may reach beyond.
_MOST_OF_COST = -0.95


def cache(scene: Scene) -> list[Finding]:
    """A model that reads less or more of a kind of task's input from its cache than before."""
    grid = scene.grid.grouped(lambda key: key[:3])
    moved = compared(grid.sums[Sum.CACHE_READ_TOKENS], grid.sums[Sum.INPUT_TOKENS], Spread.BINOMIAL, is_relative=False)
    worth, cost = grid.sums[Derived.READ_WORTH][:, PERIOD].sum(-1), grid.of(Sum.COST_USD)
    now, then = CACHE_READ.of(grid, PERIOD), CACHE_READ.of(grid, PREVIOUS)
    relative = _as_cost(moved, worth / np.maximum(cost, 1e-12))
    shrunk = shrink(relative)
    findings = []
    for at, key in cells_to_tell(grid, relative):
        difference = float(moved.value[at])
        low, high = (float(end[at]) for end in moved.interval())
        effect = (-difference * worth[at], -high * worth[at], -low * worth[at])
        way = "less" if difference < 0 else "more"
        words = (
            f"{text(now[at], Unit.RATIO)} of the input of {key[1]} ({key[0]}) on {key[2]} came from the cache, after "
            f"{text(then[at], Unit.RATIO)} in the period before: {points(difference).text}."
        )
        is_lost = difference < 0 and moved.p_value[at] <= SIGNIFICANCE
        advice = _advice(scene, key, (shrunk, at), float(cost[at]), int(grid.of(Sum.CALLS)[at])) if is_lost else None
        findings.append(
            Finding(
                InsightKind.CACHE,
                "/".join(key),
                f"{key[2]} reads {way} from the cache of {key[1]}",
                words,
                abs(effect[0]) / scene.spend_usd,
                float(moved.p_value[at]),
                effect,
                advice,
            )
        )
    return findings


def _as_cost(moved: Change, worth_ratio: Floats) -> Change:
    """The change of a share that is read as the change of the cell's cost: −log(1 + …) of what would be saved, to first order."""
    scale = np.where(worth_ratio > 0, worth_ratio, np.nan)
    return Change(moved.value * scale, moved.error * scale, moved.degrees)


def _advice(scene: Scene, key: tuple[str, ...], belief: tuple[Shrunk, int], spend_usd: float, call_count: int) -> Advice:
    provider, model, task = key
    shrunk, at = belief
    kind_of_task = scene.grid.grouped(lambda cell: cell.task_type)
    place = kind_of_task.cells.index(task)
    logarithm, low, high = (float(np.log1p(max(each, _MOST_OF_COST))) for each in shrunk.belief(at))
    return Advice(
        RecommendationKind.RESTORE_CACHE,
        (provider, model, task),
        task,
        provider,
        model,
        f"Make {task} read from the cache of {model} again",
        "Look for what now changes at the beginning of the prompt (a date, an id, another order), or for pauses that outlast the cache.",
        "Nothing to undo: answers do not change.",
        spend_usd,
        logarithm,
        low,
        high,
        float(shrunk.at(at).probability_below(0.0)[0]),
        call_count,
        float(known_cost_per_call(kind_of_task, PERIOD)[place]),
        spend_usd / max(float(kind_of_task.of(Sum.COST_USD)[place]), 1e-12),
    )
