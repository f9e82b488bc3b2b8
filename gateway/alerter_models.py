"""What rules, alerts and back-tests look like; see gateway/models.py."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateway.models import Answer, Moment

SeverityName = Literal["INFO", "WARNING", "CRITICAL"]
AlertStateName = Literal["PENDING", "FIRING", "ACKNOWLEDGED", "RESOLVED", "INACTIVE"]
DimensionName = Literal["provider", "model", "task_type", "prompt_name", "prompt_version"]
ConditionName = Literal["threshold", "burn", "absence", "anomaly", "own_state", "heartbeat", "spend_forecast"]
CONDITIONS: tuple[ConditionName, ...] = ("threshold", "burn", "absence", "anomaly", "own_state", "heartbeat", "spend_forecast")
MetricName = Literal[
    "SUCCESS_RATIO",
    "FAILED_RATIO",
    "TIMED_OUT_RATIO",
    "RATE_LIMITED_RATIO",
    "REFUSED_RATIO",
    "LATENCY_MEAN",
    "LATENCY_P50",
    "LATENCY_P90",
    "LATENCY_P95",
    "LATENCY_P99",
    "TIME_TO_FIRST_TOKEN_P50",
    "TIME_TO_FIRST_TOKEN_P90",
    "TIME_TO_FIRST_TOKEN_P95",
    "TIME_TO_FIRST_TOKEN_P99",
    "COST",
    "COST_PER_CALL",
    "COST_PER_ACCEPTED_TASK",
    "COST_UNKNOWN_RATIO",
    "INPUT_TOKEN_COUNT",
    "OUTPUT_TOKEN_COUNT",
    "INPUT_TOKENS_PER_CALL",
    "OUTPUT_TOKENS_PER_CALL",
    "CACHE_READ_RATIO",
    "REVISIONS_PER_TASK",
    "ACCEPTED_TASK_RATIO",
    "QUALITY_RATIO",
    "CALL_COUNT",
]
CheckName = Literal["LAG", "DEAD_LETTERS", "CLIENT_DROPS", "SERVICE_DOWN"]
Seconds = Annotated[int, Field(ge=0, le=400 * 86_400)]
Count = Annotated[int, Field(ge=0, le=10**12)]
Text = Annotated[str, Field(max_length=4_096)]


class Part(BaseModel):
    """A part of a rule, taken and given alike."""

    model_config = ConfigDict(extra="forbid")


class Filter(Part):
    """Which series: those that match every dimension that is named."""

    providers: list[str] = []
    models: list[str] = []
    task_types: list[str] = []
    prompt_names: list[str] = []
    prompt_versions: list[str] = []


class Threshold(Part):
    """A metric of the last `window_s` beyond a bound. Without a level to resolve at, it is the bound."""

    metric: MetricName
    window_s: Seconds
    comparison: Literal["ABOVE", "BELOW"]
    threshold: float
    resolve_threshold: float | None = None
    minimum_call_count: Count = 0


class BurnTier(Part):
    """A speed at which a budget may be used up. Without a severity, the rule's."""

    factor: float
    long_window_s: Seconds
    short_window_s: Seconds
    severity: SeverityName | None = None


class Burn(Part):
    """A budget of failures used up too fast; no tiers are the usual three."""

    objective_ratio: float
    tiers: list[BurnTier] = []
    minimum_call_count: Count = 0
    minimum_bad_count: Count = 0


class Absence(Part):
    """Calls that stay out."""

    known_window_s: Seconds
    absent_window_s: Seconds
    minimum_call_count: Count = 0


class AnomalyMatch(Part):
    """Anomalies of the analyzer; none named is any."""

    minimum_severity: SeverityName | None = None
    metrics: list[str] = []
    kinds: list[str] = []


class OwnState(Part):
    """Something wrong with Assay itself."""

    check: CheckName
    threshold: float = 0.0


class Heartbeat(Part):
    """Always true."""


class SpendForecast(Part):
    """A month that will probably cost too much."""

    limit_usd: float
    probability: float = 0.0


class RuleBody(Part):
    """A rule. Exactly one condition is given."""

    rule_id: Annotated[str, Field(max_length=64)]
    display_name: Text = ""
    severity: SeverityName | None = None
    description: Text = ""
    labels: dict[str, str] = {}
    is_paused: bool = False
    filter: Filter = Filter()
    group_by: list[DimensionName] = []
    for_s: Annotated[float, Field(ge=0, le=400 * 86_400)] = 0.0
    keep_firing_s: Annotated[float, Field(ge=0, le=400 * 86_400)] | None = None
    threshold: Threshold | None = None
    burn: Burn | None = None
    absence: Absence | None = None
    anomaly: AnomalyMatch | None = None
    own_state: OwnState | None = None
    heartbeat: Heartbeat | None = None
    spend_forecast: SpendForecast | None = None

    @model_validator(mode="after")
    def _one_condition(self) -> Self:
        if sum(getattr(self, name) is not None for name in CONDITIONS) != 1:
            raise ValueError(f"give exactly one of {', '.join(CONDITIONS)}")
        return self


class Rule(RuleBody):
    """A rule as it is kept."""

    create_time: Moment
    update_time: Moment
    updated_by: str
    version: int


class RulesPage(Answer):
    """A page of rules by id; the token is empty on the last one."""

    rules: list[Rule]
    next_page_token: str


class BacktestBody(Part):
    """A rule that is saved, by its id, or one that is not; and how far back, 30 days by default."""

    rule_id: str = ""
    rule: RuleBody | None = None
    range_s: Seconds | None = None


class BacktestEpisode(Answer):
    """One time that it would have fired; without an end it goes on."""

    labels: dict[str, str]
    start_time: Moment
    end_time: Moment | None
    peak: float | None
    severity: SeverityName


class BacktestGroup(Answer):
    """The course of one group, an element a step."""

    labels: dict[str, str]
    values: list[float | None]
    states: list[AlertStateName]


class Backtest(Answer):
    """What a rule would have done."""

    start_time: Moment
    end_time: Moment
    step_s: int
    approximations: list[str]
    group_count: int
    firing_count: int
    mean_duration_s: float | None
    episodes: list[BacktestEpisode]
    groups: list[BacktestGroup]


class Alert(Answer):
    """An alert as it is now."""

    alert_id: str
    project: str
    rule_id: str
    rule_name: str
    labels: dict[str, str]
    state: AlertStateName
    severity: SeverityName
    start_time: Moment
    fire_time: Moment | None
    acknowledge_time: Moment | None
    resolve_time: Moment | None
    acknowledged_by: str
    summary: str
    observed: float | None
    threshold: float | None
    unit: str
    description: str
    anomaly_id: str
    version: int


class AlertsPage(Answer):
    """A page of alerts, the latest begun first; the token is empty on the last one."""

    alerts: list[Alert]
    next_page_token: str


class AlertTransition(Answer):
    """One change of an alert; the first one is from nothing."""

    time: Moment
    from_state: AlertStateName | None
    to_state: AlertStateName
    cause: str
    actor: str
    observed: float | None
    version: int


class WholeAlert(Answer):
    """An alert and its history, oldest first."""

    alert: Alert
    transitions: list[AlertTransition]


class AlertChange(Part):
    """Who does something with an alert, and why."""

    actor_name: Annotated[str, Field(max_length=128)] = ""
    comment: Annotated[str, Field(max_length=1_024)] = ""


class LiveAlerts(Answer):
    """Data of the event `alerts`: all unresolved ones, or those that changed. Without the alerter there are none, and `reason` says why."""

    is_available: bool
    reason: str | None
    is_snapshot: bool
    alerts: list[Alert]
