"""The other processes as the alerter asks them: projects and metrics of the collector, and whether anybody is down."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import grpc
import grpc.aio
from assay.access.v1.access_service_pb2 import ListProjectsRequest
from assay.access.v1.access_service_pb2_grpc import AccessServiceStub
from assay.collector.v1.collector_service_pb2 import GetLedgerRequest
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub
from assay.collector.v1.metrics_service_pb2 import ListSeriesRequest, QueryMetricsRequest, QueryMetricsResponse
from assay.collector.v1.metrics_service_pb2_grpc import MetricsServiceStub
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kit import rpc
from services.alerter.domain.sightings import OwnView
from services.alerter.messages.rule_messages import filter_to_message

if TYPE_CHECKING:  # these exist in the type stubs alone
    from assay.access.v1.access_service_pb2_grpc import AccessServiceAsyncStub
    from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceAsyncStub
    from assay.collector.v1.metrics_service_pb2_grpc import MetricsServiceAsyncStub

# An evaluation that waits for longer is late anyway; the next one asks again.
ASK_TIMEOUT_S = 8.0
# A back-test looks at a month.
BACKTEST_TIMEOUT_S = 60.0
# A process that is there answers in milliseconds.
HEALTH_TIMEOUT_S = 2.0
PROJECTS_PAGE = 1_000
SERIES_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class ProjectSeen:
    """A project and the zone of its days."""

    project: str
    time_zone: str


class Collector:
    """Asks with the key of the services; whose project is asked about is the caller's affair."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        """`channel` adds the key."""
        self._access: AccessServiceAsyncStub = AccessServiceStub(channel)
        self._metrics: MetricsServiceAsyncStub = MetricsServiceStub(channel)
        self._collector: CollectorServiceAsyncStub = CollectorServiceStub(channel)

    async def projects(self) -> list[ProjectSeen]:
        """All projects. Raises AssayError."""
        found: list[ProjectSeen] = []
        token = ""
        while True:
            request = ListProjectsRequest(page_size=PROJECTS_PAGE, page_token=token)
            try:
                response = await self._access.ListProjects(request, timeout=ASK_TIMEOUT_S)
            except grpc.aio.AioRpcError as error:
                raise rpc.error_of(error) from error
            found += [ProjectSeen(project.project, project.time_zone) for project in response.projects]
            token = response.next_page_token
            if not token:
                return found

    async def query(self, request: QueryMetricsRequest, timeout_s: float = ASK_TIMEOUT_S) -> QueryMetricsResponse:
        """What was measured. Raises AssayError."""
        try:
            return await self._metrics.QueryMetrics(request, timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            raise rpc.error_of(error) from error

    async def group_count(self, project: str, group_by: Sequence[str], chosen: Mapping[str, tuple[str, ...]]) -> int:
        """How many groups the series of a project make. Raises AssayError."""
        request = ListSeriesRequest(project=project, filter=filter_to_message(chosen), page_size=SERIES_PAGE)
        groups: set[tuple[str, ...]] = set()
        while True:
            try:
                response = await self._metrics.ListSeries(request, timeout=ASK_TIMEOUT_S)
            except grpc.aio.AioRpcError as error:
                raise rpc.error_of(error) from error
            groups.update(tuple(getattr(series.key, name) for name in group_by) for series in response.series)
            request.page_token = response.next_page_token
            if not request.page_token:
                return len(groups)

    async def own_view(self, project: str, now: datetime, down: Mapping[str, str]) -> OwnView:
        """What the ledger of today says; all but `down` is None when it cannot be asked."""
        request = GetLedgerRequest(project=project)
        request.start_time.FromDatetime(now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0))
        try:
            ledger = await self._collector.GetLedger(request, timeout=ASK_TIMEOUT_S)
        except grpc.aio.AioRpcError:
            return OwnView(down=down)
        return OwnView(
            lag_s=ledger.lag_s,
            dead_lettered_count=sum(line.dead_lettered_count for line in ledger.totals),
            client_dropped_count=sum(line.client_dropped_count for line in ledger.totals),
            down=down,
        )


class Health:
    """Asks processes by name whether they are ready."""

    def __init__(self, channels: Mapping[str, grpc.aio.Channel]) -> None:
        self._stubs = {name: health_pb2_grpc.HealthStub(channel) for name, channel in channels.items()}

    async def down(self) -> dict[str, str]:
        """Those that do not answer, or are not ready, and why."""
        answers = await asyncio.gather(*(self._ask(stub) for stub in self._stubs.values()))
        return {name: why for name, why in zip(self._stubs, answers, strict=True) if why}

    async def _ask(self, stub: health_pb2_grpc.HealthStub) -> str:
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=HEALTH_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            return f"{error.code().name}"
        return "" if answer.status == health_pb2.HealthCheckResponse.SERVING else "it says that it is not ready"
