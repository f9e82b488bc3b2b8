"""GET /api/v1/stream over a real connection: snapshots, changes, heartbeats, resuming."""

import time

import pytest
from assay.analyzer.v1 import quality_service_pb2 as quality
from assay.analyzer.v1 import ranking_service_pb2 as rankings
from assay.collector.v1 import collector_service_pb2 as collector
from assay.collector.v1.metrics_service_pb2 import (
    SeriesKey,
)
from assay.reporter.v1 import report_service_pb2 as reports
from google.protobuf.timestamp_pb2 import Timestamp

from gateway import models, quality_models, ranking_models, reporter_models
from kit.errors import AssayError, Kind
from tests.gateway.event_reader import Event, change, counts, reading
from tests.gateway.site import Site, eventually


async def test_a_newcomer_gets_the_retry_time_and_a_snapshot_of_everything(live: Site) -> None:
    async with reading(live, group_by="provider", provider="a", project="default", tz="UTC") as reader:
        retry, metrics, totals, ledger = await reader.expect("retry", "metrics", "totals", "ledger")

    assert reader.response.headers["content-type"].startswith("text/event-stream")
    assert reader.response.headers["cache-control"] == "no-store"
    assert retry.data == "2000"
    assert metrics.data["is_snapshot"] is True
    assert metrics.data["lag_s"] == 0.5
    assert metrics.data["series"][0]["key"] == {"provider": "a"}
    assert counts(metrics) == counts(totals) == [3]
    for event, model in ((metrics, models.LiveMetrics), (totals, models.LiveMetrics), (ledger, models.LiveLedger)):
        model.model_validate(event.data)
    with_step, without = sorted(live.neighbour.questions("WatchMetrics"), key=lambda each: not each.HasField("step"))
    assert (with_step.range.seconds, with_step.step.seconds, with_step.time_zone) == (3600, 60, "UTC")
    assert (with_step.project, list(with_step.filter.providers)) == ("default", ["a"])
    assert (without.range.seconds, without.HasField("step"), list(without.group_by)) == (3600, False, [])
    assert list(without.filter.providers) == ["a"]


async def test_changes_arrive_as_they_happen_under_ids_that_grow(live: Site) -> None:
    async with reading(live) as reader:
        *_, last = await reader.expect("retry", "metrics", "totals", "ledger")
        live.neighbour.change(change(4))
        (metrics,) = await reader.expect("metrics")
        live.neighbour.change(change(5), with_step=False)
        (totals,) = await reader.expect("totals")

    assert metrics.data["is_snapshot"] is False
    assert counts(metrics) == [4]
    assert counts(totals) == [5]
    numbers = [int(event.event_id.rpartition("-")[2]) for event in (last, metrics, totals)]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


async def test_the_ledger_is_sent_when_it_changed_and_only_then(live: Site) -> None:
    async with reading(live) as reader:
        await reader.expect("retry", "metrics", "totals", "ledger")
        asked = len(live.neighbour.questions("GetLedger"))
        await eventually(lambda: len(live.neighbour.questions("GetLedger")) > asked + 3)
        today = time.strftime("%Y-%m-%d", time.gmtime())
        call = collector.RECORD_KIND_CALL
        live.neighbour.answers["GetLedger"] = collector.GetLedgerResponse(
            days=[
                collector.LedgerDay(date="2020-01-01", kind=call, received_count=1),
                collector.LedgerDay(date=today, kind=call, received_count=2, stored_count=2),
            ],
            totals=[collector.LedgerDay(kind=call, received_count=3, stored_count=3)],
            lag_s=0.25,
            waiting_evidence_count=7,
        )
        (ledger,) = await reader.expect("ledger")

    assert ledger.data["totals"]["call"]["received_count"] == 3
    assert ledger.data["today"]["call"]["received_count"] == 2
    assert ledger.data["today"]["evidence"]["received_count"] == 0
    assert (ledger.data["lag_s"], ledger.data["waiting_evidence_count"]) == (0.25, 7)


TIME = Timestamp(seconds=1_800_000_000)
REPORT = reports.Report(report_id="r", start_time=TIME, end_time=TIME, create_time=TIME)
NEWS = {
    "rankings": (
        "WatchKeptRankings",
        ranking_models.LiveRankings,
        rankings.WatchKeptRankingsResponse(rankings=[rankings.KeptRankingSummary(ranking_id="r", task_type="review", make_time=TIME)]),
    ),
    "scores": ("WatchQuality", quality_models.LiveScores, quality.WatchQualityResponse(score_count=3)),
    "reports": ("WatchReports", reporter_models.LiveReports, reports.WatchReportsResponse(reports=[REPORT])),
}


