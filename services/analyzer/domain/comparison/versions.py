"""Compares versions of a prompt, and ranks them: one value with all that is answered and shown."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.analyzer.domain.comparison.gathered import PromptTable
from services.analyzer.domain.comparison.strata import TRAITS, ComparedMetric
from services.analyzer.domain.comparison.verdict import (
    Comparison,
    Narrowing,
    Verdict,
    VersionPlace,
    compare_with_baseline,
    narrowing,
    rank_versions,
)

_WORDS = {
    ComparedMetric.SUCCESS: "success ratio",
    ComparedMetric.QUALITY: "quality",
    ComparedMetric.LATENCY: "latency",
    ComparedMetric.COST: "cost a call",
    ComparedMetric.REVISIONS: "revisions a task",
}
# An interval of hardly any calls may reach as far as no number does.
_LOGARITHM_MAX = 20.0


@dataclass(frozen=True, slots=True)
class Effect:
    """A comparison with how it came about. `decide_s`: end of the window since which the verdict could be known, None while it is not."""

    comparison: Comparison
    sequence: Narrowing
    decide_s: float | None
    words: str


@dataclass(frozen=True, slots=True)
class ComparedVersion:
    """A version against the baseline, by each metric."""

    version: str
    simultaneous_ratio: float
    effects: tuple[Effect, ...]


def compare_versions(
    table: PromptTable, baseline: str, metrics: Sequence[ComparedMetric], margins: Mapping[ComparedMetric, float]
) -> tuple[ComparedVersion, ...]:
    """Compares all other versions of a table with the baseline; corrected for all of them and all metrics."""
    whole = {metric: table.sums[metric].mapped(lambda each: each.sum(0)) for metric in metrics}
    compared = compare_with_baseline(whole, table.versions, baseline, table.strata, margins)
    base, count = table.versions.index(baseline), len(compared) * len(metrics)
    return tuple(
        ComparedVersion(
            version,
            table.simultaneous_ratio(table.versions.index(version), base),
            tuple(_effect(table, each, table.versions.index(version), base, count) for each in comparisons.values()),
        )
        for version, comparisons in compared.items()
    )


def rank_table(table: PromptTable, metric: ComparedMetric) -> tuple[VersionPlace, ...]:
    """Orders the versions of a table by one metric."""
    return rank_versions(metric, table.sums[metric].mapped(lambda each: each.sum(0)), table.versions, table.strata)


def _effect(table: PromptTable, comparison: Comparison, version: int, baseline: int, comparison_count: int) -> Effect:
    sums = table.sums[comparison.metric]
    sequence = narrowing(comparison.metric, sums.of_version(version), sums.of_version(baseline), comparison_count=comparison_count)
    told = sequence.first_told(comparison)
    return Effect(comparison, sequence, None if told is None else float(table.end_s[told]), words(comparison))


def words(one: Comparison) -> str:
    """What a comparison comes to, as people read it."""
    name = _WORDS[one.metric]
    if math.isnan(one.difference):
        return f"nothing to compare: no provider and kind of task has the {name} of both versions"
    if math.isinf(one.half_width):
        return f"{one.verdict.value}: too little is known of the {name} yet{_further(one)}"
    low, high = one.difference - one.half_width, one.difference + one.half_width
    seen = f"{name} {_told(one.metric, one.difference)} ({_told(one.metric, low)} to {_told(one.metric, high)})"
    if one.verdict is Verdict.NO_DIFFERENCE:
        return f"{one.verdict.value}: {seen}, which is within {_told(one.metric, one.margin).removeprefix('+')} either way"
    return f"{one.verdict.value}: {seen}{_further(one)}"


def _further(one: Comparison) -> str:
    return f", about {one.further_call_count:,.0f} further calls until a verdict" if one.further_call_count is not None else ""


def _told(metric: ComparedMetric, difference: float) -> str:
    """A difference with its sign: in percent of the usual, where it is relative."""
    if metric is ComparedMetric.LATENCY:
        return f"{100 * math.expm1(min(difference, _LOGARITHM_MAX)):+.3g} %"
    return f"{100 * difference:+.3g} %" if TRAITS[metric].is_relative else f"{difference:+.3g}"
