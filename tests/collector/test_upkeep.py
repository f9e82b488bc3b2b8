"""The writer's timers: making room in the stream, and dropping what is past its time."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from sqlalchemy import text

from kit import database
from kit.errors import AssayError
from services.collector import streams, upkeep
from services.collector.domain.levels import DAYS, MINUTES, QUARTERS
from services.collector.store.partitions import PartitionStore, partition_name
from services.collector.store.sql import locked_transaction
from tests.collector.feeding import STREAM_BYTES_MAX, Feeder
from tests.collector.writing_support import (
    DEADLINE_S,
    DEFAULT,
    assert_rollups_equal_calls,
    booked,
    call_ids,
    change,
    evaluation,
    rows,
    running_writers,
    started,
    until,
    upkeep_of,
    value,
)

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000


async def first_sequence(feeder: Feeder) -> int:
    return (await feeder.bus.stream_state(streams.INGEST)).first_sequence


async def feed_messages(feeder: Feeder, *hours_ago: float) -> None:
    """One stored message for each."""
    now_us = feeder.now_us
    for number, hours in enumerate(hours_ago):
        feeder.now_us = now_us - int(hours * HOUR_US)
        await feeder.publish(DEFAULT, [started(feeder, call_id=f"{hours}-{number}")])
    feeder.now_us = now_us
    await feeder.store()


async def test_stored_messages_stay_as_long_as_the_history_and_no_longer(feeder: Feeder) -> None:
    await feed_messages(feeder, 30, 25, 23, 1)
    await upkeep_of(feeder).purge_stream()
    assert await first_sequence(feeder) == 3
    await upkeep_of(feeder).purge_stream()
    await upkeep_of(feeder, history_hours=2).purge_stream()
    assert await first_sequence(feeder) == 4
    await upkeep_of(feeder, history_hours=0).purge_stream()
    assert (await feeder.bus.stream_state(streams.INGEST)).message_count == 0


async def test_what_is_not_acknowledged_is_never_removed(feeder: Feeder) -> None:
    await feed_messages(feeder, 30)
    feeder.now_us -= 40 * HOUR_US
    for number in range(3):
        await feeder.publish(DEFAULT, [started(feeder, call_id=f"later-{number}")])
    with patch.object(upkeep, "FULL_RATIO", 0.0000001):
        await upkeep_of(feeder, history_hours=0).purge_stream()
    assert await first_sequence(feeder) == 2
    await feeder.store_first(3, acknowledge=False)
    await upkeep_of(feeder, history_hours=0).purge_stream()
    assert await first_sequence(feeder) == 2


async def test_nothing_is_removed_before_a_writer_has_begun(feeder: Feeder) -> None:
    await feeder.publish(DEFAULT, [started(feeder, call_id="a")])
    await upkeep_of(feeder, history_hours=0).purge_stream()
    assert (await feeder.bus.stream_state(streams.INGEST)).message_count == 1


async def test_a_stream_that_runs_full_is_emptied_of_what_is_stored_also_without_the_database(feeder: Feeder) -> None:
    await feed_messages(feeder, 1, 1)
    await feeder.publish(DEFAULT, [started(feeder, call_id="waits")])
    async with database.engine("postgresql+asyncpg://u:p@127.0.0.1:1/d") as away:
        alone = upkeep_of(Feeder(away, feeder.bus))
        state = await feeder.bus.stream_state(streams.INGEST)
        with patch.object(upkeep, "FULL_RATIO", state.byte_count / STREAM_BYTES_MAX):
            await alone.purge_stream()
    assert await first_sequence(feeder) == 3
    assert (await feeder.bus.stream_state(streams.INGEST)).message_count == 1


@contextmanager
def suppress_full() -> Iterator[list[str]]:
    """Ends the block at a refusal, and notes its reason."""
    reasons: list[str] = []
    try:
        yield reasons
    except AssayError as refused:
        reasons.append(refused.reason)


async def test_a_full_stream_takes_messages_again_once_they_are_stored(feeder: Feeder) -> None:
    small = streams.ingest_stream(20_000, 1)
    await feeder.bus.ensure_stream(small)
    number = 0
    with suppress_full() as full:
        while number < 1_000:
            await feeder.publish(DEFAULT, [started(feeder, call_id=f"c-{number}")])
            number += 1
    assert full == ["STREAM_FULL"]
    await feeder.store()
    await upkeep_of(feeder).purge_stream()
    await feeder.feed(DEFAULT, [started(feeder, call_id=f"c-{number}")])
    assert len(await call_ids(feeder.engine)) == number + 1


async def test_calls_are_dropped_by_day_of_receipt_and_windows_by_their_own_time(feeder: Feeder) -> None:
    now_us = feeder.now_us
    for days_ago in (32, 31, 30, 0):
        feeder.now_us = now_us - days_ago * DAY_US
        await feeder.feed(DEFAULT, [started(feeder, 60, call_id=f"c-{days_ago}", task_id=""), started(feeder, 60, call_id=f"d-{days_ago}")])
    feeder.now_us = now_us
    one = upkeep_of(feeder, quarters_kept_days=32)
    await one.fold_tasks()
    await upkeep_of(feeder, minutes_kept_days=400).fold_rollups(everything=True)
    assert await value(feeder.engine, "SELECT count(*) FROM collector.rollup WHERE level = 0") == 4
    await asyncio.gather(one.expire(), upkeep_of(feeder, quarters_kept_days=32).expire())
    assert await call_ids(feeder.engine) == ["c-0", "c-30", "d-0", "d-30"]
    assert await value(feeder.engine, "SELECT count(*) FROM collector.rollup WHERE level = 0") == 1
    assert 3 <= await value(feeder.engine, "SELECT count(*) FROM collector.rollup WHERE level = 1") <= 4
    assert await value(feeder.engine, "SELECT count(*) FROM collector.rollup WHERE level = 2") >= 1
    assert await value(feeder.engine, "SELECT count(*) FROM collector.message") == 2
    assert await booked(feeder.engine) == (8, 0, 0, 0, 0, 0)


async def test_evidence_scores_and_tasks_go_when_nothing_that_is_kept_needs_them(feeder: Feeder) -> None:
    now_us = feeder.now_us
    for days_ago in (61, 59):
        feeder.now_us = now_us - days_ago * DAY_US
        await feeder.feed(DEFAULT, [started(feeder, call_id=f"c-{days_ago}", task_id=f"t-{days_ago}")])
        await feeder.publish_evidence(DEFAULT, [evaluation(feeder, f"e-{days_ago}", 0.5, call_id=f"c-{days_ago}")])
        await feeder.store()
    one = upkeep_of(feeder, quarters_kept_days=60)
    await one.fold_tasks()
    feeder.now_us = now_us
    await one.expire()
    assert await rows(feeder.engine, "SELECT evidence_id FROM collector.evidence") == [("e-59",)]
    assert await rows(feeder.engine, "SELECT call_id FROM collector.score") == [("c-59",)]
    assert await rows(feeder.engine, "SELECT task_id FROM collector.task") == [("t-59",)]


async def test_a_message_older_than_retention_is_stored_all_the_same(feeder: Feeder) -> None:
    await feeder.feed(DEFAULT, [started(feeder, call_id="new")])
    feeder.now_us -= 40 * DAY_US
    await feeder.feed(DEFAULT, [started(feeder, call_id="old")])
    await upkeep_of(feeder).expire()
    await feeder.feed(DEFAULT, [started(feeder, call_id="older")])
    assert await call_ids(feeder.engine) == ["new", "older"]


async def test_a_partition_is_remembered_only_while_nobody_may_drop_it(feeder: Feeder) -> None:
    partitions, today = PartitionStore(feeder.engine), datetime.now(UTC).date()
    for day in (today, today - timedelta(days=40)):
        for _ in range(2):
            await partitions.ensure(day)
            await change(feeder.engine, f"DROP TABLE IF EXISTS collector.{partition_name(day)}")
    await partitions.ensure(today - timedelta(days=40))
    found = await rows(feeder.engine, "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'collector.call'::regclass")
    assert found == [(f"collector.{partition_name(today - timedelta(days=40))}",)]


async def test_a_drop_does_not_make_writers_wait_for_a_reader(feeder: Feeder) -> None:
    feeder.now_us -= 40 * DAY_US
    await feeder.feed(DEFAULT, [started(feeder, call_id="old")])
    with patch("services.collector.store.partitions._DROP_WAIT", text("SET LOCAL lock_timeout = '50ms'")):
        async with locked_transaction(feeder.engine, []) as reader:
            await reader.fetch("SELECT count(*) FROM collector.call")
            with pytest.raises(Exception) as failed:  # noqa: PT011 - of which kind is what is asked
                await upkeep_of(feeder).expire()
    assert database.is_conflict_error(failed.value)
    await upkeep_of(feeder).expire()
    assert await call_ids(feeder.engine) == []


def test_days_are_kept_for_good_and_other_windows_for_their_time() -> None:
    kept = upkeep.Retention(30, 14, 400, timedelta(hours=24))
    assert kept.kept_from_min(MINUTES, 10**7) == 10**7 - 14 * 1_440
    assert kept.kept_from_min(QUARTERS, 10**7) == 10**7 - 400 * 1_440
    assert kept.kept_from_min(DAYS, 10**7) < -(10**12)


async def test_all_timers_run_until_the_stop_whatever_is_away(feeder: Feeder) -> None:
    stop = asyncio.Event()
    with patch.multiple(upkeep, TASKS_EVERY_S=0.02, FOLDS_EVERY_S=0.02, PURGE_EVERY_S=0.02, RETENTION_EVERY_S=0.02):
        async with asyncio.TaskGroup() as group:
            timers = [group.create_task(upkeep_of(feeder, history_hours=0).run(stop)) for _ in range(2)]
            await feeder.bus.jetstream.delete_stream(streams.INGEST)
            cut = (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()"
            )
            async with database.engine(feeder.engine.url.render_as_string(hide_password=False)) as other:
                for _ in range(5):
                    await rows(other, cut)
                    await asyncio.sleep(0.05)
            await feeder.renew_streams()
            await feeder.publish(DEFAULT, [started(feeder, call_id="a", task_id="t")])
            async with running_writers(feeder):

                async def done() -> bool:
                    stored = await value(feeder.engine, "SELECT count(*) FROM collector.task")
                    return bool(stored) and (await feeder.bus.stream_state(streams.INGEST)).message_count == 0

                await until(done, "the fold and the purge")
            assert not any(timer.done() for timer in timers)
            stop.set()
    await assert_rollups_equal_calls(feeder)


async def test_a_bug_in_a_timer_ends_it(feeder: Feeder) -> None:
    one = upkeep_of(feeder)
    with patch.object(one._tasks, "fold", side_effect=KeyError("bug")), pytest.raises(ExceptionGroup):
        await asyncio.wait_for(one.run(asyncio.Event()), DEADLINE_S)
