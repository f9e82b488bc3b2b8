"""Evidence finds its call or task whenever it comes, and is counted where these are."""

from typing import Any
from unittest.mock import patch

import pytest

from services.collector.store import evidence as evidence_store
from services.collector.writer import Writer
from tests.collector.feeding import Feeder
from tests.collector.writing_support import (
    DEFAULT,
    OTHER,
    announcements,
    assert_rollups_equal_calls,
    booked,
    evaluation,
    feedback,
    rows,
    started,
    until,
    upkeep_of,
    value,
)

DAY_US = 86_400_000_000
SCORES = "SELECT call_id, score_nanos FROM collector.score ORDER BY project_id, call_id"
WAITING = "SELECT count(*) FROM collector.evidence WHERE is_waiting"
TASKS = "SELECT task_id, feedback_accepted, score_nanos FROM collector.task ORDER BY project_id, task_id"


async def send(feeder: Feeder, *pieces: Any, project: str = DEFAULT) -> None:
    await feeder.publish_evidence(project, pieces)
    await feeder.store()


@pytest.mark.parametrize("order", ["call first", "evidence first", "together"])
async def test_a_score_is_the_calls_whenever_it_comes(feeder: Feeder, order: str) -> None:
    one, other = evaluation(feeder, "e-1", 0.25, call_id="a"), evaluation(feeder, "e-2", 0.75, call_id="nobody")
    if order == "evidence first":
        await send(feeder, one, other)
        assert await value(feeder.engine, WAITING) == 2
        assert await rows(feeder.engine, SCORES) == []
    await feeder.publish(DEFAULT, [started(feeder, call_id="a", task_id="t")])
    if order == "call first":
        await feeder.store()
    if order != "evidence first":
        await feeder.publish_evidence(DEFAULT, [one, other])
    await feeder.store()
    assert await rows(feeder.engine, SCORES) == [("a", 250_000_000)]
    assert await value(feeder.engine, WAITING) == 1
    assert await booked(feeder.engine, kind=2) == (2, 0, 0, 0, 0, 0)
    await assert_rollups_equal_calls(feeder)


async def test_the_newest_of_each_evaluator_counts_and_repeats_do_not(feeder: Feeder) -> None:
    await feeder.feed(DEFAULT, [started(feeder, call_id="a")])
    human = {"evaluator": "human", "score_ratio": 1.0}
    await send(feeder, evaluation(feeder, "e-1", 0.5, call_id="a"), evaluation(feeder, "e-1", 0.9, call_id="a"))
    await send(feeder, evaluation(feeder, "e-1", 0.9, call_id="a"), evaluation(feeder, "e-2", 0, call_id="a", evaluation=human))
    assert await rows(feeder.engine, SCORES) == [("a", 750_000_000)]
    feeder.now_us += 2_000_000
    await send(feeder, evaluation(feeder, "e-3", 0.1, call_id="a"))
    assert await rows(feeder.engine, SCORES) == [("a", 550_000_000)]
    assert await booked(feeder.engine, kind=2) == (3, 0, 2, 0, 0, 0)
    await assert_rollups_equal_calls(feeder)


async def test_evidence_of_one_project_is_not_the_others(feeder: Feeder) -> None:
    await feeder.publish(DEFAULT, [started(feeder, call_id="a", task_id="t")])
    await feeder.publish(OTHER, [started(feeder, call_id="a", task_id="t")])
    await feeder.publish_evidence(
        OTHER, [evaluation(feeder, "e-1", 0.5, call_id="a"), feedback(feeder, "e-2", accepted=False, task_id="t")]
    )
    await feeder.publish_evidence(DEFAULT, [evaluation(feeder, "e-1", 1.0, call_id="a")])
    await feeder.store()
    await assert_rollups_equal_calls(feeder)
    assert await rows(feeder.engine, SCORES) == [("a", 1_000_000_000), ("a", 500_000_000)]
    assert await rows(feeder.engine, TASKS) == [("t", -1, -1), ("t", 0, -1)]


@pytest.mark.parametrize("is_folded", [False, True], ids=["before the task has a row", "after"])
@pytest.mark.parametrize("comes", ["before its calls", "with its calls", "after its calls"])
async def test_a_tasks_evidence_counts_whenever_it_comes(feeder: Feeder, comes: str, is_folded: bool) -> None:
    pieces = [feedback(feeder, "e-1", accepted=False, task_id="t"), evaluation(feeder, "e-2", 0.5, task_id="t")]
    upkeep = upkeep_of(feeder)
    if comes == "before its calls":
        await send(feeder, *pieces)
        if is_folded:
            await upkeep.fold_tasks()
    await feeder.publish(DEFAULT, [started(feeder, call_id="a", task_id="t")])
    if comes == "after its calls":
        await feeder.store()
        if is_folded:
            await upkeep.fold_tasks()
    if comes != "before its calls":
        await feeder.publish_evidence(DEFAULT, pieces)
    await feeder.store()
    await assert_rollups_equal_calls(feeder)
    assert await rows(feeder.engine, TASKS) == [("t", 0, 500_000_000)]
    assert await value(feeder.engine, WAITING) == 0


