"""The collector's answers as tables of windows."""

from collections.abc import Callable, Sequence

import numpy as np
from assay.collector.v1.metrics_service_pb2 import MetricDimension, MetricSeries, QueryMetricsRequest, SeriesFilter
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.series import SeriesKey
from services.analyzer.domain.window_columns import EMPTY, WindowColumns

_DIMENSIONS = [number for number in MetricDimension.values() if number]
_OUTCOMES = ("succeeded", "failed", "timed_out", "rate_limited", "refused", "cancelled")
_NANOS_PER_USD = 1e9

Numbers = Callable[[Sequence[SeriesKey]], Ints]


def windows_request(project: str, start_s: int, end_s: int, step_s: int, series_ids: Sequence[int] = ()) -> QueryMetricsRequest:
    """The question for the windows of all series, each by itself, or of those that the collector numbers so."""
    return QueryMetricsRequest(
        project=project,
        start_time=Timestamp(seconds=start_s),
        end_time=Timestamp(seconds=end_s),
        step=Duration(seconds=step_s),
        time_zone="UTC",
        group_by=_DIMENSIONS,
        filter=SeriesFilter(),
        series_ids=series_ids,
        with_log_moments=True,
    )


def windows_from_message(series: Sequence[MetricSeries], numbers: Numbers) -> WindowColumns:
    """The windows of an answer, in the order of their starts, with their present values; `numbers` numbers the series."""
    if not series:
        return EMPTY
    keys = [SeriesKey(*(getattr(one.key, field) for field in SeriesKey._fields)) for one in series]
    lengths = [len(one.windows.start_unix_s) for one in series]
    start_s = ints_of(series, "start_unix_s")
    succeeded = ints_of(series, "succeeded_count")
    call_count = ints_of(series, "call_count")
    quality_count = ints_of(series, "quality_count")
    first_token_count = ints_of(series, "time_to_first_token_count").astype(np.float64)
    latency_sums = log_sums(succeeded.astype(np.float64), floats_of(series, "latency_log_mean"), floats_of(series, "latency_log_sd"))
    first_token_sums = log_sums(
        first_token_count, floats_of(series, "time_to_first_token_log_mean"), floats_of(series, "time_to_first_token_log_sd")
    )
    windows = WindowColumns(
        series=np.repeat(numbers(keys), lengths),
        start_s=start_s,
        length_s=ints_of(series, "end_unix_s") - start_s,
        outcome_counts=np.stack([ints_of(series, f"{outcome}_count") for outcome in _OUTCOMES], axis=1),
        latency_count=succeeded.astype(np.float64),
        latency_log_sum=latency_sums[0],
        latency_log_square_sum=latency_sums[1],
        first_token_count=first_token_count,
        first_token_log_sum=first_token_sums[0],
        first_token_log_square_sum=first_token_sums[1],
        latency_p95_s=np.array([value for one in series for value in one.windows.latency_s.p95]),
        cost_known_count=call_count - ints_of(series, "cost_unknown_count"),
        cost_usd=ints_of(series, "cost_usd_nanos") / _NANOS_PER_USD,
        output_token_count=ints_of(series, "output_token_count"),
        input_token_count=ints_of(series, "input_token_count"),
        task_count=ints_of(series, "task_count"),
        revision_count=ints_of(series, "revision_count"),
        quality_count=quality_count,
        quality_sum=quality_count.astype(np.float64) * np.nan_to_num(floats_of(series, "quality_ratio")),
    )
    return windows.select(np.argsort(windows.start_s, kind="stable"))


def log_sums(count: Floats, mean: Floats, sd: Floats) -> tuple[Floats, Floats]:
    """Sums of logarithms and of their squares; `sd` is that of the values themselves."""
    mean, sd = np.nan_to_num(mean), np.nan_to_num(sd)
    return count * mean, count * (sd * sd + mean * mean)


def ints_of(series: Sequence[MetricSeries], column: str) -> Ints:
    """A column of counts, the windows of all series one behind the other."""
    return np.array([value for one in series for value in getattr(one.windows, column)], np.int64)


def floats_of(series: Sequence[MetricSeries], column: str) -> Floats:
    """Likewise of doubles."""
    return np.array([value for one in series for value in getattr(one.windows, column)], np.float64)
