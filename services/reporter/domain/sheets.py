"""The tables of what was measured."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from services.reporter.domain.comparisons import WHOLE, Comparison
from services.reporter.domain.grid import PERIOD, PREVIOUS
from services.reporter.domain.insights.scene import Derived, Scene, cost_per_call
from services.reporter.domain.measures import (
    COST_PER_ACCEPTED,
    LATENCY,
    QUALITY,
    REVISIONS,
    SUCCESS,
    TIME_PER_ACCEPTED,
    TOKENS_PER_CALL,
    Unit,
)
from services.reporter.domain.period_data import DurationRow, PeriodData, Sum
from services.reporter.domain.prices import model_of
from services.reporter.domain.report import Cell, Mark, Sheet
from services.reporter.domain.words import UNKNOWN, cell, change_cell, share

# The best and the worst are looked for among those with so many calls.
_RANKED_CALLS_MIN = 50
_RANKED: Final = (SUCCESS, QUALITY, COST_PER_ACCEPTED, LATENCY)
_NO_CALLS: Final = "No call was recorded in this period."
_COMPARED: Final = ("This period", "Before", "Change", "Usual", "Against usual")
_UNKNOWN_S = (math.nan, math.nan, math.nan)


def changes(compared: Sequence[Comparison]) -> Sheet:
    """The whole project against the period before and against what is usual."""
    rows = tuple((Cell(each.measure.words.capitalize()), *_compared(each)) for each in compared if each.cell == WHOLE)
    return Sheet("changes", "Against the period before and what is usual", ("", *_COMPARED), rows, empty=_NO_CALLS)


def changes_by_provider(compared: Sequence[Comparison]) -> Sheet:
    """The same for each provider on each kind of task."""
    rows = tuple((*_named(each.cell), Cell(each.measure.words), *_compared(each)) for each in compared if each.cell != WHOLE)
    columns = ("Provider", "Kind of task", "", *_COMPARED)
    return Sheet("changes_by_provider", "All changes by provider and kind of task", columns, rows, number_from=3, empty=_NO_CALLS)


def _named(key: tuple[str, ...]) -> tuple[Cell, ...]:
    return tuple(Cell(each) for each in key)


def _compared(one: Comparison) -> tuple[Cell, ...]:
    unit, is_difference = one.measure.unit, one.measure.is_difference
    return (
        cell(one.now, unit),
        cell(one.previous, unit),
        change_cell(one.now, one.previous, is_difference=is_difference, mark=one.previous_mark),
        cell(one.usual, unit),
        change_cell(one.now, one.usual, is_difference=is_difference, mark=one.usual_mark),
    )


def providers(scene: Scene, compared: Sequence[Comparison]) -> Sheet:
    """Each provider on each kind of task, by falling spend; what changed significantly is marked."""
    grid = scene.grid.grouped(lambda key: (key.provider, key.task_type))
    marks = {(each.cell, each.measure): each.previous_mark for each in compared}
    seconds = {row[:2]: (row.latency_p50_s, row.latency_p95_s, row.first_token_p50_s) for row in scene.data.durations}
    measured = {
        measure: measure.of(grid, PERIOD)
        for measure in (SUCCESS, TOKENS_PER_CALL, COST_PER_ACCEPTED, TIME_PER_ACCEPTED, REVISIONS, QUALITY)
    }
    calls, spend = grid.of(Sum.CALLS), grid.of(Sum.COST_USD)
    rows = []
    for place in np.argsort(-spend, kind="stable").tolist():
        if not calls[place]:
            continue
        key = grid.cells[place]
        timed = seconds.get(key, _UNKNOWN_S)
        of = {
            measure: cell(float(values[place]), measure.unit, marks.get((key, measure), Mark.NONE)) for measure, values in measured.items()
        }
        rows.append(
            (
                *_named(key),
                cell(calls[place], Unit.COUNT),
                of[SUCCESS],
                cell(timed[0], Unit.SECONDS, marks.get((key, LATENCY), Mark.NONE)),
                *(cell(each, Unit.SECONDS) for each in timed[1:]),
                of[TOKENS_PER_CALL],
                cell(spend[place], Unit.USD),
                *(of[measure] for measure in (COST_PER_ACCEPTED, TIME_PER_ACCEPTED, REVISIONS, QUALITY)),
            )
        )
    return Sheet("providers", "Providers by kind of task", _PROVIDER_COLUMNS, tuple(rows), number_from=2, empty=_NO_CALLS)


_PROVIDER_COLUMNS: Final = (
    *("Provider", "Kind of task", "Calls", "Success", "Latency (median)", "Latency (95 %)", "First token (median)", "Tokens per call"),
    *("Spend", "Cost per accepted task", "Waiting per accepted task", "Revisions per task", "Quality"),
)


def durations(data: PeriodData) -> Sheet:
    """Quantiles of all calls, of each provider's, and of each kind of task's, beside those of the period before."""
    before = {row[:2]: row for row in data.previous_durations}
    rows = []
    for row in data.durations:
        if row.provider is not None and row.task_type is not None:
            continue
        then = before.get(row[:2], DurationRow(row.provider, row.task_type, math.nan, math.nan, math.nan, math.nan))
        values = [getattr(each, name) for name in _QUANTILES for each in (row, then)]
        rows.append((Cell(row.provider or row.task_type or "All"), *(cell(each, Unit.SECONDS) for each in values)))
    names = ("Latency (median)", "Latency (95 %)", "First token (median)", "First token (95 %)")
    columns = ("", *(each for name in names for each in (name, f"{name} before")))
    return Sheet("durations", "How long answers took", columns, tuple(rows), empty=_NO_CALLS)


_QUANTILES: Final = ("latency_p50_s", "latency_p95_s", "first_token_p50_s", "first_token_p95_s")


def best_and_worst(scene: Scene) -> Sheet:
    """Which provider does which kind of task best and worst, by measure, among those with calls enough."""
    grid = scene.grid.grouped(lambda key: (key.provider, key.task_type))
    enough = grid.of(Sum.CALLS) >= _RANKED_CALLS_MIN
    rows = []
    for measure in _RANKED:
        values = measure.of(grid, PERIOD)
        places = np.flatnonzero(enough & np.isfinite(values)).tolist()
        if len(places) < 2:
            continue
        places.sort(key=lambda place: (-measure.good.value * values[place], grid.cells[place]))
        best, worst = (f"{grid.cells[place][0]} on {grid.cells[place][1]}" for place in (places[0], places[-1]))
        told = [cell(float(values[place]), measure.unit) for place in (places[0], places[-1])]
        rows.append((Cell(measure.words.capitalize()), Cell(best), told[0], Cell(worst), told[1]))
    empty = f"There are no two with {_RANKED_CALLS_MIN} calls to tell apart."
    return Sheet("best_and_worst", "Best and worst", ("", "Best", "", "Worst", " "), tuple(rows), empty=empty)


def models(scene: Scene) -> Sheet:
    """What each model cost, and before."""
    grid = scene.grid.grouped(model_of)
    spend = grid.of(Sum.COST_USD)
    before = grid.of(Sum.COST_USD, PREVIOUS) if grid.block_count > 1 else np.full(len(grid.cells), np.nan)
    total = max(float(spend.sum()), 1e-12)
    rows = tuple(
        (
            Cell(grid.cells[place].provider),
            Cell(grid.cells[place].model),
            cell(grid.of(Sum.CALLS)[place], Unit.COUNT),
            cell(spend[place], Unit.USD),
            cell(spend[place] / total, Unit.RATIO),
            cell(before[place], Unit.USD),
            change_cell(spend[place], before[place], is_difference=False),
        )
        for place in np.argsort(-spend, kind="stable").tolist()
        if spend[place] or before[place] > 0
    )
    columns = ("Provider", "Model", "Calls", "Spend", "Share", "Before", "Change")
    return Sheet("models", "What each model cost", columns, rows, number_from=2, empty="Nothing with a known price was called.")


def growth(scene: Scene) -> Sheet:
    """The change of the spend taken apart; the parts add up to it."""
    columns = ("Part", "Effect", "Of the spend before")
    if not scene.is_comparable:
        return Sheet("growth", "Why the spend changed", columns, (), empty="There is no period before this one to compare with.")
    grid = scene.grid.grouped(lambda key: key.task_type)
    now, before = grid.of(Sum.CALLS), grid.of(Sum.CALLS, PREVIOUS)
    per_call = np.where(before > 0, cost_per_call(grid, PREVIOUS), cost_per_call(grid, PERIOD))
    spent, spent_before = float(grid.of(Sum.COST_USD).sum()), float(grid.of(Sum.COST_USD, PREVIOUS).sum())
    at_cost, at_cache, priced = (
        float(grid.sums[which][:, PERIOD].sum()) for which in (Derived.AT_EARLIER_COST, Derived.AT_EARLIER_CACHE, Derived.PRICED)
    )
    parts = {
        "Volume: more or fewer calls, by kind of task": float(((now - before) * per_call).sum()),
        "Mix: calls that went to other models": at_cost - float((now * per_call).sum()),
        "Tokens: longer or shorter prompts and answers": at_cache - at_cost,
        "Cache: more or less input read from it": priced - at_cache,
        "Price: the same tokens at other prices": spent - priced,
    }
    rows = [(Cell(name), _signed(value), _share_of(value, spent_before)) for name, value in parts.items()]
    rows.append((Cell("All together"), _signed(spent - spent_before), _share_of(spent - spent_before, spent_before)))
    return Sheet("growth", "Why the spend changed", columns, tuple(rows))


def _signed(value: float) -> Cell:
    told = cell(value, Unit.USD)
    return Cell(f"+{told.text}", told.value, told.unit) if told.value and told.value > 0 else told


def _share_of(value: float, whole: float) -> Cell:
    return share(value / whole) if whole > 0 else UNKNOWN
