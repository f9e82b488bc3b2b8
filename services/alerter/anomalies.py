"""Open anomalies as the analyzer tells of them: one stream for each project that this replica evaluates."""

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import grpc.aio
from assay.analyzer.v1 import anomaly_service_pb2 as contract
from assay.analyzer.v1.anomaly_service_pb2_grpc import AnomalyServiceStub
from assay.analyzer.v1.metric_pb2 import Metric
from assay.collector.v1.metrics_service_pb2 import SeriesKey

from kit import logs
from services.alerter.domain.alert import Severity
from services.alerter.domain.rule import DIMENSIONS
from services.alerter.domain.sightings import OpenAnomaly

if TYPE_CHECKING:  # it exists in the type stubs alone
    from assay.analyzer.v1.anomaly_service_pb2_grpc import AnomalyServiceAsyncStub

# Between tries to reach the analyzer again.
RETRY_S = 2.0
_log = logs.get_logger(__name__)


class Anomalies:
    """What is open in each watched project."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        """`channel` adds the services' key."""
        self._stub: AnomalyServiceAsyncStub = AnomalyServiceStub(channel)
        self._on_change: Callable[[str], None] = _nobody
        self._open: dict[str, dict[str, OpenAnomaly] | None] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def watch(self, projects: Iterable[str], on_change: Callable[[str], None]) -> None:
        """Watches these projects from now on, and no others; `on_change` is told in which one something changed."""
        self._on_change = on_change
        wanted = set(projects)
        for project in self._tasks.keys() - wanted:
            self._tasks.pop(project).cancel()
            self._open.pop(project, None)
        for project in wanted - self._tasks.keys():
            self._tasks[project] = asyncio.create_task(self._keep_watching(project))

    def open(self, project: str) -> list[OpenAnomaly] | None:
        """The project's open anomalies, None while that is not known."""
        known = self._open.get(project)
        return None if known is None else list(known.values())

    async def close(self) -> None:
        """Stops watching."""
        tasks = list(self._tasks.values())
        self.watch((), _nobody)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _keep_watching(self, project: str) -> None:
        is_told = False
        while True:
            try:
                async for update in self._stub.WatchAnomalies(contract.WatchAnomaliesRequest(project=project)):
                    is_told = False
                    self._take(project, update)
            except grpc.aio.AioRpcError as error:
                if not is_told:
                    _log.warning("the analyzer cannot be asked for anomalies", project=project, why=error.details())
                is_told = True
            self._open[project] = None  # what is open is not known until it answers again
            await asyncio.sleep(RETRY_S)

    def _take(self, project: str, update: contract.WatchAnomaliesResponse) -> None:
        known = self._open.get(project)
        if update.is_snapshot or known is None:
            known = self._open[project] = {}
        for anomaly in update.anomalies:
            if anomaly.is_open:
                known[anomaly.anomaly_id] = anomaly_from_message(anomaly)
            else:
                known.pop(anomaly.anomaly_id, None)
        self._on_change(project)


def _nobody(_project: str) -> None:
    """Is told, and does nothing."""


def anomaly_from_message(message: contract.Anomaly) -> OpenAnomaly:
    """An open anomaly. A severity, metric or kind that this version does not know is a warning, or goes by its number."""
    return OpenAnomaly(
        anomaly_id=message.anomaly_id,
        metric=_name(Metric, message.metric, "METRIC_"),
        kind=_name(contract.AnomalyKind, message.kind, "ANOMALY_KIND_"),
        severity=Severity(message.severity) if message.severity in {each.value for each in Severity} else Severity.WARNING,
        scope=_scope(message.scope),
        explanation=message.explanation,
        cause=f"{message.affected_count:,} of {message.call_count:,} calls in {message.part_count:,} series show it.",
        observed=message.observed,
    )


def _scope(key: SeriesKey) -> dict[str, str]:
    set_fields = {field.name for field, _ in key.ListFields()}
    return {name: getattr(key, name) for name in DIMENSIONS if name in set_fields}


def _name(kind: Any, number: int, prefix: str) -> str:
    """An enumeration's name without its prefix; protobuf's wrappers of enumerations have no common type."""
    return str(kind.Name(number)).removeprefix(prefix) if number in kind.values() else str(number)
