"""What the answers about prompts look like; see gateway/models.py."""

from typing import Literal

from gateway.models import Answer, Moment, Ratio

PromptMetricName = Literal["SUCCESS", "QUALITY", "LATENCY", "COST", "REVISIONS"]
PromptVerdictName = Literal["BETTER", "WORSE", "NO_DIFFERENCE", "UNDECIDED"]


class PromptVersion(Answer):
    """A version and how it was used; kinds of task, the most frequent first."""

    prompt_version: str
    call_count: int
    first_call_time: Moment | None
    last_call_time: Moment | None
    task_types: list[str]


class Prompt(Answer):
    """A prompt and its versions, those used last first."""

    prompt_name: str
    call_count: int
    versions: list[PromptVersion]


class Prompts(Answer):
    """The prompts that were used, the most used first."""

    prompts: list[Prompt]
    as_of_time: Moment | None


class PromptStratum(Answer):
    """What changed in one provider's model on one kind of task. `low` and `high`: its own 90 % interval, a hint and no verdict."""

    provider: str
    model: str
    task_type: str
    difference: float | None
    low: float | None
    high: float | None
    weight_ratio: Ratio
    version_mean: float | None
    baseline_mean: float | None
    version_count: float
    baseline_count: float


class PromptPoint(Answer):
    """What was known at the end of a window; null: nothing."""

    time: Moment
    difference: float | None
    low: float | None
    high: float | None


class PromptEffect(Answer):
    """How a version differs from the baseline in a metric: an interval that holds at all times at once. Null: not known.

    Differences of SUCCESS, QUALITY and REVISIONS are those of means, of LATENCY of natural logarithms of seconds, of COST as a share of the
    usual cost.
    """

    metric: PromptMetricName
    verdict: PromptVerdictName
    difference: float | None
    low: float | None
    high: float | None
    margin: float
    call_count: float
    further_call_count: float | None
    decide_time: Moment | None
    explanation: str
    strata: list[PromptStratum]
    sequence: list[PromptPoint]


class ComparedVersion(Answer):
    """A version against the baseline. `simultaneous_ratio`: share of its calls that the baseline had calls of the same stratum beside."""

    version: PromptVersion
    simultaneous_ratio: Ratio
    effects: list[PromptEffect]


class PromptComparison(Answer):
    """Versions of a prompt against one of them. `empty_reason` says why there is nothing, null where there is something."""

    prompt_name: str
    task_type: str
    baseline: PromptVersion | None
    versions: list[ComparedVersion]
    start_time: Moment | None
    end_time: Moment | None
    step_s: int
    as_of_time: Moment | None
    empty_reason: str | None


class RankedPrompt(Answer):
    """A version's place: the verdicts leave it those from `rank_low` to `rank_high`. `lead`: how far it is better than the others."""

    version: PromptVersion
    rank_low: int
    rank_high: int
    lead: float | None
    evidence_count: float


class PromptRanking(Answer):
    """The versions of a prompt, the best first as far as known."""

    prompt_name: str
    task_type: str
    metric: PromptMetricName
    versions: list[RankedPrompt]
    start_time: Moment | None
    end_time: Moment | None
    as_of_time: Moment | None
    empty_reason: str | None
