"""A report as data: all numbers are rounded and worded here once, so that every form of it shows the same ones."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from pydantic import TypeAdapter

# Counts changes of this model. A report of an older version is read as long as only fields with a default were added.
SCHEMA_VERSION: Final = 1


class Mark(Enum):
    """What a cell's number means for the reader. Only what is significant is marked."""

    NONE = ""
    BETTER = "better"
    WORSE = "worse"
    CHANGED = "changed"


class InsightKind(Enum):
    """What an insight is about, by the function that finds it."""

    VOLUME = "volume"
    PRICE = "price"
    TOKENS = "tokens"
    MIX = "mix"
    CACHE = "cache"
    LATENCY = "latency"
    ERRORS = "errors"
    REVISIONS = "revisions"
    WASTEFUL_PROMPT = "wasteful_prompt"
    DOMINATED_MODEL = "dominated_model"
    LITTLE_EVIDENCE = "little_evidence"


class RecommendationKind(Enum):
    """What is to be done."""

    MOVE_MODEL = "move_model"
    PROMOTE_PROMPT = "promote_prompt"
    TRIM_PROMPT = "trim_prompt"
    RESTORE_CACHE = "restore_cache"
    SET_BUDGET_RULE = "set_budget_rule"


class Basis(Enum):
    """What a prediction is of, so that it can be held against what came."""

    COST_PER_CALL_USD = "cost_per_call_usd"
    NONE = ""


@dataclass(frozen=True)
class Cell:
    """A number or a word of a table. `value`: the number that `text` shows, rounded alike, in `unit`; None for words and for unknown."""

    text: str
    value: float | None = None
    unit: str = ""
    mark: Mark = Mark.NONE


@dataclass(frozen=True)
class Sheet:
    """A table. `name`: its file's name. `number_from`: the first column that holds numbers. `empty`: what is said when it has no rows."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    number_from: int = 1
    empty: str = "Nothing to show."


@dataclass(frozen=True)
class ChartSeries:
    """One line or one part of the bars; None where nothing was measured."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Chart:
    """`labels` along the x axis, all series as long. `form`: "bars" (stacked) or "lines". `unit` as in Cell."""

    name: str
    title: str
    form: str
    unit: str
    labels: tuple[str, ...]
    series: tuple[ChartSeries, ...]


@dataclass(frozen=True)
class Estimate:
    """A value and its 90 % interval, rounded alike; `text`: all three in words."""

    value: float
    low: float
    high: float
    unit: str
    text: str


@dataclass(frozen=True)
class Insight:
    """Something worth knowing. `subject`: what it is about, such as code_review/system-prompt.

    `effect_ratio`: how much of the period's spend (or of what is worth as much, see docs/reports.md) it moves. `confidence_ratio`: the
    probability that it is no accident, after all that was looked at. They stand by the product of both, the greatest first. `effect`: US
    dollars in the period; more spend is positive; of a dominated model, what could be saved.
    """

    kind: InsightKind
    subject: str
    title: str
    text: str
    effect_ratio: float
    confidence_ratio: float
    effect: Estimate | None = None


@dataclass(frozen=True)
class Recommendation:
    """Something to do, and what it would bring: a counterfactual, each with its interval.

    `recommendation_id`: 32 hexadecimal digits from project, kind, scope, so that the same advice a week later has the same id.
    `saving`: US dollars in a month at the period's volume; negative costs more; None where it is not about money. `effects`: further
    estimates by name. `before`, `predicted…`: of `basis`, to be held against what comes.
    """

    recommendation_id: str
    kind: RecommendationKind
    title: str
    text: str
    undo: str
    confidence: str
    confidence_ratio: float
    comparable_call_count: int
    task_type: str
    provider: str
    model: str
    saving: Estimate | None = None
    effects: tuple[tuple[str, Estimate], ...] = ()
    basis: Basis = Basis.NONE
    before: float = 0.0
    predicted: float = 0.0
    predicted_low: float = 0.0
    predicted_high: float = 0.0


@dataclass(frozen=True)
class FollowUp:
    """What became of an earlier recommendation. `realised`: None where nothing can be said yet; `text` says why."""

    recommendation_id: str
    title: str
    state: str
    text: str
    realised: float | None


@dataclass(frozen=True)
class Money:
    """Spend and budget, US dollars. `forecast`: of the calendar month that the period ends in; None without enough days."""

    spend: Cell
    month: str
    month_to_date: Cell
    forecast: Estimate | None
    budget: Cell | None
    text: str


@dataclass(frozen=True)
class Report:
    """A report. `summary`: at most five sentences. `is_empty`: the period has no calls; what there is to say of it is in the summary."""

    schema_version: int
    title: str
    project: str
    zone: str
    start: datetime
    end: datetime
    made_at: datetime
    period_words: str
    is_empty: bool
    notes: tuple[str, ...]
    summary: tuple[str, ...]
    changes: Sheet
    insights: tuple[Insight, ...]
    recommendations: tuple[Recommendation, ...]
    follow_ups: tuple[FollowUp, ...]
    money: Money
    charts: tuple[Chart, ...]
    sheets: tuple[Sheet, ...]
    data_quality: tuple[str, ...]


_ADAPTER: Final = TypeAdapter(Report)


def to_json(report: Report) -> bytes:
    """The report as JSON in UTF-8, indented, the same bytes for the same report."""
    return _ADAPTER.dump_json(report, indent=2) + b"\n"


def from_json(content: bytes) -> Report:
    """The report back. Raises ValueError for what is none."""
    return _ADAPTER.validate_json(content)
