"""What it takes to tell other monitoring systems: a scrape of 2,000 series, and 300 series sent by remote write and to InfluxDB."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from statistics import median

import httpx
import numpy as np
import psutil
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.figures import Figure, Report
from bench.suite import RunningSuite, running_suite
from cli.work.database import database_url
from gateway.routes.scrape import PATH
from gateway.scrape_format import OPEN_METRICS, PROTOBUF, TEXT
from kit import database
from services.collector.domain.arrays import Ints
from services.collector.domain.levels import MINUTES
from services.collector.domain.rollup import US_PER_MIN, CallColumns, Windows, rollup_calls
from services.collector.domain.windows import Retention
from services.collector.export.counters import CounterSender
from services.collector.export.http import http
from services.collector.export.targets import Target
from services.collector.export.windows import WindowSender
from services.collector.query import MetricsQueries
from services.collector.store import counters, exports, rollups
from services.collector.store.exports import ExportStore, TargetKind
from services.collector.store.sql import driver_of

AREA = "outputs"
SCRAPED_SERIES, SENT_SERIES = 2_000, 300
CALLS_PER_SERIES = 300
SCRAPES = 5
RETENTION = Retention()
# A minute changes with each fold while it lasts.
FOLDS_PER_MIN = 60 / MINUTES.fold_after_s
STEPS = 8

_PROJECT = text("SELECT project_id FROM collector.project WHERE project = 'default'")
_MAKE_SERIES = text(
    "INSERT INTO collector.series (project_id, provider, model, task_type, prompt_name, prompt_version, first_store_time) "
    "SELECT :project_id, 'provider-' || i % 5, 'model-' || i % 60 / 5, 'task-' || i / 60, '', '', now() "
    "FROM generate_series(CAST(:first AS int), CAST(:last AS int)) i RETURNING series_id"
)


async def run(report: Report) -> None:
    """On a suite of its own, with a receiver that takes everything."""
    async with running_suite() as suite, database.engine(database_url(suite.data_dir)) as engine:
        async with engine.begin() as connection:
            project_id = int(await connection.scalar(_PROJECT) or 0)
        await _sent(report, suite, engine, project_id)
        await _fill(engine, project_id, await _series(engine, project_id, SENT_SERIES, SCRAPED_SERIES))
        await _scraped(report, suite)


async def _scraped(report: Report, suite: RunningSuite) -> None:
    headers = {"authorization": f"Bearer {suite.secret}"}
    async with httpx.AsyncClient(base_url=suite.gateway, headers=headers, timeout=60, trust_env=False) as client:
        for name, accept in (("text", TEXT), ("OpenMetrics", OPEN_METRICS), ("protobuf", PROTOBUF)):
            took_ms, byte_count, before_s = [], 0, _processes_s(suite)
            for _ in range(SCRAPES):
                began = time.perf_counter()
                answer = await client.get(PATH, params={"project": "default"}, headers={"accept": accept})
                took_ms.append((time.perf_counter() - began) * 1e3)
                byte_count = len(answer.raise_for_status().content)
            report(Figure(AREA, f"scrape of {SCRAPED_SERIES} series, {name}", median(took_ms), "ms", 200, "lower"))
            used_ms = (_processes_s(suite) - before_s) / SCRAPES * 1e3
            report(Figure(AREA, f"… processor time of all, reader included, {name}", used_ms, "ms", None, "lower"))
            report(Figure(AREA, f"… its size, {name}", byte_count / 1e6, "MB", None, "lower"))


async def _sent(report: Report, suite: RunningSuite, engine: AsyncEngine, project_id: int) -> None:
    series = await _series(engine, project_id, 0, SENT_SERIES)
    await _fill(engine, project_id, series)
    async with _receiver() as url, http() as client:
        store = ExportStore(engine, "bench")
        sender = CounterSender(engine, client, Target(name="counters", kind="remote_write", url=url))
        await store.lease("counters", TargetKind.COUNTERS, url)

        async def snapshot() -> None:
            await sender.look(0)
            while await sender.step(0):
                pass

        took_s = await _cpu_s(suite, snapshot)
        report(Figure(AREA, f"remote write of {SENT_SERIES} series each minute", took_s / 60 * 100, "% of a core", 5, "lower"))
        windows = WindowSender(
            engine,
            client,
            Target(name="windows", kind="influxdb", url=url),
            store=store,
            queries=MetricsQueries(engine, RETENTION),
            minute_days=RETENTION.minute_days,
        )
        await store.lease("windows", TargetKind.WINDOWS, url)
        await _fill(engine, project_id, series)  # with a target, it is noted what changed

        async def change() -> None:
            if not await windows.step(0):
                raise RuntimeError("no change was noted")

        took_s = await _cpu_s(suite, change)
        share = took_s * FOLDS_PER_MIN / 60 * 100
        report(Figure(AREA, f"InfluxDB, {SENT_SERIES} series that change with every fold", share, "% of a core", 5, "lower"))


async def _cpu_s(suite: RunningSuite, work: Callable[[], Awaitable[None]]) -> float:
    """Seconds of a processor that the work takes once, PostgreSQL's included, less what the suite takes while nothing is sent."""
    await work()
    idle_s = await _used_s(suite, lambda: asyncio.sleep(3.0)) / 3.0
    began = time.perf_counter()

    async def several() -> None:
        for _ in range(STEPS):
            await work()

    used_s = await _used_s(suite, several)
    return max(used_s - idle_s * (time.perf_counter() - began), 0.0) / STEPS


