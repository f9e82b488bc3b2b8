"""From calls to an anomaly: told once, wherever one asks, with what was normal, what was thought of it, and what became normal."""

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import pytest_asyncio
from assay.analyzer.v1 import anomaly_service_pb2 as anomalies
from assay.analyzer.v1 import baseline_service_pb2 as baselines
from assay.analyzer.v1 import metric_pb2 as metric
from assay.analyzer.v1.anomaly_service_pb2_grpc import AnomalyServiceStub
from assay.collector.v1.metrics_service_pb2 import METRIC_DIMENSION_PROVIDER, SeriesKey
from assay.events.v1.anomaly_pb2 import AnomalyChanged
from assay.telemetry.v1 import call_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from cli.work.anomalies import show_anomalies
from cli.work.connection import Target
from gateway.app import gateway
from gateway.settings import GatewaySettings
from kit.bus import Bus, Msg
from tests.analyzer.service.site import DAY_S, DEADLINE_S, SERIES, Analyzer, Site, analyzing, calls, eventually, refusal

FAILING_COUNT = 60
EVERY_S = 300


class Incident(SimpleNamespace):
    """A project whose calls all fail since a minute or two, and the anomaly that was found."""

    analyzer: Analyzer
    project: str
    anomaly: anomalies.Anomaly
    told: list[anomalies.Anomaly]


@pytest_asyncio.fixture(scope="module")
async def incident(site: Site, bus: Bus) -> AsyncIterator[Incident]:
    project, now_s = await site.project(), time.time()
    count = 5 * DAY_S // EVERY_S
    await site.record(project, calls(now_s - count * EVERY_S, EVERY_S, count))
    told: list[anomalies.Anomaly] = []

    async def note(message: Msg) -> None:
        told.append(AnomalyChanged.FromString(message.data).anomaly)

    async with analyzing(site) as analyzer, bus.subscribed(f"assay.anomalies.{project}", note):
        await eventually(lambda: _has_baseline(analyzer, project))
        failing = calls(time.time() - 2 * FAILING_COUNT, 2, FAILING_COUNT, outcome=call_pb2.CALL_OUTCOME_RATE_LIMITED)
        await site.record(project, failing)

        async def whole() -> anomalies.Anomaly | None:
            found = await analyzer.anomalies(project)
            return found[0] if found and found[0].call_count == FAILING_COUNT else None

        found = await eventually(whole)
        assert found is not None
        yield Incident(analyzer=analyzer, project=project, anomaly=found, told=told)


async def test_an_incident_is_one_anomaly_with_an_explanation_and_the_calls_that_show_it(incident: Incident) -> None:
    (found,) = await incident.analyzer.anomalies(incident.project)
    assert (found.metric, found.is_open) == (metric.METRIC_SUCCESS_RATIO, True)
    assert (found.direction, found.call_count, found.affected_count) == (anomalies.DIRECTION_DOWN, FAILING_COUNT, FAILING_COUNT)
    assert found.observed == 0 and 0.9 < found.expected < 1
    assert "RATE_LIMITED" in found.explanation and f"{FAILING_COUNT}" in found.explanation
    whole = await _whole(incident)
    assert whole.are_calls_known and len(whole.call_ids) == 50
    assert SeriesKey(**SERIES) in [part.key for part in whole.parts]


async def test_every_change_is_told_on_the_bus_with_a_version_of_its_own(incident: Incident) -> None:
    await eventually(lambda: _is_told(incident))
    versions = [(one.anomaly_id, one.version) for one in incident.told if not any(_marks(one))]
    assert len(versions) == len(set(versions))
    assert {one.anomaly_id for one in incident.told} == {incident.anomaly.anomaly_id}


