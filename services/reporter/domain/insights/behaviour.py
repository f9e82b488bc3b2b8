"""Answers that come later, fail more, or are revised more than before; and what cannot be said."""

from typing import Final

import numpy as np

from services.reporter.domain.arrays import Floats
from services.reporter.domain.grid import PERIOD, PREVIOUS, Grid
from services.reporter.domain.insights.finding import FAILURE_WORTH, Finding
from services.reporter.domain.insights.latency_parts import latency_parts
from services.reporter.domain.insights.scene import Scene, cells_to_tell, compared, cost_per_call
from services.reporter.domain.measures import LATENCY, Unit
from services.reporter.domain.period_data import Sum
from services.reporter.domain.prices import Model, model_of
from services.reporter.domain.report import InsightKind
from services.reporter.domain.statistics import Spread
from services.reporter.domain.statistics import growth as grown_by
from services.reporter.domain.words import moved as moved_by
from services.reporter.domain.words import points, text

_OUTCOMES: Final = {
    Sum.FAILED: "failed",
    Sum.TIMED_OUT: "timed out",
    Sum.RATE_LIMITED: "were rate limited",
    Sum.REFUSED: "were refused",
}
# A kind of task that takes so much of the spend should have evidence of what it brings.
_SPEND_WITHOUT_EVIDENCE = 0.05
# What is not known matters less than what is known to be wrong.
_IGNORANCE_WORTH = 0.1


def latency(scene: Scene) -> list[Finding]:
    """A model that answers slower or faster, and how much of it is longer answers or other hours."""
    grid = scene.grid.grouped(model_of)
    moved = compared(grid.sums[Sum.LATENCY_LOG], grid.sums[Sum.SUCCEEDED], Spread.CONSTANT, is_relative=False)
    waited = grid.of(Sum.LATENCY_S)
    now, then = LATENCY.of(grid, PERIOD), LATENCY.of(grid, PREVIOUS)
    findings = []
    for place, model in cells_to_tell(grid, moved):
        growth = grown_by(moved.value[place])
        way = "slower" if growth > 0 else "faster"
        words = (
            f"{model.model} ({model.provider}) typically answered in {text(now[place], Unit.SECONDS)}, after "
            f"{text(then[place], Unit.SECONDS)} in the period before. {latency_parts(scene.data, grid, place)}".rstrip()
        )
        effect = abs(growth) * float(waited[place] / max(waited.sum(), 1e-9))
        title = f"{model.model} is {way}: latency {moved_by(growth)}"
        findings.append(Finding(InsightKind.LATENCY, "/".join(model), title, words, effect, float(moved.p_value[place])))
    return findings


def errors(scene: Scene) -> list[Finding]:
    """A sort of failure that a model has more of."""
    grid = scene.grid.grouped(model_of)
    return [found for outcome in _OUTCOMES for found in _rising(scene, grid, outcome)]


def _rising(scene: Scene, grid: Grid[Model], outcome: Sum) -> list[Finding]:
    answered = grid.sums[Sum.CALLS] - grid.sums[Sum.CANCELLED]
    moved = compared(grid.sums[outcome], answered, Spread.BINOMIAL, is_relative=False)
    calls = grid.of(Sum.CALLS)
    now, then = (_ratio(grid, outcome, block) for block in (PERIOD, PREVIOUS))
    findings = []
    for place, model in cells_to_tell(grid, moved):
        difference = float(moved.value[place])
        if difference <= 0:
            continue
        words = (
            f"{text(now[place], Unit.RATIO)} of the calls to {model.model} ({model.provider}) {_OUTCOMES[outcome]}, after "
            f"{text(then[place], Unit.RATIO)} in the period before: about {text(difference * calls[place], Unit.COUNT)} calls more."
        )
        effect = FAILURE_WORTH * difference * float(calls[place] / calls.sum())
        title = f"More calls to {model.model} {_OUTCOMES[outcome]}: {points(difference).text}"
        findings.append(Finding(InsightKind.ERRORS, "/".join(model), title, words, effect, float(moved.p_value[place])))
    return findings


def _ratio(grid: Grid[Model], outcome: Sum, block: int) -> Floats:
    answered = grid.of(Sum.CALLS, block) - grid.of(Sum.CANCELLED, block)
    return grid.of(outcome, block) / np.maximum(answered, 1.0)


def revisions(scene: Scene) -> list[Finding]:
    """A kind of task whose results are revised more or less often; each revision is a call."""
    grid = scene.grid.grouped(lambda key: key.task_type)
    moved = compared(grid.sums[Sum.REVISIONS], grid.sums[Sum.TASKS], Spread.PROPORTIONAL, is_relative=False)
    worth = grid.of(Sum.TASKS) * cost_per_call(grid, PERIOD)
    findings = []
    for place, task in cells_to_tell(grid, moved):
        difference = float(moved.value[place])
        low, high = (float(end[place]) for end in moved.interval())
        way = "more" if difference > 0 else "less"
        now, then = (grid.of(Sum.REVISIONS, block)[place] / grid.of(Sum.TASKS, block)[place] for block in (PERIOD, PREVIOUS))
        words = (
            f"{text(now, Unit.PER_TASK)} revisions a task of {task}, after {text(then, Unit.PER_TASK)} in the period before; "
            f"each is worth {text(float(cost_per_call(grid, PERIOD)[place]), Unit.USD)}."
        )
        effect = (difference * worth[place], low * worth[place], high * worth[place])
        title = f"{task} is revised {way} often"
        ratio = abs(effect[0]) / scene.spend_usd
        findings.append(Finding(InsightKind.REVISIONS, task, title, words, ratio, float(moved.p_value[place]), effect))
    return findings


def little_evidence(scene: Scene) -> list[Finding]:
    """A kind of task that costs a good part of the money, and of which nobody says whether its answers are any good."""
    grid = scene.grid.grouped(lambda key: key.task_type)
    spent = grid.of(Sum.COST_USD) / scene.spend_usd
    told = grid.of(Sum.QUALITY_COUNT) + grid.of(Sum.ACCEPTED_TASKS)
    return [
        Finding(
            InsightKind.LITTLE_EVIDENCE,
            task,
            f"Nobody says whether {task} is any good",
            f"{text(spent[place], Unit.RATIO)} of the spend went to {task}, without a single score or accepted task. "
            "What it brings for its money cannot be told; feedback, tests or evaluations would.",
            _IGNORANCE_WORTH * float(spent[place]),
            0.0,
        )
        for place, task in enumerate(grid.cells)
        if told[place] == 0 and spent[place] >= _SPEND_WITHOUT_EVIDENCE
    ]
