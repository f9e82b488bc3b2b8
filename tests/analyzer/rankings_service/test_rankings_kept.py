"""What was recommended, asked for later; rankings by prompt and half-life; and recorded calls replayed against them."""

import asyncio
import io
import json
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc.aio
import httpx
import pytest
from assay.analyzer.v1 import ranking_service_pb2 as rankings
from assay.analyzer.v1.ranking_service_pb2_grpc import RankingServiceStub

from cli.rank import rank as command
from gateway import ranking_models as models
from gateway.app import gateway
from gateway.settings import GatewaySettings
from kit import database, rpc
from services.analyzer import recommendations as remembered
from services.analyzer.messages.kept_rankings import is_alike
from services.analyzer.recommendations import Recommendations
from services.analyzer.store.kept_rankings import KeptRankingStore
from services.analyzer.store.records import KeptRanking, WantedRankings
from tests.analyzer.rankings_service.fleet import TASK, TRAITS, Fleet, refused
from tests.analyzer.service.site import DAY_S, DEADLINE_S, Analyzer, Site, calls, eventually

Request, Response = rankings.RankProvidersRequest, rankings.RankProvidersResponse


async def ask(analyzer: Analyzer, method: str, request: Any, secret: str | None = None) -> Any:
    """An RPC of RankingService. Raises the AssayError that it is refused with."""
    async with analyzer.channel(secret) as channel:
        try:
            return await getattr(RankingServiceStub(channel), method)(request, timeout=DEADLINE_S)
        except grpc.aio.AioRpcError as error:
            raise rpc.error_of(error) from error


async def kept(fleet: Fleet, **fields: Any) -> rankings.ListRankingsResponse:
    """A page of what was recommended."""
    page: rankings.ListRankingsResponse = await ask(
        fleet.analyzer, "ListRankings", rankings.ListRankingsRequest(project=fleet.project, **fields)
    )
    return page


async def test_what_was_recommended_is_found_by_its_id_and_by_its_time(fleet: Fleet) -> None:
    told = await fleet.rank(preset=rankings.OBJECTIVE_PRESET_RELIABLE)
    wanted = rankings.GetRankingRequest(project=fleet.project, ranking_id=told.ranking_id)
    await eventually(lambda: _is_kept(fleet, told.ranking_id))
    found = (await ask(fleet.analyzer, "GetRanking", wanted)).ranking
    assert (found.ranking.ranking_id, found.ranking.candidates[0].candidate) == (told.ranking_id, told.candidates[0].candidate)
    assert found.question.preset == rankings.OBJECTIVE_PRESET_RELIABLE and found.question.task_type == TASK
    at = rankings.ListRankingsRequest(end_time=found.make_time).end_time
    before = await kept(fleet, task_type=TASK, end_time=at)
    assert told.ranking_id not in {one.ranking.ranking_id for one in before.rankings}
    since = await kept(fleet, task_type=TASK, start_time=at)
    assert told.ranking_id in {one.ranking.ranking_id for one in since.rankings}
    assert not (await kept(fleet, task_type="never served")).rankings


async def _is_kept(fleet: Fleet, ranking_id: str) -> bool:
    page = await kept(fleet, page_size=50)
    return ranking_id in {one.ranking.ranking_id for one in page.rankings}


async def test_pages_hold_all_that_was_recommended_once(fleet: Fleet) -> None:
    ids = {(await fleet.rank(call_count_min=number)).ranking_id for number in (1, 2, 3)}
    for one in ids:
        await eventually(lambda one=one: _is_kept(fleet, one))
    found: list[str] = []
    token = ""
    while True:
        page = await kept(fleet, task_type=TASK, page_size=2, page_token=token)
        found += [one.ranking.ranking_id for one in page.rankings]
        token = page.next_page_token
        if not token:
            break
    assert len(found) == len(set(found)) and ids <= set(found)
    times = [one.make_time.ToNanoseconds() for one in (await kept(fleet, page_size=50)).rankings]
    assert times == sorted(times, reverse=True)
    other = rankings.ListRankingsRequest(project=fleet.project, page_token=(await kept(fleet, page_size=1)).next_page_token, task_type=TASK)
    assert (await refused(ask(fleet.analyzer, "ListRankings", other)))[1] == "PAGE_TOKEN_INVALID"
    unknown = rankings.GetRankingRequest(project=fleet.project, ranking_id="0" * 32)
    assert (await refused(ask(fleet.analyzer, "GetRanking", unknown)))[:2] == ("NOT_FOUND", "RANKING_UNKNOWN")
    wrong = rankings.GetRankingRequest(project=fleet.project, ranking_id="x")
    assert (await refused(ask(fleet.analyzer, "GetRanking", wrong)))[2] == "ranking_id"


