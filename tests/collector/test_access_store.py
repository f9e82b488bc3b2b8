"""What the store does when the database is away, when rows are gone, and how it finds a key."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio
from sqlalchemy import event, insert, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from kit import database
from kit.errors import AssayError, Kind
from services.collector.access import keys
from services.collector.access.checker import StoreKeyChecker
from services.collector.access.store import AccessStore
from services.collector.access.tables import access_key_table
from tests.collector.access_support import Access, id_of, serve_access


@pytest_asyncio.fixture(scope="module")
async def access(database_url: str) -> AsyncIterator[Access]:
    async with serve_access(database_url) as running:
        yield running


async def test_nobody_is_let_in_while_the_database_is_away(access: Access) -> None:
    async with database.engine("postgresql+asyncpg://nobody@127.0.0.1:1/none") as away:
        with pytest.raises(AssayError) as refused:
            await StoreKeyChecker(AccessStore(away)).check(access.admin)
    assert (refused.value.kind, refused.value.reason) == (Kind.UNAVAILABLE, "ACCESS_UNAVAILABLE")
    assert refused.value.retry_after_s == 1.0


async def test_a_statement_that_is_wrong_is_not_taken_for_a_database_that_is_away(access: Access) -> None:
    with pytest.raises(DBAPIError, match="invalid byte sequence"):
        await access.store.create_project("actor", "a\x00b", "UTC", 1)


async def test_what_is_forgotten_meanwhile_is_unknown(access: Access) -> None:
    key = await access.store.get_key(None, id_of(access.admin))
    with pytest.raises(AssayError) as refused:
        await access.store.revoke_key("actor", replace(key, key_id="aaaaaaaaaaaa"))
    assert refused.value.reason == "KEY_UNKNOWN"
    with pytest.raises(AssayError) as refused:
        await access.store.create_login_token("aaaaaaaaaaaa")
    assert refused.value.reason == "KEY_INVALID"


async def test_a_refused_change_leaves_no_trace(access: Access) -> None:
    before = await access.store.list_audit_events(None, before=None, limit=1_000)
    with pytest.raises(AssayError, match="already"):
        await access.store.create_project("actor", "default", "UTC", 1)
    with pytest.raises(AssayError, match="no such project"):
        await access.store.create_key("actor", "nowhere", "", frozenset(), None)
    assert await access.store.list_audit_events(None, before=None, limit=1_000) == before


async def test_the_database_itself_keeps_the_installations_admin_out_of_projects(access: Access) -> None:
    row = {
        "key_id": "aaaaaaaaaaaa",
        "project": "default",
        "display_name": "",
        "roles": ["READ", "INSTALLATION_ADMIN"],
        "secret_hash": b"",
        "create_time": access.clock(),
    }
    with pytest.raises(IntegrityError, match="access_key_roles"):
        async with access.engine.begin() as connection:
            await connection.execute(insert(access_key_table).values(row))


async def test_a_check_is_one_statement_on_the_primary_key(access: Access) -> None:
    statements = list[str]()
    event.listen(access.engine.sync_engine, "before_cursor_execute", lambda *given: statements.append(str(given[2])))
    await access.store.identity_of(keys.parse(access.admin))
    assert len(statements) == 1
    question = statements[0].replace("$1::VARCHAR", "'aaaaaaaaaaaa'")
    async with access.engine.begin() as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join((await connection.execute(text(f"EXPLAIN {question}"))).scalars())
    assert plan.count("using access_key_pkey") == 2, plan
