"""The alerter's tables on a database of their own, and its services on them."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database, rpc
from kit.access import Guard
from kit.embedded.stack import Stack
from kit.health import Readiness
from services.alerter.app import MIGRATIONS, SCHEMA
from services.alerter.rpc_audit import AuditServicer
from services.alerter.rpc_receivers import NotificationStores, ReceiverServicer
from services.alerter.rpc_silences import SilenceServicer
from services.alerter.store.alerts import AlertStore
from services.alerter.store.audit import AuditStore
from services.alerter.store.rules import RuleStore
from tests.alerter.notify.calling import CONFIGS, Caller, Keys
from tests.alerter.notify.desk import Clock, Desk, Recorder, add_project


@pytest_asyncio.fixture(scope="module")
async def alerter_engine(stack: Stack) -> AsyncIterator[AsyncEngine]:
    """A database with the alerter's tables."""
    url = await stack.create_database(f"test_{uuid4().hex[:12]}")
    await database.migrate(url, schema=SCHEMA, package=MIGRATIONS)
    async with database.engine(url) as engine:
        yield engine


@pytest_asyncio.fixture
async def desk(alerter_engine: AsyncEngine) -> AsyncIterator[Desk]:
    """Empty tables with one project."""
    async with alerter_engine.begin() as connection:
        tables = await connection.scalars(text("SELECT format('alerter.%I', tablename) FROM pg_tables WHERE schemaname = 'alerter'"))
        filled = ", ".join(sorted(name for name in tables if "alembic" not in name))
        await connection.execute(text(f"TRUNCATE {filled}"))
    await add_project(alerter_engine)
    yield Desk(alerter_engine, Clock(), Recorder())


@pytest_asyncio.fixture
async def call(desk: Desk) -> AsyncIterator[Caller]:
    """The services, served."""
    guard, rules = Guard(Keys()), RuleStore(desk.engine)
    desk.outbox = desk.make_outbox(dict.fromkeys(CONFIGS, desk.recorder))
    served = (
        AuditServicer(guard, AuditStore(desk.engine)),
        SilenceServicer(guard, rules, desk.silences, AlertStore(desk.engine)),
        ReceiverServicer(guard, NotificationStores(rules, desk.receivers, desk.policies, desk.deliveries), desk.outbox),
    )
    names = [each.service_name for each in served]
    async with (
        rpc.serve("127.0.0.1:0", [each.add_to for each in served], service_names=names, readiness=Readiness(), log_guard=guard) as address,
        rpc.connect(address) as channel,
    ):
        yield Caller(channel, desk)
