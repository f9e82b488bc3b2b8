"""A ranking: one value with all that is answered, kept, and shown."""

from dataclasses import dataclass, replace

from services.analyzer.domain.ranking.evidence import Candidate
from services.analyzer.domain.ranking.measures import TRAITS, Measure


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measure of a candidate, in ratio, seconds or US dollars, with its 90 % interval, and the decayed evidence it rests on."""

    measure: Measure
    value: float
    low: float
    high: float
    count: float

    @property
    def words(self) -> str:
        """Value and interval, as people read them."""
        return f"{self.value:.3g}{TRAITS[self.measure.metric].unit} ({self.low:.3g} to {self.high:.3g})"


@dataclass(frozen=True, slots=True)
class RankedCandidate:
    """A candidate's place, and why.

    `rank`: by expected score, 1 is the first. `rank_low` … `rank_high`: holds this candidate's true rank in 95 % of the cases and more;
    each interval for itself, not all at once. `score`: expected utility, with its 90 % interval. `suggested_ratio`: share of the traffic
    that serves best and keeps all being learnt about; all of them sum to 1. `last_call_s`: None if it never served this kind of task.
    `incident`: what is wrong with it now, "" for nothing.
    """

    candidate: Candidate
    rank: int
    rank_low: int
    rank_high: int
    probability_best: float
    is_tied_with_first: bool
    score: float
    score_low: float
    score_high: float
    suggested_ratio: float
    call_count: float
    last_call_s: float | None
    incident: str
    estimates: tuple[Estimate, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A candidate that is not ranked; the reason as a word for programs and as a sentence."""

    candidate: Candidate
    reason: str
    words: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """The answer. `unmeasured`: what should have counted, if anybody had evidence of it. `empty_reason`: why there is nobody, or ""."""

    task_type: str
    candidates: tuple[RankedCandidate, ...]
    left_out: tuple[LeftOut, ...]
    unmeasured: tuple[Measure, ...]
    as_of_s: float
    is_stale: bool
    empty_reason: str

    def at(self, now_s: float, stale_after_s: float) -> "Ranking":
        """The same ranking, marked by how old its evidence is now."""
        return replace(self, is_stale=now_s - self.as_of_s > stale_after_s)
