"""An anomaly as the analyzer keeps it and tells of it, without the calls and the minutes that it takes to find one."""

import asyncio
import time

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.suite import RunningSuite
from kit import bus
from services.analyzer.domain.anomaly import Anomaly, anomaly_id
from services.analyzer.domain.metric import AnomalyKind, Direction, Metric, Severity
from services.analyzer.domain.series import Scope
from services.analyzer.publish import Publisher
from services.analyzer.store.anomalies import AnomalyStore, keep

KNOWN_TIMEOUT_S = 120.0
_COUNT = text("UPDATE analyzer.project SET change_count = change_count + 1 WHERE project = :project RETURNING change_count")


class Anomalies:
    """Begins anomalies."""

    def __init__(self, engine: AsyncEngine, suite: RunningSuite) -> None:
        self._engine = engine
        self._nats_url = suite.nats

    async def begin(self, project: str) -> float:
        """Keeps one, and tells of it; when, by `time.perf_counter`."""
        async with asyncio.timeout(KNOWN_TIMEOUT_S):
            while not await self._is_kept(project):
                await asyncio.sleep(0.5)
        began_s = time.perf_counter()
        async with bus.connect(self._nats_url, "bench") as connection:
            await connection.connected()
            await Publisher(connection, AnomalyStore(self._engine)).publish(project)
        return began_s

    async def _is_kept(self, project: str) -> bool:
        """False while the analyzer does not know of the project yet."""
        async with self._engine.begin() as connection:
            number = await connection.scalar(_COUNT, {"project": project})
            if number is not None:
                await keep(connection, project, [_anomaly(time.time())], number)
            return number is not None


def _anomaly(now_s: float) -> Anomaly:
    scope = Scope(provider="provider-0", model=None, task_type=None, prompt_name=None, prompt_version=None)
    return Anomaly(
        anomaly_id=anomaly_id(scope, Metric.LATENCY, AnomalyKind.SHIFT, now_s),
        kind=AnomalyKind.SHIFT,
        metric=Metric.LATENCY,
        direction=Direction.UP,
        severity=Severity.CRITICAL,
        scope=scope,
        parts=(),
        part_count=0,
        start_s=now_s - 60.0,
        detect_s=now_s,
        peak_s=now_s,
        end_s=None,
        observed=4.0,
        expected=1.0,
        expected_low=0.9,
        expected_high=1.1,
        log10_e=9.0,
        p_value=None,
        call_count=100,
        affected_count=90,
        outcome_counts={},
        main_outcome=None,
        explanation="latency of provider-0 is 4 s, expected 1 s",
        is_open=True,
        version=1,
    )
