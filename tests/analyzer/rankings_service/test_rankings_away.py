"""Rankings while the collector is away, and when a provider breaks down."""

import asyncio
import io
import time
from contextlib import AsyncExitStack, redirect_stdout

from assay.analyzer.v1 import ranking_service_pb2 as rankings
from assay.analyzer.v1.ranking_service_pb2_grpc import RankingServiceStub
from assay.telemetry.v1 import call_pb2

from cli.rank import rank as command
from kit import rpc
from kit.bus import Bus
from kit.embedded.stack import Stack
from services.analyzer.backtests import Backtests
from services.analyzer.collector import Collector
from services.analyzer.prompts import Prompts
from services.analyzer.rankings import asked_from
from tests.analyzer.rankings_service.fleet import TASK, Fleet, fleet_of, rank, refused
from tests.analyzer.service.site import DEADLINE_S, analyzing, calls, collecting, eventually

Request = rankings.RankProvidersRequest


async def test_an_outage_puts_a_provider_last_and_without_the_collector_the_last_ranking_is_told_and_marked(
    stack: Stack, database_url: str, bus: Bus
) -> None:
    assert bus.is_connected
    async with AsyncExitStack() as running:
        async with collecting(database_url, stack.nats_url) as site:
            analyzer = await running.enter_async_context(analyzing(site, ranking_refresh_s=0.5))
            fleet = await fleet_of(site, analyzer)
            assert not (await fleet.rank()).is_stale
            watch = asyncio.create_task(_watched(fleet))
            failing = {"provider": "swift", "model": "swift-1", "outcome": call_pb2.CALL_OUTCOME_RATE_LIMITED}
            await site.record(fleet.project, calls(time.time() - 120, 2, 60, **failing))
            before = await eventually(lambda: _broken(fleet))
        after = await eventually(lambda: _stale(fleet))
        assert before and after
        told = await asyncio.wait_for(watch, DEADLINE_S)
        assert told[0].candidates[0].candidate.provider == "swift" and told[-1].is_stale
        assert told[-1].candidates[-1].candidate.provider == "swift"
        assert len({(one.ranking_id, one.is_stale) for one in told}) == len(told) > 1
        assert [one.candidate for one in after.candidates] == [one.candidate for one in before.candidates]
        assert after.as_of_time == before.as_of_time
        shown = io.StringIO()
        with redirect_stdout(shown):
            await asyncio.to_thread(command, task_type=TASK, project=fleet.project, url=analyzer.address, key=site.admin)
        assert shown.getvalue().startswith("Stale: this rests on calls up to 20")
        # Whose project nobody asked about has nothing to be told, and a key that is not known cannot be checked.
        other = rank(analyzer, Request(project="another", task_type=TASK))
        assert (await refused(other))[:2] == ("UNAVAILABLE", "RANKING_UNAVAILABLE")
        assert (await refused(rank(analyzer, Request(task_type=TASK), "assay_unknown")))[1] == "ACCESS_UNAVAILABLE"


async def test_what_rests_on_the_collector_alone_says_that_it_is_away() -> None:
    async with rpc.connect("127.0.0.1:1") as channel:
        collector = Collector(channel)
        listing = Prompts(collector).prompts("project", None, None)
        assert (await refused(listing))[:2] == ("UNAVAILABLE", "COLLECTOR_UNAVAILABLE")
        asked = asked_from("project", Request(task_type=TASK))
        assert (await refused(Backtests(collector, 1.0).run(asked, 0.0, 1.0)))[:2] == ("UNAVAILABLE", "COLLECTOR_UNAVAILABLE")


async def _watched(fleet: Fleet) -> list[rankings.RankProvidersResponse]:
    """All that is told, up to what is stale."""
    told: list[rankings.RankProvidersResponse] = []
    request = rankings.WatchRankingsRequest(project=fleet.project, question=Request(task_type=TASK))
    async with fleet.analyzer.channel() as channel:
        async for update in RankingServiceStub(channel).WatchRankings(request, timeout=2 * DEADLINE_S):
            told.append(update.ranking)
            if update.ranking.is_stale:
                break
    return told


async def _broken(fleet: Fleet) -> rankings.RankProvidersResponse | None:
    """The ranking, as soon as an anomaly says that who was first is not well and all of its calls are in."""
    found = await fleet.rank()
    last = found.candidates[-1]
    is_broken = last.is_in_anomaly and last.candidate.provider == "swift" and last.call_count > 59
    assert not is_broken or (last.anomaly and last.reasons[0] == f"in an incident: {last.anomaly}")
    return found if is_broken else None


async def _stale(fleet: Fleet) -> rankings.RankProvidersResponse | None:
    found = await fleet.rank()
    return found if found.is_stale else None
