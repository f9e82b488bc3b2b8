"""Each call is stored once, whoever sends it how often and whoever stores it when."""

import asyncio
import json

import pytest

from kit import logs
from services.collector.writer import Writer
from tests.collector.feeding import Feeder
from tests.collector.writing_support import (
    DEFAULT,
    OTHER,
    all_acknowledged,
    announcements,
    assert_rollups_equal_calls,
    booked,
    call_ids,
    rows,
    running_writers,
    started,
    until,
    value,
)

DAY_US = 86_400_000_000


async def test_a_repeat_within_a_batch_and_across_batches_is_dropped_and_counted(feeder: Feeder) -> None:
    await feeder.publish(DEFAULT, [started(feeder, call_id="a"), started(feeder, call_id="a"), started(feeder, call_id="b")])
    await feeder.publish(DEFAULT, [started(feeder, call_id="b"), started(feeder, call_id="c")])
    await feeder.store()
    await feeder.feed(DEFAULT, [started(feeder, call_id="c"), started(feeder, call_id="d")])
    assert await call_ids(feeder.engine) == ["a", "b", "c", "d"]
    assert await booked(feeder.engine) == (4, 0, 3, 0, 0, 0)
    assert await value(feeder.engine, "SELECT sum(stored_count)::int FROM collector.message") == 4
    await assert_rollups_equal_calls(feeder)


async def test_equal_ids_in_two_projects_are_two_calls(feeder: Feeder) -> None:
    await feeder.publish(DEFAULT, [started(feeder, call_id="a", task_id="t")], batch_id="same")
    await feeder.publish(OTHER, [started(feeder, call_id="a", task_id="t"), started(feeder, call_id="b")], batch_id="same")
    await feeder.store()
    await feeder.feed(OTHER, [started(feeder, call_id="a")])
    assert await call_ids(feeder.engine) == ["a"]
    assert await call_ids(feeder.engine, OTHER) == ["a", "b"]
    assert await booked(feeder.engine) == (1, 0, 0, 0, 0, 0)
    assert await booked(feeder.engine, OTHER) == (2, 0, 1, 0, 0, 0)
    await assert_rollups_equal_calls(feeder)


async def test_a_call_received_before_midnight_is_known_after_it(feeder: Feeder) -> None:
    feeder.now_us = feeder.now_us // DAY_US * DAY_US - 1_000_000
    late = started(feeder, call_id="late")
    await feeder.publish(DEFAULT, [late, started(feeder, call_id="first")])
    feeder.now_us += 2_000_000
    await feeder.publish(DEFAULT, [late, started(feeder, call_id="second")])
    await feeder.store()
    feeder.now_us += 2 * DAY_US - 4_000_000
    await feeder.feed(DEFAULT, [late])
    assert await call_ids(feeder.engine) == ["first", "late", "second"]
    assert await booked(feeder.engine) == (3, 0, 2, 0, 0, 0)
    dates = await rows(feeder.engine, "SELECT DISTINCT receive_date FROM collector.call ORDER BY 1")
    assert len(dates) == 2
    await assert_rollups_equal_calls(feeder)


async def test_a_message_received_long_ago_has_its_repeats_in_later_ones_dropped(feeder: Feeder) -> None:
    await feeder.feed(DEFAULT, [started(feeder, call_id="a")])
    feeder.now_us -= 5 * DAY_US
    await feeder.feed(DEFAULT, [started(feeder, call_id="a"), started(feeder, call_id="b")])
    assert await call_ids(feeder.engine) == ["a", "b"]


async def test_two_writers_at_once_store_each_id_once(feeder: Feeder) -> None:
    for number in range(60):
        calls = [
            started(feeder, number % 50 + offset, call_id=f"c-{(number // 2) * 20 + offset}", task_id=f"t-{offset}") for offset in range(20)
        ]
        await feeder.publish(DEFAULT if number % 3 else OTHER, calls)
    async with running_writers(feeder, 2):
        await until(lambda: all_acknowledged(feeder), "the last message")
    stored = [*await call_ids(feeder.engine), *(f"other {call_id}" for call_id in await call_ids(feeder.engine, OTHER))]
    assert len(stored) == len(set(stored))
    first, second = await booked(feeder.engine), await booked(feeder.engine, OTHER)
    assert first[0] + second[0] == len(stored)
    assert first[0] + second[0] + first[2] + second[2] == 60 * 20
    await assert_rollups_equal_calls(feeder)


