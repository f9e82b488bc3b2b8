"""Quality over HTTP, whole: reports as a form, scores as JSON, votes by links without a key."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from cryptography.fernet import Fernet

from gateway import quality_models as models
from gateway.app import gateway
from gateway.settings import GatewaySettings
from kit.bus import Bus
from kit.embedded.stack import Stack
from tests.analyzer.quality_service.site import JUNIT, Scored
from tests.analyzer.service.site import DEADLINE_S, Site, analyzing, collecting, eventually

LCOV = b"SF:a.py\nDA:1,1\nDA:2,0\nend_of_record\n"
PUBLIC = "https://assay.example.com"


@pytest_asyncio.fixture(scope="module")
async def site(stack: Stack, database_url: str, bus: Bus) -> AsyncIterator[Site]:
    """A collector that signs links."""
    assert bus.is_connected
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSAY_SECRETS_KEY", Fernet.generate_key().decode())
        patch.setenv("ASSAY_PUBLIC_URL", f"{PUBLIC}/")
        async with collecting(database_url, stack.nats_url) as running:
            yield running


@pytest_asyncio.fixture(scope="module")
async def http(site: Site) -> AsyncIterator[tuple[httpx.AsyncClient, Scored]]:
    """A gateway before all."""
    async with analyzing(site) as analyzer:
        nobody: dict[str, Any] = {f"{name}_address": site.collector for name in ("alerter", "reporter")}
        settings = GatewaySettings(listen="127.0.0.1:0", collector_address=site.collector, analyzer_address=analyzer.address, **nobody)
        async with gateway(settings) as address, httpx.AsyncClient(base_url=f"http://{address}", timeout=DEADLINE_S) as client:
            yield client, Scored(site, analyzer)


async def test_reports_of_a_form_become_a_score(http: tuple[httpx.AsyncClient, Scored]) -> None:
    client, quality = http
    project = await quality.site.project()
    await quality.record_calls(project, "a", task_id="t")
    key = {"authorization": f"Bearer {await quality.site.key(project, 'ADMIN')}"}
    files = [("junit", ("j.xml", JUNIT)), ("coverage", ("c.info", LCOV)), ("code", ("f.py", b"def f(x):\n    return x\n"))]
    words = {"task_id": "t", "rating_ratio": "0.5", "rater": "me", "revision_count": "1", "evaluator": "judge", "score_ratio": "0.9"}
    for _ in range(2):
        sent = await client.post("/api/v1/evidence", data=words, files=files, headers=key)
        assert (sent.status_code, sent.json()) == (200, {"accepted_count": 6, "rejections": []})
    await quality.scored(project, 3 + 2 * 3, task_id="t")  # the same files again are known; words may be said again
    found = models.Quality.model_validate((await client.get("/api/v1/quality/tasks/t", headers=key)).json())
    assert found.score_ratio and found.key and found.key.task_type == "code_review"
    names = {component.component for component in found.components}
    assert names >= {"CODE", "TESTS", "COVERAGE", "FEEDBACK", "REVISIONS", "EVALUATION"}
    listed = models.QualityPage.model_validate((await client.get("/api/v1/quality", headers=key)).json())
    assert [one.task_id for one in listed.qualities] == ["t"] and len(listed.qualities[0].findings) <= 3
    summed = await client.get("/api/v1/quality/summary", params={"group_by": "provider,task_type", "step": "1h"}, headers=key)
    (summary,) = models.QualitySummaries.model_validate(summed.json()).summaries
    assert summary.score_count == 1 and summary.key and summary.key.provider
    weights = models.QualityWeights.model_validate((await client.get("/api/v1/quality/weights", headers=key)).json())
    changed = await client.put("/api/v1/quality/weights", json=weights.model_dump() | {"keep_content": True}, headers=key)
    assert changed.json()["version"] == 1 and changed.json()["keep_content"] is True
    assert (await client.post("/api/v1/quality/rescore", headers=key)).json() == {"score_count": 1}
    assert (await client.post("/api/v1/quality/calibrate", headers=key)).json()["reason"] == "EVIDENCE_TOO_LITTLE"


@pytest.mark.parametrize(
    ("data", "files", "field"),
    [
        ({}, [("junit", ("j", JUNIT))], "subject"),
        ({"task_id": "t", "call_id": "c"}, [("junit", ("j", JUNIT))], "subject"),
        ({"task_id": "t"}, [("unknown", ("j", JUNIT))], "unknown"),
        ({"task_id": "t", "else": "x"}, [("junit", ("j", JUNIT))], "else"),
        ({"task_id": "t", "rating_ratio": "good"}, [("junit", ("j", JUNIT))], "rating_ratio"),
        ({"task_id": "t", "accepted": "maybe"}, [("junit", ("j", JUNIT))], "accepted"),
        ({"task_id": "t", "revision_count": "-1"}, [("junit", ("j", JUNIT))], "revision_count"),
    ],
)
async def test_a_form_that_says_nothing_clear_is_refused(http: tuple[httpx.AsyncClient, Scored], data: Any, files: Any, field: str) -> None:
    client, quality = http
    refused = await client.post("/api/v1/evidence", data=data, files=files, headers={"authorization": f"Bearer {quality.site.admin}"})
    assert (refused.status_code, refused.json()["reason"], refused.json()["field"]) == (400, "FIELD_INVALID", field)


async def test_people_vote_by_a_link_and_each_has_one_vote(http: tuple[httpx.AsyncClient, Scored]) -> None:
    client, quality = http
    project = await quality.site.project()
    await quality.record_calls(project, "a")
    key = {"authorization": f"Bearer {await quality.site.key(project, 'RECORD')}"}
    made = await client.post("/api/v1/feedback-links", json={"call_id": "a", "title": "<Review> of #7"}, headers=key)
    link = models.FeedbackLink.model_validate(made.json())
    assert link.url == f"{PUBLIC}/feedback/{link.token}"
    path = f"/feedback/{link.token}"
    shown = await client.get(path)
    assert shown.status_code == 200 and "&lt;Review&gt; of #7" in shown.text and "<script" not in shown.text
    cookie = shown.headers["set-cookie"]
    assert "HttpOnly" in cookie and "Path=/feedback" in cookie
    assert await quality.quality(project, call_id="a") is None  # looking is no vote
    mine = {"cookie": re.match(r"[^;]+", cookie)[0]}  # type: ignore[index]
    client.cookies.clear()
    for vote in ("down", "up"):
        assert (await client.post(path, data={"vote": vote}, headers=mine)).status_code == 200
        client.cookies.clear()
    assert (await client.post(path, data={"vote": "down", "comment": "wrong"})).status_code == 200  # another browser

    async def counted() -> bool:
        found = await quality.quality(project, call_id="a")
        return found is not None and found.evidence_count == 3 and abs(found.score_ratio - 0.5) < 1e-9

    await eventually(counted)
    assert (await client.post(path, data={"vote": "sideways"})).status_code == 400
    assert (await client.get(f"{path[:-3]}AAA")).status_code == 403
    refused = await client.post("/api/v1/feedback-links", json={"title": "nothing"}, headers=key)
    assert refused.json()["field"] == "subject"
