"""GET /api/v1/stream over a real connection: snapshots, changes, resuming, losses, limits, ends."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from assay.collector.v1 import collector_service_pb2 as collector
from assay.collector.v1.metrics_service_pb2 import MetricWindows, SeriesKey, WatchMetricsResponse

from gateway import models
from kit.errors import AssayError, Kind
from tests.gateway.event_reader import DEADLINE_S, Event, reading
from tests.gateway.neighbour import READER, SESSION, Neighbour, served
from tests.gateway.site import AS_READER, Site, running

MINUTE_S = 60


@pytest.fixture
async def live(dist: Path) -> AsyncIterator[Site]:
    """A gateway whose neighbour answers watches with one window of three calls."""
    neighbour = Neighbour()
    neighbour.watched = change(3, is_snapshot=True)
    async with running(neighbour, dist) as site:
        yield site


def change(call_count: int, minutes_back: int = 1, *, is_snapshot: bool = False) -> WatchMetricsResponse:
    """One window of one provider, `minutes_back` before the present minute."""
    start = int(time.time()) // MINUTE_S * MINUTE_S - minutes_back * MINUTE_S
    windows = MetricWindows()
    for name, field in MetricWindows.DESCRIPTOR.fields_by_name.items():
        if field.type == field.TYPE_INT64:
            getattr(windows, name).append(0)
    windows.start_unix_s[0], windows.end_unix_s[0], windows.call_count[0] = start, start + MINUTE_S, call_count
    response = WatchMetricsResponse(is_snapshot=is_snapshot, lag_s=0.5)
    response.as_of_time.FromSeconds(start + MINUTE_S)
    response.series.add(key=SeriesKey(provider="a"), windows=windows)
    return response


def counts(event: Event) -> list[int]:
    return [window["call_count"] for series in event.data["series"] for window in series["windows"]]


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.01)


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


async def test_heartbeats_keep_a_silent_connection_open(live: Site) -> None:
    async with reading(live) as reader:
        await reader.expect("retry", "metrics", "totals", "ledger")
        heartbeat = await reader.next_of_any_kind()

    assert heartbeat == Event("comment", "heartbeat")


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
        live.neighbour.change(change(9, minutes_back=2))
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
        live.neighbour.change(change(8, minutes_back=61))
        await reader.expect("metrics")
        async with reading(live) as newcomer:
            _, metrics, totals, _ = await newcomer.expect("retry", "metrics", "totals", "ledger")

    assert counts(metrics) == counts(totals) == [3]


async def test_when_the_collector_is_lost_the_stream_says_so_and_starts_anew_when_it_is_back(dist: Path) -> None:
    neighbour = Neighbour()
    neighbour.watched = change(3, is_snapshot=True)
    async with running(neighbour, dist) as site, reading(site) as reader:
        await reader.expect("retry", "metrics", "totals", "ledger")
        neighbour.refusals["WatchMetrics"] = AssayError(Kind.UNAVAILABLE, "SERVER_STOPPING", "is stopping")
        neighbour.drop_watches()
        (status,) = await reader.expect("status")
        async with reading(site) as newcomer:
            *_, known = await newcomer.expect("retry", "metrics", "totals", "ledger", "status")
        neighbour.watched = change(11, is_snapshot=True)
        neighbour.refusals.clear()
        metrics = await reader.until("metrics")
        await reader.until("totals")
        async with reading(site) as later:
            await later.expect("retry", "metrics", "totals", "ledger")

    assert status.data == known.data == {"connected": False, "reason": "SERVER_STOPPING"}
    models.LiveStatus.model_validate(status.data)
    assert (metrics.data["is_snapshot"], counts(metrics)) == (True, [11])


async def test_a_collector_that_restarts_on_its_address_is_found_again(dist: Path) -> None:
    neighbour, address = Neighbour(), ""
    async with served(neighbour) as address:
        pass
    async with running(neighbour, dist, collector_address=address) as site:
        assert (await site.http.get("/readyz")).status_code == 503
        async with served(Neighbour(), address):
            await until_ready(site)
            async with reading(site) as reader:
                await reader.until("ledger")
                assert (await site.http.get("/readyz")).json() == {"ready": True, "reasons": {}}


async def until_ready(site: Site) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while (await site.http.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("parameters", [{"range": "x"}, {"step": "-1"}, {"group_by": "colour"}])
async def test_a_wrong_question_is_a_problem_and_no_stream(live: Site, parameters: dict[str, str]) -> None:
    answer = await live.get("/stream", **parameters)

    assert (answer.status_code, answer.json()["field"]) == (400, next(iter(parameters)))


async def test_what_the_collector_refuses_is_a_problem_and_no_stream(live: Site) -> None:
    live.neighbour.refusals["WatchMetrics"] = AssayError(Kind.INVALID_ARGUMENT, "RANGE_TOO_LARGE", "too long")

    answer = await live.get("/stream")

    assert (answer.status_code, answer.json()["reason"]) == (400, "RANGE_TOO_LARGE")


async def test_a_revoked_key_loses_its_streams_and_no_other_does(live: Site) -> None:
    async with reading(live) as reader, reading(live, secret=SESSION) as other:
        await reader.until("ledger")
        await other.until("ledger")
        del live.neighbour.keys[READER]
        (status,) = await reader.end()
        live.neighbour.change(change(4))
        await other.expect("metrics")

    assert (status.kind, status.data["reason"]) == ("status", "KEY_INVALID")
    assert (await live.get("/stream")).status_code == 401


async def test_two_keys_share_no_hub(live: Site) -> None:
    async with reading(live) as reader, reading(live, secret=SESSION) as other:
        await reader.until("ledger")
        await other.until("ledger")

    assert sorted(live.neighbour.secrets("WatchMetrics")) == [READER, READER, SESSION, SESSION]


async def test_stopping_ends_streams_properly_and_within_two_seconds(dist: Path) -> None:
    neighbour = Neighbour()
    async with httpx.AsyncClient() as http, AsyncExitStack() as streams:
        async with running(neighbour, dist) as site:
            request = http.stream("GET", f"{site.url}/api/v1/stream", headers=AS_READER)
            response = await streams.enter_async_context(request)
            body = asyncio.create_task(response.aread())
            await eventually(lambda: len(neighbour.watchers) == 2)
            stopped_at = time.monotonic()
        assert time.monotonic() - stopped_at < 2
        assert (await body).startswith(b"retry: 2000\n\n")  # and to its end: a cut would be an error of httpx


async def test_a_hub_that_nobody_reads_ends_after_a_while(dist: Path) -> None:
    neighbour = Neighbour()
    async with running(neighbour, dist, hub_idle_s=0.1) as site:
        async with reading(site) as reader:
            await reader.until("ledger")
            assert len(neighbour.watchers) == 2
        await eventually(lambda: not neighbour.watchers)


async def test_an_idle_hub_makes_room_for_another_question_of_its_key(dist: Path) -> None:
    neighbour = Neighbour()
    async with running(neighbour, dist, hubs_per_key_max=1) as site:
        for provider in ("a", "b"):
            async with reading(site, provider=provider) as reader:
                await reader.until("ledger")
                await eventually(lambda: len(neighbour.watchers) == 2)
                answer = await site.get("/stream", provider="c")
                assert (answer.status_code, answer.json()["reason"]) == (429, "STREAMS_EXHAUSTED")


@pytest.mark.parametrize("limit", ["hubs_max", "stream_clients_max", "stream_clients_per_key_max"])
async def test_streams_are_bounded(dist: Path, limit: str) -> None:
    async with running(Neighbour(), dist, **{limit: 1}) as site, reading(site) as reader:
        await reader.until("ledger")
        answer = await site.get("/stream", provider="another")

        assert (answer.status_code, answer.json()["reason"]) == (429, "STREAMS_EXHAUSTED")
        assert answer.headers["retry-after"] == "10"


async def test_an_answer_with_too_many_windows_is_refused(dist: Path) -> None:
    neighbour = Neighbour()
    neighbour.watched = change(3, is_snapshot=True)
    neighbour.watched.series.add(key=SeriesKey(provider="b"), windows=neighbour.watched.series[0].windows)
    async with running(neighbour, dist, hub_windows_max=1) as site:
        answer = await site.get("/stream", step="60")

    assert (answer.status_code, answer.json()["reason"], answer.json()["field"]) == (400, "RANGE_TOO_LARGE", "step")


async def test_no_answer_in_time_is_a_problem(dist: Path) -> None:
    neighbour = Neighbour()
    neighbour.silent.add("GetLedger")
    async with running(neighbour, dist, query_deadline_s=0.2) as site:
        answer = await site.get("/stream")

    assert (answer.status_code, answer.json()["reason"]) == (504, "DEADLINE_EXCEEDED")


async def test_a_reader_that_takes_nothing_is_let_go(dist: Path) -> None:
    neighbour = Neighbour()
    neighbour.watched = change(3, is_snapshot=True)
    async with running(neighbour, dist, send_timeout_s=0.3, hub_idle_s=0.1) as site:
        host, port = site.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port), limit=1024)
        request = f"GET /api/v1/stream?step=60 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {READER}\r\n\r\n"
        writer.write(request.encode())
        await eventually(lambda: len(neighbour.watchers) == 2)
        async with asyncio.timeout(20):
            while neighbour.watchers:  # its buffers fill up, and then its hub has no readers
                padding = change(1)
                padding.series[0].key.provider = "x" * 100_000
                neighbour.change(padding)
                await asyncio.sleep(0.005)
        writer.close()