async def test_filters_choose_and_pages_hold_all(incident: Incident) -> None:
    ask = incident.analyzer.anomalies
    chosen: list[dict[str, Any]] = [
        {"is_open": True, "filter": {"providers": ["anthropic"], "task_types": ["code_review"]}},
        {"severity_min": anomalies.SEVERITY_INFO, "metrics": [metric.METRIC_SUCCESS_RATIO]},
        {"start_time": Timestamp(seconds=int(time.time())), "end_time": Timestamp(seconds=int(time.time()) + 1)},
        {"page_size": 1},
    ]
    others: list[dict[str, Any]] = [
        {"is_open": False},
        {"filter": {"providers": ["openai"]}},
        {"kinds": [anomalies.ANOMALY_KIND_SILENCE]},
        {"end_time": Timestamp(seconds=int(time.time()) - DAY_S)},
    ]
    assert [len(await ask(incident.project, **fields)) for fields in (*chosen, *others)] == [1, 1, 1, 1, 0, 0, 0, 0]


async def test_a_watch_begins_with_what_is_open_and_goes_on_with_what_is_thought_of_it(incident: Incident, site: Site) -> None:
    operator = await site.key(incident.project, "OPERATE")
    async with incident.analyzer.channel(operator) as channel, asyncio.timeout(DEADLINE_S):
        watch = AnomalyServiceStub(channel).WatchAnomalies(anomalies.WatchAnomaliesRequest())
        first: Any = await watch.read()
        assert first.is_snapshot and [one.anomaly_id for one in first.anomalies] == [incident.anomaly.anomaly_id]
        for mark in (anomalies.ANOMALY_MARK_NOISE, anomalies.ANOMALY_MARK_USEFUL, anomalies.ANOMALY_MARK_USEFUL):
            await incident.analyzer.ask("MarkAnomaly", _marking(incident, mark), operator)
        await incident.analyzer.ask("MarkAnomaly", _marking(incident, anomalies.ANOMALY_MARK_USEFUL))
        while True:
            change: Any = await watch.read()
            assert not change.is_snapshot
            if _marks(change.anomalies[-1]) == (0, 2, 0):
                break
        watch.cancel()
    marks = (await _whole(incident)).marks
    assert [(mark.mark, mark.comment) for mark in marks] == [(anomalies.ANOMALY_MARK_USEFUL, "seen")] * 2
    assert len({mark.key_id for mark in marks}) == 2


async def test_the_page_is_told_over_http_as_programs_are_over_grpc(incident: Incident, site: Site, tmp_path: Path) -> None:
    key = await site.key(incident.project, "OPERATE")
    settings = GatewaySettings(
        listen="127.0.0.1:0", collector_address=site.collector, analyzer_address=incident.analyzer.address, dashboard_directory=tmp_path
    )
    headers = {"authorization": f"Bearer {key}"}
    name = incident.anomaly.anomaly_id
    async with gateway(settings) as address:
        base = f"http://{address}/api/v1"
        async with httpx.AsyncClient(base_url=base, headers=headers, timeout=DEADLINE_S, trust_env=False) as http:
            (listed,) = (await http.get("/anomalies", params={"open": True, "metric": "success_ratio"})).json()["anomalies"]
            assert (listed["anomaly_id"], listed["main_outcome"], listed["end_time"]) == (name, "RATE_LIMITED", None)
            whole = (await http.get(f"/anomalies/{name}")).json()
            assert whole["anomaly"]["explanation"] == listed["explanation"] and len(whole["call_ids"]) == 50
            marked = await http.post(f"/anomalies/{name}/mark", json={"mark": "EXPECTED", "comment": "planned"})
            assert marked.json()["mark_counts"]["expected"] == 1
            band = (await http.get("/baselines", params={"metric": "success_ratio", "start": "-1d", "step": "1h"})).json()["bands"][0]
            assert band["key"] == {} and len(band["points"]) == 25
            assert all(0.9 < point["centre"] <= 1 and point["low"] < point["centre"] for point in band["points"])
            async with http.stream("GET", "/stream", params={"range": "1h"}) as stream, asyncio.timeout(DEADLINE_S):
                lines = stream.aiter_lines()
                while await anext(lines) != "event: anomalies":
                    pass
                assert name in await anext(lines)


