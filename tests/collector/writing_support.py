"""A collector to write to, and what is looked at afterwards."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from assay.events.v1.ingest_pb2 import WindowsChanged
from assay.telemetry.v1 import call_pb2, evidence_pb2
from nats.aio.msg import Msg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from kit.bus import Bus
from kit.embedded.stack import Stack
from services.collector import streams, writer
from services.collector.rebuild import RebuildReport, rebuild
from services.collector.settings import WriterSettings
from services.collector.upkeep import Retention, Upkeep
from tests.collector.feeding import Feeder, feeding
from tests.collector.ingest_samples import call, evidence

DEADLINE_S = 120.0
DEFAULT = "default"
OTHER = "other"


@asynccontextmanager
async def collector(stack: Stack, bus: Bus) -> AsyncIterator[Feeder]:
    """A database of its own with two projects, received at the time of the clock."""
    database_url = await stack.create_database(f"test_{uuid4().hex[:12]}")
    async with feeding(database_url, bus) as feeder:
        feeder.now_us = time.time_ns() // 1_000
        await feeder.add_project(DEFAULT)
        await feeder.add_project(OTHER)
        yield feeder


def started(feeder: Feeder, seconds_ago: float = 60.0, **fields: Any) -> call_pb2.Call:
    """A call that started so long before the feeder's time."""
    micros = feeder.now_us - int(seconds_ago * 1_000_000)
    return call(start_time={"seconds": micros // 1_000_000, "nanos": micros % 1_000_000 * 1_000}, **fields)


def evaluation(feeder: Feeder, evidence_id: str, score: float, **fields: Any) -> evidence_pb2.Evidence:
    """An evaluation observed now."""
    values = {"call_id": None, "evaluation": {"evaluator": "judge", "score_ratio": score}} | fields
    return evidence(evidence_id=evidence_id, observe_time={"seconds": feeder.now_us // 1_000_000}, **values)


def feedback(feeder: Feeder, evidence_id: str, *, accepted: bool, **fields: Any) -> evidence_pb2.Evidence:
    """A word of feedback observed now."""
    values = {"call_id": None, "evaluation": None, "feedback": {"accepted": accepted}} | fields
    return evidence(evidence_id=evidence_id, observe_time={"seconds": feeder.now_us // 1_000_000}, **values)


async def rows(engine: AsyncEngine, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """What a statement finds."""
    async with engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(text(sql), parameters)]


async def value(engine: AsyncEngine, sql: str, **parameters: Any) -> Any:
    """The one value that a statement finds."""
    ((found,),) = await rows(engine, sql, **parameters)
    return found


async def change(engine: AsyncEngine, sql: str, **parameters: Any) -> None:
    """Changes something behind the collector's back."""
    async with engine.begin() as connection:
        await connection.execute(text(sql), parameters)


async def booked(engine: AsyncEngine, project: str = DEFAULT, kind: int = 1) -> tuple[int, ...]:
    """A project's ledger: stored, rejected, duplicate, dead-lettered, dropped by clients, and too late."""
    sums = (
        "SELECT coalesce(sum(stored_count), 0)::int, coalesce(sum(rejected_count), 0)::int, coalesce(sum(duplicate_count), 0)::int, "
        "coalesce(sum(dead_lettered_count), 0)::int, coalesce(sum(client_dropped_count), 0)::int, coalesce(sum(too_late_count), 0)::int "
        "FROM collector.ledger JOIN collector.project USING (project_id) WHERE project = :project AND kind = :kind"
    )
    (found,) = await rows(engine, sums, project=project, kind=kind)
    return found


async def call_ids(engine: AsyncEngine, project: str = DEFAULT) -> list[str]:
    """The ids of a project's calls, as often as they are stored."""
    sql = (
        "SELECT call_id FROM collector.call JOIN collector.series USING (series_id) JOIN collector.project USING (project_id) "
        "WHERE project = :project ORDER BY call_id"
    )
    return [row[0] for row in await rows(engine, sql, project=project)]


async def check(engine: AsyncEngine) -> RebuildReport:
    """Compares roll-ups with calls, tasks and scores."""
    return await rebuild(engine, project=None, start=None, end=None, check=True, progress=lambda done, total: None)


async def assert_rollups_equal_calls(feeder: Feeder) -> None:
    """At every state of folding: as it is, with tasks folded, and with all deltas folded."""
    upkeep = upkeep_of(feeder)
    found = [await check(feeder.engine)]
    await upkeep.fold_tasks()
    found.append(await check(feeder.engine))
    await upkeep.fold_rollups(everything=True)
    found.append(await check(feeder.engine))
    assert found == [RebuildReport(0, 0, 0)] * 3
    assert await value(feeder.engine, "SELECT count(*) FROM collector.rollup_pending") == 0
    assert await value(feeder.engine, "SELECT count(*) FROM collector.task_pending") == 0


def settings(**fields: Any) -> WriterSettings:
    """A writer's settings, with servers that nobody asks."""
    return WriterSettings(database_url="postgresql+asyncpg://u:p@localhost/d", nats_url="nats://u:p@localhost", **fields)


def upkeep_of(feeder: Feeder, **fields: Any) -> Upkeep:
    """A writer's timers."""
    own = settings(**fields)
    return Upkeep(feeder.engine, feeder.bus, Retention(own.calls_kept_days, own.minutes_kept_days, own.quarters_kept_days, own.history))


@asynccontextmanager
async def running_writers(feeder: Feeder, count: int = 1) -> AsyncIterator[Sequence["asyncio.Task[None]"]]:
    """Writers side by side, until the block is left."""
    stop = asyncio.Event()
    with patch.object(writer, "FETCH_WAIT_S", 0.1):
        tasks = [asyncio.create_task(writer.Writer(feeder.engine, feeder.bus).run(stop)) for _ in range(count)]
        try:
            yield tasks
        finally:
            stop.set()
            await asyncio.gather(*tasks)


async def until(condition: Callable[[], Awaitable[bool]], what: str = "it") -> None:
    """Returns when the condition holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not await condition():
        assert time.monotonic() < deadline, f"{what} did not come within {DEADLINE_S} s"
        await asyncio.sleep(0.02)


async def all_acknowledged(feeder: Feeder) -> bool:
    """Whether everything on the stream has been stored and acknowledged."""
    last = (await feeder.bus.stream_state(streams.INGEST)).last_sequence
    return await feeder.bus.consumer(streams.INGEST, streams.WRITER).floor() == last


@asynccontextmanager
async def announcements(bus: Bus) -> AsyncIterator[list[WindowsChanged]]:
    """What is announced during the block, as it comes."""
    heard: list[WindowsChanged] = []

    async def note(message: Msg) -> None:
        heard.append(WindowsChanged.FromString(message.data))

    async with bus.subscribed(f"{streams.WINDOWS_SUBJECT}.*", note):
        yield heard
