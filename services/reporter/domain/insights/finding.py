"""A finding, before it is known how many others were looked at."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from services.reporter.domain.arrays import Floats
from services.reporter.domain.report import Estimate, Insight, InsightKind, RecommendationKind
from services.reporter.domain.statistics import holm, is_significant
from services.reporter.domain.words import usd_estimate

# What moves less of the spend (or what is worth as much) is no news, however sure it is.
EFFECT_MIN: Final = 0.01
INSIGHTS_MAX: Final = 8
# What success, waiting and money are worth to each other, as in the ranking's balanced objective: a point of success is worth 12 % of
# the spend, a time as much as the same share of money. See docs/decisions/0010-reports.md.
FAILURE_WORTH: Final = 12.0


@dataclass(frozen=True)
class Advice:
    """What would follow from a finding. `logarithm…`: of the ratio of cost after to cost before, with its 90 % interval, shrunk.

    `spend_usd`: what the part that would change cost in the period. `before`: cost per call of the whole kind of task, US dollars.
    `share_ratio`: what part of that kind's cost would change.
    """

    kind: RecommendationKind
    scope: tuple[str, ...]
    task_type: str
    provider: str
    model: str
    title: str
    text: str
    undo: str
    spend_usd: float
    logarithm: float
    logarithm_low: float
    logarithm_high: float
    probability: float
    call_count: int
    before: float
    share_ratio: float
    effects: tuple[tuple[str, Estimate], ...] = ()


@dataclass(frozen=True)
class Finding:
    """Something that was looked at, whether it is anything or not.

    `subject`: what it is about, in words. `effect_usd`: in the period, with its interval; None where it is not about money.
    `effect_ratio`: see `Insight`. `p_value`: before correction.
    """

    kind: InsightKind
    subject: str
    title: str
    text: str
    effect_ratio: float
    p_value: float
    effect_usd: tuple[float, float, float] | None = None
    advice: Advice | None = None


@dataclass(frozen=True)
class Judged:
    """A finding that holds, with the probability that it is no accident."""

    finding: Finding
    confidence_ratio: float

    @property
    def insight(self) -> Insight:
        """As it is told."""
        it = self.finding
        effect = usd_estimate(*it.effect_usd) if it.effect_usd else None
        return Insight(it.kind, it.subject, it.title, it.text, round(it.effect_ratio, 4), round(self.confidence_ratio, 4), effect)


def judged(findings: list[Finding]) -> list[Judged]:
    """Those that are significant among all that were looked at, and matter; by effect × confidence, the greatest first."""
    p_values: Floats = np.array([finding.p_value for finding in findings])
    holds = is_significant(p_values)
    confidence = 1 - holm(p_values)
    kept = [
        Judged(finding, float(confidence[place]))
        for place, finding in enumerate(findings)
        if holds[place] and finding.effect_ratio >= EFFECT_MIN
    ]
    return sorted(kept, key=lambda each: (-each.finding.effect_ratio * each.confidence_ratio, each.finding.subject))
