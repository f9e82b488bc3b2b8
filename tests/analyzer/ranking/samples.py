"""Evidence for tests: whatever is not said is as in a quiet project."""

from collections.abc import Mapping, Sequence

import numpy as np

from services.analyzer.domain.arrays import Floats
from services.analyzer.domain.ranking.evidence import Candidate, Evidence, Sum
from services.analyzer.domain.ranking.question import SUCCESS, Objective

BY_SUCCESS = Objective({SUCCESS: 1.0})
A, B, C, D = (Candidate(f"provider-{letter}", f"model-{letter}") for letter in "abcd")
NEW = Candidate("provider-new", "model-new")
AS_OF_S = 1_000_000.0


def evidence(
    sums: Mapping[Sum, Floats],
    candidates: Sequence[Candidate] = (A, B, C, D),
    task_types: Sequence[str] = ("code",),
    incidents: Mapping[tuple[Candidate, str], str] | None = None,
) -> Evidence:
    """Each sum by candidate and kind of task, in that order."""
    shape = len(candidates), len(task_types)
    table = np.zeros((len(Sum), *shape))
    for each, values in sums.items():
        table[each] = np.asarray(values, float).reshape(shape)
    last = np.where(table[Sum.CALLS] > 0, AS_OF_S - 60, np.nan)
    return Evidence(tuple(candidates), tuple(task_types), table, np.ones(shape), last, AS_OF_S, dict(incidents or {}))


def successes(calls: Sequence[float] | Floats, ratios: Sequence[float] | Floats) -> dict[Sum, Floats]:
    """Calls and successes of candidates on one kind of task."""
    return {Sum.CALLS: np.array(calls, float), Sum.SUCCEEDED: np.array(calls, float) * np.array(ratios, float)}


def moments(count: Sum, calls: Floats, mean: Floats, spread: float) -> dict[Sum, Floats]:
    """Count, sum and sum of squares of values with that mean and spread in each cell; the three sums stand one after another."""
    return {count: calls, Sum(count + 1): calls * mean, Sum(count + 2): calls * (mean**2 + spread**2)}


def everything(calls: Floats, success: Floats, quality: Floats, latency_s: Floats, cost_usd: Floats) -> dict[Sum, Floats]:
    """All sums of cells whose truth is what was seen."""
    return {
        Sum.CALLS: calls,
        Sum.SUCCEEDED: calls * success,
        **moments(Sum.QUALITY_COUNT, calls, quality, 0.15),
        **moments(Sum.LATENCY_COUNT, calls, np.log(latency_s), 0.5),
        **moments(Sum.FIRST_TOKEN_COUNT, calls, np.log(latency_s / 4), 0.5),
        Sum.TASKS: calls,
        Sum.ACCEPTED_TASKS: calls * success,
        Sum.TASK_COST_USD: calls * cost_usd,
        Sum.TASK_COST_SQUARE: calls * cost_usd**2 * 1.36,
        Sum.TASK_TIME_S: calls * latency_s,
        Sum.TASK_TIME_SQUARE: calls * latency_s**2 * 1.36,
    }
