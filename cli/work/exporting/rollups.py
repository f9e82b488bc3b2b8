"""Roll-ups as a table: a row for each series and window, asked for a few days at a time."""

import math
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import grpc.aio
from assay.collector.v1.metrics_service_pb2 import (
    MetricDimension,
    MetricSeries,
    MetricWindows,
    Quantiles,
    QueryMetricsRequest,
    SeriesFilter,
)
from assay.collector.v1.metrics_service_pb2_grpc import MetricsServiceStub

from cli.work.exporting.columns import Column, ExportTable, Kind, Rows
from cli.work.sending import patiently

# A range of minutes is asked for by the day, so that 10,000 series are some hundred megabytes at most; one of days at once.
_SLICE = timedelta(days=1)
_LONG_SLICE = timedelta(days=366)
_DAY_S = 86_400
# A day of thousands of series by the minute takes its time to be added up.
QUERY_TIMEOUT_S = 120.0
_QUANTILES = ("p50", "p90", "p95", "p99")
# What is answered beside start and end, but for the moments, which were not asked for.
_FIELDS = [
    field for field in MetricWindows.DESCRIPTOR.fields[2:] if "_log_" not in field.name and field.name != "time_to_first_token_count"
]


@dataclass(frozen=True, slots=True)
class Question:
    """Which roll-ups: windows of `step_s` seconds in the days of the zone, grouped by dimensions such as `provider`."""

    project: str
    start: datetime
    end: datetime
    step_s: int
    zone: ZoneInfo
    group_by: Sequence[str]
    series_filter: SeriesFilter


def rollups_table(channel: grpc.aio.Channel, question: Question) -> ExportTable:
    """One row for each series and window with calls; unknown values are None."""
    keys = [Column(name, Kind.TEXT) for name in question.group_by]
    times = [Column("start_time", Kind.TIME), Column("end_time", Kind.TIME)]
    return ExportTable([*keys, *times, *_value_columns()], _parts(channel, question))


async def _parts(channel: grpc.aio.Channel, question: Question) -> AsyncIterator[Rows]:
    service = MetricsServiceStub(channel)
    for start, end in _slices(question):
        request = QueryMetricsRequest(
            project=question.project,
            time_zone=question.zone.key,
            group_by=[MetricDimension.Value(f"METRIC_DIMENSION_{name.upper()}") for name in question.group_by],
            filter=question.series_filter,
        )
        request.start_time.FromDatetime(start)
        request.end_time.FromDatetime(end)
        request.step.FromSeconds(question.step_s)
        answer = await patiently(lambda request=request: service.QueryMetrics(request, timeout=QUERY_TIMEOUT_S))  # type: ignore[misc]
        for series in answer.series:
            yield list(_rows(series, question.group_by))


def _slices(question: Question) -> Iterator[tuple[datetime, datetime]]:
    """The range in pieces that end where a day of the zone does, and so between two windows."""
    length = _SLICE if question.step_s < _DAY_S else _LONG_SLICE
    start = question.start
    while start < question.end:
        local = start.astimezone(question.zone)
        midnight = datetime.combine(local.date() + length, time(), question.zone).astimezone(UTC)
        end = min(midnight, question.end) if question.step_s <= _DAY_S else question.end
        yield start, end
        start = end


def _value_columns() -> list[Column]:
    columns = []
    for field in _FIELDS:
        if field.message_type is not None:
            columns += [Column(f"{field.name.removesuffix('_s')}_{quantile}_s", Kind.NUMBER) for quantile in _QUANTILES]
        else:
            columns.append(Column(field.name, Kind.INTEGER if field.type == field.TYPE_INT64 else Kind.NUMBER))
    return columns


def _rows(series: MetricSeries, group_by: Sequence[str]) -> Iterator[tuple[object, ...]]:
    windows = series.windows
    columns: list[Sequence[object]] = [[getattr(series.key, name)] * len(windows.start_unix_s) for name in group_by]
    columns += [[datetime.fromtimestamp(start_s, UTC) for start_s in column] for column in (windows.start_unix_s, windows.end_unix_s)]
    for field in _FIELDS:
        value = getattr(windows, field.name)
        if isinstance(value, Quantiles):
            columns += [_known(getattr(value, quantile)) for quantile in _QUANTILES]
        else:
            columns.append(_known(value))
    yield from zip(*columns, strict=True)


def _known(values: Sequence[float]) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values]
