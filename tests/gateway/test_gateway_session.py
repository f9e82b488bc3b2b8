"""Logging in and out, the cookie, and what a session may do from where."""

from http.cookies import SimpleCookie
from pathlib import Path

import httpx
import pytest
from assay.access.v1.access_service_pb2 import ListProjectsResponse, Project

from gateway import access_models
from tests.gateway.neighbour import LOGIN_TOKEN, READER, SESSION, Neighbour
from tests.gateway.site import Site, running

COOKIE = {"cookie": f"assay_session={SESSION}"}


def session_cookie(answer: httpx.Response) -> dict[str, str]:
    """The cookie and its attributes, in lower case."""
    (morsel,) = SimpleCookie(answer.headers["set-cookie"]).values()
    return {"value": morsel.value, **{name: str(value) for name, value in morsel.items() if value}}


async def test_a_login_link_starts_a_session_that_only_the_browser_can_use(site: Site) -> None:
    answer = await site.http.post("/api/v1/session", json={"token": LOGIN_TOKEN})

    assert (answer.status_code, answer.content) == (204, b"")
    cookie = session_cookie(answer)
    assert cookie.pop("expires") == "Fri, 01 Jan 2100 00:00:00 GMT"
    assert cookie == {"value": SESSION, "path": "/", "httponly": "True", "samesite": "strict"}
    assert answer.headers["set-cookie"].startswith("assay_session=")
    assert site.neighbour.secrets("ExchangeLoginToken") == [""]


async def test_over_https_the_cookie_is_for_https_alone(site: Site) -> None:
    headers = {"x-forwarded-proto": "https"}
    answer = await site.http.post("/api/v1/session", json={"token": LOGIN_TOKEN}, headers=headers)

    assert session_cookie(answer)["secure"] == "True"


async def test_a_key_is_changed_into_a_session_so_that_the_cookie_never_holds_it(site: Site) -> None:
    answer = await site.http.post("/api/v1/session", json={"key": READER})

    assert answer.status_code == 204
    assert session_cookie(answer)["value"] == SESSION
    assert READER not in str(answer.headers)
    assert site.neighbour.secrets("CreateLoginToken") == [READER]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"token": "used"}, 401, "TOKEN_INVALID"),
        ({"key": "nobodys"}, 401, "KEY_INVALID"),
        ({"key": "two words\u00e4"}, 401, "KEY_INVALID"),
        ({}, 400, "FIELD_INVALID"),
        ({"key": READER, "token": LOGIN_TOKEN}, 400, "FIELD_INVALID"),
        ({"token": "x" * 300}, 400, "FIELD_INVALID"),
    ],
)
async def test_what_is_no_login_is_refused(site: Site, body: dict[str, str], status: int, reason: str) -> None:
    answer = await site.http.post("/api/v1/session", json=body)

    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert "set-cookie" not in answer.headers


async def test_logins_are_bounded(dist: Path) -> None:
    async with running(Neighbour(), dist, login_burst=2) as site:
        statuses = [(await site.http.post("/api/v1/session", json={"token": token})).status_code for token in ("a", "b", "c")]
        refused = await site.http.post("/api/v1/session", json={"token": LOGIN_TOKEN})

    assert statuses == [401, 401, 429]
    assert refused.json()["reason"] == "LOGINS_EXCEEDED"
    assert 1 <= int(refused.headers["retry-after"]) <= 6


async def test_the_session_tells_who_is_logged_in(site: Site) -> None:
    projects = [Project(project="default", time_zone="Asia/Kolkata")]
    site.neighbour.answers["ListProjects"] = ListProjectsResponse(projects=projects)

    answer = await site.http.get("/api/v1/session", headers=COOKIE)

    assert answer.json() == {
        "key_id": "s1",
        "project": "default",
        "roles": ["READ"],
        "projects": [{"project": "default", "time_zone": "Asia/Kolkata"}],
        "expire_time": "2100-01-01T00:00:00Z",
        "collector_address": site.collector_address,
    }
    access_models.Session.model_validate(answer.json())


async def test_a_key_of_the_installation_has_no_project(site: Site) -> None:
    site.neighbour.keys[READER].ClearField("project")

    content = (await site.get("/session")).json()

    assert (content["project"], content["expire_time"]) == (None, None)


async def test_logging_out_revokes_the_session_and_takes_the_cookie_back(site: Site) -> None:
    headers = {**COOKIE, "sec-fetch-site": "same-origin"}

    answer = await site.http.delete("/api/v1/session", headers=headers)

    assert answer.status_code == 204
    cookie = session_cookie(answer)
    assert (cookie["value"], cookie["max-age"], cookie["samesite"]) == ("", "0", "strict")
    (revoked,) = site.neighbour.questions("RevokeKey")
    assert (revoked.project, revoked.key_id) == ("default", "s1")
    assert (await site.http.get("/api/v1/session", headers=COOKIE)).status_code == 401


async def test_logging_out_with_a_key_does_not_revoke_it(site: Site) -> None:
    answer = await site.send("DELETE", "/session")

    assert (answer.status_code, answer.json()["reason"]) == (409, "SESSION_MISSING")
    assert READER in site.neighbour.keys


@pytest.mark.parametrize(
    ("headers", "is_taken"),
    [
        ({}, False),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "http://{host}"}, False),
        ({"origin": "http://{host}"}, True),
        ({"origin": "https://{host}"}, True),
        ({"origin": "http://evil.example"}, False),
        ({"origin": "http://evil.example/{host}"}, False),
        ({"origin": "null"}, False),
    ],
)
async def test_with_a_cookie_changes_are_taken_from_our_own_pages_only(site: Site, headers: dict[str, str], is_taken: bool) -> None:
    host = site.url.removeprefix("http://")
    sent = {**COOKIE, **{name: value.format(host=host) for name, value in headers.items()}}

    answer = await site.http.post("/api/v1/calls", json={"calls": []}, headers=sent)

    if is_taken:
        assert answer.status_code == 200
        assert site.neighbour.secrets("RecordCalls") == [SESSION]
    else:
        assert (answer.status_code, answer.json()["reason"]) == (403, "CROSS_SITE")
        assert not site.neighbour.asked


async def test_reading_with_a_cookie_needs_no_origin(site: Site) -> None:
    assert (await site.http.get("/api/v1/ledger", headers=COOKIE)).status_code == 200
    assert site.neighbour.secrets("GetLedger") == [SESSION]


async def test_a_login_from_a_foreign_page_is_refused(site: Site) -> None:
    headers = {"origin": "http://evil.example"}
    answer = await site.http.post("/api/v1/session", json={"token": LOGIN_TOKEN}, headers=headers)

    assert (answer.status_code, answer.json()["reason"]) == (403, "CROSS_SITE")


async def test_a_key_in_the_header_counts_before_the_cookie(site: Site) -> None:
    headers = {**COOKIE, "authorization": f"Bearer {READER}"}

    assert (await site.http.post("/api/v1/calls", json={}, headers=headers)).status_code == 200
    assert site.neighbour.secrets("RecordCalls") == [READER]
