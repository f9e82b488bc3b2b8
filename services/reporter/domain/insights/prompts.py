"""Prompts that take more or fewer tokens than before, and what trimming them back would save."""

import numpy as np

from services.reporter.domain.arrays import Floats, Ints
from services.reporter.domain.grid import PREVIOUS
from services.reporter.domain.insights.finding import Advice, Finding
from services.reporter.domain.insights.scene import Derived, Of, Scene, cells_to_tell, compared, finding, known_cost_per_call
from services.reporter.domain.period_data import Sum
from services.reporter.domain.report import InsightKind, RecommendationKind
from services.reporter.domain.shrinkage import Shrunk, shrink
from services.reporter.domain.statistics import SIGNIFICANCE, Change, Spread
from services.reporter.domain.statistics import growth as grown_by
from services.reporter.domain.words import more

# A version that had no calls before and has so much of a prompt's calls now is what changed.
_NEW_VERSION_RATIO = 0.3


def tokens(scene: Scene) -> list[Finding]:
    """A prompt whose calls take more or fewer tokens, model by model; a new version of it is named."""
    models = scene.grid.grouped(lambda key: key[:4])
    moved = compared(models.sums[Derived.AT_EARLIER_CACHE], models.sums[Sum.CALLS], Spread.PROPORTIONAL, is_relative=True)
    prompts = scene.grid.grouped(lambda key: key[2:4])
    place_of = {prompt: place for place, prompt in enumerate(prompts.cells)}
    base = _at_earlier_tokens(models.sums[Derived.AT_EARLIER_CACHE], models.sums[Sum.CALLS])
    place = np.array([place_of[key[2:4]] for key in models.cells], np.int64)
    pooled = _pooled(moved, base, place, len(prompts.cells))
    base_of = np.bincount(place, base, minlength=len(prompts.cells))
    shrunk = shrink(pooled)
    findings = []
    for at, (task, name) in cells_to_tell(prompts, pooled):
        growth = grown_by(pooled.value[at])
        version = _new_version(scene, task, name)
        kind = InsightKind.WASTEFUL_PROMPT if version and growth > 0 else InsightKind.TOKENS
        about = Of(kind, f"{task}/{name}", *_words(task, name, version, growth))
        advice = None
        if growth > 0 and pooled.p_value[at] <= SIGNIFICANCE:
            advice = _advice(scene, (task, name, version), (shrunk, at), float(base_of[at]) * (1 + growth), int(prompts.of(Sum.CALLS)[at]))
        findings.append(finding(scene, about, (pooled, at), float(base_of[at]), advice))
    return findings


def _at_earlier_tokens(cost: Floats, calls: Floats) -> Floats:
    """What the period's calls would have cost with the tokens a call took before, shape (cells,)."""
    now, then = calls[:, -1].sum(-1), calls[:, PREVIOUS].sum(-1)
    result: Floats = np.divide(cost[:, PREVIOUS].sum(-1), then, out=np.zeros(len(then)), where=then > 0) * now
    return result


def _pooled(moved: Change, base: Floats, place: Ints, count: int) -> Change:
    """Changes of models as one of the prompt that they serve: weighted by cost, degrees of freedom likewise."""
    weight = np.where(np.isfinite(moved.value), base, 0.0)
    total = np.bincount(place, weight, minlength=count)

    def mean(values: Floats, power: int = 1) -> Floats:
        summed = np.bincount(place, weight**power * np.nan_to_num(values), minlength=count)
        result: Floats = np.divide(summed, total**power, out=np.full(count, np.nan), where=total > 0)
        return result

    return Change(mean(moved.value), np.sqrt(mean(moved.error**2, 2)), np.nan_to_num(mean(moved.degrees), nan=1.0))


def _new_version(scene: Scene, task: str, name: str) -> str:
    """The version that came with the period and has a good part of the prompt's calls; empty for none."""
    places = [place for place, key in enumerate(scene.grid.cells) if key[2:4] == (task, name)]
    versions = scene.grid.chosen(places).grouped(lambda key: key.prompt_version)
    now, then = versions.of(Sum.CALLS), versions.of(Sum.CALLS, PREVIOUS)
    fresh = np.where(then == 0, now, 0.0)
    at = int(fresh.argmax())
    return versions.cells[at] if fresh[at] >= _NEW_VERSION_RATIO * now.sum() else ""


def _named(task: str, name: str) -> str:
    return f"prompt {name} of {task}" if name else f"the calls of {task} without a named prompt"


def _words(task: str, name: str, version: str, growth: float) -> tuple[str, str]:
    if version:
        title = f"Version {version} of prompt {name} takes {more(growth)} tokens"
        return (
            title,
            f"Since it came, tokens of a call of {_named(task, name)} cost {more(growth)}: model by model, at the same prices.",
        )
    title = f"{_named(task, name)[:1].upper()}{_named(task, name)[1:]} takes {more(growth)} tokens"
    return title, f"The tokens of a call cost {more(growth)} than in the period before: model by model, at the same prices."


def _advice(scene: Scene, prompt: tuple[str, str, str], belief: tuple[Shrunk, int], spend_usd: float, call_count: int) -> Advice:
    task, name, version = prompt
    shrunk, at = belief
    value, low, high = shrunk.belief(at)
    kind_of_task = scene.grid.grouped(lambda key: key.task_type)
    place = kind_of_task.cells.index(task)
    back = (
        f"Go back from version {version} of {_named(task, name)}" if version else f"Bring {_named(task, name)} back to its earlier length"
    )
    return Advice(
        RecommendationKind.TRIM_PROMPT,
        (task, name, version),
        task,
        "",
        "",
        back if version else back.replace("Bring the calls", "Bring calls"),
        "The calls of this period are held against those of the one before, model by model, at the same prices and use of the cache.",
        f"Put version {version} back into use." if version else "Put the present text back into use.",
        spend_usd,
        -value,
        -high,
        -low,
        float(1 - shrunk.at(at).probability_below(0.0)[0]),
        call_count,
        float(known_cost_per_call(kind_of_task, -1)[place]),
        spend_usd / max(float(kind_of_task.of(Sum.COST_USD)[place]), 1e-12),
        (),
    )
