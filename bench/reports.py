"""Whether reports tell the truth, in simulated histories where it is known, and what making one takes."""

import os
import time
import tracemalloc
from dataclasses import dataclass, replace

import numpy as np

from bench import reports_making
from bench.figures import Figure, Report
from bench.reports_plants import PLANTS, Planted, quiet
from bench.reports_world import World, history, quiet_world
from services.reporter.domain.build import build, held_findings
from services.reporter.domain.insights.finding import EFFECT_MIN, Advice, Judged
from services.reporter.domain.insights.moves import compared_models, model_pairs
from services.reporter.domain.insights.scene import Derived, Scene, scene_of
from services.reporter.domain.period_data import PeriodData, SeriesKey, Sum, Table
from services.reporter.domain.recommendations import recommended
from services.reporter.domain.report import RecommendationKind
from services.reporter.render.mail import mail
from services.reporter.render.page import html

AREA = "reports"
SEEDS_SETTING = "ASSAY_BENCH_REPORT_SEEDS"
SEEDS = 100
STANDARD_ERRORS = 7.0
CURVE = (4.0, 5.0, 6.0)
FIRST, FIRST_OF_ALL = 3, 6
# Spreads of true effects, as a share of the cost: so that what is issued is picked by luck as much as by merit, and less so.
EFFECT_SPREADS = (0.06, 0.1, 0.15)
MAIL_BYTES_MAX = 1_000_000
SERIES, CALLS = 300, 5_000_000