@pytest.mark.parametrize("event", NEWS)
async def test_news_are_told_once_and_whoever_may_have_missed_some_is_told_to_list(live: Site, event: str) -> None:
    method, model, news = NEWS[event]
    async with reading(live) as reader:
        await reader.until("ledger")
        await eventually(lambda: bool(live.neighbour.news_watchers[method]))
        live.neighbour.tell_news(method, type(news)(list_again=True))
        live.neighbour.tell_news(method, news)
        first, second = [model.model_validate((await reader.until(event)).data) for _ in range(2)]
        assert (first.is_available, first.list_again, second.list_again) == (True, True, False)
        assert first.model_dump() | {"list_again": False} != second.model_dump()
        async with reading(live) as newcomer:
            assert model.model_validate((await newcomer.until(event)).data) == first
        live.neighbour.tell_news(method, AssayError(Kind.UNAVAILABLE, "SERVER_STOPPING", "the server is stopping"))
        lost = model.model_validate((await reader.until(event)).data)
        assert (lost.is_available, lost.reason, lost.list_again) == (False, "SERVER_STOPPING", True)
        await eventually(lambda: bool(live.neighbour.news_watchers[method]))
        live.neighbour.tell_news(method, type(news)(list_again=True))
        assert (await reader.until(event)).data["is_available"]


async def test_heartbeats_keep_a_silent_connection_open(live: Site) -> None:
    async with reading(live) as reader:
        await reader.expect("retry", "metrics", "totals", "ledger")
        heartbeat = await reader.next_of_any_kind()

    assert heartbeat == Event("heartbeat", {"interval_s": 0.2})
    models.LiveHeartbeat.model_validate(heartbeat.data)


async def test_who_comes_back_gets_what_it_missed_and_no_more(live: Site) -> None:
    async with reading(live) as reader:
        *_, last = await reader.expect("retry", "metrics", "totals", "ledger")
    async with reading(live) as other:
        await other.until("ledger")
        for call_count in (4, 5):
            live.neighbour.change(change(call_count))
            await other.expect("metrics")

        async with reading(live, last.event_id) as again:
            _, first, second = await again.expect("retry", "metrics", "metrics")
            live.neighbour.change(change(6))
            (third,) = await again.expect("metrics")

    assert [counts(event) for event in (first, second, third)] == [[4], [5], [6]]
    assert len(live.neighbour.questions("WatchMetrics")) == 2  # one hub for all three


@pytest.mark.parametrize("event_id", ["nonsense", "another-3", "{generation}-999", "{generation}--1", "{generation}-"])
async def test_an_id_that_says_nothing_gets_a_snapshot_of_now(live: Site, event_id: str) -> None:
    async with reading(live) as reader:
        *_, ledger = await reader.expect("retry", "metrics", "totals", "ledger")
        live.neighbour.change(change(9, minutes_back=10))
        await reader.expect("metrics")

        generation = ledger.event_id.rpartition("-")[0]
        async with reading(live, event_id.format(generation=generation)) as again:
            _, metrics, *_ = await again.expect("retry", "metrics", "totals", "ledger")

    assert metrics.data["is_snapshot"] is True
    assert sorted(counts(metrics)) == [3, 9]


async def test_who_lost_the_connection_within_the_snapshot_begins_again(live: Site) -> None:
    async with reading(live) as reader:
        _, metrics, *_ = await reader.expect("retry", "metrics", "totals", "ledger")
        live.neighbour.change(change(4))
        await reader.expect("metrics")
        async with reading(live, metrics.event_id) as again:
            await again.expect("retry")
            events = [await again.next() for _ in range(4)]

    assert sorted(event.kind for event in events if event) == ["ledger", "metrics", "metrics", "totals"]
    assert [counts(event) for event in events if event and event.kind == "metrics"] == [[3], [4]]


async def test_windows_that_left_the_range_are_not_in_a_snapshot(live: Site) -> None:
    async with reading(live) as reader:
        await reader.until("ledger")
        old = change(8, minutes_back=61)
        old.series.add(key=SeriesKey(provider="b"), windows=old.series[0].windows)
        live.neighbour.change(old)
        await reader.expect("metrics")
        async with reading(live) as newcomer:
            _, metrics, totals, _ = await newcomer.expect("retry", "metrics", "totals", "ledger")

    assert counts(metrics) == counts(totals) == [3]
