"""From calls to whom to choose: over RPC, over HTTP and by the command; and who may ask."""

import asyncio
import io
import json
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import httpx
import pytest
from assay.analyzer.v1 import ranking_service_pb2 as rankings
from assay.analyzer.v1.ranking_service_pb2 import RankedMeasure, RankingCandidate, RankingConstraint
from assay_client.rankings import Rankings

from cli.rank import rank as command
from gateway import ranking_models as models
from gateway.app import gateway
from gateway.settings import GatewaySettings
from services.analyzer import rankings as held
from services.collector import query
from tests.analyzer.rankings_service.fleet import CALL_COUNT, TASK, TRAITS, Fleet, rank, refused
from tests.analyzer.service.site import DAY_S, DEADLINE_S, Analyzer, Site, analyzing, calls, eventually

Request = rankings.RankProvidersRequest
SUCCESS, LATENCY, COST = rankings.RANKED_METRIC_SUCCESS, rankings.RANKED_METRIC_LATENCY, rankings.RANKED_METRIC_COST_PER_ACCEPTED_TASK
NO_VALUE: Any = 99
NAN = float("nan")


def providers_of(found: rankings.RankProvidersResponse) -> list[str]:
    return [one.candidate.provider for one in found.candidates]


async def test_who_is_clearly_better_is_first_with_intervals_and_reasons(fleet: Fleet) -> None:
    found = await fleet.rank()
    assert providers_of(found) == list(TRAITS)
    first, _, last = found.candidates
    assert (first.rank, first.rank_low, first.rank_high, first.is_tied_with_first) == (1, 1, 1, True)
    assert first.probability_best > 0.95 and not last.is_tied_with_first and last.rank_low == 3
    assert sum(one.suggested_share for one in found.candidates) == pytest.approx(1)
    assert all(one.score_low <= one.score <= one.score_high and one.reasons for one in found.candidates)
    assert CALL_COUNT * 0.8 < first.call_count <= CALL_COUNT
    assert first.HasField("last_call_time") and first.last_call_time.seconds <= found.as_of_time.seconds
    estimates = {(each.measure.metric, each.measure.quantile): each for each in first.estimates}
    assert all(each.low <= each.value <= each.high for each in estimates.values())
    assert 0.9 < estimates[SUCCESS, 0.0].value < 1
    assert 0.9 < estimates[LATENCY, 0.5].value < 1.2
    assert estimates[COST, 0.0].value == pytest.approx(0.002, rel=0.3)
    assert (found.is_stale, found.empty_reason, len(found.ranking_id)) == (False, "", 32)


async def test_the_same_question_has_the_same_ranking_and_another_one_another(fleet: Fleet) -> None:
    found, again, other = await fleet.rank(), await fleet.rank(), await fleet.rank(preset=rankings.OBJECTIVE_PRESET_FASTEST)
    assert (found.ranking_id, found.candidates) == (again.ranking_id, again.candidates)
    assert other.ranking_id != found.ranking_id


async def test_a_question_says_who_may_be_chosen_and_by_what(fleet: Fleet) -> None:
    slow = RankingConstraint(measure=RankedMeasure(metric=LATENCY, quantile=0.95), bound=5.0)
    found = await fleet.rank(constraints=[slow], denied_providers=["swift"])
    assert providers_of(found) == ["middling"]
    left = {one.candidate.provider: rankings.LeftOutReason.Name(one.reason) for one in found.left_out}
    assert left == {"swift": "LEFT_OUT_REASON_NOT_ALLOWED", "awful": "LEFT_OUT_REASON_CONSTRAINT_NOT_MET"}
    weights = [rankings.ObjectiveWeight(measure=RankedMeasure(metric=LATENCY, quantile=0.99), weight=2)]
    new = RankingCandidate(provider="new", model="new-1")
    named = await fleet.rank(weights=weights, candidates=[new, RankingCandidate(provider="awful", model="awful-1")])
    assert set(providers_of(named)) == {"new", "awful"}
    (unseen,) = [one for one in named.candidates if one.candidate == new]
    assert not unseen.HasField("last_call_time") and unseen.call_count == 0


async def test_the_client_chooses_by_the_shares_that_are_suggested(fleet: Fleet, site: Site) -> None:
    secret = await site.key(fleet.project, "READ")
    found = await fleet.rank()
    choosing = Rankings(("nobody", "none"), url=fleet.analyzer.address, key=secret)
    try:
        assert await asyncio.to_thread(choosing.wait, TASK, DEADLINE_S)
        chosen = {choosing.choose(TASK) for _ in range(200)}
    finally:
        await asyncio.to_thread(choosing.close)
    shares = {(each.candidate.provider, each.candidate.model): each.suggested_share for each in found.candidates}
    assert {(choice.ranking_id, choice.origin) for choice in chosen} == {(found.ranking_id, "ranking")}
    assert all(choice.selection_ratio == pytest.approx(shares[choice.candidate]) for choice in chosen)