def ranking(first_share: float, *, first: str = "a", reason: str = "") -> Response:
    """A ranking of two."""
    names = [first, "b" if first == "a" else "a"]
    shares = [first_share, 1 - first_share]
    ranked = [
        rankings.RankedCandidate(candidate={"provider": name}, suggested_share=share) for name, share in zip(names, shares, strict=True)
    ]
    return Response(candidates=[] if reason else ranked, empty_reason=reason)


def test_a_ranking_is_another_when_another_choice_follows_from_it() -> None:
    usual = ranking(0.8)
    assert is_alike(usual, ranking(0.84)) and is_alike(ranking(0, reason="nobody"), ranking(0, reason="nobody"))
    for other in (ranking(0.86), ranking(0.8, first="b"), ranking(0, reason="nobody")):
        assert not is_alike(usual, other)


async def test_who_watches_is_told_what_is_recommended_from_now_on(site: Site, fleet: Fleet) -> None:
    other = await site.project()
    async with fleet.analyzer.channel() as channel:
        watch = RankingServiceStub(channel).WatchKeptRankings(
            rankings.WatchKeptRankingsRequest(project=fleet.project), timeout=2 * DEADLINE_S
        )
        assert await watch.read() == rankings.WatchKeptRankingsResponse(list_again=True)
        await Fleet(fleet.analyzer, other).rank()
        told = await fleet.rank(preset=rankings.OBJECTIVE_PRESET_FASTEST, half_life_days=40.0)
        seen: list[rankings.KeptRankingSummary] = []
        while told.ranking_id not in {one.ranking_id for one in seen}:
            seen += (await watch.read()).rankings
        watch.cancel()
    assert {one.project for one in seen} == {fleet.project}
    (summary,) = [one for one in seen if one.ranking_id == told.ranking_id]
    assert (summary.task_type, summary.HasField("make_time")) == (TASK, True)
    assert [(one.candidate, one.share) for one in summary.shares] == [(one.candidate, one.suggested_share) for one in told.candidates]


def collecting(told: list[KeptRanking]) -> remembered.Announce:
    async def announce(rows: Sequence[KeptRanking]) -> None:
        told.extend(rows)

    return announce