async def _used_s(suite: RunningSuite, work: Callable[[], Awaitable[None]]) -> float:
    before_s = _processes_s(suite)
    await work()
    return _processes_s(suite) - before_s


def _processes_s(suite: RunningSuite) -> float:
    processes = [psutil.Process(os.getpid()), *suite.process.children(recursive=True)]
    times = [process.cpu_times() for process in processes]
    return sum(each.user + each.system for each in times)


async def _series(engine: AsyncEngine, project_id: int, first: int, end: int) -> Ints:
    async with engine.begin() as connection:
        made = await connection.scalars(_MAKE_SERIES, {"project_id": project_id, "first": first, "last": end - 1})
        return np.array(made.all(), np.int64)


async def _fill(engine: AsyncEngine, project_id: int, series: Ints) -> None:
    """Calls of the last whole minute, as a fold leaves them."""
    windows = _windows(series, int(time.time()) // 60 - 1)
    async with engine.begin() as connection:
        await connection.execute(text("SELECT 1"))  # begins the transaction that the driver's own statements are in
        driver = await driver_of(connection)
        await rollups.write_chunks(driver, MINUTES, windows, datetime.now(UTC).date())
        await counters.add(driver, windows)
        await exports.note_changes(driver, project_id, windows)


def _windows(series: Ints, start_min: int) -> Windows:
    """A minute of streamed calls of a few seconds, one in twenty failed, in which every bucket near them is filled."""
    rng = np.random.default_rng(1)
    count = series.size * CALLS_PER_SERIES
    latency_us = rng.lognormal(14.5, 0.5, count).astype(np.int64)
    none = np.zeros(count, np.int64)
    return rollup_calls(
        CallColumns(
            series_id=np.repeat(series, CALLS_PER_SERIES),
            start_us=np.full(count, start_min * US_PER_MIN),
            outcome=np.where(rng.random(count) < 0.95, 1, 2),
            latency_us=latency_us,
            first_token_us=latency_us // 5,
            input_tokens=rng.integers(200, 4_000, count),
            output_tokens=rng.integers(50, 1_000, count),
            cache_read_tokens=none,
            cache_write_tokens=none,
            reasoning_tokens=none,
            cost_nanos=rng.integers(10**6, 10**7, count),
            cost_known=np.ones(count, np.bool_),
        )
    )


@asynccontextmanager
async def _receiver() -> AsyncIterator[str]:
    """Takes every body; yields where."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
                await reader.readexactly(length)
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    finally:
        server.close()
