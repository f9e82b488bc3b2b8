"""Projects and the audit log over the wire."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from assay.access.v1 import access_service_pb2 as contract
from sqlalchemy import select

from kit.errors import Kind
from services.collector.access.audit import read
from services.collector.tables import project_table
from tests.collector.access_support import NO_KEY, Access, id_of, serve_access

PAGE_TOKEN_INVALID = (Kind.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID", "page_token")


@pytest_asyncio.fixture(scope="module")
async def access(database_url: str) -> AsyncIterator[Access]:
    async with serve_access(database_url) as running:
        yield running


async def events_of(access: Access, project: str = "") -> list[contract.AuditEvent]:
    return list((await access.call("ListAuditEvents", access.admin, project=project)).events)


async def test_the_default_project_is_there_once_and_in_utc(access: Access) -> None:
    await access.store.ensure_defaults()
    projects = (await access.call("ListProjects", await access.new_key("RECORD"))).projects
    assert [(project.project, project.time_zone, project.series_limit) for project in projects] == [("default", "UTC", 10_000)]
    made_by = [event.actor_key_id for event in await events_of(access) if event.subject == "default"]
    assert made_by == [""]


async def test_a_project_is_made_with_what_is_given_or_with_defaults(access: Access) -> None:
    plain = (await access.call("CreateProject", access.admin, project="plain")).project
    assert (plain.time_zone, plain.series_limit) == ("UTC", 10_000)
    assert plain.HasField("create_time")
    own = await access.call("CreateProject", access.admin, project="a" * 32, time_zone="Australia/Lord_Howe", series_limit=1_000_000)
    assert (own.project.project, own.project.time_zone, own.project.series_limit) == (
        "a" * 32,
        "Australia/Lord_Howe",
        1_000_000,
    )


async def test_a_project_is_not_made_twice(access: Access) -> None:
    assert await access.refusal("CreateProject", access.admin, project="default", time_zone="Asia/Kolkata") == (
        Kind.ALREADY_EXISTS,
        "PROJECT_EXISTS",
        None,
    )
    assert [event.subject for event in await events_of(access)].count("default") == 1


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"project": ""}, "project"),
        ({"project": "Upper"}, "project"),
        ({"project": "a" * 33}, "project"),
        ({"project": "a\n"}, "project"),
        ({"project": "ok", "time_zone": "Mars/Olympus"}, "time_zone"),
        ({"project": "ok", "time_zone": "../UTC"}, "time_zone"),
        ({"project": "ok", "time_zone": "Europe"}, "time_zone"),
        ({"project": "ok", "series_limit": -1}, "series_limit"),
        ({"project": "ok", "series_limit": 1_000_001}, "series_limit"),
    ],
)
async def test_a_project_that_cannot_be_is_refused_with_its_field(access: Access, fields: dict[str, Any], wrong: str) -> None:
    assert await access.refusal("CreateProject", access.admin, **fields) == (
        Kind.INVALID_ARGUMENT,
        "FIELD_INVALID",
        wrong,
    )


async def test_a_new_zone_is_stored_and_announced_and_the_rest_stays(access: Access) -> None:
    project = await access.new_project()
    admin = await access.new_key("ADMIN", project=project)
    changed = (await access.call("UpdateProject", admin, time_zone="Asia/Kolkata")).project
    assert (changed.project, changed.time_zone, changed.series_limit) == (project, "Asia/Kolkata", 10_000)
    assert access.zone_changes == [await _project_id(access, project)]
    await access.call("UpdateProject", admin, time_zone="Asia/Kolkata")  # as after an answer that was lost
    assert len(access.zone_changes) == 2
    changed = (await access.call("UpdateProject", admin, series_limit=7)).project
    assert (changed.time_zone, changed.series_limit) == ("Asia/Kolkata", 7)
    assert len(access.zone_changes) == 2
    updates = [dict(event.details) for event in await events_of(access, project) if event.action == "project.update"]
    assert updates == [{"series_limit": "10000 -> 7"}, {"time_zone": "UTC -> Asia/Kolkata"}]


@pytest.mark.parametrize(("fields", "wrong"), [({"time_zone": ""}, "time_zone"), ({"series_limit": 0}, "series_limit")])
async def test_a_change_to_nothing_is_refused(access: Access, fields: dict[str, Any], wrong: str) -> None:
    assert await access.refusal("UpdateProject", access.admin, **fields) == (
        Kind.INVALID_ARGUMENT,
        "FIELD_INVALID",
        wrong,
    )


async def test_projects_are_listed_in_pages_by_id(access: Access) -> None:
    for _ in range(4):
        await access.new_project()
    whole = [project.project for project in (await access.call("ListProjects", access.admin)).projects]
    assert whole == sorted(whole)
    seen, token = list[str](), ""
    while True:
        page = await access.call("ListProjects", access.admin, page_size=2, page_token=token)
        seen += [project.project for project in page.projects]
        token = page.next_page_token
        if not token:
            break
        assert len(page.projects) == 2
    assert seen == whole


async def test_audit_events_are_listed_in_pages_the_latest_first(access: Access) -> None:
    project = await access.new_project()
    made = [id_of(await access.new_key("READ", project=project)) for _ in range(3)]
    first = await access.call("ListAuditEvents", access.admin, project=project, page_size=2)
    rest = await access.call("ListAuditEvents", access.admin, project=project, page_size=2, page_token=first.next_page_token)
    assert [event.subject for event in (*first.events, *rest.events)] == made[::-1]
    assert rest.next_page_token == ""


@pytest.mark.parametrize("method", ["ListProjects", "ListKeys", "ListAuditEvents"])
async def test_pages_refuse_negative_sizes_and_tokens_of_other_queries(access: Access, method: str) -> None:
    assert await access.refusal(method, access.admin, page_size=-1) == (
        Kind.INVALID_ARGUMENT,
        "FIELD_INVALID",
        "page_size",
    )
    for garbage in ("x", "é", "bnVsbA", "x" * 10_000):
        assert await access.refusal(method, access.admin, page_token=garbage) == PAGE_TOKEN_INVALID
    await access.new_key("READ")
    await access.new_key("READ")
    other = "ListKeys" if method == "ListAuditEvents" else "ListAuditEvents"
    token = (await access.call(other, access.admin, project="default", page_size=1)).next_page_token
    assert token
    assert await access.refusal(method, access.admin, page_token=token) == PAGE_TOKEN_INVALID


async def test_the_audit_log_tells_who_did_what_and_holds_no_secret(access: Access) -> None:
    project = await access.new_project()
    admin = await access.new_key("ADMIN", project=project)
    made = await access.new_key("READ", "RECORD", by=admin, project=project, display_name="agents")
    session = await access.session(made)
    await access.call("RevokeKey", admin, key_id=id_of(made))
    events = (await access.call("ListAuditEvents", admin)).events
    assert [(event.actor_key_id, event.action, event.subject) for event in events] == [
        (id_of(admin), "key.revoke", id_of(made)),
        (id_of(made), "login.exchange", id_of(session)),
        (id_of(made), "login.token", id_of(made)),
        (id_of(admin), "key.create", id_of(made)),
        (id_of(access.admin), "key.create", id_of(admin)),
    ]
    assert dict(events[3].details) == {"display_name": "agents", "roles": "READ, RECORD"}
    own = (await events_of(access))[0]
    assert (own.actor_key_id, own.action, own.subject) == (id_of(access.admin), "project.create", project)
    async with access.engine.begin() as connection:
        everything = repr([await read(connection, scope, before=None, limit=1_000) for scope in (None, project)])
    for secret in (admin, made, session, access.admin):
        assert secret.removeprefix(f"assay_{id_of(secret)}_") not in everything


async def test_a_role_missing_is_told_before_anything_of_the_request(access: Access) -> None:
    reader = await access.new_key("READ")
    assert (await access.refusal("CreateProject", reader, project="NOT VALID"))[1] == "ROLE_MISSING"
    assert (await access.refusal("CreateProject", NO_KEY, project="NOT VALID"))[1] == "KEY_MISSING"


async def _project_id(access: Access, project: str) -> int:
    statement = select(project_table.c.project_id).where(project_table.c.project == project)
    async with access.engine.begin() as connection:
        return int((await connection.execute(statement)).scalar_one())