async def test_the_command_lists_it_for_people_and_for_programs(incident: Incident, site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    target = Target(incident.analyzer.address, site.admin)
    for as_json in (True, False):
        await asyncio.to_thread(show_anomalies, target, incident.project, open_only=True, json=as_json)
    first, table = capsys.readouterr().out.split("\n", 1)
    (listed,) = json.loads(first)["anomalies"]
    assert (listed["anomaly_id"], listed["scope"]["provider"]) == (incident.anomaly.anomaly_id, "anthropic")
    assert incident.anomaly.anomaly_id in table and "RATE_LIMITED" in table


async def test_what_was_normal_on_an_earlier_day_can_be_asked(incident: Incident) -> None:
    ask = incident.analyzer.ask
    then = Timestamp(seconds=int(time.time()) - 2 * DAY_S)
    wanted: dict[str, Any] = {"project": incident.project, "key": SeriesKey(**SERIES), "metric": metric.METRIC_LATENCY}
    earlier = (await ask("GetBaseline", baselines.GetBaselineRequest(**wanted, time=then))).baseline
    assert 1.5 < earlier.low < earlier.centre < earlier.high < 3
    assert earlier.call_count > 1_000 and earlier.version_time.ToDatetime(UTC) > datetime.fromtimestamp(then.seconds, UTC)
    before_all = Timestamp(seconds=int(time.time()) - 30 * DAY_S)
    assert await refusal(ask("GetBaseline", baselines.GetBaselineRequest(**wanted, time=before_all))) == "BASELINE_UNKNOWN"
    first = await ask("ListBaselines", baselines.ListBaselinesRequest(project=incident.project, page_size=2))
    rest = await ask(
        "ListBaselines", baselines.ListBaselinesRequest(project=incident.project, page_token=first.next_page_token, page_size=2)
    )
    listed = [one.metric for one in (*first.baselines, *rest.baselines)]
    assert listed == sorted(set(listed)) and len(listed) == 4


async def test_a_band_is_known_for_the_days_that_it_was_learnt_from_and_not_before(incident: Incident) -> None:
    request = baselines.QueryBaselinesRequest(
        project=incident.project,
        metric=metric.METRIC_LATENCY,
        start_time=Timestamp(seconds=int(time.time()) - 10 * DAY_S),
        step=Duration(seconds=DAY_S),
        group_by=[METRIC_DIMENSION_PROVIDER],
    )
    (band,) = (await incident.analyzer.ask("QueryBaselines", request)).bands
    assert band.key == SeriesKey(provider="anthropic")
    is_known = [not math.isnan(value) for value in band.centre]
    assert not is_known[0] and is_known[-1] and is_known == sorted(is_known)


async def test_a_level_that_an_operator_accepts_is_normal_from_then_on(incident: Incident) -> None:
    ask = incident.analyzer.ask
    request = baselines.AcceptShiftRequest(project=incident.project, key=SeriesKey(**SERIES), metric=metric.METRIC_SUCCESS_RATIO)
    accepted = await ask("AcceptShift", request)
    assert accepted.is_applied
    assert 0.9 < accepted.shift.from_centre < 1 and accepted.shift.to_centre < 0.5
    listed = (await ask("ListAcceptedShifts", baselines.ListAcceptedShiftsRequest(project=incident.project))).shifts
    assert [one.key_id for one in listed] == [accepted.shift.key_id] and accepted.shift.key_id
    assert await refusal(ask("AcceptShift", request)) == "NOT_IN_ALARM"


async def _has_baseline(analyzer: Analyzer, project: str) -> bool:
    return bool((await analyzer.ask("ListBaselines", baselines.ListBaselinesRequest(project=project))).baselines)


async def _is_told(incident: Incident) -> bool:
    return any(one.version >= incident.anomaly.version for one in incident.told)


async def _whole(incident: Incident) -> anomalies.GetAnomalyResponse:
    request = anomalies.GetAnomalyRequest(project=incident.project, anomaly_id=incident.anomaly.anomaly_id)
    answer: anomalies.GetAnomalyResponse = await incident.analyzer.ask("GetAnomaly", request)
    return answer


def _marking(incident: Incident, mark: anomalies.AnomalyMark.ValueType) -> anomalies.MarkAnomalyRequest:
    name = incident.anomaly.anomaly_id
    return anomalies.MarkAnomalyRequest(project=incident.project, anomaly_id=name, mark=mark, comment="seen")


def _marks(one: anomalies.Anomaly) -> tuple[int, int, int]:
    return (one.expected_mark_count, one.useful_mark_count, one.noise_mark_count)
