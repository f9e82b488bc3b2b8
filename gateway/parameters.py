"""The query parameters of every route, turned into the requests of the services. Nothing else reads a query string."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from assay.collector.v1.collector_service_pb2 import GetLedgerRequest
from assay.collector.v1.metrics_service_pb2 import (
    ListCallsRequest,
    ListSeriesRequest,
    MetricDimension,
    QueryMetricsRequest,
    SeriesFilter,
    WatchMetricsRequest,
)
from assay.telemetry.v1.call_pb2 import CallOutcome
from fastapi import Depends, Query
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.moments import comma_list, duration, moment
from kit.errors import invalid

FILTER_VALUES_MAX = 1_000  # across all filters; a longer list is better asked for in parts
PAGE_SIZE_LIMIT = 2**31 - 1  # what an int32 holds; the services cap what is too large

Number = TypeVar("Number", bound=int)
_TIME = "RFC 3339, seconds since 1970, or a time from now such as -24h."

Project = Annotated[str, Query(description="Whose. Default: the key's own project.")]
Start = Annotated[str, Query(description=f"First instant. {_TIME}")]
End = Annotated[str, Query(description=f"End, exclusive. {_TIME}")]
Step = Annotated[str, Query(description="Length of a window, such as 60s, 15m, 1h or 1d. Default: one window.")]
Zone = Annotated[str, Query(description="IANA name of a time zone. Default: the project's.")]
GroupBy = Annotated[Sequence[str], Query(description="Any of provider, model, task_type, prompt_name, prompt_version.")]
PageSize = Annotated[int, Query(ge=0, le=PAGE_SIZE_LIMIT, description="How many; 0 is the default number.")]
ExpectedVersion = Annotated[int, Query(ge=0, le=2**31 - 1, description="The version that was seen; 0 is any.")]
PageToken = Annotated[str, Query(description="next_page_token of the page before.")]
Values = Annotated[Sequence[str], Query(description="Any of these values; can be repeated.")]


def series_filter(
    *,
    provider: Values = (),
    model: Values = (),
    task_type: Values = (),
    prompt_name: Values = (),
    prompt_version: Values = (),
) -> SeriesFilter:
    """Which series are meant."""
    if sum(map(len, (provider, model, task_type, prompt_name, prompt_version))) > FILTER_VALUES_MAX:
        raise invalid("filter", f"at most {FILTER_VALUES_MAX} values")
    return SeriesFilter(
        providers=provider,
        models=model,
        task_types=task_type,
        prompt_names=prompt_name,
        prompt_versions=prompt_version,
    )


Filter = Annotated[SeriesFilter, Depends(series_filter)]


def query_metrics(
    *,
    filter_: Filter,
    project: Project = "",
    start: Start = "-24h",
    end: End = "now",
    step: Step = "",
    tz: Zone = "",
    group_by: GroupBy = (),
) -> QueryMetricsRequest:
    """The question of GET /metrics."""
    now = datetime.now(UTC)
    return QueryMetricsRequest(
        project=project,
        start_time=timestamp("start", start, now),
        end_time=timestamp("end", end, now),
        step=duration_of("step", step),
        time_zone=tz,
        group_by=dimensions(group_by),
        filter=filter_,
    )


def watch_metrics(
    *,
    filter_: Filter,
    range_: Annotated[str, Query(alias="range", description="How far back from now, such as 3600, 1h or 7d.")] = "1h",
    project: Project = "",
    step: Step = "",
    tz: Zone = "",
    group_by: GroupBy = (),
) -> WatchMetricsRequest:
    """The question of GET /stream."""
    return WatchMetricsRequest(
        project=project,
        range=duration_of("range", range_),
        step=duration_of("step", step),
        time_zone=tz,
        group_by=dimensions(group_by),
        filter=filter_,
    )


def get_ledger(project: Project = "", start: Start = "", end: End = "") -> GetLedgerRequest:
    """The question of GET /ledger."""
    now = datetime.now(UTC)
    return GetLedgerRequest(
        project=project,
        start_time=timestamp("start", start, now),
        end_time=timestamp("end", end, now),
    )


def list_series(filter_: Filter, project: Project = "", page_size: PageSize = 0, page_token: PageToken = "") -> ListSeriesRequest:
    """The question of GET /series."""
    return ListSeriesRequest(project=project, filter=filter_, page_size=page_size, page_token=page_token)


def list_calls(
    *,
    filter_: Filter,
    project: Project = "",
    start: Start = "",
    end: End = "",
    outcome: Annotated[Sequence[str], Query(description="Any of these outcomes, such as FAILED; can be repeated.")] = (),
    task_id: Annotated[str, Query(description="One task's calls.")] = "",
    agent: Annotated[str, Query(description="One agent's calls.")] = "",
    page_size: PageSize = 0,
    page_token: PageToken = "",
) -> ListCallsRequest:
    """The question of GET /calls."""
    now = datetime.now(UTC)
    return ListCallsRequest(
        project=project,
        start_time=timestamp("start", start, now),
        end_time=timestamp("end", end, now),
        filter=filter_,
        outcomes=enum_values("outcome", CallOutcome.items(), "CALL_OUTCOME_", outcome),
        task_id=task_id,
        agent=agent,
        page_size=page_size,
        page_token=page_token,
    )


def timestamp(field: str, text: str, now: datetime) -> Timestamp | None:
    """A time; None for an empty text. Raises FIELD_INVALID."""
    if not text:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(moment(field, text, now))
    return stamp


def duration_of(field: str, text: str) -> Duration | None:
    """A duration; None for an empty text. Raises FIELD_INVALID."""
    if not text:
        return None
    length = Duration()
    length.FromTimedelta(duration(field, text))
    return length


def dimensions(names: Sequence[str]) -> list[MetricDimension.ValueType]:
    """What to group by. Raises FIELD_INVALID."""
    return enum_values("group_by", MetricDimension.items(), "METRIC_DIMENSION_", names)


def enum_values(field: str, items: Iterable[tuple[str, Number]], prefix: str, names: Sequence[str]) -> list[Number]:
    """Values by their names, in either case and with or without the prefix."""
    known = {name.removeprefix(prefix): number for name, number in items if number}
    chosen = [name.upper().removeprefix(prefix) for name in comma_list(names)]
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise invalid(field, f"{unknown[0][:32].lower()!r} is none of {', '.join(known).lower()}")
    return [known[name] for name in dict.fromkeys(chosen)]
