"""The other processes as the reporter asks them: what was measured, what was found, whom it told, and to have something delivered."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import grpc.aio
from assay.access.v1.access_service_pb2 import ListProjectsRequest
from assay.access.v1.access_service_pb2_grpc import AccessServiceStub
from assay.alerter.v1 import alert_service_pb2, receiver_service_pb2, rule_service_pb2
from assay.alerter.v1.alert_service_pb2_grpc import AlertServiceStub
from assay.alerter.v1.receiver_service_pb2_grpc import ReceiverServiceStub
from assay.alerter.v1.rule_service_pb2_grpc import RuleServiceStub
from assay.analyzer.v1 import anomaly_service_pb2, prompt_service_pb2
from assay.analyzer.v1.anomaly_service_pb2_grpc import AnomalyServiceStub
from assay.analyzer.v1.prompt_service_pb2_grpc import PromptServiceStub
from assay.collector.v1.collector_service_pb2 import GetLedgerRequest, GetLedgerResponse
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub
from assay.collector.v1.metrics_service_pb2 import ListSeriesRequest, QueryMetricsRequest, QueryMetricsResponse, Series
from assay.collector.v1.metrics_service_pb2_grpc import MetricsServiceStub

from kit import rpc
from kit.errors import AssayError, Kind

if TYPE_CHECKING:  # these exist in the type stubs alone
    from assay.access.v1.access_service_pb2_grpc import AccessServiceAsyncStub
    from assay.alerter.v1.alert_service_pb2_grpc import AlertServiceAsyncStub
    from assay.alerter.v1.receiver_service_pb2_grpc import ReceiverServiceAsyncStub
    from assay.alerter.v1.rule_service_pb2_grpc import RuleServiceAsyncStub
    from assay.analyzer.v1.anomaly_service_pb2_grpc import AnomalyServiceAsyncStub
    from assay.analyzer.v1.prompt_service_pb2_grpc import PromptServiceAsyncStub
    from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceAsyncStub
    from assay.collector.v1.metrics_service_pb2_grpc import MetricsServiceAsyncStub

ASK_TIMEOUT_S = 15.0
# Months of many series take the collector seconds.
QUERY_TIMEOUT_S = 60.0
PAGE = 1_000
# More would not be read, and there is a table of them on the page.
RECORDS_MAX = 2_000
SERIES_MAX = 20_000

Answer = TypeVar("Answer")


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
        request = ListProjectsRequest(page_size=PAGE)
        while True:
            response = await _asked("collector", self._access.ListProjects(request, timeout=ASK_TIMEOUT_S))
            found += [ProjectSeen(project.project, project.time_zone) for project in response.projects]
            request.page_token = response.next_page_token
            if not request.page_token:
                return found

    async def query(self, request: QueryMetricsRequest) -> QueryMetricsResponse:
        """What was measured. Raises AssayError."""
        return await _asked("collector", self._metrics.QueryMetrics(request, timeout=QUERY_TIMEOUT_S))

    async def series(self, project: str) -> Sequence[Series]:
        """The series of a project, at most SERIES_MAX. Raises AssayError."""
        request = ListSeriesRequest(project=project, page_size=PAGE)
        found: list[Series] = []
        while len(found) < SERIES_MAX:
            response = await _asked("collector", self._metrics.ListSeries(request, timeout=ASK_TIMEOUT_S))
            found += response.series
            request.page_token = response.next_page_token
            if not request.page_token:
                break
        return found

    async def ledger(self, request: GetLedgerRequest) -> GetLedgerResponse:
        """What was received, and what became of it. Raises AssayError."""
        return await _asked("collector", self._collector.GetLedger(request, timeout=ASK_TIMEOUT_S))


class Analyzer:
    """Asks with the key of the services."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        """`channel` adds the key."""
        self._anomalies: AnomalyServiceAsyncStub = AnomalyServiceStub(channel)
        self._prompts: PromptServiceAsyncStub = PromptServiceStub(channel)

    async def anomalies(self, request: anomaly_service_pb2.ListAnomaliesRequest) -> list[anomaly_service_pb2.Anomaly]:
        """Anomalies, the latest first, at most RECORDS_MAX. Raises AssayError."""
        found: list[anomaly_service_pb2.Anomaly] = []
        request.page_size = PAGE
        while len(found) < RECORDS_MAX:
            response = await _asked("analyzer", self._anomalies.ListAnomalies(request, timeout=ASK_TIMEOUT_S))
            found += response.anomalies
            request.page_token = response.next_page_token
            if not request.page_token:
                break
        return found[:RECORDS_MAX]

    async def prompts(self, request: prompt_service_pb2.ListPromptsRequest) -> Sequence[prompt_service_pb2.Prompt]:
        """Prompts and their versions, the most used first. Raises AssayError."""
        return (await _asked("analyzer", self._prompts.ListPrompts(request, timeout=QUERY_TIMEOUT_S))).prompts

    async def comparison(self, request: prompt_service_pb2.ComparePromptsRequest) -> prompt_service_pb2.ComparePromptsResponse:
        """How versions of a prompt differ. Raises AssayError."""
        return await _asked("analyzer", self._prompts.ComparePrompts(request, timeout=QUERY_TIMEOUT_S))


class Alerter:
    """Asks with the key of the services, and has messages delivered."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        """`channel` adds the key."""
        self._alerts: AlertServiceAsyncStub = AlertServiceStub(channel)
        self._rules: RuleServiceAsyncStub = RuleServiceStub(channel)
        self._receivers: ReceiverServiceAsyncStub = ReceiverServiceStub(channel)

    async def alerts(self, request: alert_service_pb2.ListAlertsRequest) -> list[alert_service_pb2.Alert]:
        """Alerts, the latest first, at most RECORDS_MAX. Raises AssayError."""
        found: list[alert_service_pb2.Alert] = []
        request.page_size = PAGE
        while len(found) < RECORDS_MAX:
            response = await _asked("alerter", self._alerts.ListAlerts(request, timeout=ASK_TIMEOUT_S))
            found += response.alerts
            request.page_token = response.next_page_token
            if not request.page_token:
                break
        return found[:RECORDS_MAX]

    async def rules(self, project: str) -> list[rule_service_pb2.Rule]:
        """The rules of a project. Raises AssayError."""
        request = rule_service_pb2.ListRulesRequest(project=project, page_size=PAGE)
        found: list[rule_service_pb2.Rule] = []
        while True:
            response = await _asked("alerter", self._rules.ListRules(request, timeout=ASK_TIMEOUT_S))
            found += response.rules
            request.page_token = response.next_page_token
            if not request.page_token:
                return found

    async def deliver(self, request: receiver_service_pb2.DeliverRequest) -> Sequence[receiver_service_pb2.Delivery]:
        """Has a document delivered; asking again with the same id delivers nothing again. Raises AssayError."""
        response = await _asked("alerter", self._receivers.Deliver(request, timeout=ASK_TIMEOUT_S))
        return response.deliveries


async def _asked(name: str, call: Awaitable[Answer]) -> Answer:
    """The answer. Raises AssayError; who is away is named, so that the caller learns whom to look after."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        refused = rpc.error_of(error)
        if refused.reason in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}:
            message = f"the {name} cannot be reached: try again"
            raise AssayError(Kind.UNAVAILABLE, f"{name.upper()}_UNAVAILABLE", message) from error
        raise refused from error
