"""Metric queries and answers between the contract and the domain."""

import time
from collections.abc import Sequence

import numpy as np
from assay.collector.v1 import metrics_service_pb2 as contract
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from kit.errors import invalid
from services.collector.domain.answer import Answer, Answered
from services.collector.domain.arrays import Floats, Ints
from services.collector.domain.histogram import Histogram
from services.collector.domain.measures import Measure
from services.collector.messages.listing_requests import series_filter
from services.collector.messages.packed import field, packed
from services.collector.store.metrics import DIMENSIONS, Question
from services.collector.store.projects import ProjectInfo

_DIMENSION_NAMES = {contract.MetricDimension.Value(f"METRIC_DIMENSION_{name.upper()}"): name for name in DIMENSIONS}
_S_PER_MIN = 60
WATCH_RANGE_MIN_MAX = 31 * 24 * 60
# As many as a project has by default.
SERIES_IDS_MAX = 10_000
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
_PLAIN_COLUMNS = (
    "start_unix_s",
    "end_unix_s",
    "call_count",
    "success_ratio",
    "latency_mean_s",
    "cost_per_accepted_task_usd",
    "quality_ratio",
)
_QUANTILE_COLUMNS = ("latency_s", "time_to_first_token_s", "unsuccessful_latency_s")
_QUANTILE_NAMES = ("p50", "p90", "p95", "p99")  # of domain.answer's RATIOS


def question_from_message(request: contract.QueryMetricsRequest, project: ProjectInfo) -> Question:
    """Raises AssayError naming the field that cannot be understood."""
    if not request.HasField("start_time"):
        raise invalid("start_time", "is required")
    if request.with_log_moments and request.without_durations:
        raise invalid("without_durations", "leaves out what the moments of the logarithms are of")
    end_us = _microseconds("end_time", request.end_time) if request.HasField("end_time") else time.time_ns() // 1_000
    return Question(
        project=project,
        start_us=_microseconds("start_time", request.start_time),
        end_us=end_us,
        step_min=step_minutes(request.step) if request.HasField("step") else None,
        time_zone=request.time_zone,
        group_by=dimensions(request.group_by),
        chosen=series_filter(request.filter),
        only_series=_series_ids(request.series_ids),
        with_log_moments=request.with_log_moments,
        without_durations=request.without_durations,
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


def series_to_messages(answered: Answered, group_by: tuple[str, ...]) -> list[contract.MetricSeries]:
    """One message for each group that has calls, in the order of the keys."""
    groups = answered.answer.groups()
    windows = zip(groups, _windows(answered.answer, [first for _, first, _ in groups]), strict=True)
    return [
        contract.MetricSeries(
            key=contract.SeriesKey(**dict(zip(group_by, answered.keys[group], strict=True))),
            windows=contract.MetricWindows.FromString(serialised),
        )
        for (group, _, _), serialised in sorted(windows, key=lambda pair: answered.keys[pair[0][0]])
    ]


def _windows(answer: Answer, first_rows: list[int]) -> list[bytes]:
    """The serialised windows of each group, given the first row of each."""
    bounds = np.array([*first_rows, answer.group.size], np.int64)
    columns: dict[str, Ints | Floats] = {name: answer.column(measure) for name, measure in _COUNT_COLUMNS.items()}
    columns |= {name: getattr(answer, name) for name in _PLAIN_COLUMNS}
    columns |= _log_columns(answer) if answer.log_moments.size else {}
    messages = packed(contract.MetricWindows.DESCRIPTOR, columns, bounds)
    for name in _QUANTILE_COLUMNS if len(answer.latency_s) else ():
        quantiles = dict(zip(_QUANTILE_NAMES, getattr(answer, name).T, strict=True))
        number = contract.MetricWindows.DESCRIPTOR.fields_by_name[name].number
        parts = packed(contract.Quantiles.DESCRIPTOR, quantiles, bounds)
        messages = [message + field(number, part) for message, part in zip(messages, parts, strict=True)]
    return messages


def _log_columns(answer: Answer) -> dict[str, Ints | Floats]:
    latency, first_token = (answer.log_moments[:, histogram] for histogram in (Histogram.SUCCEEDED_LATENCY, Histogram.FIRST_TOKEN))
    return {
        "latency_log_mean": latency[:, 1],
        "latency_log_sd": latency[:, 2],
        "time_to_first_token_count": first_token[:, 0].astype(np.int64),
        "time_to_first_token_log_mean": first_token[:, 1],
        "time_to_first_token_log_sd": first_token[:, 2],
    }


def _series_ids(ids: Sequence[int]) -> Sequence[int] | None:
    """The numbers that were asked for, None for all. Raises AssayError if there are too many."""
    if len(ids) > SERIES_IDS_MAX:
        raise invalid("series_ids", f"may name at most {SERIES_IDS_MAX}: ask in several queries")
    return sorted(set(ids)) or None


def _microseconds(field: str, moment: Timestamp) -> int:
    if not 0 <= moment.nanos < 1_000_000_000:
        raise invalid(field, "is not a valid time")
    return moment.seconds * 1_000_000 + moment.nanos // 1_000
