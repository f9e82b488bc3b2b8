"""Login tokens and the sessions that come from them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from google.protobuf.duration_pb2 import Duration
from sqlalchemy import select

from kit.errors import AssayError, Kind
from services.collector.access.tables import access_key_table, login_token_table
from tests.collector.access_support import NO_KEY, Access, id_of, serve_access

TOKEN_INVALID = (Kind.UNAUTHENTICATED, "TOKEN_INVALID", None)
KEY_INVALID = (Kind.UNAUTHENTICATED, "KEY_INVALID", None)


@pytest_asyncio.fixture(scope="module")
async def running(database_url: str) -> AsyncIterator[Access]:
    async with serve_access(database_url) as served:
        yield served


@pytest.fixture
def access(running: Access) -> Access:
    running.clock.ahead = timedelta()
    return running


async def test_a_session_has_the_rights_of_its_key_for_twelve_hours(access: Access) -> None:
    project = await access.new_project()
    secret = await access.new_key("OPERATE", "RECORD", project=project)
    session = (await access.call("CheckKey", await access.session(secret))).key
    key = (await access.call("CheckKey", secret)).key
    assert (session.project, session.roles, session.display_name) == (project, key.roles, "browser session")
    assert session.expire_time.ToMicroseconds() - session.create_time.ToMicroseconds() == 12 * 3_600 * 1_000_000


async def test_the_installations_admin_logs_in_too(access: Access) -> None:
    session = await access.session(access.admin)
    assert (await access.call("CheckKey", session)).key.project == ""
    await access.call("CreateProject", session, project="made-in-browser")


async def test_a_token_works_once(access: Access) -> None:
    token = (await access.call("CreateLoginToken", access.admin)).token
    await access.call("ExchangeLoginToken", NO_KEY, token=token)
    assert await access.refusal("ExchangeLoginToken", NO_KEY, token=token) == TOKEN_INVALID


async def test_of_many_that_use_a_token_at_once_one_succeeds(access: Access) -> None:
    for _ in range(5):
        token = (await access.call("CreateLoginToken", access.admin)).token
        attempts = (access.call("ExchangeLoginToken", NO_KEY, token=token) for _ in range(12))
        answers = await asyncio.gather(*attempts, return_exceptions=True)
        refusals = [answer for answer in answers if isinstance(answer, BaseException)]
        assert len(refusals) == 11
        assert all(isinstance(error, AssayError) and error.reason == "TOKEN_INVALID" for error in refusals)


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "é" * 43, "a\x00" + "x" * 41, "x" * 10_000])
async def test_what_is_no_token_is_refused(access: Access, token: str) -> None:
    assert await access.refusal("ExchangeLoginToken", NO_KEY, token=token) == TOKEN_INVALID


async def test_a_token_lasts_fifteen_minutes(access: Access) -> None:
    early = (await access.call("CreateLoginToken", access.admin)).token
    late = (await access.call("CreateLoginToken", access.admin)).token
    access.clock.ahead = timedelta(minutes=14)
    await access.call("ExchangeLoginToken", NO_KEY, token=early)
    access.clock.ahead = timedelta(minutes=15, seconds=1)
    assert await access.refusal("ExchangeLoginToken", NO_KEY, token=late) == TOKEN_INVALID


async def test_token_and_session_end_with_their_key(access: Access) -> None:
    secret = await access.new_key("READ", lifetime=Duration(seconds=600))
    key = (await access.call("CheckKey", secret)).key
    login = await access.call("CreateLoginToken", secret)
    assert login.expire_time == key.expire_time
    session = await access.call("ExchangeLoginToken", NO_KEY, token=login.token)
    assert session.key.expire_time == key.expire_time
    access.clock.ahead = timedelta(seconds=601)
    assert await access.refusal("CheckKey", session.secret) == KEY_INVALID


async def test_revoking_a_key_ends_its_sessions_and_its_unused_tokens(access: Access) -> None:
    secret = await access.new_key("ADMIN")
    session = await access.session(secret)
    unused = (await access.call("CreateLoginToken", secret)).token
    await access.call("RevokeKey", access.admin, project="default", key_id=id_of(secret))
    assert await access.refusal("CheckKey", session) == KEY_INVALID
    assert await access.refusal("ExchangeLoginToken", NO_KEY, token=unused) == TOKEN_INVALID


async def test_a_session_ends_when_it_logs_out_and_its_key_goes_on(access: Access) -> None:
    secret = await access.new_key("READ")
    session, other = await access.session(secret), await access.session(secret)
    await access.call("RevokeKey", session, key_id=id_of(session))
    assert await access.refusal("CheckKey", session) == KEY_INVALID
    for alive in (secret, other):
        await access.call("CheckKey", alive)


async def test_a_session_starts_no_other(access: Access) -> None:
    session = await access.session(access.admin)
    assert await access.refusal("CreateLoginToken", session) == (Kind.PERMISSION_DENIED, "ROLE_MISSING", None)


async def test_tokens_and_sessions_that_ended_long_ago_are_forgotten(access: Access) -> None:
    secret = await access.new_key("READ")
    session = await access.session(secret)
    await access.call("CreateLoginToken", secret)
    access.clock.ahead = timedelta(days=7)
    await access.call("CreateLoginToken", secret)
    assert id_of(session) in await _key_ids(access)
    access.clock.ahead = timedelta(days=8)
    await access.call("CreateLoginToken", secret)
    assert id_of(session) not in await _key_ids(access)
    assert id_of(secret) in await _key_ids(access)
    async with access.engine.begin() as connection:
        assert len((await connection.execute(select(login_token_table.c.key_id))).all()) == 1


async def test_tokens_and_sessions_are_stored_as_hashes(access: Access) -> None:
    token = (await access.call("CreateLoginToken", access.admin)).token
    async with access.engine.begin() as connection:
        stored = repr((await connection.execute(select(login_token_table))).all())
    assert token not in stored
    assert id_of(access.admin) in stored


async def _key_ids(access: Access) -> set[str]:
    async with access.engine.begin() as connection:
        return set((await connection.execute(select(access_key_table.c.key_id))).scalars())
