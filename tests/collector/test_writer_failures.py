"""What goes wrong around the writer, and what does not: a bad message, servers that go away, being stopped or killed at any point."""

import asyncio
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import asyncpg
import pytest
from assay.events.v1.ingest_pb2 import IngestMessage

from kit import database, patience
from kit.errors import AssayError, invalid
from services.collector import streams
from services.collector.domain.prepared import Prepared
from services.collector.intake import Intake
from services.collector.messages.ingest_messages import parse
from services.collector.store.sql import locked_transaction
from services.collector.store.writing import Added, DeadLetter, WritingStore, project_lock
from services.collector.writer import Writer
from tests.collector.feeding import Feeder
from tests.collector.writing_support import (
    DEADLINE_S,
    DEFAULT,
    all_acknowledged,
    assert_rollups_equal_calls,
    booked,
    call_ids,
    change,
    rows,
    running_writers,
    started,
    until,
    value,
)

pytestmark = pytest.mark.usefixtures("quick_retries")

CUTS_MIN, CUTS_MAX = 6, 25


async def publish_raw(feeder: Feeder, payload: bytes, subject: str = f"assay.calls.{DEFAULT}", **headers: str) -> None:
    await feeder.bus.publish(subject, payload, {streams.COUNT_HEADER: "3", streams.KIND_HEADER: "call"} | headers)


def broken(alter: Callable[[IngestMessage], None]) -> bytes:
    """A message of one call with something wrong in it."""
    message = IngestMessage(batch_id="broken", part_count=1, receive_unix_us=1_800_000_000_000_000)
    calls = message.calls
    calls.call_ids.append("x")
    calls.series.append("p\0m\0t\0\0")
    calls.series_index, calls.outcome, calls.price_origin = b"\0\0", b"\1", b"\0"
    calls.start_unix_us = calls.latency_us = calls.first_token_us = calls.cost_usd_nanos = b"\0" * 8
    for name in ("task_index", "agent_index", "error_type_index"):
        setattr(calls, name, b"\xff" * 4)
    for name in ("input", "output", "cache_read", "cache_write", "reasoning"):
        setattr(calls, f"{name}_token_count", b"\0" * 4)
    calls.revision_count = b"\xff" * 4
    alter(message)
    return message.SerializeToString()


def set_on_calls(**fields: Any) -> Callable[[IngestMessage], None]:
    def alter(message: IngestMessage) -> None:
        for name, content in fields.items():
            setattr(message.calls, name, content)

    return alter


def set_on_message(**fields: Any) -> Callable[[IngestMessage], None]:
    def alter(message: IngestMessage) -> None:
        for name, content in fields.items():
            setattr(message, name, content)

    return alter


POISON = {
    "bytes that are no message": b"\xff\xff\xff",
    "no batch": broken(lambda message: message.ClearField("batch_id")),
    "no parts": broken(lambda message: message.ClearField("part_count")),
    "a column that is too short": broken(set_on_calls(latency_us=b"\0" * 7)),
    "a column of another length": broken(set_on_calls(latency_us=b"\0" * 16)),
    "a series that is not there": broken(set_on_calls(series_index=b"\7\0")),
    "an impossible duration": broken(set_on_calls(latency_us=b"\xff" * 7 + b"\x7f")),
    "a text that the database refuses": broken(lambda message: message.calls.call_ids.__setitem__(0, "nul\0")),
    "a number that the driver refuses": broken(set_on_message(rejected_count=2**40)),
    "a series of too few terms": broken(lambda message: message.calls.series.__setitem__(0, "p\0m")),
}


def test_what_is_broken_is_so_by_one_thing_alone() -> None:
    assert parse(broken(lambda message: None), 1, 1, 1).message.calls.call_ids == ["x"]


@pytest.mark.parametrize("poison", POISON.values(), ids=POISON.keys())
async def test_a_message_that_cannot_be_stored_is_kept_aside_alone(feeder: Feeder, poison: bytes) -> None:
    await feeder.publish(DEFAULT, [started(feeder, call_id="a")])
    await publish_raw(feeder, poison, **{"Nats-Msg-Id": f"{DEFAULT}/broken/2/hash"})
    await feeder.publish(DEFAULT, [started(feeder, call_id="b")])
    await feeder.publish(DEFAULT, [started(feeder, call_id="c")])
    await feeder.store()
    assert await call_ids(feeder.engine) == ["a", "b", "c"]
    assert await booked(feeder.engine) == (3, 0, 0, 3, 0, 0)
    assert await rows(feeder.engine, "SELECT sequence, subject, payload FROM collector.dead_letter") == [(2, "assay.calls.default", poison)]
    assert await rows(feeder.engine, "SELECT batch_id, part FROM collector.message WHERE sequence = 2") == [("broken", 2)]
    await assert_rollups_equal_calls(feeder)


