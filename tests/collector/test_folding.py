"""Folding: deltas into chunks and tasks into rows, with the same answer before, between and after."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.collector.domain.chunk import encode_delta
from services.collector.domain.correction import negative
from services.collector.domain.levels import DAYS, LEVELS, MINUTES, QUARTERS
from services.collector.store import rollups
from services.collector.store.rollups import Due, FoldingStore, fold_lock
from services.collector.store.sql import locked_transaction
from services.collector.store.task_folding import TASK_LOCK, Folded, TaskFoldingStore
from tests.collector.feeding import Feeder
from tests.collector.writing_support import (
    DEADLINE_S,
    DEFAULT,
    OTHER,
    assert_rollups_equal_calls,
    change,
    evaluation,
    rows,
    started,
    upkeep_of,
    value,
)

DAY_S = 86_400
CHUNKS = "SELECT level, count(*)::int FROM collector.rollup GROUP BY 1 ORDER BY 1"
PENDING = "SELECT level, count(*)::int FROM collector.rollup_pending GROUP BY 1 ORDER BY 1"


async def age(feeder: Feeder, seconds: float) -> None:
    """Makes what waits older."""
    await change(feeder.engine, "UPDATE collector.rollup_pending SET create_time = create_time - make_interval(secs => :s)", s=seconds)


async def test_a_delta_goes_from_level_to_level_as_it_ages(feeder: Feeder) -> None:
    upkeep = upkeep_of(feeder)
    await feeder.feed(DEFAULT, [started(feeder, 60, call_id="a", task_id=""), started(feeder, 7_200, call_id="b", task_id="")])
    await upkeep.fold_rollups()
    assert (await rows(feeder.engine, PENDING), await rows(feeder.engine, CHUNKS)) == ([(0, 1)], [])
    await age(feeder, MINUTES.fold_after_s)
    await upkeep.fold_rollups()
    assert (await rows(feeder.engine, PENDING), await rows(feeder.engine, CHUNKS)) == ([(1, 1)], [(0, 2)])
    await age(feeder, QUARTERS.fold_after_s)
    await upkeep.fold_rollups()
    assert await rows(feeder.engine, PENDING) == [(2, 1)]
    await age(feeder, DAYS.fold_after_s)
    await upkeep.fold_rollups()
    assert await rows(feeder.engine, PENDING) == []
    assert [level for level, _ in await rows(feeder.engine, CHUNKS)] == [0, 1, 2]
    await assert_rollups_equal_calls(feeder)


async def test_deltas_that_are_many_are_folded_before_they_are_old(feeder: Feeder, monkeypatch: pytest.MonkeyPatch) -> None:
    await feeder.feed(DEFAULT, [started(feeder, call_id="a")])
    small = replace(MINUTES, fold_after_s=999.0, fold_after_bytes=10)
    monkeypatch.setattr(rollups, "LEVELS", (small, *LEVELS[1:]))
    assert await FoldingStore(feeder.engine).due() == [Due(1, small)]


async def test_more_deltas_than_one_fold_takes_are_folded_in_turns(feeder: Feeder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollups, "FOLD_DELTAS_MAX", 2)
    for number in range(5):
        await feeder.feed(DEFAULT, [started(feeder, number * 60, call_id=f"c-{number}")])
    await upkeep_of(feeder).fold_rollups(everything=True)
    assert await rows(feeder.engine, PENDING) == []
    await assert_rollups_equal_calls(feeder)


async def test_what_somebody_else_folds_is_left_to_them(feeder: Feeder) -> None:
    await feeder.feed(DEFAULT, [started(feeder, call_id="a", task_id="t")])
    async with locked_transaction(feeder.engine, [fold_lock(1), TASK_LOCK]):
        await asyncio.wait_for(upkeep_of(feeder).fold_rollups(everything=True), DEADLINE_S)
        assert await TaskFoldingStore(feeder.engine).fold() == Folded(0, {})
    assert await rows(feeder.engine, PENDING) == [(0, 1)]
    assert await FoldingStore(feeder.engine).fold(Due(2, MINUTES), 0) == 0


async def test_two_that_fold_at_the_same_time_fold_once(feeder: Feeder) -> None:
    for number in range(6):
        await feeder.feed(
            DEFAULT if number % 2 else OTHER, [started(feeder, number * 3_600, call_id=f"c-{number}", task_id=f"t-{number % 3}")]
        )
    both = [upkeep_of(feeder), upkeep_of(feeder)]
    await asyncio.gather(*(one.fold_tasks() for one in both))
    await asyncio.gather(*(one.fold_rollups(everything=True) for one in both))
    await assert_rollups_equal_calls(feeder)


async def test_windows_past_a_levels_retention_go_to_the_next_one_alone(feeder: Feeder) -> None:
    await feeder.feed(DEFAULT, [started(feeder, 3 * DAY_S, call_id="a", task_id="")])
    upkeep = upkeep_of(feeder, minutes_kept_days=2)
    await upkeep.fold_rollups(everything=True)
    assert [level for level, _ in await rows(feeder.engine, CHUNKS)] == [1, 2]


async def test_days_are_of_the_projects_zone_as_it_is_when_they_are_folded(feeder: Feeder) -> None:
    upkeep = upkeep_of(feeder)
    await feeder.feed(DEFAULT, [started(feeder, call_id="a", task_id="")])
    await upkeep._projects.find(DEFAULT)
    await change(feeder.engine, "UPDATE collector.project SET time_zone = 'Asia/Kolkata'")
    await upkeep.fold_rollups(everything=True)
    await assert_rollups_equal_calls(feeder)


async def test_a_project_made_a_moment_ago_is_folded_and_announced(feeder: Feeder) -> None:
    upkeep = upkeep_of(feeder)
    await upkeep._projects.find(DEFAULT)
    await feeder.add_project("new")
    await feeder.feed("new", [started(feeder, call_id="a", task_id="t")])
    await upkeep.fold_tasks()
    await upkeep.fold_rollups(everything=True)
    await assert_rollups_equal_calls(feeder)


async def test_a_late_call_moves_its_task_to_another_window_and_series(feeder: Feeder) -> None:
    upkeep = upkeep_of(feeder)
    task = (
        "SELECT call_count, s.model, latest_start_us - first_start_us FROM collector.task "
        "JOIN collector.series s ON series_id = latest_series_id"
    )
    await feeder.feed(DEFAULT, [started(feeder, 7_200, call_id="a", task_id="t", model="m-1")])
    await upkeep.fold_tasks()
    assert await rows(feeder.engine, task) == [(1, "m-1", 0)]
    await feeder.feed(DEFAULT, [started(feeder, 10, call_id="b", task_id="t", model="m-2")])
    await upkeep.fold_tasks()
    assert await rows(feeder.engine, task) == [(2, "m-2", 7_190_000_000)]
    await feeder.feed(DEFAULT, [started(feeder, 3 * DAY_S, call_id="c", task_id="t", model="m-3")])
    await assert_rollups_equal_calls(feeder)
    assert await rows(feeder.engine, task) == [(3, "m-2", (3 * DAY_S - 10) * 1_000_000)]


async def test_a_chunk_that_its_only_task_has_left_is_gone(feeder: Feeder) -> None:
    upkeep = upkeep_of(feeder)
    await feeder.feed(DEFAULT, [started(feeder, 7_200, call_id="a", task_id="t")])
    await upkeep.fold_tasks()
    await upkeep.fold_rollups(everything=True)
    before = await value(feeder.engine, "SELECT count(*) FROM collector.rollup WHERE level = 0")
    await change(
        feeder.engine,
        "INSERT INTO collector.rollup_pending (project_id, level, create_time, oldest_receive_date, body) "
        "VALUES (1, 0, now(), :day, :body)",
        day=datetime.now(UTC).date(),
        body=await everything_taken_away(feeder),
    )
    await upkeep.fold_rollups(everything=True)
    assert before == 1
    assert await value(feeder.engine, "SELECT count(*) FROM collector.rollup") == 0


async def everything_taken_away(feeder: Feeder) -> bytes:
    """A delta that is the opposite of all minutes."""
    stored = await rows(feeder.engine, "SELECT series_id, chunk, measures, entries FROM collector.rollup WHERE level = 0 ORDER BY 1, 2")
    return encode_delta(negative(rollups.decode_rows([(row[0], row[1], row[2], row[3]) for row in stored], MINUTES)))


async def test_a_task_that_is_looked_at_before_it_has_calls_is_none(feeder: Feeder) -> None:
    await feeder.publish_evidence(DEFAULT, [evaluation(feeder, "e-1", 0.5, task_id="t")])
    await feeder.store()
    assert (await TaskFoldingStore(feeder.engine).fold()).row_count == 1
    assert await rows(feeder.engine, "SELECT * FROM collector.task") == []
