"""Anomalies and baselines over HTTP: what is asked of the analyzer, and how its answers look."""

from typing import Any

import pytest
from assay.analyzer.v1 import anomaly_service_pb2 as anomalies
from assay.analyzer.v1 import baseline_service_pb2 as baselines
from assay.analyzer.v1 import metric_pb2 as metric
from assay.collector.v1.metrics_service_pb2 import METRIC_DIMENSION_MODEL, SeriesKey
from assay.telemetry.v1 import call_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from gateway import analyzer_models as models
from kit.errors import AssayError, Kind
from tests.gateway.event_reader import reading
from tests.gateway.site import Site, eventually

ID = "0123456789abcdef" * 2
TIME = Timestamp(seconds=1_800_000_000)
TIME_JSON = "2027-01-15T08:00:00Z"
MINUTE = "2027-01-15T08:01:00Z"


def anomaly(**fields: Any) -> anomalies.Anomaly:
    """One with every field that has to be there."""
    values: dict[str, Any] = {
        "anomaly_id": ID,
        "project": "default",
        "kind": anomalies.ANOMALY_KIND_SHIFT,
        "metric": metric.METRIC_LATENCY,
        "direction": anomalies.DIRECTION_UP,
        "severity": anomalies.SEVERITY_CRITICAL,
        "scope": SeriesKey(provider="openai", prompt_name=""),
        **dict.fromkeys(("start_time", "detect_time", "peak_time"), TIME),
        "expected_low": float("nan"),
        "observed": 2.5,
        "outcome_counts": [anomalies.OutcomeCount(outcome=call_pb2.CALL_OUTCOME_FAILED, call_count=3)],
        "main_outcome": call_pb2.CALL_OUTCOME_FAILED,
        "is_open": True,
        "version": 2,
        "noise_mark_count": 1,
    }
    return anomalies.Anomaly(**{**values, **fields})


async def test_anomalies_are_listed_as_asked_for(site: Site) -> None:
    site.neighbour.answers["ListAnomalies"] = anomalies.ListAnomaliesResponse(anomalies=[anomaly()], next_page_token="more")
    answer = await site.get("/anomalies", open="true", kind="shift,spike", metric="latency", severity_min="warning", provider="openai")
    page = models.AnomaliesPage.model_validate(answer.json())
    (shown,) = page.anomalies
    assert (page.next_page_token, shown.metric, shown.kind, shown.main_outcome) == ("more", "LATENCY", "SHIFT", "FAILED")
    assert answer.json()["anomalies"][0]["scope"] == {"provider": "openai", "prompt_name": ""}
    assert (shown.end_time, shown.expected_low, shown.observed, shown.p_value, shown.merged_into) == (None, None, 2.5, None, None)
    assert (shown.outcome_counts, shown.mark_counts.noise) == ({"FAILED": 3}, 1)
    (question,) = site.neighbour.questions("ListAnomalies")
    assert question.is_open and question.severity_min == anomalies.SEVERITY_WARNING
    assert list(question.kinds) == [anomalies.ANOMALY_KIND_SHIFT, anomalies.ANOMALY_KIND_SPIKE]
    assert list(question.filter.providers) == ["openai"]


async def test_without_open_both_are_meant_and_unknown_names_are_refused(site: Site) -> None:
    assert (await site.get("/anomalies")).json() == {"anomalies": [], "next_page_token": ""}
    (question,) = site.neighbour.questions("ListAnomalies")
    assert not question.HasField("is_open") and not question.severity_min
    for parameters in ({"kind": "storm"}, {"metric": "colour"}, {"severity_min": "worse"}, {"open": "maybe"}, {"start": "x"}):
        assert (await site.get("/anomalies", **parameters)).json()["reason"] == "FIELD_INVALID"


async def test_an_anomaly_comes_with_what_belongs_to_it(site: Site) -> None:
    part = anomalies.AnomalyPart(key=SeriesKey(model="m"), metric=metric.METRIC_QUALITY, observed=0.5, call_count=4)
    mark = anomalies.Mark(mark=anomalies.ANOMALY_MARK_USEFUL, key_id="k", mark_time=TIME, comment="so it was")
    site.neighbour.answers["GetAnomaly"] = anomalies.GetAnomalyResponse(
        anomaly=anomaly(p_value=0.01, end_time=TIME, merged_into="f" * 32),
        parts=[part],
        marks=[mark],
        call_ids=["c1"],
        are_calls_known=True,
    )
    whole = models.WholeAnomaly.model_validate((await site.get(f"/anomalies/{ID}", project="p")).json())
    assert (whole.anomaly.p_value, whole.anomaly.end_time, whole.anomaly.merged_into) == (0.01, TIME_JSON, "f" * 32)
    assert (whole.parts[0].metric, whole.marks[0].mark, whole.call_ids) == ("QUALITY", "USEFUL", ["c1"])
    assert site.neighbour.questions("GetAnomaly") == [anomalies.GetAnomalyRequest(project="p", anomaly_id=ID)]


