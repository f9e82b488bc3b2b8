"""Recorded calls on one kind of task, as columns, with what each brought."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.ranking.evidence import Candidate
from services.analyzer.domain.ranking.off_policy import estimated_propensity

DAY_S = 86_400.0


class Outcome(Enum):
    """What a call brought."""

    SUCCESS = "1 for a call that succeeded, else 0"
    QUALITY = "score of the answer, 0 to 1"
    COST = "US dollars"
    LATENCY = "seconds, however the call ended"


@dataclass(frozen=True, slots=True)
class LoggedCalls:
    """Calls in the order of their starts, shape (calls,), cancelled ones left out.

    `candidate`: place in `candidates`. `selection_ratio`: the probability with which the caller says that it chose, NaN where it does not.
    `outcomes`: NaN where one is not known.
    """

    candidates: tuple[Candidate, ...]
    candidate: Ints
    start_s: Floats
    selection_ratio: Floats
    outcomes: Mapping[Outcome, Floats]

    @property
    def day(self) -> Ints:
        """The day that each call is of, in UTC."""
        return np.floor(self.start_s / DAY_S).astype(np.int64)

    def among(self, candidates: tuple[Candidate, ...]) -> "LoggedCalls":
        """The same calls, numbered by more candidates."""
        place = {candidate: number for number, candidate in enumerate(candidates)}
        number_of = np.array([place[candidate] for candidate in self.candidates], np.int64)
        return replace(self, candidates=candidates, candidate=number_of[self.candidate])

    def chosen_ratio(self) -> Floats:
        """The probability of each choice: as it was sent, or else the share that the candidate had on its day."""
        return np.where(np.isnan(self.selection_ratio), estimated_propensity(self.day, self.candidate), self.selection_ratio)

    def is_chosen(self) -> tuple[Ints, Floats]:
        """Whether callers chose a candidate on a day, 0 or 1, shape (days, candidates); and which row is each call's."""
        _, row = np.unique(self.day, return_inverse=True)
        seen = np.zeros((int(row.max(initial=0)) + 1, len(self.candidates)))
        seen[row, self.candidate] = 1.0
        return row, seen
