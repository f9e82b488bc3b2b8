"""Keys over the wire: who may make, list and end them, and what they may do."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from assay.access.v1 import access_service_pb2 as contract
from google.protobuf.duration_pb2 import Duration
from sqlalchemy import select

from kit.access import CachedKeyChecker, RemoteKeyChecker, Role
from kit.errors import AssayError, Kind
from services.collector.access import keys
from services.collector.access.checker import StoreKeyChecker
from services.collector.access.store import SERVICE_NAME
from services.collector.access.tables import access_key_table
from tests.collector.access_support import NO_KEY, Access, id_of, serve_access

KEY_INVALID = (Kind.UNAUTHENTICATED, "KEY_INVALID", None)
ROLE_MISSING = (Kind.PERMISSION_DENIED, "ROLE_MISSING", None)
PROJECT_FORBIDDEN = (Kind.PERMISSION_DENIED, "PROJECT_FORBIDDEN", None)
KEY_UNKNOWN = (Kind.NOT_FOUND, "KEY_UNKNOWN", None)

RECORD, READ, OPERATE = contract.ROLE_RECORD, contract.ROLE_READ, contract.ROLE_OPERATE
ADMIN, INSTALLATION_ADMIN = contract.ROLE_ADMIN, contract.ROLE_INSTALLATION_ADMIN


@pytest_asyncio.fixture(scope="module")
async def access(database_url: str) -> AsyncIterator[Access]:
    async with serve_access(database_url) as running:
        yield running


async def test_a_new_key_works_and_tells_what_it_may_do(access: Access) -> None:
    made = await access.call("CreateKey", access.admin, project="default", display_name="Fleet 7 ✓", roles=[READ, RECORD, READ])
    checked = (await access.call("CheckKey", made.secret)).key
    assert checked == made.key
    assert (checked.key_id, checked.project, checked.display_name) == (id_of(made.secret), "default", "Fleet 7 ✓")
    assert list(checked.roles) == [RECORD, READ]
    assert not checked.HasField("expire_time")
    assert not checked.HasField("revoke_time")


async def test_the_secret_is_nowhere_in_the_database(access: Access) -> None:
    secret = await access.new_key("READ")
    async with access.engine.begin() as connection:
        rows = (await connection.execute(select(access_key_table))).all()
    random_part = secret.removeprefix(f"assay_{id_of(secret)}_")
    assert random_part not in repr(rows)
    assert id_of(secret) in repr(rows)


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        ("CreateProject", {"project": "another"}),
        ("UpdateProject", {}),
        ("ListProjects", {}),
        ("CreateKey", {"roles": [READ]}),
        ("ListKeys", {}),
        ("RevokeKey", {"key_id": "aaaaaaaaaaaa"}),
        ("CheckKey", {}),
        ("CreateLoginToken", {}),
        ("ListAuditEvents", {}),
    ],
)
async def test_nothing_is_done_without_a_key_that_works(access: Access, method: str, fields: dict[str, Any]) -> None:
    assert await access.refusal(method, NO_KEY, **fields) == (Kind.UNAUTHENTICATED, "KEY_MISSING", None)
    assert await access.refusal(method, "assay_aaaaaaaaaaaa_" + "x" * 43, **fields) == KEY_INVALID
    assert await access.refusal(method, "letmein", **fields) == KEY_INVALID


async def test_a_right_id_with_a_wrong_rest_is_refused_like_any_wrong_key(access: Access) -> None:
    secret = await access.new_key("ADMIN")
    forged = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    assert await access.refusal("CheckKey", forged) == KEY_INVALID


@pytest.mark.parametrize(
    ("method", "fields", "allowed"),
    [
        ("CreateProject", {"project": "another"}, set()),
        ("UpdateProject", {}, {"ADMIN"}),
        ("ListProjects", {}, {"RECORD", "READ", "OPERATE", "ADMIN"}),
        ("CreateKey", {"roles": [RECORD]}, {"ADMIN"}),
        ("ListKeys", {}, {"ADMIN"}),
        ("RevokeKey", {"key_id": "aaaaaaaaaaaa"}, {"ADMIN"}),
        ("CheckKey", {}, {"RECORD", "READ", "OPERATE", "ADMIN"}),
        ("CreateLoginToken", {}, {"READ", "OPERATE", "ADMIN"}),
        ("ListAuditEvents", {}, {"ADMIN"}),
    ],
)
async def test_each_rpc_needs_its_role(access: Access, method: str, fields: dict[str, Any], allowed: set[str]) -> None:
    for role in ("RECORD", "READ", "OPERATE", "ADMIN"):
        answer = await access.reason_of(method, await access.new_key(role), **fields)
        if role in allowed:
            assert answer == ("KEY_UNKNOWN" if method == "RevokeKey" else None), role
        else:
            assert answer == "ROLE_MISSING", role


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"roles": []}, "roles"),
        ({"roles": [contract.ROLE_UNSPECIFIED]}, "roles"),
        ({"roles": [77]}, "roles"),
        ({"roles": [INSTALLATION_ADMIN], "project": "default"}, "roles"),
        ({"roles": [READ], "display_name": "é" * 65}, "display_name"),
        ({"roles": [READ], "display_name": "a\x00b"}, "display_name"),
        ({"roles": [READ], "lifetime": Duration()}, "lifetime"),
        ({"roles": [READ], "lifetime": Duration(seconds=-5)}, "lifetime"),
        ({"roles": [READ], "lifetime": Duration(seconds=2**62, nanos=-(2**31))}, "lifetime"),
    ],
)
async def test_a_key_that_cannot_be_is_refused_with_its_field(access: Access, fields: dict[str, Any], wrong: str) -> None:
    assert await access.refusal("CreateKey", access.admin, **fields) == (
        Kind.INVALID_ARGUMENT,
        "FIELD_INVALID",
        wrong,
    )


async def test_nobody_gives_roles_they_lack(access: Access) -> None:
    project_admin = await access.new_key("ADMIN")
    for role in (RECORD, READ, OPERATE, ADMIN):
        assert (await access.call("CreateKey", project_admin, roles=[role])).key.project == "default"
    assert await access.refusal("CreateKey", project_admin, roles=[READ, INSTALLATION_ADMIN]) == ROLE_MISSING


async def test_a_key_of_the_installation_without_its_admin_cannot_give_or_take_that_role(access: Access) -> None:
    lesser = (await access.call("CreateKey", access.admin, roles=[ADMIN])).secret
    assert (await access.call("CheckKey", lesser)).key.project == ""
    assert await access.refusal("CreateKey", lesser, roles=[INSTALLATION_ADMIN]) == ROLE_MISSING
    assert await access.refusal("RevokeKey", lesser, key_id=id_of(access.admin)) == ROLE_MISSING
    assert await access.refusal("CreateProject", lesser, project="mine") == ROLE_MISSING
    assert (await access.call("CheckKey", access.admin)).key.key_id == id_of(access.admin)


async def test_a_key_expires_on_time(access: Access) -> None:
    secret = await access.new_key("READ", lifetime=Duration(seconds=60))
    key = (await access.call("CheckKey", secret)).key
    assert key.expire_time.ToMicroseconds() - key.create_time.ToMicroseconds() == 60_000_000
    access.clock.ahead = timedelta(seconds=61)
    try:
        assert await access.refusal("CheckKey", secret) == KEY_INVALID
    finally:
        access.clock.ahead = timedelta()


async def test_a_revoked_key_stops_at_once_and_revoking_again_changes_nothing(access: Access) -> None:
    secret = await access.new_key("ADMIN")
    revoked = (await access.call("RevokeKey", access.admin, project="default", key_id=id_of(secret))).key
    assert revoked.HasField("revoke_time")
    assert await access.refusal("CheckKey", secret) == KEY_INVALID
    again = (await access.call("RevokeKey", access.admin, project="default", key_id=id_of(secret))).key
    assert again == revoked


async def test_a_key_may_end_itself_but_no_other_without_being_admin(access: Access) -> None:
    secret, other = await access.new_key("READ"), await access.new_key("READ")
    assert await access.refusal("RevokeKey", secret, key_id=id_of(other)) == ROLE_MISSING
    await access.call("RevokeKey", secret, key_id=id_of(secret))
    assert await access.refusal("CheckKey", secret) == KEY_INVALID
    await access.call("CheckKey", other)


@pytest.mark.parametrize("key_id", ["", "aaaaaaaaaaaa", "a\x00", "x" * 10_000])
async def test_revoking_what_is_no_key_is_refused(access: Access, key_id: str) -> None:
    assert await access.refusal("RevokeKey", access.admin, key_id=key_id) == KEY_UNKNOWN


async def test_projects_see_and_touch_nothing_of_each_other(access: Access) -> None:
    mine, theirs = await access.new_project(), await access.new_project()
    my_admin = await access.new_key("ADMIN", project=mine)
    their_key = await access.new_key("READ", project=theirs)
    for method in ("ListKeys", "ListAuditEvents", "UpdateProject", "CreateKey", "RevokeKey"):
        fields = {"roles": [READ]} if method == "CreateKey" else {}
        for other in (theirs, "default", "no-such-project"):
            assert await access.refusal(method, my_admin, project=other, **fields) == (PROJECT_FORBIDDEN), method
    assert await access.refusal("RevokeKey", my_admin, key_id=id_of(their_key)) == KEY_UNKNOWN
    assert await access.refusal("RevokeKey", my_admin, key_id=id_of(access.admin)) == KEY_UNKNOWN
    await access.call("CheckKey", their_key)
    assert [key.key_id for key in (await access.call("ListKeys", my_admin)).keys] == [id_of(my_admin)]
    assert [project.project for project in (await access.call("ListProjects", my_admin)).projects] == [mine]
    events = (await access.call("ListAuditEvents", my_admin)).events
    assert [(event.action, event.subject) for event in events] == [("key.create", id_of(my_admin))]


@pytest.mark.parametrize("project", ["nowhere", "A", "a\x00b", "x" * 10_000])
@pytest.mark.parametrize("method", ["CreateKey", "ListKeys", "RevokeKey", "ListAuditEvents", "UpdateProject"])
async def test_a_project_that_is_not_there_is_unknown_to_the_installation(access: Access, method: str, project: str) -> None:
    required: dict[str, dict[str, Any]] = {"CreateKey": {"roles": [READ]}, "RevokeKey": {"key_id": "aaaaaaaaaaaa"}}
    fields = required.get(method, {})
    kind, reason, _ = await access.refusal(method, access.admin, project=project, **fields)
    expected = "KEY_UNKNOWN" if method == "RevokeKey" and project == "nowhere" else "PROJECT_UNKNOWN"
    assert (kind, reason) == (Kind.NOT_FOUND, expected)


async def test_keys_are_listed_in_pages_the_newest_first(access: Access) -> None:
    project = await access.new_project()
    made = [id_of(await access.new_key("READ", project=project)) for _ in range(5)]
    seen, token = list[str](), ""
    for _ in range(3):
        page = await access.call("ListKeys", access.admin, project=project, page_size=2, page_token=token)
        seen += [key.key_id for key in page.keys]
        token = page.next_page_token
    assert seen == made[::-1]
    assert token == ""


async def test_a_revoked_key_stops_everywhere_within_five_seconds(access: Access) -> None:
    secret, now_s = await access.new_key("READ"), 0.0
    services = [
        CachedKeyChecker(checker, age_s=age_s, clock=lambda: now_s)
        for checker in (StoreKeyChecker(access.store), RemoteKeyChecker(access.channel))
        for age_s in (3.0, 5.0)
    ]
    for service in services:
        assert (await service.check(secret)).roles == {Role.READ}
    await access.call("RevokeKey", access.admin, project="default", key_id=id_of(secret))
    now_s = 2.9
    for service in services:  # they do remember
        assert (await service.check(secret)).project == "default"
    now_s = 5.0
    for service in services:
        with pytest.raises(AssayError) as refused:
            await service.check(secret)
        assert refused.value.reason == "KEY_INVALID"


async def test_a_bootstrap_key_is_registered_once_and_stays_revoked(access: Access) -> None:
    async def register() -> bool:
        return (await access.store.ensure_bootstrap_key(access.admin)).revoke_time is None

    assert list(await asyncio.gather(register(), register(), register())) == [True, True, True]
    spare = keys.new_secret()
    assert (await access.store.ensure_bootstrap_key(spare)).project is None
    assert list((await StoreKeyChecker(access.store).check(spare)).roles) == [Role.INSTALLATION_ADMIN]
    await access.call("RevokeKey", access.admin, key_id=id_of(spare))
    assert (await access.store.ensure_bootstrap_key(spare)).revoke_time is not None
    assert await access.refusal("CheckKey", spare) == KEY_INVALID


async def test_a_bootstrap_key_of_wrong_form_or_of_a_taken_id_is_refused(access: Access) -> None:
    taken = access.admin[:-1] + ("A" if access.admin[-1] != "A" else "B")
    for wrong in ("letmein", taken):
        with pytest.raises(AssayError) as refused:
            await access.store.ensure_bootstrap_key(wrong)
        assert (refused.value.kind, refused.value.reason) == (Kind.FAILED_PRECONDITION, "BOOTSTRAP_KEY_INVALID")
        assert wrong not in refused.value.message
    assert await access.refusal("CheckKey", taken) == KEY_INVALID


async def test_the_service_key_may_read_and_operate_in_every_project_and_do_nothing_else(access: Access) -> None:
    secret = keys.new_secret()
    await access.store._ensure_key(secret, SERVICE_NAME, Role.READ, "SERVICE_KEY_INVALID")  # as it once was made
    made = await access.store.ensure_service_key(secret)
    assert made == await access.store.ensure_service_key(secret)
    identity = await StoreKeyChecker(access.store).check(secret)
    assert (identity.project, identity.roles) == (None, frozenset({Role.OPERATE}))
    assert identity.project_for("any-project") == "any-project"
    assert await access.refusal("CreateKey", secret, display_name="mine", roles=[2]) == (Kind.PERMISSION_DENIED, "ROLE_MISSING", None)
    with pytest.raises(AssayError) as refused:
        await access.store.ensure_service_key("letmein")
    assert refused.value.reason == "SERVICE_KEY_INVALID"
