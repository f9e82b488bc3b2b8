"""What the answers about anomalies and baselines look like; see gateway/models.py."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.models import Answer, Moment, Outcome, SeriesKey

MetricName = Literal[
    "SUCCESS_RATIO",
    "LATENCY",
    "LATENCY_P95",
    "TIME_TO_FIRST_TOKEN",
    "COST_PER_CALL",
    "OUTPUT_TOKENS",
    "REVISIONS",
    "QUALITY",
    "CALL_VOLUME",
]
KindName = Literal["SHIFT", "SPIKE", "DRIFT", "SILENCE", "FIELD_MISSING"]
SeverityName = Literal["INFO", "WARNING", "CRITICAL"]
MarkName = Literal["EXPECTED", "USEFUL", "NOISE"]
Key = Annotated[str, Field(max_length=256)]


class MarkCounts(Answer):
    """How many keys marked it as what."""

    expected: int
    useful: int
    noise: int


class Anomaly(Answer):
    """One episode, whole, as it is known now. Values are in the metric's unit. `scope`: whom it concerns; what is missing there is all.

    `merged_into` is the anomaly that goes on in its place, null for none.
    """

    anomaly_id: str
    project: str
    kind: KindName
    metric: MetricName
    direction: Literal["UP", "DOWN"]
    severity: SeverityName
    scope: SeriesKey
    part_count: int
    start_time: Moment
    detect_time: Moment
    peak_time: Moment
    end_time: Moment | None
    observed: float | None
    expected: float | None
    expected_low: float | None
    expected_high: float | None
    log10_e: float | None
    p_value: float | None
    call_count: int
    affected_count: int
    outcome_counts: dict[Outcome, int]
    main_outcome: Outcome | None
    explanation: str
    is_open: bool
    version: int
    mark_counts: MarkCounts
    merged_into: str | None


class AnomaliesPage(Answer):
    """A page of anomalies, the latest begun first; the token is empty on the last one."""

    anomalies: list[Anomaly]
    next_page_token: str


class AnomalyPart(Answer):
    """One series of an anomaly, or another metric of it that moved along."""

    key: SeriesKey
    metric: MetricName
    observed: float | None
    expected: float | None
    call_count: int
    affected_count: int


class Mark(Answer):
    """What somebody thought of an anomaly."""

    mark: MarkName
    key_id: str
    mark_time: Moment
    comment: str


class WholeAnomaly(Answer):
    """An anomaly and what belongs to it. `are_calls_known` is false where the collector could not be asked for calls."""

    anomaly: Anomaly
    parts: list[AnomalyPart]
    marks: list[Mark]
    call_ids: list[str]
    are_calls_known: bool


class LiveAnomalies(Answer):
    """Data of the event `anomalies`: all open ones, or those that changed. Without the analyzer there are none, and `reason` says why."""

    is_available: bool
    reason: str | None
    is_snapshot: bool
    anomalies: list[Anomaly]


class BaselinePoint(Answer):
    """What was normal at an instant, in the metric's unit; null where nothing was known."""

    start: Moment
    centre: float | None
    low: float | None
    high: float | None


class BaselineBand(Answer):
    """What was normal for a group of series."""

    key: SeriesKey
    points: list[BaselinePoint]


class BaselineBands(Answer):
    """The bands of the groups that have a baseline."""

    bands: list[BaselineBand]


class AcceptedShift(Answer):
    """A level that became normal. `key_id` is null where it was accepted by itself; the levels are null until it is applied."""

    key: SeriesKey
    metric: MetricName
    key_id: str | None
    accept_time: Moment
    from_centre: float | None
    to_centre: float | None


class ShiftAnswer(Answer):
    """What became normal; where it `is_applied` not yet, it will be within seconds."""

    shift: AcceptedShift
    is_applied: bool


class ShiftsPage(Answer):
    """A page of accepted shifts, the latest first; the token is empty on the last one."""

    shifts: list[AcceptedShift]
    next_page_token: str


class MarkRequest(BaseModel):
    """What is thought of an anomaly."""

    model_config = ConfigDict(extra="forbid")

    mark: MarkName
    comment: Annotated[str, Field(max_length=1_000)] = ""


class FullSeriesKey(BaseModel):
    """A series: what is left out is empty."""

    model_config = ConfigDict(extra="forbid")

    provider: Key = ""
    model: Key = ""
    task_type: Key = ""
    prompt_name: Key = ""
    prompt_version: Key = ""


class ShiftRequest(BaseModel):
    """Which level is to be normal."""

    model_config = ConfigDict(extra="forbid")

    key: FullSeriesKey
    metric: MetricName
