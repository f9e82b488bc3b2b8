"""The work on projects: killed and taken over, late calls, history that comes before or after, and projects kept apart."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
from assay.analyzer.v1 import anomaly_service_pb2 as anomalies
from assay.analyzer.v1 import baseline_service_pb2 as baselines
from assay.analyzer.v1 import metric_pb2 as metric
from assay.collector.v1.metrics_service_pb2 import SeriesKey
from assay.events.v1.anomaly_pb2 import AnomalyChanged
from assay.telemetry.v1 import call_pb2
from sqlalchemy import text

from cli.work.ports import pick
from kit import database
from kit.bus import Bus, Msg
from services.analyzer.domain.seen import unpack
from tests.analyzer.service.site import (
    DAY_S,
    SERIES,
    Analyzer,
    Site,
    analyzer_process,
    analyzing,
    calls,
    eventually,
    is_serving,
)

EVERY_S = 300
FAILED = call_pb2.CALL_OUTCOME_FAILED


async def test_whoever_takes_over_goes_on_where_the_killed_one_was_and_tells_nothing_twice(site: Site, bus: Bus) -> None:
    project = await with_history(site)
    address = f"127.0.0.1:{pick('127.0.0.1')}"
    async with told_of(bus, project) as told:
        async with analyzer_process(site, address) as process:
            await eventually(lambda: is_serving(address))
            first = Analyzer(address, site)
            await eventually(lambda: call_count(first, project))
            await site.record(project, calls(time.time() - 60, 2, 30, outcome=FAILED))
            await eventually(lambda: first.anomalies(project))
            # Under way, and maybe looked at, and maybe not.
            await site.record(project, calls(time.time() - 30, 1, 20, outcome=FAILED))
            process.send_signal(signal.SIGKILL)
            await process.wait()
        async with analyzing(site) as second:
            await site.record(project, calls(time.time() - 10, 1, 10, outcome=FAILED))

            async def whole() -> list[anomalies.Anomaly]:
                found = await second.anomalies(project)
                return found if found and found[0].call_count == 60 else []

            (found,) = await eventually(whole)
            await eventually(lambda: is_told(told, found.version))
        assert (found.affected_count, found.is_open) == (60, True)
        assert {one.anomaly_id for one in told} == {found.anomaly_id}
        by_version = [(one.version, one.call_count, one.explanation) for one in told]
        assert len({version for version, *_ in by_version}) == len(set(by_version))
    assert await taken(site, project) == 60


async def test_calls_that_come_late_count_once_and_raise_nothing_about_the_past(site: Site) -> None:
    project = await with_history(site)
    async with analyzing(site) as analyzer:
        await eventually(lambda: call_count(analyzer, project))
        await site.record(project, calls(time.time() - 20, 1, 20))
        await site.record(project, calls(time.time() - 45 * 60, 2, 40, outcome=FAILED))
        await site.record(project, calls(time.time() - 45 * 60, 2, 10))

        async def are_taken() -> bool:
            return await taken(site, project) >= 70

        await eventually(are_taken)
        assert await analyzer.anomalies(project) == []
    async with analyzing(site) as again:
        await site.record(project, calls(time.time() - 45 * 60, 2, 5))
        await eventually(lambda: has_taken(site, project, 75))
        assert await again.anomalies(project) == []


async def test_history_that_comes_after_the_project_was_met_is_learnt_all_the_same(site: Site) -> None:
    async with analyzing(site) as analyzer:
        project = await site.project()
        await site.record(project, calls(time.time() - 30, 1, 20))
        await eventually(lambda: has_taken(site, project, 20))
        count = 3 * DAY_S // EVERY_S
        await site.record(project, calls(time.time() - DAY_S // 2 - count * EVERY_S, EVERY_S, count))

        async def learnt() -> bool:
            return await call_count(analyzer, project) > count / 2

        await eventually(learnt)


async def test_two_projects_learn_nothing_of_each_other(site: Site) -> None:
    busy, quiet = await with_history(site), await site.project()
    async with analyzing(site) as analyzer:
        await eventually(lambda: call_count(analyzer, busy))
        await site.record(busy, calls(time.time() - 60, 1, 60, outcome=FAILED))
        await eventually(lambda: analyzer.anomalies(busy))
        assert await analyzer.anomalies(quiet) == []
        assert await call_count(analyzer, quiet) == 0


async def with_history(site: Site) -> str:
    """A project with five days of calls, the last of them some hours ago."""
    project = await site.project()
    count = 5 * DAY_S // EVERY_S
    await site.record(project, calls(time.time() - 4 * 3_600 - count * EVERY_S, EVERY_S, count))
    return project


async def call_count(analyzer: Analyzer, project: str) -> int:
    """How many calls are behind the baseline of the series' success, 0 for none."""
    request = baselines.ListBaselinesRequest(project=project, metrics=[metric.METRIC_SUCCESS_RATIO])
    found = (await analyzer.ask("ListBaselines", request)).baselines
    assert all(one.key == SeriesKey(**SERIES) for one in found)
    return int(found[0].call_count) if found else 0


async def taken(site: Site, project: str) -> int:
    """Calls that were taken of windows, as kept for whoever takes over."""
    async with database.engine(site.shared["database_url"]) as engine, engine.connect() as connection:
        rows = await connection.execute(text("SELECT body FROM analyzer.intake WHERE project = :project"), {"project": project})
        return sum(int(unpack(bytes(body), np.asarray).call_count.sum()) for body in rows.scalars())


async def has_taken(site: Site, project: str, count: int) -> bool:
    """Whether so many calls were taken, and not one more."""
    found = await taken(site, project)
    assert found <= count
    return found == count


async def is_told(told: list[anomalies.Anomaly], version: int) -> bool:
    """Whether the version was told on the bus."""
    return any(one.version == version for one in told)


@asynccontextmanager
async def told_of(bus: Bus, project: str) -> AsyncIterator[list[anomalies.Anomaly]]:
    """What is told on the bus of a project's anomalies during the block, as it comes."""
    told: list[anomalies.Anomaly] = []

    async def note(message: Msg) -> None:
        told.append(AnomalyChanged.FromString(message.data).anomaly)
        await asyncio.sleep(0)

    async with bus.subscribed(f"assay.anomalies.{project}", note):
        yield told
