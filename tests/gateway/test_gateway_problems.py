"""Errors: every kind of refusal, missing and wrong keys, unknown routes, bodies that are too large, bugs."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway.middleware import BODY_BYTES_MAX
from kit.errors import AssayError, Kind
from tests.gateway.neighbour import Neighbour
from tests.gateway.site import AS_READER, Site, running

STATUS_BY_KIND = {
    Kind.INVALID_ARGUMENT: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.PERMISSION_DENIED: 403,
    Kind.NOT_FOUND: 404,
    Kind.ALREADY_EXISTS: 409,
    Kind.FAILED_PRECONDITION: 409,
    Kind.RESOURCE_EXHAUSTED: 429,
    Kind.UNAVAILABLE: 503,
    Kind.DEADLINE_EXCEEDED: 504,
}


def assert_problem(answer: httpx.Response, status: int, reason: str) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["reason"]) == (status, status, reason)
    assert {"type", "title", "status", "detail", "reason"} <= set(problem)


@pytest.mark.parametrize("kind", Kind)
async def test_a_refusal_keeps_its_reason_and_gets_its_status(site: Site, kind: Kind) -> None:
    site.neighbour.refusals["GetLedger"] = AssayError(kind, "SOME_REASON", "a sentence", retry_after_s=2.2)

    answer = await site.get("/ledger")

    assert_problem(answer, STATUS_BY_KIND[kind], "SOME_REASON")
    assert answer.json()["detail"] == "a sentence"
    assert answer.headers.get("retry-after") == ("3" if answer.status_code in {429, 503} else None)
    assert ("www-authenticate" in answer.headers) is (answer.status_code == 401)


async def test_the_field_at_fault_is_named(site: Site) -> None:
    details = {"field": "step"}
    site.neighbour.refusals["QueryMetrics"] = AssayError(Kind.INVALID_ARGUMENT, "FIELD_INVALID", "x", details=details)

    assert (await site.get("/metrics")).json()["field"] == "step"


async def test_a_bug_of_the_collector_says_nothing_of_it(site: Site) -> None:
    site.neighbour.refusals["GetLedger"] = RuntimeError("password is hunter2")

    answer = await site.get("/ledger")

    assert_problem(answer, 500, "INTERNAL")
    assert "hunter2" not in answer.text


async def test_a_bug_of_the_gateway_says_nothing_of_it_and_is_logged_once(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("password is hunter2")

    monkeypatch.setattr("gateway.messages.ledger", broken)

    answer = await site.get("/ledger")

    assert_problem(answer, 500, "INTERNAL")
    assert "hunter2" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == ["request failed"]


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "KEY_MISSING"),
        ({"authorization": "Bearer nobodys"}, "KEY_INVALID"),
        ({"authorization": "Basic dTpw"}, "KEY_INVALID"),
        ({"authorization": "Bearer " + "x" * 300}, "KEY_INVALID"),
        ({"authorization": b"Bearer \xc3\xa4"}, "KEY_INVALID"),
        ({"cookie": "assay_session=nobodys"}, "KEY_INVALID"),
        ({"cookie": "another=1"}, "KEY_MISSING"),
    ],
)
@pytest.mark.parametrize("path", ["metrics", "stream", "ledger", "series", "calls", "calls/c1", "session", "projects", "keys", "audit"])
async def test_nothing_is_told_without_a_key_that_works(site: Site, path: str, headers: dict[str, str], reason: str) -> None:
    answer = await site.http.get(f"/api/v1/{path}", headers=headers)

    assert_problem(answer, 401, reason)
    assert answer.headers["www-authenticate"] == 'Bearer realm="assay"'


@pytest.mark.parametrize("path", ["calls", "evidence", "projects", "keys"])
async def test_nothing_is_taken_without_a_key_that_works(site: Site, path: str) -> None:
    body = {"project": "p", "roles": []}
    if path in {"calls", "evidence"}:
        body = {}

    assert_problem(await site.http.post(f"/api/v1/{path}", json=body), 401, "KEY_MISSING")


async def test_a_missing_role_is_forbidden(site: Site) -> None:
    site.neighbour.refusals["ListKeys"] = AssayError(Kind.PERMISSION_DENIED, "ROLE_MISSING", "needs ADMIN")

    assert_problem(await site.get("/keys"), 403, "ROLE_MISSING")


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/api/v1/nothing", 404, "ROUTE_UNKNOWN"),
        ("POST", "/api/v1/nothing", 404, "ROUTE_UNKNOWN"),
        ("GET", "/api", 404, "ROUTE_UNKNOWN"),
        ("GET", "/api/v2/metrics", 404, "ROUTE_UNKNOWN"),
        ("GET", "/api/v1/metrics/", 404, "ROUTE_UNKNOWN"),
        ("DELETE", "/api/v1/metrics", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/api/v1/evidence", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/login", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/assets/nothing.js", 404, "ROUTE_UNKNOWN"),
        ("GET", "/assets/..%2findex.html", 404, "ROUTE_UNKNOWN"),
        ("GET", "/nothing.png", 404, "ROUTE_UNKNOWN"),
        ("GET", "/%00.png", 404, "ROUTE_UNKNOWN"),
        ("GET", "/" + "a" * 5_000 + ".png", 404, "ROUTE_UNKNOWN"),
    ],
)
async def test_what_is_not_there_is_a_problem_too(site: Site, method: str, path: str, status: int, reason: str) -> None:
    assert_problem(await site.http.request(method, path, headers=AS_READER), status, reason)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", "1"),
        (b'"text"', ""),
        (b'{"roles": "READ"}', "roles"),
        (b'{"roles": [], "role": 1}', "role"),
        (b'{"roles": ["KING"]}', "roles"),
        (b'{"roles": ["READ"], "lifetime_s": 0}', "lifetime_s"),
    ],
)
async def test_a_body_that_does_not_fit_is_a_problem(site: Site, body: bytes, field: str) -> None:
    headers = {**AS_READER, "content-type": "application/json"}
    answer = await site.http.post("/api/v1/keys", content=body, headers=headers)

    assert_problem(answer, 400, "FIELD_INVALID")
    assert answer.json().get("field", "") == field


async def chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(0, size, 1024):
        yield b" " * 1024


@pytest.mark.parametrize("path", ["/keys", "/session", "/calls", "/evidence"])
@pytest.mark.parametrize("is_chunked", [True, False])
async def test_a_body_that_is_too_large_is_refused(site: Site, path: str, is_chunked: bool) -> None:
    size = (8 * 1024 * 1024 if path in {"/calls", "/evidence"} else BODY_BYTES_MAX) + 1024

    answer = await site.send("POST", path, content=chunks(size) if is_chunked else b" " * size)

    assert_problem(answer, 413, "BODY_TOO_LARGE")


async def test_without_a_collector_it_is_unavailable_and_says_so(dist: Path) -> None:
    async with running(Neighbour(), dist, collector_address="127.0.0.1:1") as site:
        answer = await site.get("/ledger")

        assert_problem(answer, 503, "COLLECTOR_UNAVAILABLE")
        assert answer.headers["retry-after"] == "1"
        assert "127.0.0.1" not in answer.text
        assert (await site.get("/stream")).status_code == 503
