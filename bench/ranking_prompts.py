"""Comparisons of prompt versions that are looked at after every call: how often they are wrong, and how long they take."""

from collections.abc import Callable

import numpy as np
from scipy.special import ndtri

from bench.figures import Figure, Report
from services.analyzer.domain.arrays import Floats
from services.analyzer.domain.comparison.strata import ComparedMetric, Sums
from services.analyzer.domain.comparison.verdict import ERROR, narrowing

CALLS = 10_000
WINDOWS = 200
POWER = 0.8
DIFFERENCES = (0.07, 0.1, 0.15, 0.2)
# Runs end at this multiple of a fixed test's calls.
TIMES_MAX = 4.0
# Success of three strata, and what share of the calls goes to each at the beginning and at the end. Version B gets more of the hard ones
# at first and fewer later: its plain success ratio lies below A's, then above, and neither is its doing.
SUCCESS = np.array([0.97, 0.85, 0.6])
MIX_OF_A = np.array([[0.6, 0.3, 0.1], [0.2, 0.3, 0.5]])
MIX_OF_B = MIX_OF_A[::-1]


def no_difference(report: Report, runs: int) -> None:
    """Two versions that are alike, over strata whose mix shifts for each; looked at after each call."""
    chance = np.random.default_rng(11)
    wrong = sum(_is_ever_told(ComparedMetric.SUCCESS, *_shifting(chance)) for _ in range(runs))
    report(Figure("ranking", f"false verdicts, success, mix shifts ({runs} runs)", wrong / runs, "", ERROR, "lower"))
    wrong = sum(_is_ever_told(ComparedMetric.LATENCY, *_normal(chance, CALLS, 0.0)) for _ in range(runs))
    report(Figure("ranking", f"false verdicts, latency ({runs} runs)", wrong / runs, "", ERROR, "lower"))


def windows_alone(report: Report, runs: int) -> None:
    """Two versions that are alike, of whose scores and costs only the sums of windows are known; looked at after each window."""
    chance = np.random.default_rng(13)
    worlds: dict[str, tuple[ComparedMetric, Callable[[int], Floats]]] = {
        "scores": (ComparedMetric.QUALITY, lambda size: chance.beta(8, 2, size)),
        "costs": (ComparedMetric.COST, lambda size: chance.lognormal(0.0, 0.8, size)),
        "revisions": (ComparedMetric.REVISIONS, lambda size: chance.geometric(0.7, size).astype(float) - 1.0),
    }
    for name, (metric, draw) in worlds.items():
        wrong = sum(_is_ever_told(metric, _grouped(chance, draw), _grouped(chance, draw)) for _ in range(runs))
        report(Figure("ranking", f"false verdicts, {name} by window ({runs} runs)", wrong / runs, "", ERROR, "lower"))


def differences(report: Report, runs: int) -> None:
    """Two versions that differ: calls until that is told, by those of a test of fixed size with the same error."""
    chance = np.random.default_rng(12)
    for difference in DIFFERENCES:
        fixed = 4 * (ndtri(1 - ERROR / 2) + ndtri(POWER)) ** 2 / difference**2
        calls = int(TIMES_MAX * fixed)
        times = np.array([_first_told(*_normal(chance, calls, difference)) for _ in range(runs)]) / fixed
        report(Figure("ranking", f"{difference:g} sd: calls by fixed test's, median", float(np.median(times)), "", 1.3, "lower"))
        report(Figure("ranking", f"{difference:g} sd: calls by fixed test's, 80 %", float(np.quantile(times, 0.8)), "", 2.0, "lower"))


def _is_ever_told(metric: ComparedMetric, version: Sums, baseline: Sums) -> bool:
    seen = narrowing(metric, version, baseline)
    return bool((np.abs(np.nan_to_num(seen.difference)) > seen.half_width).any())


def _first_told(version: Sums, baseline: Sums) -> float:
    seen = narrowing(ComparedMetric.LATENCY, version, baseline)
    told = np.abs(np.nan_to_num(seen.difference)) > seen.half_width
    return float(told.argmax() + 1) if told.any() else np.inf


def _normal(chance: np.random.Generator, calls: int, difference: float) -> tuple[Sums, Sums]:
    """One stratum, either version as it comes, values of standard deviation 1."""
    is_version = chance.random(calls) < 0.5
    value = chance.standard_normal(calls) + difference * is_version
    return _one_by_one(value, is_version[:, None]), _one_by_one(value, ~is_version[:, None])


def _grouped(chance: np.random.Generator, draw: Callable[[int], Floats]) -> Sums:
    """Sums of windows of some 20 calls, shape (windows, 1)."""
    count = chance.poisson(20, WINDOWS).astype(float)
    values = draw(int(count.sum()))
    total = np.asarray(np.bincount(np.repeat(np.arange(WINDOWS), count.astype(int)), values, WINDOWS), float)
    square = np.divide(total**2, count, out=np.zeros(WINDOWS), where=count > 0)
    return Sums(count[:, None], total[:, None], square[:, None], (count > 0).astype(float)[:, None])


def _shifting(chance: np.random.Generator) -> tuple[Sums, Sums]:
    is_version = chance.random(CALLS) < 0.5
    late = np.linspace(0, 1, CALLS)[:, None]
    mix = np.where(is_version[:, None], MIX_OF_B[0] * (1 - late) + MIX_OF_B[1] * late, MIX_OF_A[0] * (1 - late) + MIX_OF_A[1] * late)
    stratum = (chance.random(CALLS)[:, None] > mix.cumsum(1)[:, :-1]).sum(1)
    value = (chance.random(CALLS) < SUCCESS[stratum]).astype(float)
    is_of = stratum[:, None] == np.arange(len(SUCCESS))
    return _one_by_one(value, is_of & is_version[:, None]), _one_by_one(value, is_of & ~is_version[:, None])


def _one_by_one(value: Floats, is_of: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Sums:
    """Each call as a window of its own, shape (calls, strata)."""
    counted = is_of.astype(float)
    return Sums(counted, value[:, None] * counted, value[:, None] ** 2 * counted)
