"""Facts that are planted into simulated histories, as large as the report's own estimates make them hard to see."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np

from bench.reports_world import World, history
from services.reporter.domain.grid import PERIOD
from services.reporter.domain.insights.behaviour import errors, latency, revisions
from services.reporter.domain.insights.caching import cache
from services.reporter.domain.insights.finding import Finding
from services.reporter.domain.insights.growth import mix, price, volume
from services.reporter.domain.insights.moves import Comparison, compared_models, model_pairs
from services.reporter.domain.insights.prompts import tokens
from services.reporter.domain.insights.scene import Derived, Scene, scene_of
from services.reporter.domain.measures import ACCEPTED, LATENCY, QUALITY, SUCCESS
from services.reporter.domain.period_data import SeriesKey, Sum
from services.reporter.domain.prices import model_of
from services.reporter.domain.report import InsightKind

_Part = TypeVar("_Part", bound=Hashable)
# Half of a 90 % interval by its error, for about forty degrees of freedom.
_HALF_WIDTHS = 1.684
# A planted fact is at least so many times the largest movement of the same history without it.
MOVEMENTS = 2.0


@dataclass(frozen=True)
class Quiet:
    """A history in which nothing is planted, and what the report makes of it."""

    world: World
    scene: Scene
    findings: dict[InsightKind, list[Finding]]
    largest_usd: float
    moves: Comparison

    def size_usd(self, kind: InsightKind, subject: str, errors_count: float, *, is_above_movements: bool) -> float:
        """So many standard errors of the estimator that would find it, in US dollars of the period."""
        found = next(each for each in self.findings[kind] if each.subject == subject)
        assert found.effect_usd is not None  # noqa: S101 - what is planted is about money
        error = (found.effect_usd[2] - found.effect_usd[1]) / 2 / _HALF_WIDTHS
        floor = MOVEMENTS * self.largest_usd if is_above_movements else 0.0
        return max(errors_count * abs(error), floor)


@dataclass(frozen=True)
class Planted:
    """A world with a fact in it, how the report should call it, and how much of the spend it moves."""

    world: World
    kind: InsightKind
    subject: str
    effect_ratio: float


Plant = Callable[[World, Quiet, float, bool], Planted]


def quiet(world: World) -> Quiet:
    """The history without anything planted."""
    scene = scene_of(history(world))
    findings: dict[InsightKind, list[Finding]] = {}
    for look in (volume, price, mix, tokens, cache, latency, errors, revisions):
        for each in look(scene):
            findings.setdefault(each.kind, []).append(each)
    largest = max(each.effect_ratio for every in findings.values() for each in every)
    return Quiet(world, scene, findings, largest * scene.spend_usd, compared_models(scene, list(model_pairs(scene))))


def price_rise(world: World, seen: Quiet, errors_count: float, is_above: bool) -> Planted:  # noqa: FBT001 - one shape for all plants
    """A model's tokens cost more in the last week."""
    spend = _spend_by(seen, model_of)
    dearest = sorted(spend, key=lambda each: -spend[each])
    provider, model = chosen_model = dearest[world.seed % 3]
    size = seen.size_usd(InsightKind.PRICE, f"{provider}/{model}", errors_count, is_above_movements=is_above)
    planted = world.copy()
    chosen = [key[:2] == (provider, model) for key in world.keys]
    planted.price[chosen, PERIOD] *= 1 + size / spend[chosen_model]
    return Planted(planted, InsightKind.PRICE, f"{provider}/{model}", size / seen.scene.spend_usd)


def mix_shift(world: World, seen: Quiet, errors_count: float, is_above: bool) -> Planted:  # noqa: FBT001 - as above
    """Calls of a kind of task move from its cheapest to its dearest model in the last week."""
    task = _task(world, 0)
    size = seen.size_usd(InsightKind.MIX, task, errors_count, is_above_movements=is_above)
    cost = world.cost_per_call()
    planted = world.copy()
    left = size
    for prompt in sorted({key.prompt_name for key in world.keys if key.task_type == task}):
        places = sorted((place for place, key in enumerate(world.keys) if key.prompt_name == prompt), key=lambda place: cost[place])
        dear = places[-1]
        for cheap in places[:-1]:
            weekly = left / (cost[dear] - cost[cheap]) / _WEEK_OF_CALLS
            moved = min(weekly, 0.9 * planted.volume[cheap, PERIOD])
            planted.volume[cheap, PERIOD] -= moved
            planted.volume[dear, PERIOD] += moved
            left -= moved * _WEEK_OF_CALLS * (cost[dear] - cost[cheap])
    return Planted(planted, InsightKind.MIX, task, size / seen.scene.spend_usd)


# Calls of a week by those of a plain day.
_WEEK_OF_CALLS: Final = 6.2


