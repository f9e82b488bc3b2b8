"""Metric queries and answers between the contract and the domain."""

import time
from collections.abc import Sequence

import numpy as np
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from assay.collector.v1 import metrics_service_pb2 as contract
from kit.errors import invalid
from services.collector.domain.answer import Answer
from services.collector.domain.arrays import Floats
from services.collector.domain.measures import Measure
from services.collector.query import Answered, Question
from services.collector.store.metrics import DIMENSIONS, SeriesFilter
from services.collector.store.projects import ProjectInfo

_DIMENSION_NAMES = {contract.MetricDimension.Value(f"METRIC_DIMENSION_{name.upper()}"): name for name in DIMENSIONS}
_S_PER_MIN = 60
WATCH_RANGE_MIN_MAX = 31 * 24 * 60
_COUNT_COLUMNS = {
    "succeeded_count": Measure.SUCCEEDED,
    "failed_count": Measure.FAILED,
    "timed_out_count": Measure.TIMED_OUT,
    "rate_limited_count": Measure.RATE_LIMITED,
    "refused_count": Measure.REFUSED,
    "cancelled_count": Measure.CANCELLED,
    "input_token_count": Measure.INPUT_TOKENS,
    "output_token_count": Measure.OUTPUT_TOKENS,
    "cache_read_token_count": Measure.CACHE_READ_TOKENS,
    "cache_write_token_count": Measure.CACHE_WRITE_TOKENS,
    "reasoning_token_count": Measure.REASONING_TOKENS,
    "cost_usd_nanos": Measure.COST_NANOS,
    "cost_unknown_count": Measure.COST_UNKNOWN_COUNT,
    "task_count": Measure.TASK_COUNT,
    "accepted_task_count": Measure.ACCEPTED_TASK_COUNT,
    "revision_count": Measure.REVISION_COUNT,
    "quality_count": Measure.QUALITY_COUNT,
}


def question_from_message(request: contract.QueryMetricsRequest, project: ProjectInfo) -> Question:
    """Raises AssayError naming the field that cannot be understood."""
    if not request.HasField("start_time"):
        raise invalid("start_time", "is required")
    end_us = _microseconds("end_time", request.end_time) if request.HasField("end_time") else time.time_ns() // 1_000
    return Question(
        project=project,
        start_us=_microseconds("start_time", request.start_time),
        end_us=end_us,
        step_min=step_minutes(request.step) if request.HasField("step") else None,
        time_zone=request.time_zone,
        group_by=dimensions(request.group_by),
        chosen=series_filter(request.filter),
    )


def question_from_watch(request: contract.WatchMetricsRequest, project: ProjectInfo) -> tuple[Question, int]:
    """The question, whose times are left open, and how many minutes back from now it reaches."""
    range_min = step_minutes(request.range, "range")
    if range_min > WATCH_RANGE_MIN_MAX:
        raise invalid("range", "must be at most 31 days")
    question = Question(
        project=project,
        start_us=0,
        end_us=0,
        step_min=step_minutes(request.step) if request.HasField("step") else None,
        time_zone=request.time_zone,
        group_by=dimensions(request.group_by),
        chosen=series_filter(request.filter),
    )
    return question, range_min


def step_minutes(step: Duration, field: str = "step") -> int:
    """A duration in minutes; raises AssayError unless it is whole and positive."""
    if step.nanos or step.seconds <= 0 or step.seconds % _S_PER_MIN:
        raise invalid(field, "must be a whole number of minutes, at least one")
    return step.seconds // _S_PER_MIN


def dimensions(group_by: Sequence[int]) -> tuple[str, ...]:
    """Names of the dimensions, each once."""
    unknown = [value for value in group_by if value not in _DIMENSION_NAMES]
    if unknown:
        raise invalid("group_by", "names a dimension that there is not")
    return tuple(dict.fromkeys(_DIMENSION_NAMES[contract.MetricDimension.ValueType(value)] for value in group_by))


def series_filter(message: contract.SeriesFilter) -> SeriesFilter:
    """The filter by dimension."""
    return SeriesFilter({name: list(getattr(message, f"{name}s")) for name in DIMENSIONS if getattr(message, f"{name}s")})


def series_to_messages(answered: Answered, group_by: tuple[str, ...]) -> list[contract.MetricSeries]:
    """One message for each group that has calls, in the order of the keys."""
    groups = sorted(answered.answer.groups(), key=lambda group: answered.keys[group[0]])
    return [
        contract.MetricSeries(
            key=contract.SeriesKey(**dict(zip(group_by, answered.keys[group], strict=True))),
            windows=_windows(answered.answer, slice(first, end)),
        )
        for group, first, end in groups
    ]


def _windows(answer: Answer, rows: slice) -> contract.MetricWindows:
    columns = {name: answer.measures[rows, measure].tolist() for name, measure in _COUNT_COLUMNS.items()}
    return contract.MetricWindows(
        start_unix_s=answer.start_unix_s[rows].tolist(),
        end_unix_s=answer.end_unix_s[rows].tolist(),
        call_count=answer.call_count[rows].tolist(),
        success_ratio=answer.success_ratio[rows].tolist(),
        latency_mean_s=answer.latency_mean_s[rows].tolist(),
        cost_per_accepted_task_usd=answer.cost_per_accepted_task_usd[rows].tolist(),
        quality_ratio=answer.quality_ratio[rows].tolist(),
        latency_s=_quantiles(answer.latency_s[rows]),
        time_to_first_token_s=_quantiles(answer.time_to_first_token_s[rows]),
        unsuccessful_latency_s=_quantiles(answer.unsuccessful_latency_s[rows]),
        **columns,
    )


def _quantiles(columns: Floats) -> contract.Quantiles:
    p50, p90, p95, p99 = np.ascontiguousarray(columns.T).tolist()
    return contract.Quantiles(p50=p50, p90=p90, p95=p95, p99=p99)


def _microseconds(field: str, moment: Timestamp) -> int:
    if not 0 <= moment.nanos < 1_000_000_000:
        raise invalid(field, "is not a valid time")
    return moment.seconds * 1_000_000 + moment.nanos // 1_000
