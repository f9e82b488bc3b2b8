"""What a report is made of: tables of sums by series and window, and the records that belong to the period."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, IntEnum
from typing import Final, NamedTuple

import numpy as np

from services.reporter.domain.arrays import Bools, Floats, Ints

# 1,000 series by 31 days, or 300 series by 31 days and four months to compare with: 50 MB. Whoever has more groups more coarsely.
ROWS_MAX: Final = 200_000


class Sum(IntEnum):
    """The rows of `Table.sums`. Each adds up over series and windows; a sum that nobody fills is 0."""

    CALLS = 0
    SUCCEEDED = 1
    FAILED = 2
    TIMED_OUT = 3
    RATE_LIMITED = 4
    REFUSED = 5
    CANCELLED = 6
    LATENCY_S = 7  # of succeeded calls, as all of latency
    LATENCY_LOG = 8  # natural logarithms of seconds
    LATENCY_LOG_SQUARE = 9
    FIRST_TOKEN_COUNT = 10
    FIRST_TOKEN_LOG = 11
    FIRST_TOKEN_LOG_SQUARE = 12
    INPUT_TOKENS = 13  # cache reads and writes included
    OUTPUT_TOKENS = 14
    CACHE_READ_TOKENS = 15
    CACHE_WRITE_TOKENS = 16
    REASONING_TOKENS = 17
    COST_USD = 18
    COST_UNKNOWN = 19  # calls
    TASKS = 20
    ACCEPTED_TASKS = 21
    REVISIONS = 22
    QUALITY_COUNT = 23
    QUALITY = 24  # 0..1 an answer


class SeriesKey(NamedTuple):
    """What makes a series. A part that was not grouped by is empty."""

    provider: str
    model: str
    task_type: str
    prompt_name: str = ""
    prompt_version: str = ""


@dataclass(frozen=True)
class Table:
    """Sums of windows that have calls, one row each: a series in a window.

    `series`: place of the row's key in `keys`, shape (rows,). `start_s`: start of its window, seconds since 1970, shape (rows,).
    `sums`: shape (sums, rows), see `Sum`.
    """

    keys: tuple[SeriesKey, ...]
    series: Ints
    start_s: Ints
    sums: Floats

    def __len__(self) -> int:
        return len(self.series)

    def total(self, which: Sum) -> float:
        """A sum over all rows."""
        return float(self.sums[which].sum())

    def where(self, is_kept: Bools) -> "Table":
        """The rows for which the mask, shape (rows,), is true; all keys stay."""
        return Table(self.keys, self.series[is_kept], self.start_s[is_kept], self.sums[:, is_kept])


NO_ROWS: Final = Table((), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((len(Sum), 0)))


class DurationRow(NamedTuple):
    """Quantiles of a group over a whole period, in seconds; NaN: unknown. A part of the key that is None stands for all."""

    provider: str | None
    task_type: str | None
    latency_p50_s: float
    latency_p95_s: float
    first_token_p50_s: float
    first_token_p95_s: float


class DayTotal(NamedTuple):
    """A local day of the whole project."""

    day: date
    cost_usd: float
    call_count: int
    cost_unknown_count: int


class LedgerDay(NamedTuple):
    """What was received on a day (UTC) and what became of it: received is the sum of the next five."""

    day: date
    received_count: int
    stored_count: int
    rejected_count: int
    duplicate_count: int
    dead_lettered_count: int
    in_flight_count: int
    client_dropped_count: int


class AnomalyNote(NamedTuple):
    """An anomaly of the period. `metric` as the analyzer's enumeration names it, in capitals; a part of the scope that is None is all.

    `observed`, `expected`: in the metric's unit. `end`: None while it goes on.
    """

    anomaly_id: str
    metric: str
    is_up: bool
    severity: str
    provider: str | None
    model: str | None
    task_type: str | None
    start: datetime
    end: datetime | None
    observed: float
    expected: float
    call_count: int
    affected_count: int
    explanation: str


class AlertNote(NamedTuple):
    """An alert that fired in the period. `end`: None while it goes on. `anomaly_id`: what it is about, or ""."""

    alert_id: str
    rule_name: str
    severity: str
    start: datetime
    end: datetime | None
    summary: str
    anomaly_id: str


class PromptVerdict(NamedTuple):
    """A comparison of two versions of a prompt that was decided: `better` beats `other` by `difference` of the metric, and its interval.

    `metric`: in words, such as "success"; `difference` in its unit, in the sense in which more is better.
    """

    task_type: str
    prompt_name: str
    better: str
    other: str
    metric: str
    difference: float
    low: float
    high: float
    call_count: int
    decided_at: datetime


class State(Enum):
    """What became of a recommendation."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DONE = "done"


class EarlierRecommendation(NamedTuple):
    """A recommendation of an earlier report, as that one had it (`Recommendation` of report.py), and its state since."""

    recommendation_id: str
    title: str
    state: State
    issued_at: datetime
    done_at: datetime | None
    task_type: str
    provider: str
    model: str
    metric: str  # what `before` and the prediction are of: a word of report.Basis
    before: float
    predicted: float
    predicted_low: float
    predicted_high: float


@dataclass(frozen=True)
class PeriodData:
    """All that one report rests on. Times are aware, in UTC; the period is `start` … `end`, exclusive.

    `period`, `previous`, `baseline`: by full series and window of `step_s` (days of the zone, or hours for periods below four days; see
    spans.py). `baseline`: all rows of the `baseline_period_count` periods that are compared with, each as long as this one.
    `period_hours`, `previous_hours`: by provider and model and hour (other parts of the key empty), without logarithms; empty for periods
    above 31 days.
    `durations`, `previous_durations`: all, by provider, by task type, and by both. `days`: whole local days up to the period's end,
    oldest first, at most 70 and at least those of the month where they exist. `budget_usd`: of a calendar month, None for none.
    `first_call_at`: when the project's first call was made or stored, None if it has none. `data_until`: until when all is
    known; before `end` if the period is not over. `notes`: sentences that stand at the top, such as that the report is late.
    `left_out_series_count`: that were too many.
    """

    project: str
    zone: str
    start: datetime
    end: datetime
    made_at: datetime
    step_s: int
    period: Table
    previous: Table
    baseline: Table
    baseline_period_count: int
    period_hours: Table = NO_ROWS
    previous_hours: Table = NO_ROWS
    durations: tuple[DurationRow, ...] = ()
    previous_durations: tuple[DurationRow, ...] = ()
    days: tuple[DayTotal, ...] = ()
    budget_usd: float | None = None
    anomalies: tuple[AnomalyNote, ...] = ()
    alerts: tuple[AlertNote, ...] = ()
    ledger: tuple[LedgerDay, ...] = ()
    prompt_verdicts: tuple[PromptVerdict, ...] = ()
    earlier: tuple[EarlierRecommendation, ...] = ()
    first_call_at: datetime | None = None
    data_until: datetime | None = None
    notes: tuple[str, ...] = ()
    left_out_series_count: int = 0
