"""From calls to which version of a prompt does better: over RPC, over HTTP and by the command; and who may ask."""

import asyncio
import io
import json
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import grpc.aio
import httpx
import pytest
import pytest_asyncio
from assay.analyzer.v1 import prompt_service_pb2 as prompts
from assay.analyzer.v1.prompt_service_pb2_grpc import PromptServiceStub
from assay.telemetry.v1 import call_pb2

from cli.prompts import prompts as command
from gateway import prompt_models as models
from gateway.app import gateway
from gateway.settings import GatewaySettings
from kit import rpc
from tests.analyzer.rankings_service.fleet import refused
from tests.analyzer.service.site import DAY_S, DEADLINE_S, Analyzer, Site, calls, eventually

PROMPT, HALF = "review", 240
BETTER, WORSE = prompts.PROMPT_VERDICT_BETTER, prompts.PROMPT_VERDICT_WORSE
SUCCESS, LATENCY, COST = prompts.PROMPT_METRIC_SUCCESS, prompts.PROMPT_METRIC_LATENCY, prompts.PROMPT_METRIC_COST
NAN = float("nan")


async def ask(analyzer: Analyzer, method: str, request: Any, secret: str | None = None) -> Any:
    """An RPC of PromptService. Raises the AssayError that it is refused with."""
    async with analyzer.channel(secret) as channel:
        try:
            return await getattr(PromptServiceStub(channel), method)(request, timeout=DEADLINE_S)
        except grpc.aio.AioRpcError as error:
            raise rpc.error_of(error) from error


def served() -> list[call_pb2.Call]:
    """Half a day of two versions on two models. The second version fails less and takes longer; each call is a task of its own."""
    made = []
    for model in ("large", "small"):
        for version, (fails_every, latency_s) in {"1": (3, 1.0), "2": (30, 1.4)}.items():
            named = {"model": model, "prompt_name": PROMPT, "prompt_version": version}
            for place, call in enumerate(calls(time.time() - DAY_S / 2, DAY_S / 2 / HALF, HALF, **named)):
                call.latency.FromNanoseconds(int(latency_s * (0.8 + 0.1 * (place % 5)) * 1e9))
                call.cost_usd_nanos = 1_000_000 + 10_000 * (place % 7)
                call.task_id = call.call_id
                call.outcome = call_pb2.CALL_OUTCOME_FAILED if place % fails_every == 0 else call_pb2.CALL_OUTCOME_SUCCEEDED
                made.append(call)
    return made


@pytest_asyncio.fixture(scope="module")
async def project(site: Site, analyzer: Analyzer) -> str:
    """A project with one prompt, all of whose calls have been summed up."""
    name = await site.project()
    await site.record(name, served())

    async def are_seen() -> bool:
        found = await ask(analyzer, "ListPrompts", prompts.ListPromptsRequest(project=name))
        return bool(sum(prompt.call_count for prompt in found.prompts) == 4 * HALF)

    await eventually(are_seen)
    return name


async def test_prompts_are_listed_with_their_versions(analyzer: Analyzer, project: str) -> None:
    found = await ask(analyzer, "ListPrompts", prompts.ListPromptsRequest(project=project))
    (prompt,) = found.prompts
    assert (prompt.prompt_name, {one.prompt_version for one in prompt.versions}) == (PROMPT, {"1", "2"})
    assert all(one.call_count == 2 * HALF and list(one.task_types) == ["code_review"] for one in prompt.versions)
    assert found.as_of_time.seconds > time.time() - DAY_S


async def test_a_version_that_fails_less_is_better_and_one_that_takes_longer_worse(analyzer: Analyzer, project: str) -> None:
    request = prompts.ComparePromptsRequest(project=project, prompt_name=PROMPT, baseline_version="1")
    found = await ask(analyzer, "ComparePrompts", request)
    (compared,) = found.versions
    assert (found.baseline.prompt_version, compared.version.prompt_version) == ("1", "2") and compared.simultaneous_ratio > 0.9
    effects = {effect.metric: effect for effect in compared.effects}
    assert len(effects) == 5
    success, latency, cost = effects[SUCCESS], effects[LATENCY], effects[COST]
    assert (success.verdict, latency.verdict) == (BETTER, WORSE)
    assert success.low < success.difference < success.high and success.difference == pytest.approx(0.3, abs=0.01)
    assert latency.difference == pytest.approx(0.336, abs=0.01) and success.HasField("decide_time")
    assert cost.difference == pytest.approx(0, abs=0.01) and cost.verdict not in (BETTER, WORSE)
    assert [one.model for one in success.strata] == ["large", "small"] and success.strata[0].weight_ratio == pytest.approx(0.5)
    assert success.strata[0].version_mean == pytest.approx(29 / 30)
    assert len(success.sequence.end_unix_s) == len(success.sequence.high) > 20
    assert success.sequence.low[0] == float("-inf") and success.sequence.low[-1] == pytest.approx(success.low)
    back = await ask(analyzer, "ComparePrompts", prompts.ComparePromptsRequest(project=project, prompt_name=PROMPT, baseline_version="2"))
    assert back.versions[0].effects[0].verdict == WORSE


