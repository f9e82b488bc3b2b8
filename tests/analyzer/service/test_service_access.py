"""Who may see and change what, and what becomes of requests that cannot be answered."""

from typing import Any

import pytest
from assay.analyzer.v1 import anomaly_service_pb2 as anomalies
from assay.analyzer.v1 import baseline_service_pb2 as baselines
from assay.analyzer.v1 import metric_pb2 as metric
from assay.analyzer.v1.anomaly_service_pb2_grpc import AnomalyServiceStub
from assay.collector.v1.metrics_service_pb2 import SeriesFilter, SeriesKey
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from tests.analyzer.service.site import DEADLINE_S, Analyzer, Site, refusal

ID = "0123456789abcdef" * 2
KEY = SeriesKey(provider="p")
LATENCY = metric.METRIC_LATENCY
EXPECTED = anomalies.ANOMALY_MARK_EXPECTED
NO_VALUE: Any = 99
START = Timestamp(seconds=1_700_000_000)

List, Get, Mark = anomalies.ListAnomaliesRequest, anomalies.GetAnomalyRequest, anomalies.MarkAnomalyRequest
GetBaseline, ListBaselines, Query = baselines.GetBaselineRequest, baselines.ListBaselinesRequest, baselines.QueryBaselinesRequest
Accept, ListShifts = baselines.AcceptShiftRequest, baselines.ListAcceptedShiftsRequest


def method_of(request: Any) -> str:
    return str(type(request).__name__).removesuffix("Request")


async def test_an_empty_system_answers_empty_lists(analyzer: Analyzer, site: Site) -> None:
    project = await site.project()
    query = Query(project=project, metric=LATENCY, start_time=START, step=Duration(seconds=86_400))
    for request in (List(project=project), ListBaselines(project=project), query, ListShifts(project=project)):
        answer = await analyzer.ask(method_of(request), request)
        assert answer == type(answer)()
    async with analyzer.channel() as channel:
        watch = AnomalyServiceStub(channel).WatchAnomalies(anomalies.WatchAnomaliesRequest(project=project), timeout=DEADLINE_S)
        assert await watch.read() == anomalies.WatchAnomaliesResponse(is_snapshot=True)
        watch.cancel()


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (List(project="no project"), "PROJECT_UNKNOWN"),
        (List(page_size=-1), "FIELD_INVALID"),
        (List(page_token="x"), "PAGE_TOKEN_INVALID"),
        (List(kinds=[anomalies.ANOMALY_KIND_UNSPECIFIED]), "FIELD_INVALID"),
        (List(kinds=[NO_VALUE]), "FIELD_INVALID"),
        (List(metrics=[NO_VALUE]), "FIELD_INVALID"),
        (List(severity_min=NO_VALUE), "FIELD_INVALID"),
        (List(start_time=Timestamp(seconds=-1)), "FIELD_INVALID"),
        (List(end_time=Timestamp(seconds=2**60)), "FIELD_INVALID"),
        (List(end_time=Timestamp(nanos=-5)), "FIELD_INVALID"),
        (List(filter=SeriesFilter(providers=["a\0b"])), "FIELD_INVALID"),
        (List(filter=SeriesFilter(providers=["a" * 300])), "FIELD_INVALID"),
        (List(filter=SeriesFilter(providers=["a"] * 1_001)), "FIELD_INVALID"),
        (Get(anomaly_id="x"), "FIELD_INVALID"),
        (Get(anomaly_id=ID), "ANOMALY_UNKNOWN"),
        (Mark(anomaly_id=ID), "FIELD_INVALID"),
        (Mark(anomaly_id=ID, mark=EXPECTED, comment="a\0"), "FIELD_INVALID"),
        (Mark(anomaly_id=ID, mark=EXPECTED, comment="a" * 1_001), "FIELD_INVALID"),
        (Mark(anomaly_id=ID, mark=EXPECTED), "ANOMALY_UNKNOWN"),
        (GetBaseline(key=KEY), "FIELD_INVALID"),
        (GetBaseline(key=KEY, metric=LATENCY), "BASELINE_UNKNOWN"),
        (GetBaseline(key=SeriesKey(model="\0"), metric=LATENCY), "FIELD_INVALID"),
        (ListBaselines(page_token="AAAA"), "PAGE_TOKEN_INVALID"),
        (ListBaselines(metrics=[metric.METRIC_UNSPECIFIED]), "FIELD_INVALID"),
        (Query(metric=LATENCY), "FIELD_INVALID"),
        (Query(metric=LATENCY, start_time=START), "FIELD_INVALID"),
        (Query(metric=LATENCY, start_time=START, step=Duration(seconds=60)), "RANGE_TOO_LARGE"),
        (Query(metric=LATENCY, start_time=START, end_time=START, step=Duration(seconds=60)), "FIELD_INVALID"),
        (Query(metric=LATENCY, start_time=START, step=Duration(seconds=86_400), group_by=[NO_VALUE]), "FIELD_INVALID"),
        (Query(start_time=START, step=Duration(seconds=86_400)), "FIELD_INVALID"),
        (Accept(key=KEY), "FIELD_INVALID"),
        (Accept(key=KEY, metric=LATENCY), "BASELINE_UNKNOWN"),
        (ListShifts(page_token="AAAA"), "PAGE_TOKEN_INVALID"),
    ],
    ids=lambda value: str(value).replace("\n", " ")[:40],
)
async def test_a_request_that_cannot_be_answered_is_refused_with_a_reason(analyzer: Analyzer, request_: Any, reason: str) -> None:
    assert await refusal(analyzer.ask(method_of(request_), request_)) == reason


async def test_reading_takes_the_role_to_read_and_changing_that_to_operate(analyzer: Analyzer, site: Site) -> None:
    project = await site.project()
    recorder, reader, operator = [await site.key(project, role) for role in ("RECORD", "READ", "OPERATE")]
    changes = (Mark(anomaly_id=ID, mark=EXPECTED), Accept(key=KEY, metric=LATENCY))
    for request in (List(), ListBaselines(), ListShifts(), *changes):
        method, is_change = method_of(request), request in changes
        assert await refusal(analyzer.ask(method, request, "")) in {"KEY_MISSING", "KEY_INVALID"}
        assert await refusal(analyzer.ask(method, request, recorder)) == "ROLE_MISSING"
        if is_change:
            assert await refusal(analyzer.ask(method, request, reader)) == "ROLE_MISSING"
            assert await refusal(analyzer.ask(method, request, operator)) in {"ANOMALY_UNKNOWN", "BASELINE_UNKNOWN"}
        else:
            await analyzer.ask(method, request, reader)


async def test_a_key_sees_nothing_of_another_project(analyzer: Analyzer, site: Site) -> None:
    mine, others = await site.project(), await site.project()
    key = await site.key(mine, "OPERATE")
    for request in (List(project=others), ListBaselines(project=others), ListShifts(project=others)):
        assert await refusal(analyzer.ask(method_of(request), request, key)) == "PROJECT_FORBIDDEN"