async def test_a_message_that_comes_again_is_not_stored_again_but_announced_again(feeder: Feeder) -> None:
    await feeder.publish(DEFAULT, [started(feeder, call_id="a")])
    killed = Writer(feeder.engine, feeder.bus)
    taken = await killed._intake.take(10, 5.0)
    await killed._store.add(await killed._prepare(taken))
    await killed._intake.give_back(taken)
    async with announcements(feeder.bus) as heard:
        await feeder.store()

        async def announced() -> bool:
            return bool(heard)

        await until(announced, "the announcement")
    assert heard[0].project == DEFAULT
    assert heard[0].last_receive_unix_us // 1_000 == feeder.now_us // 1_000
    assert await call_ids(feeder.engine) == ["a"]
    assert await booked(feeder.engine) == (1, 0, 0, 0, 0, 0)
    await assert_rollups_equal_calls(feeder)


async def test_a_claimed_message_does_not_hide_equal_ids_behind_it(feeder: Feeder) -> None:
    await feeder.publish(DEFAULT, [started(feeder, call_id="a")])
    killed = Writer(feeder.engine, feeder.bus)
    first = await killed._intake.take(1, 5.0)
    await killed._store.add(await killed._prepare(first))
    await feeder.publish(DEFAULT, [started(feeder, call_id="a"), started(feeder, call_id="b"), started(feeder, call_id="b")])
    second = await killed._intake.take(1, 5.0)
    added = await killed._store.add(await killed._prepare([*first, *second]))
    assert [(result.stored_count, result.duplicate_count) for result in added.results] == [(1, 2)]
    again = await killed._store.add(await killed._prepare([*first, *second]))
    assert not again.results
    assert len(again.changes) == 1
    assert await call_ids(feeder.engine) == ["a", "b"]


async def test_batches_that_were_refused_whole_are_booked(feeder: Feeder) -> None:
    await feeder.publish(DEFAULT, [started(feeder, call_id=""), started(feeder, provider="")], client_dropped_count=7)
    await feeder.store()
    assert await booked(feeder.engine) == (0, 2, 0, 0, 7, 0)
    assert await value(feeder.engine, "SELECT count(*) FROM collector.message") == 1


async def test_the_two_writers_series_are_the_same(feeder: Feeder) -> None:
    writers = [Writer(feeder.engine, feeder.bus) for _ in range(2)]
    names = [f"p\0m{number}\0t\0\0" for number in range(200)]
    await asyncio.gather(*(one._series.prepare(1, 120, names) for one in writers))
    assert writers[0]._series.ids(1, names).tolist() == writers[1]._series.ids(1, names).tolist()


async def test_labels_and_the_ranking_that_was_followed_are_kept(feeder: Feeder) -> None:
    full = started(feeder, call_id="a", labels={"team": "ü", "env": "prod"}, ranking_id="r-1", selection_ratio=0.25)
    await feeder.feed(DEFAULT, [full, started(feeder, call_id="b"), started(feeder, call_id="c", selection_ratio=0.5, agent=None)])
    found = await rows(feeder.engine, "SELECT call_id, agent, extras FROM collector.call ORDER BY call_id")
    assert [(call_id, agent, json.loads(extras) if extras else None) for call_id, agent, extras in found] == [
        ("a", "reviewer", {"labels": {"env": "prod", "team": "ü"}, "ranking_id": "r-1", "selection_ratio": 0.25}),
        ("b", "reviewer", None),
        ("c", "", {"selection_ratio": 0.5}),
    ]


async def test_each_message_that_is_stored_can_be_followed_in_the_log(feeder: Feeder, caplog: pytest.LogCaptureFixture) -> None:
    logs.set_level("services.collector.writer", "DEBUG")
    try:
        batch_id = await feeder.feed(DEFAULT, [started(feeder, call_id="a")])
    finally:
        logs.set_level("services.collector.writer", "INFO")
    assert any(getattr(record, "batch_id", "") == batch_id or batch_id in str(record.__dict__) for record in caplog.records)