async def test_history_is_bounded_and_the_rest_is_told_nonetheless(
    database_url: str, analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert analyzer  # which has made the tables
    monkeypatch.setattr(remembered, "KEPT_PER_HOUR_MAX", 3)
    monkeypatch.setattr(remembered, "QUESTIONS_MAX", 1)
    now = datetime.now(UTC)
    clock = [now - timedelta(days=9)]
    question = Request(project="bounded", task_type=TASK)
    everything = WantedRankings("bounded", "", None, None)
    async with database.engine(database_url, name="test") as engine:
        store = KeptRankingStore(engine)
        told: list[KeptRanking] = []
        memory = Recommendations(store, collecting(told), timedelta(days=5), lambda: clock[0])
        stop = asyncio.Event()
        stop.set()
        for number in range(5):
            memory.settle(question, b"%d" % number, ranking(number / 10))
        await memory.run(stop)
        stored = await store.page(everything, None, 10)
        assert len(stored) == 3 and {row.ranking_id for row in told} == {row.ranking_id for row in stored}
        clock[0] = now
        memory.settle(question, b"0", ranking(0.05))
        await memory.run(stop)
        assert [row.make_time for row in await store.page(everything, None, 10)] == [now]
        await store.forget(now - timedelta(days=1), 0)
        assert not await store.page(everything, None, 10)


async def test_while_the_database_is_away_what_was_recommended_waits(caplog: pytest.LogCaptureFixture) -> None:
    async with database.engine("postgresql+asyncpg://nobody:nothing@127.0.0.1:1/none", name="test") as engine:
        memory = Recommendations(KeptRankingStore(engine), collecting([]), timedelta(days=5))
        memory.settle(Request(project="away", task_type=TASK), b"", ranking(0.5))
        stop = asyncio.Event()
        stop.set()
        for _ in range(2):
            await memory.run(stop)
    assert [record.message for record in caplog.records] == ["rankings wait to be kept"] * 2


async def test_only_calls_with_a_prompt_count_if_that_is_asked_for(site: Site, fleet: Fleet) -> None:
    project = await site.project()
    for version, provider in (("1", "one"), ("2", "two")):
        named = {"provider": provider, "model": "m", "prompt_name": "review", "prompt_version": version}
        await site.record(project, calls(time.time() - 3_600, 60, 30, **named))
    asked = Fleet(fleet.analyzer, project)

    async def providers(**fields: Any) -> set[str]:
        return {one.candidate.provider for one in (await asked.rank(**fields)).candidates}

    await eventually(lambda: _are(providers, {"one", "two"}))
    assert await providers(prompt_name="review", prompt_version="2") == {"two"}
    assert await providers(prompt_name="another") == set()
    assert (await refused(asked.rank(prompt_version="2")))[2] == "prompt_version"


async def _are(providers: Any, expected: set[str]) -> bool:
    return bool(await providers() == expected)


async def test_a_shorter_half_life_leaves_less_evidence(fleet: Fleet) -> None:
    usual, short = await fleet.rank(), await fleet.rank(half_life_days=0.1)
    assert 0 < short.candidates[0].call_count < 0.7 * usual.candidates[0].call_count
    for number in range(1, 7):
        assert (await fleet.rank(half_life_days=float(number))).candidates
    for wrong in (0.0, float("nan"), 1_000.0):
        assert (await refused(fleet.rank(half_life_days=wrong)))[2] == "half_life_days"


async def test_recorded_calls_are_replayed_against_the_ranking_and_other_policies(fleet: Fleet, site: Site, tmp_path: Path) -> None:
    start, end = datetime.fromtimestamp(time.time() - DAY_S, UTC), datetime.fromtimestamp(time.time(), UTC)
    request = rankings.BacktestRankingRequest(project=fleet.project, start_time=start, end_time=end, question=Request(task_type=TASK))
    found = await ask(fleet.analyzer, "BacktestRanking", request)
    assert (found.call_count, found.sent_ratio, found.empty_reason) == (360, 0, "") and found.step_count > 5
    policies = {rankings.ReplayPolicy.Name(one.policy).removeprefix("REPLAY_POLICY_"): one for one in found.policies}
    assert len(policies) == 7 and "callers sent no probabilities" in found.assumptions[0]
    success = {name: one.outcomes[0] for name, one in policies.items()}
    real = sum(1 - 1 / traits[2] for traits in TRAITS.values()) / 3
    assert success["AS_IT_WAS"].doubly_robust.value == pytest.approx(real, abs=0.01)
    first = success["FIRST"]
    assert first.doubly_robust.value > real + 0.05 and first.doubly_robust.low < first.doubly_robust.value < first.doubly_robust.high
    assert policies["FIRST"].choices[0].candidate.provider == "swift" and first.covered_ratio == pytest.approx(1)
    assert success["AS_IT_WAS"].gain_of_ranking.value > 0.02
    empty = rankings.BacktestRankingRequest(project=fleet.project, start_time=start, question=Request(task_type="never served"))
    assert (await ask(fleet.analyzer, "BacktestRanking", empty)).empty_reason
    wrong = ({}, {"start_time": end, "end_time": start}, {"start_time": start, "question": Request(project="another")})
    for fields in wrong:
        refusal = rankings.BacktestRankingRequest(**{"project": fleet.project, **fields})
        assert (await refused(ask(fleet.analyzer, "BacktestRanking", refusal)))[1] == "FIELD_INVALID"
    half_an_hour_ago = datetime.fromtimestamp(time.time() - 1_800, UTC)
    shown = await _printed(fleet, site, backtest=(half_an_hour_ago, end))
    assert "lowest latency" in shown and "times learnt anew" in shown and "assumed: " in shown
    assert json.loads(await _printed(fleet, site, backtest=(half_an_hour_ago, end), json=True))["policies"]
    await _http_tells_the_same(fleet, site, tmp_path)


async def _http_tells_the_same(fleet: Fleet, site: Site, tmp_path: Path) -> None:
    addresses: dict[str, Any] = {"collector_address": site.collector, "analyzer_address": fleet.analyzer.address}
    settings = GatewaySettings(listen="127.0.0.1:0", dashboard_directory=tmp_path, ops_listen="", **addresses)
    headers, asked = {"authorization": f"Bearer {site.admin}"}, {"project": fleet.project}
    async with gateway(settings) as address, httpx.AsyncClient(base_url=f"http://{address}/api/v1", timeout=DEADLINE_S) as http:
        answer = await http.get(f"/ranking-backtests/{TASK}", params={**asked, "start": "-1h", "objective": "cheapest"}, headers=headers)
        replayed = models.RankingBacktest.model_validate(answer.json())
        assert 0 < replayed.call_count < 100 and {one.policy for one in replayed.policies} >= {"FIXED", "RANDOM"}
        page = models.RankingsPage.model_validate((await http.get("/ranking-history", params=asked, headers=headers)).json())
        one = page.rankings[0]
        answer = await http.get(f"/ranking-history/{one.ranking.ranking_id}", params=asked, headers=headers)
        assert models.KeptRanking.model_validate(answer.json()) == one
    history = await _printed(fleet, site, history=True)
    assert one.ranking.ranking_id in history and "swift swift-1" in history
    assert json.loads(await _printed(fleet, site, history=True, json=True))["rankings"]


async def _printed(fleet: Fleet, site: Site, **options: Any) -> str:
    """What the command prints; it runs in a thread, since it has an event loop of its own."""
    told = {"task_type": TASK, "project": fleet.project, "url": fleet.analyzer.address, "key": site.admin, **options}
    printed = io.StringIO()
    with redirect_stdout(printed):
        await asyncio.to_thread(command, **told)
    return printed.getvalue()
