"""What the answers look like, for the OpenAPI document, from which the dashboard's types are made.

Answers are written without these classes, which would cost more than all the rest; tests hold the two together.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Outcome = Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "RATE_LIMITED", "REFUSED", "CANCELLED"]
PriceOriginName = Literal["UNSPECIFIED", "UNKNOWN", "CALLER", "TABLE"]
RejectionReasonName = Literal[
    "UNSPECIFIED", "MISSING", "TOO_LONG", "INVALID_TEXT", "OUT_OF_RANGE", "INCONSISTENT", "UNKNOWN_VALUE", "MALFORMED"
]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="RFC 3339, UTC.")]
Ratio = Annotated[float, Field(ge=0, le=1)]
Int64Text = Annotated[str, Field(pattern=r"^-?\d+$", description="A 64-bit integer, as protobuf JSON writes it.")]
DurationText = Annotated[str, Field(pattern=r"^-?\d+(\.\d+)?s$", description="Seconds with an s, such as 1.5s.")]


class Answer(BaseModel):
    """An object with these fields and no others."""

    model_config = ConfigDict(extra="forbid")


class ProblemDocument(BaseModel):
    """An error, RFC 9457. `reason` is for programs, `detail` for people."""

    type: str
    title: str
    status: int
    detail: str
    reason: str
    field: str | None = None


class SeriesKey(Answer):
    """What was grouped by. A dimension that is there and empty is the group without it."""

    provider: str | None = None
    model: str | None = None
    task_type: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None


class Quantiles(Answer):
    """Seconds, each within 1 %."""

    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None


class Window(Answer):
    """What was measured in a window of time. Null means that there is no data to say."""

    start: Moment
    end: Moment
    call_count: int
    success_ratio: Ratio | None
    outcome_counts: dict[Outcome, int]
    latency_s: Quantiles | None
    time_to_first_token_s: Quantiles | None
    unsuccessful_latency_s: Quantiles | None
    latency_mean_s: float | None
    input_token_count: int
    output_token_count: int
    cache_read_token_count: int
    cache_write_token_count: int
    reasoning_token_count: int
    cost_usd: float
    cost_unknown_count: int
    task_count: int
    accepted_task_count: int
    cost_per_accepted_task_usd: float | None
    revision_count: int
    quality_ratio: Ratio | None
    quality_count: int


class MetricSeries(Answer):
    """A series and its windows, oldest first."""

    key: SeriesKey
    windows: list[Window]


class Metrics(Answer):
    """The series that have calls in the range."""

    as_of: Moment | None
    series: list[MetricSeries]


class LedgerCounts(Answer):
    """received = stored + rejected + duplicate + dead_lettered + in_flight."""

    received_count: int
    stored_count: int
    rejected_count: int
    duplicate_count: int
    dead_lettered_count: int
    in_flight_count: int
    client_dropped_count: int
    too_late_count: int


class LedgerDay(LedgerCounts):
    """A day of receipt in UTC."""

    date: str
    kind: Literal["call", "evidence"]


class LedgerByKind(Answer):
    """The account of each kind of record."""

    call: LedgerCounts
    evidence: LedgerCounts


class Ledger(Answer):
    """The account of everything received."""

    days: list[LedgerDay]
    totals: LedgerByKind
    lag_s: float
    waiting_evidence_count: int


class StoredTable(Answer):
    """A table of the collector with its partitions and indexes; the rows are an estimate."""

    name: str
    byte_count: int
    row_count: int


class StoredStream(Answer):
    """What the bus keeps on disk; when it is full, nothing more is taken."""

    message_count: int
    byte_count: int
    byte_limit: int


class Storage(Answer):
    """How much the installation keeps, and for how many days."""

    database_byte_count: int
    tables: list[StoredTable]
    ingest_stream: StoredStream
    calls_kept_days: int
    minutes_kept_days: int
    quarters_kept_days: int


class LiveMetrics(Answer):
    """Data of the events `metrics` and `totals`. Changed windows replace those of the same key and start."""

    is_snapshot: bool
    as_of: Moment | None
    lag_s: float | None
    series: list[MetricSeries]


class LiveLedger(Answer):
    """Data of the event `ledger`."""

    totals: LedgerByKind
    today: LedgerByKind
    lag_s: float
    waiting_evidence_count: int


class LiveStatus(Answer):
    """Data of the event `status`: the collector is lost. A snapshot follows when it is back."""

    connected: Literal[False]
    reason: str


class LiveHeartbeat(Answer):
    """Data of the event `heartbeat`: the connection stands. The next one follows within `interval_s`, unless other events do."""

    interval_s: float


class Series(Answer):
    """A combination that has been seen."""

    key: SeriesKey
    first_store_time: Moment | None


class SeriesPage(Answer):
    """A page of series; the token is empty on the last one."""

    series: list[Series]
    next_page_token: str


class Usage(Answer):
    """TokenUsage in protobuf JSON: a count of zero is left out."""

    input_token_count: Int64Text | None = None
    output_token_count: Int64Text | None = None
    cache_read_token_count: Int64Text | None = None
    cache_write_token_count: Int64Text | None = None
    reasoning_token_count: Int64Text | None = None


class StoredCall(Answer):
    """A call in protobuf JSON, which leaves out what is empty, and what Assay knows of it."""

    call_id: str
    task_id: str | None = None
    start_time: Moment | None = None
    latency: DurationText | None = None
    time_to_first_token: DurationText | None = None
    provider: str | None = None
    model: str | None = None
    task_type: str | None = None
    agent: str | None = None
    prompt_name: str | None = None
    prompt_version: str | None = None
    outcome: str | None = None
    error_type: str | None = None
    usage: Usage | None = None
    cost_usd_nanos: Int64Text | None = None
    revision_count: int | None = None
    labels: dict[str, str] | None = None
    ranking_id: str | None = None
    selection_ratio: float | None = None
    price_origin: PriceOriginName
    price_version: str
    quality_ratio: Ratio | None
    receive_time: Moment | None
    batch_id: str


class CallsPage(Answer):
    """A page of calls, the latest started first; the token is empty on the last one."""

    calls: list[StoredCall]
    next_page_token: str


class CallMessage(Answer):
    """A message on the bus that carried the call."""

    batch_id: str
    part: int
    stream_sequence: int
    receive_time: Moment | None
    store_time: Moment | None


class CallWithEvidence(Answer):
    """A call, what is known of its answer in protobuf JSON of Evidence, and how it came."""

    call: StoredCall
    evidence: list[dict[str, object]]
    messages: list[CallMessage]


class Rejection(Answer):
    """Why an item was refused. `index` is its place in the list that was sent."""

    index: int
    field: str
    reason: RejectionReasonName
    message: str


class Recorded(Answer):
    """What was taken of a batch, durably, and what was not."""

    accepted_count: int
    rejections: list[Rejection]
