"""The collector's answers as windows of cells: what rankings rest on."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from assay.collector.v1.metrics_service_pb2 import (
    METRIC_DIMENSION_MODEL,
    METRIC_DIMENSION_PROVIDER,
    METRIC_DIMENSION_TASK_TYPE,
    MetricSeries,
    QueryMetricsRequest,
    SeriesFilter,
)
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.analyzer.domain.arrays import Floats
from services.analyzer.domain.ranking.evidence import Candidate, Sum
from services.analyzer.domain.ranking.gathered import NO_WINDOWS, Cell, CellWindows
from services.analyzer.messages.windows import floats_of, ints_of, log_sums

_NANOS_PER_USD = 1e9
# Roll-ups keep no squares of these.
_NOT_KEPT: Final = (Sum.QUALITY_SQUARE, Sum.TASK_COST_SQUARE, Sum.TASK_TIME_SQUARE)


def cells_request(project: str, prompt: tuple[str, str], start_s: int, end_s: int, step_s: int = 0) -> QueryMetricsRequest:
    """The question for the windows of all candidates on all kinds of task, one each where there is no step. Days are those of UTC.

    `prompt`: name and version of the prompt whose calls count, "" for all.
    """
    names, versions = ([value] if value else [] for value in prompt)
    return QueryMetricsRequest(
        project=project,
        start_time=Timestamp(seconds=start_s),
        end_time=Timestamp(seconds=end_s),
        step=Duration(seconds=step_s) if step_s else None,
        time_zone="UTC",
        group_by=[METRIC_DIMENSION_PROVIDER, METRIC_DIMENSION_MODEL, METRIC_DIMENSION_TASK_TYPE],
        filter=SeriesFilter(prompt_names=names, prompt_versions=versions),
        with_log_moments=True,
    )


def cells_from_message(series: Sequence[MetricSeries]) -> CellWindows:
    """The windows of an answer."""
    if not series:
        return NO_WINDOWS
    lengths = [len(one.windows.start_unix_s) for one in series]
    return CellWindows(
        cells=tuple(Cell(Candidate(one.key.provider, one.key.model), one.key.task_type) for one in series),
        cell=np.repeat(np.arange(len(series)), lengths),
        start_s=ints_of(series, "start_unix_s").astype(np.float64),
        end_s=ints_of(series, "end_unix_s").astype(np.float64),
        sums=_sums(series),
    )


def _sums(series: Sequence[MetricSeries]) -> Floats:
    """Shape (sums, rows).

    Costs are those of all calls whose cost is known, and tasks count by the share of those calls. Of calls that did not succeed the
    collector tells quantiles of the time alone: each is taken as long as their median.
    """
    calls, succeeded = ints_of(series, "call_count"), ints_of(series, "succeeded_count")
    known_ratio = 1 - ints_of(series, "cost_unknown_count") / np.maximum(calls, 1)
    quality_count, first_token_count = ints_of(series, "quality_count"), ints_of(series, "time_to_first_token_count")
    latency = log_sums(succeeded.astype(np.float64), floats_of(series, "latency_log_mean"), floats_of(series, "latency_log_sd"))
    first_token = log_sums(
        first_token_count.astype(np.float64),
        floats_of(series, "time_to_first_token_log_mean"),
        floats_of(series, "time_to_first_token_log_sd"),
    )
    others_s = np.array([value for one in series for value in one.windows.unsuccessful_latency_s.p50])
    sums = np.zeros((len(Sum), len(calls)))
    sums[Sum.CALLS] = calls - ints_of(series, "cancelled_count")
    sums[Sum.SUCCEEDED] = sums[Sum.LATENCY_COUNT] = succeeded
    sums[Sum.QUALITY_COUNT] = quality_count
    sums[Sum.QUALITY] = quality_count * np.nan_to_num(floats_of(series, "quality_ratio"))
    sums[Sum.LATENCY_LOG], sums[Sum.LATENCY_LOG_SQUARE] = latency
    sums[Sum.FIRST_TOKEN_COUNT] = first_token_count
    sums[Sum.FIRST_TOKEN_LOG], sums[Sum.FIRST_TOKEN_LOG_SQUARE] = first_token
    sums[Sum.TASKS] = ints_of(series, "task_count") * known_ratio
    sums[Sum.ACCEPTED_TASKS] = ints_of(series, "accepted_task_count") * known_ratio
    sums[Sum.TASK_COST_USD] = ints_of(series, "cost_usd_nanos") / _NANOS_PER_USD
    sums[Sum.TASK_TIME_S] = succeeded * np.nan_to_num(floats_of(series, "latency_mean_s")) + (calls - succeeded) * np.nan_to_num(others_s)
    sums[list(_NOT_KEPT)] = np.nan
    return sums
