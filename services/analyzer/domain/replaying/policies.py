"""Ways of choosing, replayed: at each step by what was known then, and with which probability each candidate is chosen until the next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from services.analyzer.domain.arrays import Bools, Floats
from services.analyzer.domain.ranking.answer import RankedCandidate
from services.analyzer.domain.ranking.evidence import COUNT_MIN, Candidate, Evidence, Sum
from services.analyzer.domain.ranking.gathered import CellWindows, evidence_of
from services.analyzer.domain.ranking.model import prepare
from services.analyzer.domain.ranking.question import Question
from services.analyzer.domain.ranking.rank import rank


class Policy(Enum):
    """A way of choosing."""

    SUGGESTED_SHARE = "by the suggested shares of the ranking"
    FIRST = "always the ranking's first"
    FIXED = "always the one that had been used most"
    CHEAPEST = "the least mean cost of a task so far"
    LOWEST_LATENCY = "the lowest mean time of a call so far"
    RANDOM = "all alike"
    AS_IT_WAS = "as callers chose"


# Those that are replayed; AS_IT_WAS is what is seen.
REPLAYED = tuple(policy for policy in Policy if policy is not Policy.AS_IT_WAS)


def targets(
    windows: CellWindows, question: Question, *, half_life_s: float, step_starts_s: Sequence[float], candidates: Sequence[Candidate]
) -> dict[Policy, Floats]:
    """The probability of each candidate under each policy, shape (steps, candidates); all 0 where a policy has nobody to choose.

    A step knows the windows that had ended when it began, and nothing of anomalies. Scores that came later than their calls are in them.
    """
    table: dict[Policy, Floats] = {policy: np.zeros((len(step_starts_s), len(candidates))) for policy in REPLAYED}
    is_allowed = np.array([_is_allowed(question, each) for each in candidates], bool)
    fixed: Floats | None = None
    for step, start_s in enumerate(step_starts_s):
        known = _Known(evidence_of(_ended(windows, start_s), [], as_of_s=start_s, half_life_s=half_life_s), question, candidates)
        calls = known.sums(Sum.CALLS)
        is_seen = is_allowed & (calls >= COUNT_MIN)
        even = (is_seen if is_seen.any() else is_allowed).astype(np.float64)
        even /= max(even.sum(), 1.0)
        if fixed is None and is_seen.any():
            fixed = _one(len(candidates), int(np.where(is_seen, calls, -1.0).argmax()))
        ranking = rank(prepare(known.evidence), replace(question, now_s=start_s))
        table[Policy.RANDOM][step] = even
        table[Policy.FIXED][step] = even if fixed is None else fixed
        table[Policy.CHEAPEST][step] = known.least(Sum.TASK_COST_USD, Sum.TASKS, is_seen, even)
        table[Policy.LOWEST_LATENCY][step] = known.least(Sum.TASK_TIME_S, Sum.CALLS, is_seen, even)
        table[Policy.SUGGESTED_SHARE][step] = _shares(ranking.candidates, candidates, even)
        table[Policy.FIRST][step] = _shares(ranking.candidates[:1], candidates, even)
    return table


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known at a step of the candidates on the kind of task."""

    evidence: Evidence
    question: Question
    candidates: Sequence[Candidate]

    def sums(self, number: Sum) -> Floats:
        """A sum of each, shape (candidates,); 0 of those that are not known."""
        found = np.zeros(len(self.candidates))
        if self.question.task_type in self.evidence.task_types:
            column = self.evidence.sums[number][:, self.evidence.task_types.index(self.question.task_type)]
            own = dict(zip(self.evidence.candidates, column.tolist(), strict=True))
            found[:] = [own.get(each, 0.0) for each in self.candidates]
        return found

    def least(self, amount: Sum, number: Sum, is_seen: Bools, even: Floats) -> Floats:
        """All to the one with the least mean of those that have one; evenly to all where nobody has."""
        count, total = self.sums(number), self.sums(amount)
        is_known = is_seen & (count >= COUNT_MIN)
        if not is_known.any():
            return even
        mean = np.divide(total, count, out=np.full_like(total, np.inf), where=is_known)
        return _one(len(mean), int(mean.argmin()))


def _is_allowed(question: Question, candidate: Candidate) -> bool:
    return not question.forbids(candidate) and (not question.candidates or candidate in question.candidates)


def _ended(windows: CellWindows, before_s: float) -> CellWindows:
    """The windows that had ended by then."""
    kept = windows.end_s <= before_s
    return replace(windows, cell=windows.cell[kept], start_s=windows.start_s[kept], end_s=windows.end_s[kept], sums=windows.sums[:, kept])


def _one(count: int, place: int) -> Floats:
    """All to one."""
    share = np.zeros(count)
    share[place] = 1.0
    return share


def _shares(ranked: Sequence[RankedCandidate], candidates: Sequence[Candidate], even: Floats) -> Floats:
    """The suggested shares, made to sum to 1; evenly to all where nobody is ranked."""
    share = {one.candidate: one.suggested_ratio for one in ranked}
    found = np.array([share.get(each, 0.0) for each in candidates])
    return found / found.sum() if found.sum() > 0 else even
