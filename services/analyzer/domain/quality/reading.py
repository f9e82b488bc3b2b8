"""What was read from one piece of evidence: how good one side of an answer is, and what spoke against it."""

import math
from dataclasses import dataclass
from enum import Enum

# Raised whenever any reader gives another result for the same evidence: scores name it, and those with an older one can be redone.
READER_VERSION = 1


class Component(Enum):
    """A side of an answer that is judged by itself."""

    CODE = "code"
    TESTS = "tests"
    COVERAGE = "coverage"
    STATIC_ANALYSIS = "static_analysis"
    FEEDBACK = "feedback"
    REVISIONS = "revisions"
    EVALUATION = "evaluation"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that speaks against an answer.

    `cost_ratio` is what it took off, 0..1: in a reading of the reading's score, in a score of the whole.
    `path` is as the evidence names it, "" where it names none; `line` counts from 1.
    """

    component: Component
    rule: str
    message: str
    path: str
    line: int | None
    cost_ratio: float


@dataclass(frozen=True, slots=True)
class Reading:
    """How good an answer is by one reader of one piece of evidence.

    `score_ratio`: 0 (worst) to 1 (best). `weight`: how much was looked at, in the component's own unit (tests, lines, votes), more than 0.
    `source`: who says so (tool, rater, evaluator); only the newest of each source counts. `missing_reason`: "" or why it could not be read;
    score and weight then mean nothing.
    """

    component: Component
    score_ratio: float
    weight: float
    findings: tuple[Finding, ...] = ()
    source: str = ""
    reader_version: int = READER_VERSION
    missing_reason: str = ""

    def __post_init__(self) -> None:
        if self.missing_reason:
            return
        if not 0.0 <= self.score_ratio <= 1.0:
            raise ValueError(f"a score is from 0 to 1, not {self.score_ratio}")
        if not (self.weight > 0.0 and math.isfinite(self.weight)):
            raise ValueError(f"a weight is more than 0, not {self.weight}")


def missing(component: Component, source: str, reason: str) -> Reading:
    """A reading that could not be made, and why."""
    return Reading(component, 0.0, 0.0, source=source, missing_reason=reason)
