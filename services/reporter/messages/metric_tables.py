"""Questions to the collector, and tables of sums made of its answers."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from zoneinfo import ZoneInfo

import numpy as np
from assay.collector.v1 import metrics_service_pb2 as contract

from services.reporter.domain.arrays import Floats
from services.reporter.domain.period_data import NO_ROWS, DayTotal, DurationRow, SeriesKey, Sum, Table

DIMENSIONS = (
    contract.METRIC_DIMENSION_PROVIDER,
    contract.METRIC_DIMENSION_MODEL,
    contract.METRIC_DIMENSION_TASK_TYPE,
    contract.METRIC_DIMENSION_PROMPT_NAME,
    contract.METRIC_DIMENSION_PROMPT_VERSION,
)
# What is told of a group's durations: of all, of each provider, of each kind of task, and of both.
DURATION_GROUPS = ((), DIMENSIONS[:1], DIMENSIONS[2:3], (DIMENSIONS[0], DIMENSIONS[2]))
_USD = 1e-9
_NAMES = {
    Sum.CALLS: "call_count",
    Sum.SUCCEEDED: "succeeded_count",
    Sum.FAILED: "failed_count",
    Sum.TIMED_OUT: "timed_out_count",
    Sum.RATE_LIMITED: "rate_limited_count",
    Sum.REFUSED: "refused_count",
    Sum.CANCELLED: "cancelled_count",
    Sum.INPUT_TOKENS: "input_token_count",
    Sum.OUTPUT_TOKENS: "output_token_count",
    Sum.CACHE_READ_TOKENS: "cache_read_token_count",
    Sum.CACHE_WRITE_TOKENS: "cache_write_token_count",
    Sum.REASONING_TOKENS: "reasoning_token_count",
    Sum.COST_UNKNOWN: "cost_unknown_count",
    Sum.TASKS: "task_count",
    Sum.ACCEPTED_TASKS: "accepted_task_count",
    Sum.REVISIONS: "revision_count",
    Sum.QUALITY_COUNT: "quality_count",
}
_MOMENTS = (
    (Sum.LATENCY_LOG, Sum.LATENCY_LOG_SQUARE, Sum.SUCCEEDED, "latency"),
    (Sum.FIRST_TOKEN_LOG, Sum.FIRST_TOKEN_LOG_SQUARE, Sum.FIRST_TOKEN_COUNT, "time_to_first_token"),
)
Series = Sequence[contract.MetricSeries]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: windows of `step_s` seconds, 0 for one window, of each group; and of durations.

    Without durations there are sums alone, and none of the histograms is read, which are nearly all that is stored.
    """

    by: Sequence[contract.MetricDimension.ValueType] = ()
    step_s: int = 0
    with_durations: bool = True


def metrics_question(project: str, zone: str, start: datetime, end: datetime, wanted: Wanted) -> contract.QueryMetricsRequest:
    """Asks for a stretch of time; durations are told by their quantiles and their moments."""
    with_durations = wanted.with_durations
    request = contract.QueryMetricsRequest(
        project=project, time_zone=zone, group_by=wanted.by, with_log_moments=with_durations, without_durations=not with_durations
    )
    request.start_time.FromDatetime(start)
    request.end_time.FromDatetime(end)
    if wanted.step_s:
        request.step.FromSeconds(wanted.step_s)
    return request


def table_of(series: Series, *, with_durations: bool = True) -> Table:
    """The table of an answer: a row for each window of each series. What is told of durations beside their sums is 0 without them."""
    if not series:
        return NO_ROWS
    lengths = [len(one.windows.start_unix_s) for one in series]
    place = np.repeat(np.arange(len(series), dtype=np.int64), lengths)

    def column(read: Callable[[contract.MetricWindows], Iterable[float]]) -> Floats:
        return np.fromiter(chain.from_iterable(read(one.windows) for one in series), np.float64, place.size)

    def named(name: str) -> Floats:
        return column(lambda windows: getattr(windows, name))

    sums = np.zeros((len(Sum), place.size))
    for which, name in _NAMES.items():
        sums[which] = named(name)
    sums[Sum.COST_USD] = named("cost_usd_nanos") * _USD
    sums[Sum.LATENCY_S] = _weighted(named("latency_mean_s"), sums[Sum.SUCCEEDED])
    sums[Sum.QUALITY] = _weighted(named("quality_ratio"), sums[Sum.QUALITY_COUNT])
    if with_durations:
        sums[Sum.FIRST_TOKEN_COUNT] = named("time_to_first_token_count")
        for log, square, count, name in _MOMENTS:
            mean, sd = named(f"{name}_log_mean"), named(f"{name}_log_sd")
            sums[log] = _weighted(mean, sums[count])
            sums[square] = _weighted(mean * mean + sd * sd, sums[count])
    keys = tuple(SeriesKey(*(getattr(one.key, name) for name in SeriesKey._fields)) for one in series)
    start_s = np.fromiter(chain.from_iterable(one.windows.start_unix_s for one in series), np.int64, place.size)
    return Table(keys, place, start_s, sums)


def together(tables: Sequence[Table]) -> Table:
    """All rows of tables whose windows are different ones."""
    numbers: dict[SeriesKey, int] = {}
    for table in tables:
        for key in table.keys:
            numbers.setdefault(key, len(numbers))
    places = [np.array([numbers[key] for key in table.keys], np.int64)[table.series] for table in tables if len(table)]
    filled = [table for table in tables if len(table)]
    if not filled:
        return NO_ROWS
    return Table(
        tuple(numbers),
        np.concatenate(places),
        np.concatenate([table.start_s for table in filled]),
        np.concatenate([table.sums for table in filled], axis=1),
    )


def duration_rows(series: Series) -> list[DurationRow]:
    """Quantiles of groups over one window. A part of the key that was not grouped by stands for all."""
    rows = []
    for one in series:
        latency, first_token = one.windows.latency_s, one.windows.time_to_first_token_s
        values = (quantiles[0] if quantiles else math.nan for quantiles in (latency.p50, latency.p95, first_token.p50, first_token.p95))
        provider = one.key.provider if one.key.HasField("provider") else None
        task_type = one.key.task_type if one.key.HasField("task_type") else None
        rows.append(DurationRow(provider, task_type, *values))
    return rows


def day_totals(series: Series, zone: ZoneInfo) -> tuple[DayTotal, ...]:
    """The days that have calls, oldest first, of an answer that has one group."""
    return tuple(
        DayTotal(datetime.fromtimestamp(start_s, zone).date(), nanos * _USD, call_count, unknown_count)
        for one in series
        for start_s, nanos, call_count, unknown_count in zip(
            one.windows.start_unix_s, one.windows.cost_usd_nanos, one.windows.call_count, one.windows.cost_unknown_count, strict=True
        )
    )


def _weighted(mean: Floats, count: Floats) -> Floats:
    """The sum of what has this mean; nothing where there is none."""
    return np.where(count > 0, np.nan_to_num(mean) * count, 0.0)
