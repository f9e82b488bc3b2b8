"""How fast metrics are answered: a quarter of a year of 300 busy series, asked over gRPC."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from statistics import median

import numpy as np
from assay.collector.v1 import metrics_service_pb2 as contract
from assay.collector.v1 import metrics_service_pb2_grpc
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.figures import Figure, Report
from bench.suite import RunningSuite, running_suite
from cli.work.database import database_url
from kit import database
from services.collector.domain.chunk import encode_chunks
from services.collector.domain.levels import DAYS, MINUTES, QUARTERS, Level, as_level
from services.collector.domain.rollup import CallColumns, Windows, merge, rollup_calls
from services.collector.domain.windows import MINUTES_PER_DAY, zone_of

AREA = "query"
SERIES_COUNT = 300
CALLS_PER_DAY = 8_640
DAY_COUNT = 92
# Days repeat in turn, and DAY_COUNT is a multiple of them. A single one would vanish where a day is taken away from the next.
DIFFERENT_DAYS = 2
RPC_TIMEOUT_S = 120.0

_COLUMNS = ("series_id", "level", "chunk", "oldest_receive_date", "measures", "entries")
_US_PER_DAY = MINUTES_PER_DAY * 60_000_000
_MAKE_SERIES = text(
    "INSERT INTO collector.series (project_id, provider, model, task_type, prompt_name, prompt_version, first_store_time) "
    "SELECT p.project_id, 'provider-' || i % 5, 'model-' || i % 60 / 5, 'task-' || i / 60, '', '', now() "
    "FROM collector.project p, generate_series(0, :last) i WHERE p.project = 'default' RETURNING series_id"
)
_REPEAT = text(
    "INSERT INTO collector.rollup (series_id, level, chunk, oldest_receive_date, measures, entries) "
    "SELECT r.series_id, r.level, r.chunk + n * :chunks, r.oldest_receive_date, r.measures, r.entries "
    "FROM collector.rollup r, generate_series(1, :times) n WHERE r.level = :level"
)

Row = tuple[int, int, int, datetime, bytes, bytes]


@dataclass(frozen=True)
class Case:
    """A question: the figure's name and goal, how often it is asked, and its range in days before midnight, UTC."""

    figure: str
    goal_ms: float
    times: int
    first_day: float
    last_day: float
    step_s: int
    time_zone: str = ""


CASES = (
    Case("hour_by_minute", 150, 5, 2 / 24, 1 / 24, 60),
    Case("day_by_quarter", 250, 5, 1, 0, 900),
    Case("quarter_year_by_day", 1_000, 5, 90, 0, 86_400),
    Case("quarter_year_by_day_other_zone", 8_000, 3, 89, 0, 86_400, "Asia/Kolkata"),
    Case("quarter_year_by_day_far_zone", 8_000, 3, 89, 0, 86_400, "Pacific/Auckland"),
)


async def run(report: Report) -> None:
    """Fills a suite of its own with roll-ups as folding leaves them, and measures until the whole answer has been read."""
    async with running_suite() as suite:
        async with database.engine(database_url(suite.data_dir)) as engine:
            midnight_s = await fill(engine)
        await _measure(report, suite, midnight_s)
        report(Figure(AREA, "memory", suite.memory_bytes() / 1e6, "MB", 800, "lower"))


