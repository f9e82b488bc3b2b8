"""Rebuilding finds and mends what is wrong with roll-ups, and nothing else."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest

from kit.errors import AssayError
from services.collector.domain.windows import Retention
from services.collector.rebuild import RebuildReport, rebuild, rebuild_url
from services.collector.store import rebuilding
from tests.collector.feeding import Feeder
from tests.collector.writing_support import (
    DEFAULT,
    OTHER,
    assert_rollups_equal_calls,
    change,
    check,
    evaluation,
    feedback,
    rows,
    started,
    upkeep_of,
    value,
)

DAY_S = 86_400
ALL_CHUNKS = "SELECT series_id, level, chunk, measures, entries FROM collector.rollup ORDER BY 1, 2, 3"


async def fold(feeder: Feeder) -> None:
    upkeep = upkeep_of(feeder)
    await upkeep.fold_tasks()
    await upkeep.fold_rollups(everything=True)


async def mend(feeder: Feeder, **fields: Any) -> RebuildReport:
    options = {"project": None, "start": None, "end": None, "check": False, "progress": lambda done, total: None}
    return await rebuild(feeder.engine, **(options | fields))


async def feed_some_days(feeder: Feeder) -> None:
    """Calls of three days in two series, with tasks and scores, folded."""
    calls = [
        started(feeder, 60 + hour * 3_600, call_id=f"c-{hour}", task_id=f"t-{hour // 2}", model=f"m-{hour % 2}") for hour in range(0, 72, 3)
    ]
    await feeder.feed(DEFAULT, calls)
    await feeder.publish_evidence(DEFAULT, [evaluation(feeder, "e-1", 0.25, call_id="c-3"), evaluation(feeder, "e-2", 0.5, task_id="t-3")])
    await feeder.store()
    await fold(feeder)


async def test_an_empty_collector_has_nothing_to_rebuild(feeder: Feeder) -> None:
    assert await check(feeder.engine) == RebuildReport(0, 0, 0)


async def test_what_is_right_stays_as_it_is(feeder: Feeder) -> None:
    await feed_some_days(feeder)
    await feeder.feed(DEFAULT, [started(feeder, call_id="waits", task_id="waits")])
    before = await rows(feeder.engine, ALL_CHUNKS)
    seen: list[tuple[int, int]] = []
    assert await mend(feeder, progress=lambda done, total: seen.append((done, total))) == RebuildReport(0, 0, 0)
    assert await rows(feeder.engine, ALL_CHUNKS) == before
    assert seen
    assert [done for done, _ in seen] == list(range(1, len(seen) + 1))
    assert {total for _, total in seen} == {len(seen)}
    await assert_rollups_equal_calls(feeder)


SPOILT = {
    "a window that counts too much": "UPDATE collector.rollup r SET measures = o.measures, entries = o.entries FROM collector.rollup o "
    "WHERE r.level = :level AND o.level = :level AND (r.series_id, r.chunk) = (SELECT series_id, min(chunk) FROM collector.rollup "
    "WHERE level = :level GROUP BY 1 ORDER BY 1 LIMIT 1) AND (o.series_id, o.chunk) = (SELECT series_id, max(chunk) "
    "FROM collector.rollup WHERE level = :level GROUP BY 1 ORDER BY 1 DESC LIMIT 1)",
    "a chunk that is gone": "DELETE FROM collector.rollup r WHERE level = :level AND (series_id, chunk) = (SELECT series_id, max(chunk) "
    "FROM collector.rollup WHERE level = :level GROUP BY 1 ORDER BY 1 LIMIT 1)",
    "bytes that are none": "UPDATE collector.rollup r SET measures = '\\x0102'::bytea WHERE level = :level AND (series_id, chunk) = ("
    "SELECT series_id, max(chunk) FROM collector.rollup WHERE level = :level GROUP BY 1 ORDER BY 1 LIMIT 1)",
    "a chunk that should not be there": "INSERT INTO collector.rollup SELECT series_id, level, chunk + 8 / (level * level + 1), "
    "oldest_receive_date, measures, entries FROM collector.rollup r WHERE level = :level AND (series_id, chunk) = ("
    "SELECT series_id, max(chunk) FROM collector.rollup WHERE level = :level GROUP BY 1 ORDER BY 1 LIMIT 1)",
}


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("spoilt", SPOILT)
async def test_what_is_wrong_is_found_and_mended(feeder: Feeder, level: int, spoilt: str) -> None:
    await feed_some_days(feeder)
    right = await rows(feeder.engine, ALL_CHUNKS)
    await change(feeder.engine, SPOILT[spoilt], level=level)
    wrong = await rows(feeder.engine, ALL_CHUNKS)
    assert wrong != right
    found = await check(feeder.engine)
    assert found.differing_window_count > 0
    assert (found.mended_chunk_count, found.refused_chunk_count) == (0, 0)
    assert await rows(feeder.engine, ALL_CHUNKS) == wrong
    mended = await mend(feeder)
    assert mended.mended_chunk_count > 0
    assert mended.differing_window_count == found.differing_window_count
    assert await rows(feeder.engine, ALL_CHUNKS) == right
    await assert_rollups_equal_calls(feeder)


async def test_a_lost_delta_and_a_doubled_one_are_found(feeder: Feeder) -> None:
    await feeder.feed(DEFAULT, [started(feeder, call_id="a", task_id="")])
    await change(
        feeder.engine,
        "INSERT INTO collector.rollup_pending (project_id, level, create_time, oldest_receive_date, body) "
        "SELECT project_id, level, create_time, oldest_receive_date, body FROM collector.rollup_pending",
    )
    assert (await check(feeder.engine)).differing_window_count == 3  # a minute, its quarter and its day
    await change(feeder.engine, "DELETE FROM collector.rollup_pending")
    assert (await check(feeder.engine)).differing_window_count == 3
    assert (await mend(feeder)).mended_chunk_count == 3
    await assert_rollups_equal_calls(feeder)


@pytest.mark.parametrize(
    "loss",
    [
        "DELETE FROM collector.call WHERE call_id = 'c-3'",
        "DELETE FROM collector.score",
        "UPDATE collector.score SET score_nanos = score_nanos + 1",
        "DELETE FROM collector.task WHERE task_id = 't-3'",
        "UPDATE collector.task SET score_nanos = 1 WHERE task_id = 't-3'",
        "UPDATE collector.task SET latest_start_us = latest_start_us - 3600000000 WHERE task_id = 't-3'",
        "UPDATE collector.call SET outcome = 2 WHERE call_id = 'c-3'",
    ],
)
async def test_every_source_counts(feeder: Feeder, loss: str) -> None:
    await feed_some_days(feeder)
    await change(feeder.engine, loss)
    assert (await check(feeder.engine)).differing_window_count >= 3


async def test_a_range_and_a_project_bound_what_is_looked_at(feeder: Feeder) -> None:
    await feed_some_days(feeder)
    await feeder.feed(OTHER, [started(feeder, call_id="a")])
    await fold(feeder)
    await change(feeder.engine, "DELETE FROM collector.rollup WHERE level = 0")
    now = datetime.fromtimestamp(feeder.now_us / 1e6, UTC)
    everything = await mend(feeder, check=True)
    one = await mend(feeder, check=True, project=OTHER)
    part = await mend(feeder, check=True, project=DEFAULT, start=now - timedelta(hours=13), end=now - timedelta(hours=12))
    assert one.differing_window_count == 1
    assert 0 < part.differing_window_count < everything.differing_window_count - 1
    assert (await mend(feeder, check=True, start=now + timedelta(days=2), end=None)).differing_window_count == 0
    with pytest.raises(AssayError) as refused:
        await mend(feeder, project="nobody")
    assert refused.value.reason == "PROJECT_UNKNOWN"


async def test_a_database_is_found_by_its_url(feeder: Feeder) -> None:
    await feed_some_days(feeder)
    await change(feeder.engine, "DELETE FROM collector.rollup WHERE level = 2")
    url = feeder.engine.url.render_as_string(hide_password=False)
    options = {"project": DEFAULT, "start": None, "end": None, "check": True, "progress": lambda done, total: None}
    assert (await rebuild_url(url, **options)).differing_window_count > 0


async def drop_oldest_day(feeder: Feeder) -> None:
    """Feeds what is received today and forty days ago, and loses the calls of the latter."""
    feeder.now_us -= 40 * DAY_S * 1_000_000
    await feeder.feed(DEFAULT, [started(feeder, call_id="old", task_id="old"), started(feeder, call_id="older", model="gone")])
    await change(feeder.engine, "UPDATE collector.series SET first_store_time = now() - interval '40 days'")
    await fold(feeder)
    feeder.now_us += 40 * DAY_S * 1_000_000
    await feeder.feed(DEFAULT, [started(feeder, call_id="new")])
    await fold(feeder)
    await upkeep_of(feeder).expire()


async def test_windows_whose_calls_are_gone_stay_as_they_are(feeder: Feeder) -> None:
    await drop_oldest_day(feeder)
    before = await rows(feeder.engine, ALL_CHUNKS)
    assert await value(feeder.engine, "SELECT count(*) FROM collector.call") == 1
    found = await mend(feeder)
    assert (found.differing_window_count, found.mended_chunk_count) == (0, 0)
    assert found.refused_chunk_count == 2  # the quarters of two series; minutes are past retention, days are sums of quarters
    assert await rows(feeder.engine, ALL_CHUNKS) == before


async def test_days_that_can_be_known_are_mended_beside_others(feeder: Feeder) -> None:
    await drop_oldest_day(feeder)
    before = await rows(feeder.engine, ALL_CHUNKS)
    await change(feeder.engine, "DELETE FROM collector.rollup WHERE level < 2 AND oldest_receive_date >= current_date - 1")
    found = await mend(feeder)
    assert found.mended_chunk_count == 2
    assert await rows(feeder.engine, ALL_CHUNKS) == before


async def test_days_over_quarters_that_nobody_can_read_stay_as_they_are(feeder: Feeder) -> None:
    await drop_oldest_day(feeder)
    spoil = "UPDATE collector.rollup SET entries = '\\x01ff'::bytea WHERE level = 1 AND oldest_receive_date < current_date - 1"
    await change(feeder.engine, spoil)
    before = await rows(feeder.engine, ALL_CHUNKS)
    found = await mend(feeder)
    assert (found.differing_window_count, found.mended_chunk_count) == (0, 0)
    assert found.refused_chunk_count >= 4
    assert await rows(feeder.engine, ALL_CHUNKS) == before


async def test_months_old_calls_that_came_today_are_all_there(feeder: Feeder) -> None:
    await feeder.feed(DEFAULT, [started(feeder, days * DAY_S, call_id=f"c-{days}", task_id=f"t-{days // 20}") for days in range(5, 390, 7)])
    await fold(feeder)
    await assert_rollups_equal_calls(feeder)
    await change(feeder.engine, "DELETE FROM collector.rollup WHERE level > 0")
    found = await mend(feeder)
    assert found.refused_chunk_count == 0
    assert found.mended_chunk_count > 50
    await assert_rollups_equal_calls(feeder)


async def test_what_is_past_a_levels_retention_is_not_looked_for(feeder: Feeder) -> None:
    await feeder.feed(DEFAULT, [started(feeder, 20 * DAY_S, call_id="old"), started(feeder, call_id="new")])
    await fold(feeder)
    assert await value(feeder.engine, "SELECT count(*) FROM collector.rollup WHERE level = 0") == 1
    await assert_rollups_equal_calls(feeder)
    kept_longer = await mend(feeder, check=True, retention=Retention(minute_days=30))
    assert kept_longer.differing_window_count == 1


@pytest.mark.parametrize("seed", range(3))
async def test_after_any_feeding_nothing_is_found(feeder: Feeder, seed: int) -> None:
    """Duplicates, tasks that move, evidence before and after its call, feedback, two projects, a zone with half hours; any fold state."""
    choose = random.Random(seed)
    await change(feeder.engine, "UPDATE collector.project SET time_zone = 'Asia/Kolkata' WHERE project = 'default'")
    upkeep = upkeep_of(feeder)
    for batch in range(12):
        project = choose.choice([DEFAULT, DEFAULT, OTHER])
        calls = [
            started(
                feeder,
                choose.choice([choose.uniform(0, 600), choose.uniform(0, 3 * DAY_S)]),
                call_id=f"c-{choose.randrange(150)}",
                task_id=choose.choice(["", f"t-{choose.randrange(12)}"]),
                model=f"m-{choose.randrange(4)}",
                outcome=choose.randint(1, 6),
                revision_count=choose.choice([None, choose.randrange(4)]),
                cost_usd_nanos=choose.choice([None, choose.randrange(10**9)]),
                usage=choose.choice([None, {"input_token_count": choose.randrange(1_000)}]),
            )
            for _ in range(choose.randrange(1, 30))
        ]
        pieces = [random_piece(feeder, choose, f"e-{batch}-{number}") for number in range(choose.randrange(8))]
        await feeder.publish(project, calls)
        if pieces:
            await feeder.publish_evidence(project, pieces)
        await feeder.store()
        if choose.random() < 0.4:
            await upkeep.fold_tasks()
        if choose.random() < 0.4:
            await upkeep.fold_rollups(everything=True)
        assert await check(feeder.engine) == RebuildReport(0, 0, 0), batch
    await assert_rollups_equal_calls(feeder)
    assert await value(feeder.engine, "SELECT count(*) FROM collector.evidence WHERE NOT is_waiting") > 0
    assert await tasks_as_calls_say(feeder) == await tasks_as_stored(feeder)


def random_piece(feeder: Feeder, choose: random.Random, evidence_id: str) -> Any:
    subject = choose.choice([{"call_id": f"c-{choose.randrange(150)}"}, {"task_id": f"t-{choose.randrange(12)}"}])
    if choose.random() < 0.3:
        return feedback(feeder, evidence_id, accepted=choose.random() < 0.5, **subject)
    evaluator = {"evaluator": choose.choice(["judge", "human"]), "score_ratio": choose.random()}
    return evaluation(feeder, evidence_id, 0.0, evaluation=evaluator, **subject)


async def tasks_as_calls_say(feeder: Feeder) -> list[tuple[Any, ...]]:
    sql = (
        "SELECT DISTINCT ON (s.project_id, c.task_id) s.project_id, c.task_id, count(*) OVER task, min(c.start_us) OVER task, c.start_us, "
        "c.series_id, c.outcome FROM collector.call c JOIN collector.series s USING (series_id) WHERE c.task_id <> '' "
        "WINDOW task AS (PARTITION BY s.project_id, c.task_id) "
        "ORDER BY s.project_id, c.task_id, c.start_us DESC, c.series_id DESC, c.outcome DESC"
    )
    return await rows(feeder.engine, sql)


async def tasks_as_stored(feeder: Feeder) -> list[tuple[Any, ...]]:
    sql = (
        "SELECT project_id, task_id, call_count, first_start_us, latest_start_us, latest_series_id, latest_outcome FROM collector.task "
        "ORDER BY project_id, task_id"
    )
    return await rows(feeder.engine, sql)


async def test_an_id_sent_again_after_days_keeps_its_score_with_the_first(feeder: Feeder) -> None:
    feeder.now_us -= 5 * DAY_S * 1_000_000
    await feeder.feed(DEFAULT, [started(feeder, call_id="a")])
    feeder.now_us += 5 * DAY_S * 1_000_000
    await feeder.feed(DEFAULT, [started(feeder, call_id="a")])
    await feeder.publish_evidence(DEFAULT, [evaluation(feeder, "e-1", 0.5, call_id="a")])
    await feeder.store()
    assert await value(feeder.engine, "SELECT count(*) FROM collector.call") == 2
    await assert_rollups_equal_calls(feeder)


async def test_many_calls_are_read_some_at_a_time(feeder: Feeder) -> None:
    await feeder.feed(DEFAULT, [started(feeder, number, call_id=f"c-{number}", task_id="") for number in range(50)])
    with patch.object(rebuilding, "CALLS_AT_ONCE", 4), patch("services.collector.rebuild._PARTS_MAX", 3):
        await assert_rollups_equal_calls(feeder)