@pytest.mark.parametrize("comes_first", ["call", "feedback"])
async def test_feedback_on_a_call_is_its_tasks_and_the_newest_counts(feeder: Feeder, comes_first: str) -> None:
    call = started(feeder, call_id="a", task_id="t")
    older = feedback(feeder, "e-9", accepted=False, call_id="a")
    feeder.now_us += 2_000_000
    newer = feedback(feeder, "e-1", accepted=True, call_id="a")
    alone = feedback(feeder, "e-3", accepted=True, call_id="b")
    if comes_first == "call":
        await feeder.feed(DEFAULT, [call, started(feeder, call_id="b", task_id="")])
    await send(feeder, newer, older, alone)
    if comes_first == "feedback":
        await feeder.feed(DEFAULT, [call, started(feeder, call_id="b", task_id="")])
    await assert_rollups_equal_calls(feeder)
    assert await rows(feeder.engine, TASKS) == [("t", 1, -1)]
    later = await value(feeder.engine, "SELECT count(*) FROM collector.evidence WHERE task_id = 't'")
    assert later == 2


async def test_a_result_that_was_accepted_by_nobody_counts_by_its_last_call(feeder: Feeder) -> None:
    await feeder.feed(DEFAULT, [started(feeder, 60, call_id="a", task_id="t", outcome=2), started(feeder, 30, call_id="b", task_id="t")])
    await send(feeder, evaluation(feeder, "e-1", 0.5, task_id="t"))
    await assert_rollups_equal_calls(feeder)
    assert await rows(feeder.engine, TASKS) == [("t", -1, 500_000_000)]


async def test_waiting_is_bounded_and_what_has_no_room_is_too_late(feeder: Feeder) -> None:
    with patch.object(evidence_store, "WAITING_MAX", 3):
        await send(feeder, *(evaluation(feeder, f"e-{number}", 0.5, call_id=f"c-{number}") for number in range(2)))
        await send(feeder, *(evaluation(feeder, f"f-{number}", 0.5, task_id=f"t-{number}") for number in range(3)))
        await send(feeder, evaluation(feeder, "g-1", 0.5, call_id="c-9"))
        await send(feeder, evaluation(feeder, "e-1", 0.5, call_id="c-1"), project=OTHER)
    assert await value(feeder.engine, WAITING) == 4
    assert await booked(feeder.engine, kind=2) == (6, 0, 0, 0, 0, 3)
    assert await booked(feeder.engine, OTHER, kind=2) == (1, 0, 0, 0, 0, 0)
    await feeder.feed(DEFAULT, [started(feeder, call_id="c-0"), started(feeder, call_id="c-9")])
    assert await rows(feeder.engine, SCORES) == [("c-0", 500_000_000)]
    await assert_rollups_equal_calls(feeder)


async def test_what_has_waited_as_long_as_calls_are_kept_is_too_late(feeder: Feeder) -> None:
    feeder.now_us -= 31 * DAY_US
    await send(feeder, evaluation(feeder, "e-1", 0.5, call_id="a"), evaluation(feeder, "e-2", 0.5, task_id="t"))
    feeder.now_us += 31 * DAY_US
    await send(feeder, evaluation(feeder, "e-3", 0.5, call_id="b"))
    await upkeep_of(feeder).expire()
    await upkeep_of(feeder).expire()
    assert await value(feeder.engine, WAITING) == 1
    assert await booked(feeder.engine, kind=2) == (3, 0, 0, 0, 0, 2)


async def test_evidence_of_a_message_stored_before_is_announced_again(feeder: Feeder) -> None:
    await feeder.feed(DEFAULT, [started(feeder, 7_200, call_id="a")])
    await feeder.publish_evidence(DEFAULT, [evaluation(feeder, "e-1", 0.5, call_id="a")])
    killed = Writer(feeder.engine, feeder.bus)
    taken = await killed._intake.take(1, 5.0)
    await killed._store.add(await killed._prepare(taken))
    await killed._intake.give_back(taken)
    async with announcements(feeder.bus) as heard:
        await feeder.store()

        async def announced() -> bool:
            return bool(heard)

        await until(announced, "the announcement")
    assert heard[0].first_start_min == heard[0].last_start_min == (feeder.now_us // 60_000_000) - 120
    assert heard[0].last_receive_unix_us == 0
    assert await booked(feeder.engine, kind=2) == (1, 0, 0, 0, 0, 0)
    await assert_rollups_equal_calls(feeder)
