"""The parameters and bodies of the routes about anomalies and baselines, turned into the requests of the analyzer."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from assay.analyzer.v1 import anomaly_service_pb2 as anomalies
from assay.analyzer.v1 import baseline_service_pb2 as baselines
from assay.analyzer.v1.metric_pb2 import Metric
from assay.collector.v1.metrics_service_pb2 import SeriesKey
from fastapi import Query

from gateway.analyzer_models import MarkRequest, ShiftRequest
from gateway.parameters import (
    End,
    Filter,
    GroupBy,
    PageSize,
    PageToken,
    Project,
    Start,
    dimensions,
    duration_of,
    enum_values,
    timestamp,
)

Metrics = Annotated[Sequence[str], Query(description="Any of these metrics, such as latency; can be repeated.")]


def list_anomalies(
    *,
    filter_: Filter,
    project: Project = "",
    start: Start = "",
    end: End = "",
    open_: Annotated[bool | None, Query(alias="open", description="Open ones or ended ones alone. Default: both.")] = None,
    kind: Annotated[Sequence[str], Query(description="Any of these kinds, such as silence; can be repeated.")] = (),
    metric: Metrics = (),
    severity_min: Annotated[str, Query(description="At least so severe: info, warning or critical.")] = "",
    page_size: PageSize = 0,
    page_token: PageToken = "",
) -> anomalies.ListAnomaliesRequest:
    """The question of GET /anomalies."""
    now = datetime.now(UTC)
    severity = enum_values("severity_min", anomalies.Severity.items(), "SEVERITY_", [severity_min])
    return anomalies.ListAnomaliesRequest(
        project=project,
        start_time=timestamp("start", start, now),
        end_time=timestamp("end", end, now),
        is_open=open_,
        kinds=enum_values("kind", anomalies.AnomalyKind.items(), "ANOMALY_KIND_", kind),
        metrics=enum_values("metric", Metric.items(), "METRIC_", metric),
        severity_min=severity[0] if severity else anomalies.SEVERITY_UNSPECIFIED,
        filter=filter_,
        page_size=page_size,
        page_token=page_token,
    )


def query_baselines(
    *,
    filter_: Filter,
    metric: Annotated[str, Query(description="One of the metrics, such as latency.")],
    project: Project = "",
    start: Start = "-24h",
    end: End = "now",
    step: Annotated[str, Query(description="Between two instants, such as 15m or 1h.")] = "15m",
    group_by: GroupBy = (),
) -> baselines.QueryBaselinesRequest:
    """The question of GET /baselines."""
    now = datetime.now(UTC)
    chosen = enum_values("metric", Metric.items(), "METRIC_", [metric])
    return baselines.QueryBaselinesRequest(
        project=project,
        metric=chosen[0] if chosen else Metric.ValueType(0),
        start_time=timestamp("start", start, now),
        end_time=timestamp("end", end, now),
        step=duration_of("step", step),
        group_by=dimensions(group_by),
        filter=filter_,
    )


def list_shifts(project: Project = "", page_size: PageSize = 0, page_token: PageToken = "") -> baselines.ListAcceptedShiftsRequest:
    """The question of GET /baselines/accepted."""
    return baselines.ListAcceptedShiftsRequest(project=project, page_size=page_size, page_token=page_token)


def mark_anomaly(anomaly_id: str, body: MarkRequest, project: Project = "") -> anomalies.MarkAnomalyRequest:
    """The change of POST /anomalies/{anomaly_id}/mark."""
    mark = anomalies.AnomalyMark.Value(f"ANOMALY_MARK_{body.mark}")
    return anomalies.MarkAnomalyRequest(project=project, anomaly_id=anomaly_id, mark=mark, comment=body.comment)


def accept_shift(body: ShiftRequest, project: Project = "") -> baselines.AcceptShiftRequest:
    """The change of POST /baselines/accept."""
    key = SeriesKey(**body.key.model_dump())
    return baselines.AcceptShiftRequest(project=project, key=key, metric=Metric.Value(f"METRIC_{body.metric}"))
