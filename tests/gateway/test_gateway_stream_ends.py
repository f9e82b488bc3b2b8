"""GET /api/v1/stream when something is lost, revoked, stopped, refused or too much."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import httpx
import pytest
from assay.collector.v1.metrics_service_pb2 import (
    SeriesKey,
    WatchMetricsRequest,
)

from gateway import models
from gateway.alerter import Alerter
from gateway.analyzer import Analyzer
from gateway.collector import Collector
from gateway.hub import Services
from gateway.hubs import Hubs
from gateway.reporter import Reporter
from gateway.settings import GatewaySettings
from kit import rpc
from kit.errors import AssayError, Kind
from tests.gateway.event_reader import change, counts, reading
from tests.gateway.neighbour import READER, SESSION, Neighbour, served
from tests.gateway.site import AS_READER, DEADLINE_S, Site, eventually, is_ready, running


async def test_when_the_collector_is_lost_the_stream_says_so_and_starts_anew_when_it_is_back(dist: Path) -> None:
    neighbour = Neighbour()
    neighbour.watched = change(3, is_snapshot=True)
    async with running(neighbour, dist) as site, reading(site) as reader:
        await reader.expect("retry", "metrics", "totals", "ledger")
        stopping = AssayError(Kind.UNAVAILABLE, "SERVER_STOPPING", "is stopping")
        neighbour.refusals["WatchMetrics"] = stopping
        neighbour.end_watches(stopping)
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


async def test_a_watch_that_just_ends_is_opened_again(live: Site) -> None:
    async with reading(live) as reader:
        await reader.expect("retry", "metrics", "totals", "ledger")
        live.neighbour.end_watches(None)
        (status,) = await reader.expect("status")
        metrics = await reader.until("metrics")

    assert status.data["reason"] == "WATCH_ENDED"
    assert metrics.data["is_snapshot"] is True


async def test_a_bug_ends_the_stream_and_is_logged_once(
    live: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    async with reading(live) as reader:
        await reader.until("ledger")
        monkeypatch.setattr("gateway.hub.ledger_event", broken)
        assert await reader.end() == []
    answer = await live.get("/stream")

    assert (answer.status_code, answer.json()["reason"]) == (503, "STREAM_ENDED")
    errors = [record.message for record in caplog.records if record.levelname == "ERROR"]
    assert errors == ["live stream failed"] * 2  # one for each


async def test_a_gateway_that_stops_takes_no_more_readers() -> None:
    async with rpc.connect("127.0.0.1:1") as channel:
        services = Services(*(part.over(channel, 1.0) for part in (Collector, Analyzer, Alerter, Reporter)))
        hubs = Hubs(services, GatewaySettings())
        await hubs.close()
        with pytest.raises(AssayError) as refusal:
            await hubs.join(READER, WatchMetricsRequest())

    assert refusal.value.reason == "STOPPING"


async def test_a_collector_that_restarts_on_its_address_is_found_again(dist: Path) -> None:
    neighbour = Neighbour()
    async with served(neighbour) as address:
        pass
    async with running(neighbour, dist, collector_address=address) as site:
        assert (await site.http.get("/readyz")).status_code == 503
        async with served(Neighbour(), address):
            await eventually(partial(is_ready, site))
            async with reading(site) as reader:
                await reader.until("ledger")
                answer = (await site.http.get("/readyz")).json()
                assert (answer["ready"], answer["reasons"]) == (True, {})


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


async def test_stopping_ends_streams_properly_and_at_once(dist: Path) -> None:
    neighbour = Neighbour()
    async with asyncio.timeout(DEADLINE_S), httpx.AsyncClient(timeout=DEADLINE_S) as http, AsyncExitStack() as streams:
        async with running(neighbour, dist, stop_grace_s=3_600) as site:
            request = http.stream("GET", f"{site.url}/api/v1/stream", headers=AS_READER)
            response = await streams.enter_async_context(request)
            body = asyncio.create_task(response.aread())
            await eventually(lambda: len(neighbour.watchers) == 2)
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
        async with asyncio.timeout(DEADLINE_S):
            while neighbour.watchers:  # its buffers fill up, and then its hub has no readers
                padding = change(1)
                padding.series[0].key.provider = "x" * 100_000
                neighbour.change(padding)
                await asyncio.sleep(0.005)
        writer.close()