async def run(report: Report) -> None:
    """Some four minutes on one core with 100 seeds; seeds are fixed, so that the figures are the same every time, but for those of time."""
    seeds = int(os.environ.get(SEEDS_SETTING, str(SEEDS)))
    _speed(report)
    await reports_making.run(AREA, report)
    _found(report, seeds)
    _curve(report, max(seeds // 4, 1))
    _nothing_planted(report, 2 * seeds)
    _intervals(report, max(seeds // 2, 1))


def _found(report: Report, seeds: int) -> None:
    """Each fact alone, and all at once."""
    found = dict.fromkeys(PLANTS, 0)
    together = 0
    for seed in range(seeds):
        seen = quiet(quiet_world(seed))
        planted = []
        world = seen.world
        for name, plant in PLANTS.items():
            alone = plant(seen.world, seen, STANDARD_ERRORS, True)  # noqa: FBT003 - one shape for all plants
            found[name] += _is_among(_held(alone.world), alone, FIRST)
            planted.append(plant(world, seen, STANDARD_ERRORS, True))  # noqa: FBT003 - as above
            world = planted[-1].world
        held = _held(world)
        together += all(_is_among(held, each, FIRST_OF_ALL) for each in planted)
    for name, count in found.items():
        report(
            Figure(
                AREA, f"{name} of {STANDARD_ERRORS:g} errors is among the first {FIRST} ({seeds} seeds)", count / seeds, "", 0.95, "higher"
            )
        )
    report(Figure(AREA, f"all five at once are among the first {FIRST_OF_ALL} ({seeds} seeds)", together / seeds, "", 0.95, "higher"))


def _curve(report: Report, seeds: int) -> None:
    """The same with less to see, however much else moves."""
    for size in CURVE:
        outcomes = []
        for seed in range(seeds):
            seen = quiet(quiet_world(seed))
            for plant in PLANTS.values():
                alone = plant(seen.world, seen, size, False)  # noqa: FBT003 - as above
                outcomes.append((_is_among(_held(alone.world), alone, FIRST), alone.effect_ratio >= EFFECT_MIN))
        found, matters = np.array(outcomes).T
        told = f"facts of {size:g} errors are among the first {FIRST}"
        report(Figure(AREA, told, float(found.mean()), "", None, "higher"))
        report(Figure(AREA, f"… of those that move {EFFECT_MIN:.0%} of the spend", float(found[matters].mean()), "", None, "higher"))


def _nothing_planted(report: Report, seeds: int) -> None:
    """Histories in which every model is worth its price, and such in which all are alike."""
    advised = told = 0
    for seed in range(10_000, 10_000 + seeds):
        for spread in (0.0, 1e-9):
            scene = scene_of(history(quiet_world(seed, spread)))
            held = held_findings(scene)
            told += bool(held)
            advised += bool(recommended(scene, held))
    report(Figure(AREA, f"recommendations where there is nothing ({2 * seeds} histories)", advised / seeds / 2, "", 0.05, "lower"))
    report(Figure(AREA, "insights where there is nothing", told / seeds / 2, "", None, "lower"))


@dataclass
class _Counted:
    issued: int = 0
    covered: int = 0
    plain_issued: int = 0
    plain_covered: int = 0


def _intervals(report: Report, seeds: int) -> None:
    """Histories with many true effects of all sizes: what is recommended is what looked largest."""
    counted = {spread: _Counted() for spread in EFFECT_SPREADS}
    for spread, count in counted.items():
        for seed in range(20_000, 20_000 + seeds):
            world = _changed(quiet_world(seed, spread), spread)
            scene = scene_of(history(world))
            _count(count, world, scene)
        report(Figure(AREA, f"90 % intervals cover, effects spread by {spread:g}: of {count.issued}", _ratio(count), "", None, "higher"))
    issued, covered = sum(each.issued for each in counted.values()), sum(each.covered for each in counted.values())
    plain = sum(each.plain_covered for each in counted.values()) / max(sum(each.plain_issued for each in counted.values()), 1)
    report(Figure(AREA, "recommendations issued", issued, "", 300.0, "higher"))
    report(Figure(AREA, "90 % intervals of recommendations cover", covered / max(issued, 1), "", 0.85, "higher"))
    report(Figure(AREA, "90 % intervals of recommendations cover, at most", covered / max(issued, 1), "", 0.95, "lower"))
    report(Figure(AREA, "intervals of moves cover without shrinkage", plain, "", None, "higher"))


def _ratio(count: _Counted) -> float:
    return count.covered / max(count.issued, 1)


def _changed(world: World, spread: float) -> World:
    """All prompts take a little more or fewer tokens in the last week, and all models read a little more or less from their caches."""
    chance = np.random.default_rng((world.seed, 3))
    world.truth = {key.prompt_name: float(chance.normal(0, spread)) for key in world.keys}
    moved = {key[:3]: float(chance.normal(0, spread)) for key in world.keys}
    for place, key in enumerate(world.keys):
        grown = np.exp(world.truth[key.prompt_name])
        world.input_tokens[place, -1] *= grown
        world.output_tokens[place, -1] *= grown
        before = world.cached_ratio[place, -1]
        world.cached_ratio[place, -1] = np.clip(before + moved[key[:3]], 0.0, 0.95)
    return world


def _count(count: _Counted, world: World, scene: Scene) -> None:
    pairs = list(model_pairs(scene))
    plain = compared_models(scene, pairs).raw_cost.interval()
    at = {(pair.task, *pair.dear, *pair.cheap): place for place, pair in enumerate(pairs)}
    for each in held_findings(scene):
        advice = each.finding.advice
        if advice is None:
            continue
        truth = _truth(world, scene, advice)
        count.issued += 1
        count.covered += advice.logarithm_low <= truth <= advice.logarithm_high
        if advice.scope in at:
            low, high = (float(end[at[advice.scope]]) for end in plain)
            count.plain_issued += 1
            count.plain_covered += low <= truth <= high


def _truth(world: World, scene: Scene, advice: Advice) -> float:
    """Logarithm of the ratio of cost after to cost before, by the world's own means."""
    if advice.kind is RecommendationKind.TRIM_PROMPT:
        return -world.truth[advice.scope[1]]
    calls = dict(zip(scene.grid.cells, scene.grid.of(Sum.CALLS).tolist(), strict=True))
    cost = dict(zip(world.keys, world.cost_per_call().tolist(), strict=True))
    if advice.kind is RecommendationKind.MOVE_MODEL:
        task, provider, model, *cheap = advice.scope
        dear = [key for key in world.keys if key[:3] == (provider, model, task)]
        other = [key._replace(provider=cheap[0], model=cheap[1]) for key in dear]
        after, before = (sum(calls[key] * cost[each] for key, each in zip(dear, keys, strict=True)) for keys in (other, dear))
        return float(np.log(after / before))
    return _cache_truth(world, scene, advice)


def _cache_truth(world: World, scene: Scene, advice: Advice) -> float:
    """What the share that is missing by the world's means is worth, of the cost."""
    places = [place for place, key in enumerate(scene.grid.cells) if key[:3] == advice.scope]
    worth = scene.grid.sums[Derived.READ_WORTH, places, -1].sum(-1)
    where = [world.keys.index(scene.grid.cells[place]) for place in places]
    inputs = [scene.grid.sums[Sum.INPUT_TOKENS, places, block].sum(-1) for block in (-1, -2)]
    now, before = (float(np.average(world.cached_ratio[where, block], weights=inputs[-1 - block])) for block in (-1, -2))
    return float(np.log1p(-(before - now) * worth.sum() / scene.grid.of(Sum.COST_USD)[places].sum()))


def _held(world: World) -> list[Judged]:
    return held_findings(scene_of(history(world)))


def _is_among(held: list[Judged], planted: Planted, first: int) -> bool:
    return any((each.finding.kind, each.finding.subject) == (planted.kind, planted.subject) for each in held[:first])


def _speed(report: Report) -> None:
    data = _large()
    tracemalloc.start()
    made = build(data)
    page, sent = html(made), mail(made)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    began = time.process_time()
    html(build(data))
    took = time.process_time() - began
    size = len(sent.html) + len(sent.text) + sum(len(each.content) for each in sent.pictures)
    report(Figure(AREA, f"weekly report of {SERIES} series, {CALLS:,} calls, from sums to page, processor time", took, "s", 5.0, "lower"))
    report(Figure(AREA, "… its memory, the sums not counted", peak / 1e6, "MB", 300.0, "lower"))
    report(Figure(AREA, "… its mail, pictures included", size, "B", MAIL_BYTES_MAX, "lower"))
    report(Figure(AREA, "… its page", len(page.encode()), "B", None, "lower"))


def _large() -> PeriodData:
    """Many kinds of task, each like one of the small world's, with as many calls as are asked for."""
    world = quiet_world(1)
    copies = -(-SERIES // len(world.keys))
    data = history(world)
    factor = CALLS / data.period.total(Sum.CALLS) / copies

    def wide(table: Table) -> Table:
        keys = tuple(
            SeriesKey(key.provider, key.model, f"{key.task_type}-{copy}", f"{key.prompt_name}-{copy}", key.prompt_version)
            for copy in range(copies)
            for key in table.keys
        )[:SERIES]
        series = np.concatenate([table.series + copy * len(table.keys) for copy in range(copies)])
        kept = series < len(keys)
        sums = np.tile(table.sums * factor, copies)[:, kept]
        return Table(keys, series[kept], np.tile(table.start_s, copies)[kept], sums)

    return replace(data, period=wide(data.period), previous=wide(data.previous), baseline=wide(data.baseline))