async def test_a_mark_is_passed_on(site: Site) -> None:
    site.neighbour.answers["MarkAnomaly"] = anomalies.MarkAnomalyResponse(anomaly=anomaly(useful_mark_count=1))
    answer = await site.send("POST", f"/anomalies/{ID}/mark", json={"mark": "USEFUL", "comment": "good"})
    assert models.Anomaly.model_validate(answer.json()).mark_counts.useful == 1
    useful = anomalies.ANOMALY_MARK_USEFUL
    assert site.neighbour.questions("MarkAnomaly") == [anomalies.MarkAnomalyRequest(anomaly_id=ID, mark=useful, comment="good")]
    assert (await site.send("POST", f"/anomalies/{ID}/mark", json={"mark": "GREAT"})).status_code == 400


async def test_baselines_are_bands_with_null_where_nothing_was_known(site: Site) -> None:
    band = baselines.BaselineBand(
        key=SeriesKey(model="m"),
        start_unix_s=[TIME.seconds, TIME.seconds + 60],
        centre=[float("nan"), 2],
        low=[float("nan"), 1],
        high=[3, 3],
    )
    site.neighbour.answers["QueryBaselines"] = baselines.QueryBaselinesResponse(bands=[band])
    answer = await site.get("/baselines", metric="latency", start="-2h", step="1m", group_by="model", provider="openai")
    (shown,) = models.BaselineBands.model_validate(answer.json()).bands
    assert [(point.start, point.centre, point.low, point.high) for point in shown.points] == [(TIME_JSON, None, None, 3), (MINUTE, 2, 1, 3)]
    (question,) = site.neighbour.questions("QueryBaselines")
    assert (question.metric, question.step.seconds, list(question.group_by)) == (metric.METRIC_LATENCY, 60, [METRIC_DIMENSION_MODEL])
    for parameters in ({}, {"metric": "colour"}, {"metric": "latency", "step": "x"}):
        assert (await site.get("/baselines", **parameters)).status_code == 400


async def test_a_shift_is_accepted_and_listed(site: Site) -> None:
    shift = baselines.AcceptedShift(key=SeriesKey(model="m"), metric=metric.METRIC_LATENCY, accept_time=TIME, from_centre=1, to_centre=2)
    site.neighbour.answers["AcceptShift"] = baselines.AcceptShiftResponse(shift=shift, is_applied=True)
    answer = await site.send("POST", "/baselines/accept", json={"key": {"model": "m"}, "metric": "LATENCY"})
    accepted = models.ShiftAnswer.model_validate(answer.json())
    assert (accepted.is_applied, accepted.shift.from_centre, accepted.shift.to_centre, accepted.shift.key_id) == (True, 1, 2, None)
    (change,) = site.neighbour.questions("AcceptShift")
    assert change.key == SeriesKey(provider="", model="m", task_type="", prompt_name="", prompt_version="")
    waiting = baselines.AcceptedShift(key_id="k", metric=metric.METRIC_LATENCY, accept_time=TIME)
    site.neighbour.answers["ListAcceptedShifts"] = baselines.ListAcceptedShiftsResponse(shifts=[waiting])
    (listed,) = models.ShiftsPage.model_validate((await site.get("/baselines/accepted")).json()).shifts
    assert (listed.key_id, listed.from_centre) == ("k", None)


async def test_the_stream_tells_of_anomalies_and_goes_on_without_the_analyzer(live: Site) -> None:
    async with reading(live) as reader:
        await reader.until("ledger")
        await eventually(lambda: bool(live.neighbour.anomaly_watchers))
        live.neighbour.tell_anomalies(
            anomalies.WatchAnomaliesResponse(is_snapshot=True, anomalies=[anomaly(), anomaly(anomaly_id="b" * 32)])
        )
        live.neighbour.tell_anomalies(anomalies.WatchAnomaliesResponse(anomalies=[anomaly(is_open=False)]))
        first, second = [models.LiveAnomalies.model_validate((await reader.until("anomalies")).data) for _ in range(2)]
        assert (first.is_snapshot, len(first.anomalies), second.is_snapshot, second.anomalies[0].is_open) == (True, 2, False, False)
        async with reading(live) as newcomer:
            known = models.LiveAnomalies.model_validate((await newcomer.until("anomalies")).data)
            assert [one.anomaly_id for one in known.anomalies] == ["b" * 32]
        live.neighbour.tell_anomalies(AssayError(Kind.UNAVAILABLE, "SERVER_STOPPING", "the server is stopping"))
        lost = models.LiveAnomalies.model_validate((await reader.until("anomalies")).data)
        assert (lost.is_available, lost.reason, lost.anomalies) == (False, "SERVER_STOPPING", [])
        await eventually(lambda: bool(live.neighbour.anomaly_watchers))
        live.neighbour.tell_anomalies(anomalies.WatchAnomaliesResponse(is_snapshot=True))
        assert (await reader.until("anomalies")).data["is_available"]


@pytest.mark.parametrize(
    ("described", "enum", "prefix"),
    [
        (models.MetricName, metric.Metric, "METRIC_"),
        (models.KindName, anomalies.AnomalyKind, "ANOMALY_KIND_"),
        (models.SeverityName, anomalies.Severity, "SEVERITY_"),
        (models.MarkName, anomalies.AnomalyMark, "ANOMALY_MARK_"),
    ],
)
def test_the_described_names_are_those_of_the_contract(described: Any, enum: Any, prefix: str) -> None:
    names = {name.removeprefix(prefix) for name in enum.keys()}  # noqa: SIM118  an enum is no mapping
    assert {*described.__args__, "UNSPECIFIED"} == names
