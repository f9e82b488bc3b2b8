"""What was seen of each version of a prompt: sums by version and stratum, to which the next window is added."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from services.analyzer.domain.arrays import Floats


class ComparedMetric(Enum):
    """What versions are compared by; each value of a call (of a task: REVISIONS)."""

    SUCCESS = "1 for a call that succeeded, else 0"
    QUALITY = "score of an answer, 0 to 1"
    LATENCY = "natural logarithm of seconds, of succeeded calls"
    COST = "US dollars"
    REVISIONS = "revisions of a task"


class Trait(NamedTuple):
    """How a metric is compared.

    `margin`: a difference that is not worth having, unless the question has its own. `unit`: a standard deviation that is as good a guess
    as any before there is evidence. `is_relative`: values are taken by the mean of their stratum, so that dear models do not drown the
    others.
    """

    margin: float
    unit: float
    is_lower_better: bool = False
    is_relative: bool = False


TRAITS: Final = {
    ComparedMetric.SUCCESS: Trait(0.02, 0.5),
    ComparedMetric.QUALITY: Trait(0.02, 0.25),
    ComparedMetric.LATENCY: Trait(0.05, 0.5, is_lower_better=True),
    ComparedMetric.COST: Trait(0.05, 1.0, is_lower_better=True, is_relative=True),
    ComparedMetric.REVISIONS: Trait(0.05, 0.5, is_lower_better=True),
}


class Stratum(NamedTuple):
    """Calls that are alike but for the prompt's version: compared with each other, and never with those of another stratum."""

    provider: str
    model: str
    task_type: str


@dataclass(frozen=True, slots=True)
class Sums:
    """Number, sum and sum of squares of a metric's values, each of shape (…, strata)."""

    count: Floats
    total: Floats
    square: Floats

    def __add__(self, other: Sums) -> Sums:
        """The sums of both."""
        return Sums(self.count + other.count, self.total + other.total, self.square + other.square)

    def accumulated(self) -> Sums:
        """Sums of windows along the first axis as sums of all windows up to each."""
        return Sums(self.count.cumsum(0), self.total.cumsum(0), self.square.cumsum(0))
