"""What the answer about rankings looks like; see gateway/models.py."""

from typing import Any, Literal

from gateway.models import Answer, Moment, Ratio

RankedMetricName = Literal["SUCCESS", "QUALITY", "LATENCY", "TIME_TO_FIRST_TOKEN", "COST_PER_ACCEPTED_TASK", "TIME_PER_ACCEPTED_TASK"]
ReplayPolicyName = Literal["SUGGESTED_SHARE", "FIRST", "FIXED", "CHEAPEST", "LOWEST_LATENCY", "RANDOM", "AS_IT_WAS"]
ReplayOutcomeName = Literal["SUCCESS", "QUALITY", "COST", "LATENCY"]
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


class KeptRanking(Answer):
    """What was recommended from a moment on; what was asked, in protobuf JSON."""

    make_time: Moment
    question: dict[str, Any]
    ranking: Ranking


class RankingsPage(Answer):
    """What was recommended, the latest first."""

    rankings: list[KeptRanking]
    next_page_token: str


class ReplayedChoice(Answer):
    """A candidate's share of the calls."""

    candidate: RankingCandidate
    share: Ratio


class ReplayedValue(Answer):
    """A mean with its 90 % interval; null where nothing is known."""

    value: float | None
    low: float | None
    high: float | None


class ReplayedOutcome(Answer):
    """An outcome under a policy: ratio, score, US dollars a call, seconds a call.

    `gain_of_ranking`: how much more following the suggested shares would have brought. `effective_count`: how many calls of its own the
    logged calls are worth. `covered_ratio`: share of the policy's choices that callers made on the same day, too.
    """

    outcome: ReplayOutcomeName
    doubly_robust: ReplayedValue
    inverse_propensity: ReplayedValue
    gain_of_ranking: ReplayedValue
    effective_count: float
    clipped_ratio: Ratio
    covered_ratio: float
    call_count: int


class ReplayedPolicy(Answer):
    """What a policy would have chosen, and what that would have brought."""

    policy: ReplayPolicyName
    choices: list[ReplayedChoice]
    outcomes: list[ReplayedOutcome]


class RankingBacktest(Answer):
    """Recorded calls replayed against policies. `empty_reason` says why there is nothing, null where there is something."""

    start_time: Moment | None
    end_time: Moment | None
    call_count: int
    sent_ratio: Ratio
    step_count: int
    assumptions: list[str]
    policies: list[ReplayedPolicy]
    empty_reason: str | None


class SuggestedShare(Answer):
    """The probability with which to choose a candidate."""

    candidate: RankingCandidate
    share: Ratio


class KeptRankingSummary(Answer):
    """What a ranking recommends, in its order, without why."""

    ranking_id: str
    task_type: str
    make_time: Moment
    shares: list[SuggestedShare]


class LiveRankings(Answer):
    """Data of the event `rankings`: those that recommend another choice from now on, whatever was asked.

    With `list_again` there may be others: whoever shows rankings asks for them again. Without the analyzer, `reason` says why.
    """

    is_available: bool
    reason: str | None
    list_again: bool
    rankings: list[KeptRankingSummary]
