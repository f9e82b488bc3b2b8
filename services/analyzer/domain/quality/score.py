"""The score of one answer: a weighted mean of what was read, how sure it is, and what it lost where."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from services.analyzer.domain.quality.reading import Component, Finding, Reading
from services.analyzer.domain.quality.weights import Weights

# How many units of a component's weight tell as much as one independent look: a hundred lines of one file resemble each other.
_WEIGHT_PER_LOOK: Mapping[Component, float] = {
    Component.CODE: 100.0,
    Component.TESTS: 1.0,
    Component.COVERAGE: 100.0,
    Component.STATIC_ANALYSIS: 100.0,
    Component.FEEDBACK: 1.0,
    Component.REVISIONS: 1.0,
    Component.EVALUATION: 1.0,
}
# What is not known of a component that is missing: the deviation of anything from 0 to 1.
UNKNOWN_DEVIATION = math.sqrt(1 / 12)
# From the middle to either end of an interval that holds 90 % of a normal distribution.
_DEVIATIONS_90 = 1.6448536269514722
# The dearest are kept: nobody reads more, and scores travel on the bus.
FINDINGS_MAX = 50


@dataclass(frozen=True, slots=True)
class ComponentScore:
    """One component's part: its score 0..1, its share of the whole, and the deviation of its score."""

    component: Component
    score_ratio: float
    share_ratio: float
    deviation: float
    source_count: int


@dataclass(frozen=True, slots=True)
class Missing:
    """A component that somebody tried to read in vain."""

    component: Component
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Score:
    """How good an answer is, 0..1, with the interval that holds it with 90 % probability.

    `components` in the order of Component; `findings` the dearest first, their cost in the whole score;
    `omitted_finding_count` are left out.
    """

    value_ratio: float
    low_ratio: float
    high_ratio: float
    deviation: float
    components: tuple[ComponentScore, ...]
    findings: tuple[Finding, ...]
    omitted_finding_count: int
    missing: tuple[Missing, ...]
    weights_version: int
    reader_version: int


def score(readings: Sequence[Reading], weights: Weights, task_type: str) -> Score | None:
    """The score of what was read; None where nothing could be.

    A component's score is the mean of its readings by weight, the whole the mean of the components by the weights of the kind of task;
    those that are missing are left out of it. No weight depends on a score, so a better reading never lowers the whole.

    The deviation is that of the mean over all components, missing ones included: each present one deviates as a beta distribution with a
    uniform prior, each missing one as anything from 0 to 1, all missing ones together. So leaving one out never makes it smaller.
    """
    by_component = {
        component: found for component in Component if (found := [r for r in readings if r.component is component and not r.missing_reason])
    }
    if not by_component:
        return None
    all_weights = weights.of(task_type)
    known = sum(all_weights[component] for component in by_component)
    parts = tuple(_component_score(found, all_weights[component] / known) for component, found in by_component.items())
    value = min(sum(part.share_ratio * part.score_ratio for part in parts), 1.0)
    variance = ((1 - known) * UNKNOWN_DEVIATION) ** 2 + sum((known * part.share_ratio * part.deviation) ** 2 for part in parts)
    deviation = math.sqrt(variance)
    findings = _explained(by_component, {part.component: part.share_ratio for part in parts})
    return Score(
        value_ratio=value,
        low_ratio=max(value - _DEVIATIONS_90 * deviation, 0.0),
        high_ratio=min(value + _DEVIATIONS_90 * deviation, 1.0),
        deviation=deviation,
        components=parts,
        findings=tuple(findings[:FINDINGS_MAX]),
        omitted_finding_count=max(len(findings) - FINDINGS_MAX, 0),
        missing=tuple(Missing(r.component, r.source, r.missing_reason) for r in readings if r.missing_reason),
        weights_version=weights.version,
        reader_version=max(r.reader_version for found in by_component.values() for r in found),
    )


def _component_score(readings: Sequence[Reading], share_ratio: float) -> ComponentScore:
    component = readings[0].component
    total = sum(reading.weight for reading in readings)
    ratio = min(sum(reading.weight * reading.score_ratio for reading in readings) / total, 1.0)
    looks = total / _WEIGHT_PER_LOOK[component]
    good, bad = ratio * looks + 1, (1 - ratio) * looks + 1
    deviation = math.sqrt(good * bad / ((good + bad) ** 2 * (good + bad + 1)))
    return ComponentScore(component, ratio, share_ratio, deviation, len({reading.source for reading in readings}))


def _explained(by_component: Mapping[Component, Sequence[Reading]], share_ratio: Mapping[Component, float]) -> list[Finding]:
    """All findings with their cost in the whole score, the dearest first; equal ones by place, so that the order is always the same."""
    found: list[Finding] = []
    for component, readings in by_component.items():
        total = sum(reading.weight for reading in readings)
        for reading in readings:
            part = share_ratio[component] * reading.weight / total
            found += (replace(finding, cost_ratio=finding.cost_ratio * part) for finding in reading.findings)
    return sorted(found, key=_dearest_first)


def _dearest_first(finding: Finding) -> tuple[float, str, str, int, str]:
    return -finding.cost_ratio, finding.component.value, finding.path, finding.line or 0, finding.rule


def lost_ratio(parts: Iterable[ComponentScore]) -> dict[Component, float]:
    """What each component took off the whole score."""
    return {part.component: part.share_ratio * (1 - part.score_ratio) for part in parts}