async def _measure(report: Report, suite: RunningSuite, midnight_s: int) -> None:
    dimensions = [contract.METRIC_DIMENSION_PROVIDER, contract.METRIC_DIMENSION_MODEL, contract.METRIC_DIMENSION_TASK_TYPE]
    async with suite.channel() as channel:
        stub: metrics_service_pb2_grpc.MetricsServiceAsyncStub = metrics_service_pb2_grpc.MetricsServiceStub(channel)
        for case in CASES:
            request = contract.QueryMetricsRequest(group_by=dimensions, time_zone=case.time_zone)
            request.start_time.FromSeconds(midnight_s - int(case.first_day * 86_400))
            request.end_time.FromSeconds(midnight_s - int(case.last_day * 86_400))
            request.step.FromSeconds(case.step_s)
            took_ms = []
            for _ in range(case.times):
                began = time.perf_counter()
                answer = await stub.QueryMetrics(request, timeout=RPC_TIMEOUT_S)
                took_ms.append((time.perf_counter() - began) * 1e3)
            if len(answer.series) != SERIES_COUNT:
                raise RuntimeError(f"{case.figure}: the answer has {len(answer.series)} series, not {SERIES_COUNT}")
            report(Figure(AREA, case.figure, median(took_ms), "ms", case.goal_ms, "lower"))


async def fill(engine: AsyncEngine, calls_per_day: int = CALLS_PER_DAY) -> int:
    """Stores DAY_COUNT days, of which the last one is today, to its end; returns when that began, in seconds since 1970.

    `calls_per_day` are those of each series.
    """
    rng = np.random.default_rng(1)
    midnight_day = int(time.time()) // 86_400
    first_day = midnight_day + 1 - DAY_COUNT
    async with engine.begin() as connection:
        series = (await connection.scalars(_MAKE_SERIES, {"last": SERIES_COUNT - 1})).all()
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None  # noqa: S101 - for the type checker
        for series_id in series:
            different = [_day(rng, series_id, first_day + number, calls_per_day) for number in range(DIFFERENT_DAYS)]
            rows = list(_rows(different))
            await driver.copy_records_to_table("rollup", schema_name="collector", columns=_COLUMNS, records=rows)
        parameters = {"level": QUARTERS.number, "chunks": DIFFERENT_DAYS * MINUTES_PER_DAY // QUARTERS.chunk_min}
        await connection.execute(_REPEAT, parameters | {"times": DAY_COUNT // DIFFERENT_DAYS - 1})
    await database.vacuum(engine, "collector.rollup")
    return midnight_day * 86_400


def _day(rng: np.random.Generator, series_id: int, day: int, count: int) -> Windows:
    """The minutes of a day of a series: so many calls, of a few seconds, one in twenty failed."""
    latency_us = rng.lognormal(14.5, 0.5, count).astype(np.int64)
    none = np.zeros(count, np.int64)
    return rollup_calls(
        CallColumns(
            series_id=np.full(count, series_id),
            start_us=day * _US_PER_DAY + rng.integers(0, _US_PER_DAY, count),
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


def _rows(different: list[Windows]) -> Iterator[Row]:
    """The chunks of a series: days and minutes as they stay, quarters to be repeated."""
    utc = zone_of("UTC")
    days = [as_level(day, DAYS, utc) for day in different]
    quarters = merge([as_level(day, QUARTERS, utc) for day in different])
    later_min = (DAY_COUNT - DIFFERENT_DAYS) * MINUTES_PER_DAY
    repeat_min = DIFFERENT_DAYS * MINUTES_PER_DAY
    repeated = [_moved(days[number % DIFFERENT_DAYS], number // DIFFERENT_DAYS * repeat_min) for number in range(DAY_COUNT)]
    yield from _chunks(merge([_moved(day, later_min) for day in different]), MINUTES)
    yield from _chunks(quarters, QUARTERS)
    yield from _chunks(merge(repeated), DAYS)


def _moved(windows: Windows, by_min: int) -> Windows:
    return replace(windows, start_min=windows.start_min + by_min)


def _chunks(windows: Windows, level: Level) -> Iterator[Row]:
    encoded = encode_chunks(windows, level.chunk_min)
    today = datetime.now(UTC)
    columns = (encoded.series_id.tolist(), (encoded.start_min // level.chunk_min).tolist(), encoded.measures, encoded.entries or [])
    for series_id, chunk, measures, entries in zip(*columns, strict=True):
        yield series_id, level.number, chunk, today, measures, entries
