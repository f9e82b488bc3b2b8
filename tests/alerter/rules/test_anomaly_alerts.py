"""Anomalies become alerts, told by something that speaks the analyzer's contract."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import pytest
from assay.alerter.v1 import alert_service_pb2 as alerts
from assay.alerter.v1 import rule_service_pb2 as rules
from assay.analyzer.v1 import anomaly_service_pb2 as anomalies
from assay.analyzer.v1.anomaly_service_pb2_grpc import AnomalyServiceServicer, add_AnomalyServiceServicer_to_server

from kit import rpc
from kit.embedded.stack import Stack
from kit.health import Readiness
from tests.alerter.rules.installation import ANYWHERE, Installation, installation, running

# Streams are those of this module alone.
pytestmark = pytest.mark.usefixtures("bus")


class Analyzer(AnomalyServiceServicer):
    """Tells whoever watches what it is told itself."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[anomalies.WatchAnomaliesResponse] = asyncio.Queue()
        self.project = ""

    async def WatchAnomalies(
        self, request: anomalies.WatchAnomaliesRequest, _context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[anomalies.WatchAnomaliesResponse]:
        """All there is to one project, and nothing to the others."""
        yield anomalies.WatchAnomaliesResponse(is_snapshot=True)
        while request.project == self.project:
            yield await self.told.get()
        await asyncio.Event().wait()


async def test_an_anomaly_fires_once_and_is_resolved_when_it_is_over(stack: Stack) -> None:
    # An installation of its own, in which no other alerter evaluates the project.
    async with installation(stack) as made:
        await anomaly_fires(made)


async def anomaly_fires(made: Installation) -> None:
    analyzer = Analyzer()
    analyzer.project = project = await made.new_project()
    anomaly = anomalies.Anomaly(
        anomaly_id="a" * 32, project=project, kind=anomalies.ANOMALY_KIND_SHIFT, metric=2, severity=anomalies.SEVERITY_CRITICAL,
        scope={"provider": "openai"}, explanation="latency of openai is 4 s, expected 1 s", observed=4.0, is_open=True,
        part_count=3, call_count=100, affected_count=60,
    )  # fmt: skip
    add = [lambda server: add_AnomalyServiceServicer_to_server(analyzer, server)]  # type: ignore[abstract]
    async with (
        rpc.serve(ANYWHERE, add, service_names=(), readiness=Readiness(), grace_s=0.1) as address,
        # It is the watch that has a project evaluated at once, and not the next turn.
        running(made, analyzer_address=address, evaluate_every_s=60.0) as live,
    ):
        keep = rules.Rule(rule_id="default-anomaly", display_name="Anomaly", anomaly=rules.AnomalyCondition())
        keep.keep_firing_duration.FromSeconds(0)
        await live.rules.UpdateRule(rules.UpdateRuleRequest(project=project, rule=keep, allow_missing=True))
        analyzer.told.put_nowait(anomalies.WatchAnomaliesResponse(anomalies=[anomaly]))
        fired = await live.alert(project, "default-anomaly", alerts.ALERT_STATE_FIRING)
        assert (fired.summary, fired.anomaly_id, fired.severity) == (anomaly.explanation, anomaly.anomaly_id, alerts.SEVERITY_CRITICAL)
        assert fired.labels["provider"] == "openai" and fired.labels["metric"] == "latency" and fired.labels["kind"] == "shift"
        assert fired.description == "60 of 100 calls in 3 series show it."
        anomaly.is_open = False
        analyzer.told.put_nowait(anomalies.WatchAnomaliesResponse(anomalies=[anomaly]))
        resolved = await live.alert(project, "default-anomaly", alerts.ALERT_STATE_RESOLVED)
        assert (resolved.alert_id, resolved.version) == (fired.alert_id, 2)
