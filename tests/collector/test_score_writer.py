"""Scores of the analyzer take the place of the collector's own, once each, in whatever order and however often they come."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

import pytest
from assay.events.v1.scores_pb2 import ScoresChanged
from nats.js.api import RetentionPolicy, StreamConfig

from services.collector import score_writer, streams
from services.collector.score_writer import ScoreWriter
from services.collector.store import scores as score_store
from tests.collector.feeding import Feeder
from tests.collector.writing_support import (
    DEFAULT,
    OTHER,
    announcements,
    assert_rollups_equal_calls,
    evaluation,
    rows,
    started,
    until,
    upkeep_of,
    value,
)

SCORES = "SELECT call_id, score_nanos, version FROM collector.score ORDER BY project_id, call_id"
TASKS = "SELECT task_id, score_nanos FROM collector.task ORDER BY project_id, task_id"
STREAM = StreamConfig(name=streams.SCORES, subjects=["assay.scores.*"], retention=RetentionPolicy.WORK_QUEUE)


async def tell(feeder: Feeder, *scores: Any, project: str = DEFAULT) -> None:
    event = ScoresChanged(scores=scores)
    await feeder.bus.publish(f"assay.scores.{project}", event.SerializeToString(), {})


@asynccontextmanager
async def taking(feeder: Feeder) -> AsyncIterator[None]:
    """A writer of scores during the block, and all of them taken in the end."""
    await feeder.bus.ensure_stream(STREAM)
    stop = asyncio.Event()
    with patch.object(score_writer, "FETCH_WAIT_S", 0.05), patch.object(score_writer, "STREAM_WAIT_S", 0.05):
        task = asyncio.create_task(ScoreWriter(feeder.engine, feeder.bus).run(stop))
        try:
            yield

            async def is_empty() -> bool:
                return (await feeder.bus.stream_state(streams.SCORES)).message_count == 0

            await until(is_empty)
        finally:
            stop.set()
            await task
            await feeder.bus.jetstream.delete_stream(streams.SCORES)


async def test_a_newer_score_replaces_the_mean_of_evaluations_and_an_older_one_nothing(feeder: Feeder) -> None:
    await feeder.publish(DEFAULT, [started(feeder, call_id=name, task_id="t") for name in "ab"])
    await feeder.publish_evidence(DEFAULT, [evaluation(feeder, "e-1", 0.25, call_id="a"), evaluation(feeder, "e-2", 0.5, task_id="t")])
    await feeder.store()
    upkeep = upkeep_of(feeder)
    await upkeep.fold_tasks()
    told = [
        {"call_id": "a", "version": 7, "score_nanos": 750_000_000},
        {"call_id": "b", "version": 3, "score_nanos": 100_000_000},
        {"call_id": "nobody", "version": 3, "score_nanos": 1},
        {"task_id": "t", "version": 2, "score_nanos": 900_000_000},
        {"task_id": "later", "version": 2, "score_nanos": 800_000_000},
    ]
    async with announcements(feeder.bus) as heard, taking(feeder):
        await tell(feeder, *told)
        await tell(feeder, *told)
        await tell(feeder, {"call_id": "a", "version": 6, "score_nanos": 0}, {"task_id": "t", "version": 1, "score_nanos": 0})
        await tell(feeder, {"call_id": "a", "version": 1, "score_nanos": 0}, project=OTHER)
    assert [event.project for event in heard][:1] == [DEFAULT]
    assert await rows(feeder.engine, SCORES) == [("a", 750_000_000, 7), ("b", 100_000_000, 3)]
    await assert_rollups_equal_calls(feeder)
    assert await rows(feeder.engine, TASKS) == [("t", 900_000_000)]
    # What comes now is the analyzer's to make a score of; a task that comes later finds the score that it was told.
    await feeder.publish_evidence(DEFAULT, [evaluation(feeder, "e-3", 1.0, call_id="a"), evaluation(feeder, "e-4", 1.0, task_id="t")])
    await feeder.publish(DEFAULT, [started(feeder, call_id="c", task_id="later")])
    await feeder.publish_evidence(DEFAULT, [evaluation(feeder, "e-5", 0.0, task_id="later")])
    await feeder.store()
    await assert_rollups_equal_calls(feeder)
    assert await rows(feeder.engine, SCORES) == [("a", 750_000_000, 7), ("b", 100_000_000, 3)]
    assert await rows(feeder.engine, TASKS) == [("later", 800_000_000), ("t", 900_000_000)]


async def test_scores_that_were_stored_and_not_acknowledged_are_counted_once(feeder: Feeder, monkeypatch: pytest.MonkeyPatch) -> None:
    await feeder.feed(DEFAULT, [started(feeder, call_id="a")])
    count = score_store._count
    failures = [ConnectionError(), ConnectionError()]

    async def breaking(*arguments: Any) -> None:
        await count(*arguments)
        if failures:
            raise failures.pop()

    monkeypatch.setattr(score_store, "_count", breaking)
    monkeypatch.setattr("kit.patience.RETRY_S", 0.01)
    async with taking(feeder):
        await tell(feeder, {"call_id": "a", "version": 1, "score_nanos": 500_000_000})
        await tell(feeder, {"call_id": "a", "version": 2, "score_nanos": 700_000_000})
    assert not failures
    assert await rows(feeder.engine, SCORES) == [("a", 700_000_000, 2)]
    await assert_rollups_equal_calls(feeder)


async def test_what_is_no_score_is_passed_over(feeder: Feeder, caplog: pytest.LogCaptureFixture) -> None:
    await feeder.feed(DEFAULT, [started(feeder, call_id="a")])
    async with taking(feeder):
        await feeder.bus.publish(f"assay.scores.{DEFAULT}", b"\xff", {})
        await tell(feeder, {"call_id": "a", "version": 1, "score_nanos": 1}, project="nobody")
    async with taking(feeder):
        await tell(feeder, {"call_id": "a", "version": 0, "score_nanos": 1})
    async with taking(feeder):
        await tell(feeder, {"call_id": "a", "version": 1, "score_nanos": 400_000_000})
    assert await value(feeder.engine, "SELECT score_nanos FROM collector.score") == 400_000_000
    assert sum("scores cannot be read" in record.getMessage() for record in caplog.records) == 2