def dominated(world: World, seen: Quiet, errors_count: float, is_above: bool) -> Planted:  # noqa: FBT001 - as above
    """A model becomes another's like on a kind of task, in all weeks, but worse in everything by so many errors of each estimate."""
    task = _task(world, 1)
    pairs = [place for place, pair in enumerate(seen.moves.pairs) if pair.task == task]
    place = pairs[world.seed % len(pairs)]
    pair = seen.moves.pairs[place]
    planted = world.copy()
    cost = world.cost_per_call()
    saved = 0.0
    for dear, cheap in zip(pair.dear_cells, pair.cheap_cells, strict=True):
        target, model = world.keys.index(seen.scene.grid.cells[dear]), world.keys.index(seen.scene.grid.cells[cheap])
        spend = float(cost[target] * seen.scene.grid.of(Sum.CALLS)[pair.dear_cells].sum())
        floor = MOVEMENTS * seen.largest_usd / (spend * cost[model] / cost[target]) if is_above else 0.0
        growth = max(np.expm1(errors_count * seen.moves.raw_cost.error[place]), floor)
        scale = (1 + growth) * cost[model] / cost[target]
        saved += growth * cost[model] * float(seen.scene.grid.of(Sum.CALLS)[dear])
        planted.cached_ratio[target] = world.cached_ratio[target]
        planted.input_tokens[target] *= scale
        planted.output_tokens[target] *= scale
        worse = {measure: errors_count * float(change.error[place]) for measure, (change, _) in seen.moves.others.items()}
        planted.success[target] = world.success[model] - worse[SUCCESS]
        planted.accepted[target] = world.accepted[model] - worse[ACCEPTED]
        planted.quality[target] = world.quality[model] - worse[QUALITY]
        planted.latency_s[target] = world.latency_s[model] * np.exp(worse[LATENCY])
    return Planted(planted, InsightKind.DOMINATED_MODEL, f"{task}/{pair.dear.provider}/{pair.dear.model}", saved / seen.scene.spend_usd)


def wasteful_prompt(world: World, seen: Quiet, errors_count: float, is_above: bool) -> Planted:  # noqa: FBT001 - as above
    """A new version of a prompt comes with the last week, and takes more tokens for the same."""
    task = _task(world, 2)
    name = f"{task}-main"
    subject = f"{task}/{name}"
    kind = next(kind for kind in (InsightKind.TOKENS, InsightKind.WASTEFUL_PROMPT) if subject in _subjects(seen, kind))
    size = seen.size_usd(kind, subject, errors_count, is_above_movements=is_above)
    growth = 1 + size / _spend_by(seen, lambda key: key.prompt_name)[name]
    old = [place for place, key in enumerate(world.keys) if key.prompt_name == name]
    planted = world.copy()
    planted.keys += [world.keys[place]._replace(prompt_version="v2") for place in old]
    for field, value in list(vars(planted).items()):
        if isinstance(value, np.ndarray):
            setattr(planted, field, np.concatenate([value, value[old]]))
    new = np.arange(len(world.keys), len(planted.keys))
    planted.input_tokens[new] *= growth
    planted.output_tokens[new] *= growth
    planted.volume[new, :PERIOD] = 0.0
    planted.volume[old, PERIOD] = 0.0
    return Planted(planted, InsightKind.WASTEFUL_PROMPT, subject, size / seen.scene.spend_usd)


def lost_cache(world: World, seen: Quiet, errors_count: float, is_above: bool) -> Planted:  # noqa: FBT001 - as above
    """A model stops reading a kind of task's input from its cache, or reads less of it, in the last week."""
    tasks = _task(world, 3), _task(world, 4)
    grid = seen.scene.grid.grouped(lambda key: key[:3])
    worth = {cell: float(grid.sums[Derived.READ_WORTH, place, PERIOD].sum()) for place, cell in enumerate(grid.cells) if cell[2] in tasks}
    cell = max(worth, key=lambda each: worth[each])
    subject = "/".join(cell)
    size = seen.size_usd(InsightKind.CACHE, subject, errors_count, is_above_movements=is_above)
    planted = world.copy()
    chosen = [key[:3] == cell for key in world.keys]
    planted.cached_ratio[chosen, PERIOD] = np.maximum(planted.cached_ratio[chosen, PERIOD] - size / worth[cell], 0.0)
    return Planted(planted, InsightKind.CACHE, subject, size / seen.scene.spend_usd)


PLANTS: Final[dict[str, Plant]] = {
    "price rise": price_rise,
    "mix shift": mix_shift,
    "dominated model": dominated,
    "wasteful prompt": wasteful_prompt,
    "lost cache": lost_cache,
}


def _task(world: World, offset: int) -> str:
    """Another kind of task for each fact, so that all can be planted at once."""
    tasks = sorted({key.task_type for key in world.keys})
    return tasks[(world.seed + offset) % len(tasks)]


def _spend_by(seen: Quiet, part: Callable[[SeriesKey], _Part]) -> dict[_Part, float]:
    grid = seen.scene.grid.grouped(part)
    return dict(zip(grid.cells, grid.of(Sum.COST_USD).tolist(), strict=True))


def _subjects(seen: Quiet, kind: InsightKind) -> set[str]:
    return {each.subject for each in seen.findings.get(kind, [])}
