"""What the answer about rankings looks like; see gateway/models.py."""

from typing import Literal

from gateway.models import Answer, Moment, Ratio

RankedMetricName = Literal["SUCCESS", "QUALITY", "LATENCY", "TIME_TO_FIRST_TOKEN", "COST_PER_ACCEPTED_TASK", "TIME_PER_ACCEPTED_TASK"]
LeftOutReasonName = Literal["NOT_ALLOWED", "EVIDENCE_TOO_LITTLE", "CONSTRAINT_NOT_MET"]


class RankedMeasure(Answer):
    """A metric, and where it has one, which quantile."""

    metric: RankedMetricName
    quantile: float | None


class RankedEstimate(Answer):
    """What is known of a candidate in a measure: its expected value with a 90 % interval, and the decayed evidence behind it."""

    measure: RankedMeasure
    value: float | None
    low: float | None
    high: float | None
    evidence_count: float


class RankingCandidate(Answer):
    """What can be chosen."""

    provider: str
    model: str


class RankedCandidate(Answer):
    """A candidate's place, and why. `rank_low` to `rank_high` holds its true rank in 95 % of the cases; `score` has a 90 % interval."""

    candidate: RankingCandidate
    rank: int
    rank_low: int
    rank_high: int
    probability_best: Ratio
    is_tied_with_first: bool
    score: float | None
    score_low: float | None
    score_high: float | None
    suggested_share: Ratio
    call_count: float
    last_call_time: Moment | None
    is_in_anomaly: bool
    anomaly: str
    estimates: list[RankedEstimate]
    reasons: list[str]


class LeftOutCandidate(Answer):
    """A candidate that is not ranked, and why."""

    candidate: RankingCandidate
    reason: LeftOutReasonName
    explanation: str


class Ranking(Answer):
    """The candidates, the first first. `empty_reason` says why there is none, null where there are some."""

    ranking_id: str
    task_type: str
    candidates: list[RankedCandidate]
    left_out: list[LeftOutCandidate]
    unmeasured: list[RankedMeasure]
    as_of_time: Moment | None
    is_stale: bool
    empty_reason: str | None