async def test_where_nobody_can_be_ranked_the_list_is_empty_and_says_why(fleet: Fleet, site: Site) -> None:
    nobody = await fleet.rank(allowed_providers=["nobody"])
    assert not nobody.candidates and nobody.empty_reason == "every candidate is left out"
    empty = await rank(fleet.analyzer, Request(project=await site.project(), task_type=TASK))
    assert (len(empty.candidates), empty.empty_reason, empty.is_stale) == (0, "there is no candidate", False)


async def test_an_unknown_kind_of_task_in_a_project_with_one_kind_gets_an_empty_list_and_why(fleet: Fleet) -> None:
    found = await fleet.rank(task_type="never seen")
    assert not found.candidates and found.empty_reason == "nothing of what candidates are ranked by has been measured"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"task_type": "a\0"}, "task_type"),
        ({"task_type": "a" * 257}, "task_type"),
        ({"preset": NO_VALUE}, "preset"),
        ({"preset": 1, "weights": [{"measure": {"metric": 1}, "weight": 1}]}, "weights"),
        ({"weights": [{"weight": 1}]}, "weights"),
        ({"weights": [{"measure": {"metric": NO_VALUE}, "weight": 1}]}, "weights"),
        ({"weights": [{"measure": {"metric": 1}, "weight": NAN}]}, "weights"),
        ({"weights": [{"measure": {"metric": 1}, "weight": 1e300}]}, "weights"),
        ({"weights": [{"measure": {"metric": 1}}]}, "weights"),
        ({"weights": [{"measure": {"metric": 1}, "weight": 1}] * 2}, "weights"),
        ({"weights": [{"measure": {"metric": 3, "quantile": 2.0}, "weight": 1}]}, "quantile"),
        ({"constraints": [{"measure": {"metric": 1}}]}, "constraints"),
        ({"constraints": [{"measure": {"metric": 1}, "bound": 2}]}, "constraints"),
        ({"constraints": [{"measure": {"metric": 5}, "bound": NAN}]}, "constraints"),
        ({"constraints": [{"bound": 1}]}, "constraints"),
        ({"constraints": [{"measure": {"metric": 5}, "bound": 1, "probability": 0.0}]}, "constraints"),
        ({"constraints": [{"measure": {"metric": 5}, "bound": 1}] * 17}, "constraints"),
        ({"call_count_min": NAN}, "call_count_min"),
        ({"call_count_min": -1}, "call_count_min"),
        ({"candidates": [{"provider": "a\0"}]}, "candidates"),
        ({"candidates": [{"provider": "a"}] * 501}, "candidates"),
        ({"allowed_models": ["a"] * 501}, "candidates"),
        ({"denied_providers": ["a" * 257]}, "denied_providers"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_question_that_cannot_be_answered_is_refused_and_the_field_named(fleet: Fleet, fields: Any, field: str) -> None:
    assert await refused(fleet.rank(**fields)) == ("INVALID_ARGUMENT", "FIELD_INVALID", field)


async def test_reading_takes_the_role_to_read_and_a_key_sees_no_other_project(fleet: Fleet, site: Site) -> None:
    recorder, reader = [await site.key(fleet.project, role) for role in ("RECORD", "READ")]
    stranger = await site.key(await site.project(), "READ")
    asked = Request(project=fleet.project, task_type=TASK)
    assert (await refused(rank(fleet.analyzer, asked, "")))[1] in {"KEY_MISSING", "KEY_INVALID"}
    assert (await refused(rank(fleet.analyzer, asked, recorder)))[1] == "ROLE_MISSING"
    assert (await refused(rank(fleet.analyzer, asked, stranger)))[1] == "PROJECT_FORBIDDEN"
    assert (await refused(rank(fleet.analyzer, Request(project="no-such", task_type=TASK))))[1] == "PROJECT_UNKNOWN"
    assert not (await rank(fleet.analyzer, Request(task_type=TASK), stranger)).candidates
    assert providers_of(await rank(fleet.analyzer, Request(task_type=TASK), reader)) == list(TRAITS)


async def test_calls_that_come_later_are_taken_up(analyzer: Analyzer, site: Site) -> None:
    project = await site.project()
    assert not (await rank(analyzer, Request(project=project, task_type=TASK))).candidates
    await site.record(project, calls(time.time() - 100 * DAY_S, 1, 3))  # too long ago to count
    await site.record(project, calls(time.time() - 60, 1, 30))
    found = await eventually(lambda: _ranked(analyzer, project))
    (only,) = found
    assert only.call_count == pytest.approx(30, rel=0.05)


async def test_evidence_that_is_too_much_for_one_answer_is_read_in_parts(fleet: Fleet, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "ANSWER_WINDOWS_MAX", len(TRAITS))
    async with analyzing(site) as analyzer:
        found = await rank(analyzer, Request(project=fleet.project, task_type=TASK))
    assert providers_of(found) == list(TRAITS)
    assert found.candidates[0].call_count == pytest.approx((await fleet.rank()).candidates[0].call_count, rel=0.01)


async def test_memory_is_bounded_and_what_was_dropped_is_read_anew(
    fleet: Fleet, analyzer: Analyzer, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held, "PROJECTS_MAX", 1)
    monkeypatch.setattr(held, "ANSWERS_MAX", 1)
    before = await fleet.rank()
    await fleet.rank(preset=rankings.OBJECTIVE_PRESET_FASTEST)
    assert not (await rank(analyzer, Request(project=await site.project(), task_type=TASK))).candidates
    monkeypatch.setattr(held, "IN_USE_S", -1.0)  # whoever was asked about is in use no longer
    for _ in range(3):
        assert (await fleet.rank()).ranking_id == before.ranking_id
        await asyncio.sleep(held.LOOK_S)


async def test_http_and_the_command_tell_the_same(fleet: Fleet, site: Site, tmp_path: Path) -> None:
    told = await fleet.rank(preset=rankings.OBJECTIVE_PRESET_CHEAPEST)
    addresses: dict[str, Any] = {"collector_address": site.collector, "analyzer_address": fleet.analyzer.address}
    settings = GatewaySettings(listen="127.0.0.1:0", dashboard_directory=tmp_path, ops_listen="", **addresses)
    key = {"authorization": f"Bearer {site.admin}"}
    async with gateway(settings) as address, httpx.AsyncClient(base_url=f"http://{address}/api/v1/rankings", timeout=DEADLINE_S) as http:

        async def get(path: str, **parameters: Any) -> httpx.Response:
            return await http.get(path, params={"project": fleet.project, **parameters}, headers=key)

        answer = await get(f"/{TASK}", objective="cheapest")
        assert answer.status_code == 200, answer.text
        found = models.Ranking.model_validate(answer.json())
        assert [one.candidate.provider for one in found.candidates] == providers_of(told)
        assert (found.candidates[0].probability_best, found.empty_reason) == (told.candidates[0].probability_best, None)
        bounded = models.Ranking.model_validate((await get(f"/{TASK}", max_p95_latency_s=5, deny_providers="swift")).json())
        assert [(one.candidate.provider, one.reason) for one in bounded.left_out] == [
            ("swift", "NOT_ALLOWED"),
            ("awful", "CONSTRAINT_NOT_MET"),
        ]
        named = models.Ranking.model_validate((await get(f"/{TASK}", weight="latency:1", candidates="swift/swift-1,new/a/b")).json())
        assert {one.candidate.model for one in named.candidates} == {"swift-1", "a/b"}
        assert (await get("/a/b")).json()["task_type"] == "a/b"
        refusals = ({"objective": "x"}, {"weight": "quality"}, {"weight": "quality:x"}, {"candidates": "x"}, {"min_success_ratio": 2})
        for wrong in refusals:
            answer = await get(f"/{TASK}", **wrong)
            assert (answer.status_code, answer.json()["reason"]) == (400, "FIELD_INVALID"), wrong
    printed = await _printed(fleet, site, objective="cheapest", json=True)
    assert json.loads(printed)["candidates"][0]["candidate"]["provider"] == "swift"
    table = await _printed(fleet, site, objective="cheapest", provider=["swift", "awful"])
    assert table.index("swift") < table.index("awful") and "better than the middle candidate" in table


async def test_a_table_without_rows_says_why_and_who_is_left_out(fleet: Fleet, site: Site) -> None:
    table = await _printed(fleet, site, max_cost_per_task=1e-9)
    assert "Nobody is ranked: every candidate is left out." in table and "left out: swift swift-1: cost per accepted task" in table
    empty = await _printed(fleet, site, project=await site.project())
    assert "Nobody is ranked: there is no candidate." in empty and "cost per accepted task should count, but has not been measured" in empty
    assert (await refused(_printed(fleet, site, objective="best")))[1:] == ("FIELD_INVALID", "objective")


async def _printed(fleet: Fleet, site: Site, **options: Any) -> str:
    """What the command prints; it runs in a thread, since it has an event loop of its own."""
    told = {"task_type": TASK, "project": fleet.project, "url": fleet.analyzer.address, "key": site.admin, **options}
    printed = io.StringIO()
    with redirect_stdout(printed):
        await asyncio.to_thread(command, **told)
    return printed.getvalue()


async def _ranked(analyzer: Analyzer, project: str) -> list[rankings.RankedCandidate]:
    found = await rank(analyzer, Request(project=project, task_type=TASK))
    return [one for one in found.candidates if one.call_count > 25]