async def test_what_names_no_project_or_has_odd_headers_is_kept_aside(feeder: Feeder) -> None:
    await publish_raw(feeder, b"", subject="assay.calls.nobody")
    await publish_raw(feeder, b"", subject=f"assay.evidence.{DEFAULT}", **{streams.KIND_HEADER: "evidence", streams.COUNT_HEADER: "many"})
    await feeder.bus.publish(f"assay.calls.{DEFAULT}", b"\xff", {})
    await feeder.store()
    found = await rows(feeder.engine, "SELECT project_id, kind, dead_lettered_count, batch_id FROM collector.message ORDER BY sequence")
    assert found == [(0, 1, 3, ""), (1, 2, 0, ""), (1, 1, 0, "")]


async def test_a_dead_letter_is_kept_once(feeder: Feeder) -> None:
    await publish_raw(feeder, b"\xff")
    killed = Writer(feeder.engine, feeder.bus)
    (taken,) = await killed._intake.take(1, DEADLINE_S)
    stop = asyncio.Event()
    with patch.object(killed._intake, "acknowledge"):
        await killed._keep_aside(taken, ValueError("first"), stop)
    await killed._intake.give_back([taken])
    await feeder.store()
    assert await value(feeder.engine, "SELECT count(*) FROM collector.dead_letter") == 1
    assert await booked(feeder.engine) == (0, 0, 0, 3, 0, 0)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.DeadlockDetectedError("met"),
        asyncpg.SerializationError("met"),
        asyncpg.AdminShutdownError("going down"),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.DiskFullError("full"),
        ConnectionRefusedError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_passes_is_waited_for_and_costs_no_message(feeder: Feeder, error: Exception) -> None:
    await feeder.publish(DEFAULT, [started(feeder, call_id="a")])
    await feeder.publish(DEFAULT, [started(feeder, call_id="b")])
    raised = 0
    real = WritingStore.add

    async def add(store: WritingStore, prepared: Prepared) -> Added:
        nonlocal raised
        if raised < 3:
            raised += 1
            raise error
        return await real(store, prepared)

    with patch.object(WritingStore, "add", add):
        await feeder.store()
    assert raised == 3
    assert await call_ids(feeder.engine) == ["a", "b"]
    assert await value(feeder.engine, "SELECT count(*) FROM collector.dead_letter") == 0


async def test_a_passing_error_while_a_message_is_kept_aside_is_waited_for(feeder: Feeder) -> None:
    await publish_raw(feeder, b"\xff")
    real, tries = WritingStore.add_dead_letter, []

    async def add_dead_letter(store: WritingStore, letter: DeadLetter) -> None:
        tries.append(letter)
        if len(tries) < 3:
            raise asyncpg.ConnectionDoesNotExistError("gone")
        await real(store, letter)

    with patch.object(WritingStore, "add_dead_letter", add_dead_letter):
        await feeder.store()
    assert len(tries) == 3
    assert await value(feeder.engine, "SELECT count(*) FROM collector.dead_letter") == 1


async def test_a_bug_in_keeping_aside_ends_the_writer(feeder: Feeder) -> None:
    await publish_raw(feeder, b"\xff")
    with (
        patch.object(WritingStore, "add_dead_letter", side_effect=KeyError("bug")),
        pytest.raises(ExceptionGroup) as failed,
    ):
        async with asyncio.timeout(DEADLINE_S), asyncio.TaskGroup() as group:
            group.create_task(Writer(feeder.engine, feeder.bus).run(asyncio.Event()))
    assert isinstance(failed.value.exceptions[0], KeyError)


async def test_a_bug_in_taking_ends_the_writer(feeder: Feeder) -> None:
    with patch.object(Intake, "take", side_effect=KeyError("bug")), pytest.raises(KeyError):
        await Writer(feeder.engine, feeder.bus).run(asyncio.Event())


