"""From alerts in the database to deliveries in the outbox."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from kit import database
from services.alerter.domain.alert import Alert, AlertState
from services.alerter.domain.notification.link_token import LinkAction, verify
from services.alerter.domain.notification.matcher import parse_matcher
from services.alerter.domain.notification.silence import Silence
from services.alerter.notifier import Links, Notifier
from services.alerter.store import groups as group_store
from services.alerter.tables import metadata
from tests.alerter.notify.alerts import alert
from tests.alerter.notify.desk import PROJECT, Desk


def kept(name: str = "slow", state: AlertState = AlertState.FIRING, **fields: Any) -> Alert:
    """An alert with an id as the database has them."""
    made = alert(name, state, **fields)
    return replace(made, alert_id=hashlib.blake2b(made.alert_id.encode(), digest_size=16).hexdigest())


async def test_the_migrations_make_the_tables_as_they_stand_in_the_code(desk: Desk) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    import services.alerter.notification_tables  # noqa: F401 - adds its tables

    def differences(connection: Any) -> list[Any]:
        options = {
            "include_schemas": True,
            "compare_type": True,
            "include_name": lambda name, kind, _: kind != "schema" or name == "alerter",
        }
        found = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        return [each for each in found if "alembic_version" not in str(each)]

    async with desk.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_an_alert_is_told_and_its_end_too(desk: Desk) -> None:
    await desk.add_receiver()
    await desk.set_alerts(kept(summary="p95 is 4 s", model="a"))
    assert await desk.notifier.look_at_all() == 0  # the group waits for others
    desk.clock.forward(3)
    assert await desk.notifier.look_at_all() == 1
    assert await desk.notifier.look_at_all() == 0
    await desk.set_alerts(kept(state=AlertState.RESOLVED, model="a"))
    desk.clock.forward(301)
    assert await desk.notifier.look_at_all() == 1
    await desk.send_all()
    first, resolved = desk.recorder.messages
    assert first.notification is not None and resolved.notification is not None
    assert (first.notification.title, first.notification.notes[0].summary) == ("slow · openai", "p95 is 4 s")
    assert (resolved.notification.kind.name, resolved.notification.group_id) == ("RESOLVED", first.thread)
    token = first.notification.acknowledge_url.rpartition("/")[2]
    claim = verify(token, desk.box.link_keys, desk.clock())
    assert (claim.action, claim.group_id, claim.receiver) == (LinkAction.ACKNOWLEDGE, first.thread, "default")
    async with desk.engine.connect() as connection:
        assert await group_store.groups_of(connection, PROJECT) == []


async def test_nothing_is_lost_without_a_receiver_and_all_is_told_when_one_comes(desk: Desk) -> None:
    await desk.set_alerts(kept())
    for _ in range(3):
        desk.clock.forward(100)
        assert await desk.notifier.look_at_all() == 0
    await desk.add_receiver()
    assert await desk.notifier.look_at_all() == 1


async def test_a_policy_that_cannot_be_read_any_more_keeps_nobody_from_being_told(desk: Desk) -> None:
    await desk.add_receiver()
    await desk.policies.put(PROJECT, {"root": {"routes": [{"matchers": ["not a matcher"], "receiver_id": "gone"}]}}, "key", 0, desk.clock())
    await desk.set_alerts(kept())
    await desk.notifier.look_at_all()
    desk.clock.forward(3)
    assert await desk.notifier.look_at_all() == 1


async def test_a_silence_holds_until_it_expires_by_itself(desk: Desk) -> None:
    await desk.add_receiver()
    now = desk.clock()
    silence = Silence("s1", (parse_matcher("provider=openai"),), "ann", "", now, now + timedelta(minutes=10))
    assert await desk.silences.create(PROJECT, silence, "key", now) == silence
    await desk.set_alerts(kept())
    counts = []
    for _ in range(4):
        desk.clock.forward(200)
        counts.append(await desk.notifier.look_at_all())
        desk.clock.forward(3)
        counts.append(await desk.notifier.look_at_all())
    assert counts == [0, 0, 0, 0, 0, 1, 0, 0]


async def test_many_replicas_tell_once(desk: Desk) -> None:
    await desk.add_receiver()
    await desk.set_alerts(*(kept(f"rule-{n}", model="m") for n in range(4)))
    replicas = [desk.notifier, *(Notifier(desk.engine, Links(), clock=desk.clock) for _ in range(3))]
    await asyncio.gather(*(each.look_at_all() for each in replicas))
    desk.clock.forward(3)
    assert sum(await asyncio.gather(*(each.look_at_all() for each in replicas))) == 4
    assert await database.number(desk.engine, "SELECT count(*) FROM alerter.delivery") == 4


async def test_what_is_told_and_that_it_was_are_one_transaction(desk: Desk, monkeypatch: Any) -> None:
    await desk.add_receiver()
    await desk.set_alerts(kept())
    await desk.notifier.look_at_all()
    desk.clock.forward(3)

    async def broken(*_parts: Any) -> None:
        raise ConnectionResetError("killed between the two")

    with monkeypatch.context() as patched:
        patched.setattr("services.alerter.notifier.policies.note_look", broken)
        with pytest.raises(ConnectionResetError):
            await desk.notifier.look_at_all()
    assert await desk.states() == {}
    assert await desk.notifier.look_at_all() == 1


async def test_a_storm_is_kept_in_few_rows_and_read_back_as_it_was(desk: Desk) -> None:
    await desk.add_receiver()
    await desk.set_alerts(kept("rule-0", model="first"))
    async with desk.engine.begin() as connection:
        statement = """
            INSERT INTO alerter.alert SELECT md5(n::text), project, rule_id, rule_name,
                labels || jsonb_build_object('alertname', 'rule-' || n % 50, 'provider', 'p-' || n % 7, 'model', 'm' || n), state, severity,
                start_time, fire_time, acknowledge_time, resolve_time, acknowledged_by, summary, observed, threshold, unit, description,
                anomaly_id, version, change_time
            FROM alerter.alert, generate_series(1, 5000) n"""
        await connection.execute(text(statement))
    await desk.notifier.look_at_all()
    desk.clock.forward(600)  # it rests after so many
    assert 1 <= await desk.notifier.look_at_all() <= 9
    async with desk.engine.connect() as connection:
        kept_groups = await group_store.groups_of(connection, PROJECT)
    assert sum(len(group.members) for group in kept_groups) == 5_001 and len(kept_groups) <= 9
    assert await desk.notifier.look_at_all() == 0


async def test_the_job_goes_on_after_the_database_was_away(desk: Desk, monkeypatch: Any) -> None:
    await desk.add_receiver()
    await desk.set_alerts(kept())
    monkeypatch.setattr("services.alerter.notifier.LOOK_EVERY_S", 0.01)
    real, failures = desk.notifier.look_at_all, [ConnectionResetError(), ConnectionResetError()]

    async def look() -> int:
        if failures:
            raise failures.pop()
        desk.clock.forward(3)
        return await real()

    monkeypatch.setattr(desk.notifier, "look_at_all", look)
    stop = asyncio.Event()
    job = asyncio.create_task(desk.notifier.run(stop))
    async with asyncio.timeout(60):
        while not await desk.states():
            await asyncio.sleep(0.02)
        stop.set()
        await job