async def test_versions_are_ranked_and_a_day_of_one_hour_holds_less(analyzer: Analyzer, project: str) -> None:
    found = await ask(analyzer, "RankPrompts", prompts.RankPromptsRequest(project=project, prompt_name=PROMPT, metric=SUCCESS))
    assert [(one.version.prompt_version, one.rank_low, one.rank_high) for one in found.versions] == [("2", 1, 1), ("1", 2, 2)]
    request = prompts.RankPromptsRequest(project=project, prompt_name=PROMPT, task_type="code_review", metric=LATENCY, versions=["2"])
    request.start_time.FromSeconds(int(time.time()) - 3_600)
    (alone,) = (await ask(analyzer, "RankPrompts", request)).versions
    assert alone.version.prompt_version == "2" and alone.evidence_count < HALF


async def test_nothing_to_compare_is_said_in_words(analyzer: Analyzer, project: str) -> None:
    unused = await ask(analyzer, "ComparePrompts", prompts.ComparePromptsRequest(project=project, prompt_name="unused"))
    assert (unused.empty_reason, unused.HasField("baseline")) == ("the prompt has no calls in this range", False)
    old = prompts.ComparePromptsRequest(project=project, prompt_name=PROMPT, task_type="another")
    assert (await ask(analyzer, "ComparePrompts", old)).empty_reason
    nothing = await ask(analyzer, "RankPrompts", prompts.RankPromptsRequest(project=project, prompt_name="unused"))
    assert nothing.empty_reason and nothing.metric == prompts.PROMPT_METRIC_QUALITY


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"prompt_name": ""}, "prompt_name"),
        ({"prompt_name": "a\0"}, "prompt_name"),
        ({"versions": [str(number) for number in range(10)]}, "versions"),
        ({"versions": ["1"], "baseline_version": "1"}, "versions"),
        ({"metrics": [99]}, "metrics"),
        ({"metrics": [0]}, "metrics"),
        ({"margins": [{"metric": 1, "margin": NAN}]}, "margins"),
        ({"margins": [{"margin": 1}]}, "margins"),
        ({"start_time": {"seconds": 2_000}, "end_time": {"seconds": 1_000}}, "end_time"),
    ],
)
async def test_what_cannot_be_compared_is_refused_by_the_field(
    analyzer: Analyzer, project: str, fields: dict[str, Any], field: str
) -> None:
    request = prompts.ComparePromptsRequest(**{"project": project, "prompt_name": PROMPT, **fields})
    assert await refused(ask(analyzer, "ComparePrompts", request)) == ("INVALID_ARGUMENT", "FIELD_INVALID", field)


async def test_a_version_without_calls_is_not_known(analyzer: Analyzer, project: str) -> None:
    request = prompts.ComparePromptsRequest(project=project, prompt_name=PROMPT, versions=["9"])
    assert (await refused(ask(analyzer, "ComparePrompts", request)))[:2] == ("NOT_FOUND", "VERSION_UNKNOWN")


async def test_http_and_the_command_tell_the_same(analyzer: Analyzer, site: Site, project: str, tmp_path: Path) -> None:
    addresses: dict[str, Any] = {"collector_address": site.collector, "analyzer_address": analyzer.address}
    settings = GatewaySettings(listen="127.0.0.1:0", dashboard_directory=tmp_path, ops_listen="", **addresses)
    key = {"authorization": f"Bearer {site.admin}"}
    async with gateway(settings) as address, httpx.AsyncClient(base_url=f"http://{address}/api/v1", timeout=DEADLINE_S) as http:

        async def get(path: str, **parameters: Any) -> httpx.Response:
            return await http.get(f"/prompts{path}", params={"project": project, **parameters}, headers=key)

        listed = models.Prompts.model_validate((await get("")).json())
        assert listed.prompts[0].prompt_name == PROMPT
        answer = await get("/compare", prompt_name=PROMPT, baseline="1", metric="success,cost", margin="success:0.01")
        compared = models.PromptComparison.model_validate(answer.json())
        assert [effect.metric for effect in compared.versions[0].effects] == ["SUCCESS", "COST"]
        assert compared.versions[0].effects[0].sequence[0].low is None and compared.step_s > 0 and compared.empty_reason is None
        ranked = models.PromptRanking.model_validate((await get("/rank", prompt_name=PROMPT, metric="success")).json())
        assert ranked.versions[0].version.prompt_version == "2"
        for path, wrong in (("/compare", {"margin": "success"}), ("/compare", {"metric": "x"}), ("/rank", {"metric": "x"})):
            refusal = await get(path, prompt_name=PROMPT, **wrong)
            assert (refusal.status_code, refusal.json()["reason"]) == (400, "FIELD_INVALID")

    async def printed(**options: Any) -> str:
        shown = io.StringIO()
        with redirect_stdout(shown):
            await asyncio.to_thread(command, project=project, url=analyzer.address, key=site.admin, **options)
        return shown.getvalue()

    assert PROMPT in await printed() and json.loads(await printed(json=True))["prompts"]
    table = await printed(prompt_name=PROMPT, baseline="1")
    assert "better: success ratio +0.3" in table and "0.667 to 0.967" in table and "2 against 1" in table
    assert json.loads(await printed(prompt_name=PROMPT, json=True))["versions"]
    assert "1 to 1" in await printed(prompt_name=PROMPT, rank="success")
    assert json.loads(await printed(prompt_name=PROMPT, rank="success", json=True))["versions"]
    assert (await refused(printed(prompt_name=PROMPT, rank="beauty")))[1:] == ("FIELD_INVALID", "metric")