async def test_connections_cut_again_and_again_lose_and_double_nothing(feeder: Feeder) -> None:
    batch_count = 0

    async def publish() -> None:
        nonlocal batch_count
        calls = [started(feeder, offset, call_id=f"c-{batch_count}-{offset}", task_id=f"t-{offset}") for offset in range(30)]
        await feeder.publish(DEFAULT, calls)
        batch_count += 1

    for _ in range(40):
        await publish()
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE usename = current_user AND datname = current_database() AND pid <> pg_backend_pid() "
        "AND state <> 'idle'"
    )
    cut_count = 0
    url = feeder.engine.url.render_as_string(hide_password=False)
    with patch("services.collector.writer.FETCH_MAX", 4):
        async with database.engine(url, name="cutter") as other, running_writers(feeder, 2):
            while cut_count < CUTS_MIN or not await all_acknowledged(feeder):
                await asyncio.sleep(0.03)
                if cut_count < CUTS_MIN:
                    await publish()
                if cut_count < CUTS_MAX:
                    cut_count += len(await rows(other, cut))
    stored = await call_ids(feeder.engine)
    assert len(stored) == len(set(stored)) == 30 * batch_count
    assert await booked(feeder.engine) == (30 * batch_count, 0, 0, 0, 0, 0)
    await assert_rollups_equal_calls(feeder)


async def test_a_writer_cancelled_in_its_transaction_leaves_the_message_to_another(feeder: Feeder) -> None:
    await feeder.publish(DEFAULT, [started(feeder, call_id="a")])
    async with locked_transaction(feeder.engine, [project_lock(1)]):
        stuck = asyncio.create_task(Writer(feeder.engine, feeder.bus).run(asyncio.Event()))

        async def waits() -> bool:
            return bool(await value(feeder.engine, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))

        await until(waits, "the wait for the lock")
        stuck.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stuck
    with patch("services.collector.streams.WRITER.ack_wait", 1.0):
        await feeder.bus.jetstream.add_consumer(streams.INGEST, streams.WRITER)
        await feeder.store()
    assert await call_ids(feeder.engine) == ["a"]
    assert await booked(feeder.engine) == (1, 0, 0, 0, 0, 0)


async def test_a_writer_that_stops_while_the_database_is_away_gives_its_messages_back(feeder: Feeder) -> None:
    await feeder.publish(DEFAULT, [started(feeder, call_id="a")])
    stop = asyncio.Event()

    async def away(*_: object) -> None:
        stop.set()
        raise ConnectionRefusedError

    with patch.object(WritingStore, "add", away):
        await Writer(feeder.engine, feeder.bus).run(stop)
    again = await Intake(feeder.engine, feeder.bus).take(1, DEADLINE_S)
    assert again[0].message.metadata.num_delivered > 1


async def test_what_was_taken_is_stored_before_a_stop(feeder: Feeder) -> None:
    await feeder.publish(DEFAULT, [started(feeder, call_id="a")])
    stop = asyncio.Event()
    one = Writer(feeder.engine, feeder.bus)
    real = one._intake.take

    async def take(count: int, wait_s: float) -> Any:
        taken = await real(count, wait_s)
        stop.set()
        return taken

    with patch.object(one._intake, "take", take):
        await one.run(stop)
    assert await call_ids(feeder.engine) == ["a"]


async def test_a_partition_dropped_meanwhile_is_made_again(feeder: Feeder) -> None:
    await feeder.publish(DEFAULT, [started(feeder, call_id="a")])
    one = Writer(feeder.engine, feeder.bus)
    taken = await one._intake.take(1, DEADLINE_S)
    prepared = await one._prepare(taken)
    await change(
        feeder.engine,
        "DO $$ DECLARE name text; BEGIN FOR name IN SELECT inhrelid::regclass::text FROM pg_inherits WHERE "
        "inhparent = 'collector.call'::regclass LOOP EXECUTE 'DROP TABLE ' || name; END LOOP; END $$",
    )
    one._partitions._known.clear()
    await one._store_all(taken, prepared, asyncio.Event())
    assert await call_ids(feeder.engine) == ["a"]


async def test_a_refusal_is_not_waited_for() -> None:
    async def attempt() -> None:
        raise invalid("field", "wrong")

    with pytest.raises(AssayError):
        await patience.patiently(attempt, asyncio.Event())
