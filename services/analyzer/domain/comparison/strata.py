"""What was seen of each version of a prompt: sums by version and stratum, to which the next window is added."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

import numpy as np

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
    """Number, sum and sum of squares of a metric's values, each of shape (…, strata).

    Where single values are not known, but sums of groups of them (a window's calls, say): `square` is the sum over groups of
    total² / number, and `groups` how many groups there are. The spread of single values shows in how the groups' means scatter:
    n (mean - common mean)² of a group is worth what a single value's squared distance is. None: each value is known.
    """

    count: Floats
    total: Floats
    square: Floats
    groups: Floats | None = None

    @property
    def degrees(self) -> Floats:
        """Degrees of freedom of the squares around the mean."""
        known: Floats = np.maximum((self.count if self.groups is None else self.groups) - 1.0, 0.0)
        return known

    def __add__(self, other: Sums) -> Sums:
        """The sums of both; either both have groups, or neither has."""
        groups = None if self.groups is None or other.groups is None else self.groups + other.groups
        return Sums(self.count + other.count, self.total + other.total, self.square + other.square, groups)

    def mapped(self, change: Callable[[Floats], Floats]) -> Sums:
        """The same change made to each of them."""
        return Sums(change(self.count), change(self.total), change(self.square), None if self.groups is None else change(self.groups))

    def accumulated(self) -> Sums:
        """Sums of windows along the first axis as sums of all windows up to each."""
        return self.mapped(lambda each: each.cumsum(0))

    def of_version(self, number: int) -> Sums:
        """One version's, of sums of shape (…, versions, strata)."""
        return self.mapped(lambda each: each[..., number, :])

    def mean(self) -> Floats:
        """Mean of the values, 0 where there are none."""
        result: Floats = np.divide(self.total, self.count, out=np.zeros_like(self.total), where=self.count > 0)
        return result
