"""What answers about quality look like; see gateway/models.py."""

from typing import Annotated, Literal

from pydantic import Field

from gateway.models import Answer, Moment, Ratio, SeriesKey

ComponentName = Literal["CODE", "TESTS", "COVERAGE", "STATIC_ANALYSIS", "FEEDBACK", "REVISIONS", "EVALUATION"]


class QualityComponentScore(Answer):
    """A component of a score. Without a score of its own it could not be read: `missing_reason` says why."""

    component: ComponentName
    score_ratio: Ratio | None
    share_ratio: Ratio
    evidence_count: int
    missing_reason: str


class QualityFinding(Answer):
    """Something that took `cost_ratio` off the score; `path` is empty and `line` null where the evidence names none."""

    component: ComponentName
    rule: str
    message: str
    path: str
    line: int | None
    cost_ratio: Ratio


class Quality(Answer):
    """The score of a call or a task with its 90 % interval; null where nothing could be read. `key` is null until a call of it is known."""

    project: str
    call_id: str | None
    task_id: str | None
    key: SeriesKey | None
    start_time: Moment | None
    score_time: Moment | None
    score_ratio: Ratio | None
    low_ratio: Ratio | None
    high_ratio: Ratio | None
    components: list[QualityComponentScore]
    findings: list[QualityFinding]
    finding_count: int
    evidence_count: int
    version: int
    weights_version: int
    reader_version: int


class QualityPage(Answer):
    """A page of scores, each with its three most costly findings."""

    qualities: list[Quality]
    next_page_token: str


class QualityComponentMean(Answer):
    """The mean of a component over the scores that have it."""

    component: ComponentName
    mean_ratio: Ratio
    score_count: int


class QualitySummary(Answer):
    """The scores of a group in a window: their mean, and what so few or many of them tell of the group, with a 90 % interval."""

    key: SeriesKey | None
    start_time: Moment | None
    score_count: int
    mean_ratio: Ratio
    estimate_ratio: Ratio
    low_ratio: Ratio
    high_ratio: Ratio
    components: list[QualityComponentMean]


class QualitySummaries(Answer):
    """By window and group; those without scores are left out."""

    summaries: list[QualitySummary]


class QualityComponentWeight(Answer):
    """How much a component counts, next to the others."""

    component: ComponentName
    weight: Annotated[float, Field(gt=0, le=1_000)]


class QualityTaskTypeWeights(Answer):
    """The weights of a kind of task, the empty one being for all that are not named."""

    task_type: str = ""
    weights: list[QualityComponentWeight] = Field(default_factory=list)


class QualityWeights(Answer):
    """What counts how much. A change names the version that it changes; any other is refused."""

    version: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    task_types: list[QualityTaskTypeWeights] = Field(default_factory=list, max_length=200)
    keep_content: bool = False


class QualityRescored(Answer):
    """How many scores are made anew."""

    score_count: int


class QualityCalibration(Answer):
    """Weights that feedback speaks for, and how far either weights' score is from feedback: root of the mean square, cross-validated."""

    fitted: QualityTaskTypeWeights
    present: QualityTaskTypeWeights
    sample_count: int
    fitted_error_ratio: float
    present_error_ratio: float


class FeedbackLinkRequest(Answer):
    """What people are to vote on: a call or a task."""

    call_id: str = ""
    task_id: str = ""
    title: Annotated[str, Field(max_length=128)] = ""
    lifetime_s: Annotated[int, Field(ge=60, le=90 * 86_400)] = 14 * 86_400


class FeedbackLink(Answer):
    """A link by which anybody who has it may vote. `url` is empty where the collector does not know how the gateway is reached."""

    token: str
    url: str
    expire_time: Moment | None


class LiveScores(Answer):
    """Data of the event `scores`: how many were made since the one before, and when the latest. It comes once a second at most.

    With `list_again` there may be others: whoever shows scores asks for them again. Without the analyzer, `reason` says why.
    """

    is_available: bool
    reason: str | None
    list_again: bool
    score_count: int
    score_time: Moment | None
