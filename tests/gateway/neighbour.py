"""Stands for collector, analyzer and alerter at the contract: the generated services over real gRPC, with answers that tests put in."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
from assay.access.v1 import access_service_pb2 as access
from assay.access.v1.access_service_pb2_grpc import AccessServiceServicer, add_AccessServiceServicer_to_server
from assay.alerter.v1 import alert_service_pb2 as alerts
from assay.alerter.v1 import audit_service_pb2 as audit
from assay.alerter.v1 import rule_service_pb2 as rules
from assay.alerter.v1.alert_service_pb2_grpc import AlertServiceServicer, add_AlertServiceServicer_to_server
from assay.alerter.v1.audit_service_pb2_grpc import AuditServiceServicer, add_AuditServiceServicer_to_server
from assay.alerter.v1.rule_service_pb2_grpc import RuleServiceServicer, add_RuleServiceServicer_to_server
from assay.analyzer.v1 import anomaly_service_pb2 as anomalies
from assay.analyzer.v1 import baseline_service_pb2 as baselines
from assay.analyzer.v1.anomaly_service_pb2_grpc import AnomalyServiceServicer, add_AnomalyServiceServicer_to_server
from assay.analyzer.v1.baseline_service_pb2_grpc import BaselineServiceServicer, add_BaselineServiceServicer_to_server
from assay.analyzer.v1.quality_service_pb2_grpc import QualityServiceServicer, add_QualityServiceServicer_to_server
from assay.analyzer.v1.ranking_service_pb2_grpc import RankingServiceServicer, add_RankingServiceServicer_to_server
from assay.collector.v1 import collector_service_pb2 as collector
from assay.collector.v1 import metrics_service_pb2 as metrics
from assay.collector.v1.collector_service_pb2_grpc import (
    CollectorServiceServicer,
    add_CollectorServiceServicer_to_server,
)
from assay.collector.v1.metrics_service_pb2_grpc import MetricsServiceServicer, add_MetricsServiceServicer_to_server
from assay.reporter.v1.report_service_pb2_grpc import ReportServiceServicer, add_ReportServiceServicer_to_server
from google.protobuf.message import Message

from kit import rpc
from kit.access import key_invalid, key_missing, secret_from_header
from kit.errors import AssayError, Kind
from kit.health import Readiness

Context = grpc.aio.ServicerContext[Any, Any]

READER = "assay_reader_secret"
SESSION = "assay_session_secret"
LOGIN_TOKEN = "one-time-token"
LOOK_S = 0.01


@dataclass
class Neighbour:
    """What the services answer, and what they were asked.

    `refusals` by method come before any answer. A `silent` method answers when it is silent no more.
    """

    keys: dict[str, access.Key] = field(default_factory=dict)
    answers: dict[str, Message] = field(default_factory=dict)
    refusals: dict[str, Exception] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    asked: list[tuple[str, Message, str]] = field(default_factory=list)
    watched: metrics.WatchMetricsResponse = field(default_factory=metrics.WatchMetricsResponse)
    watchers: list[tuple[metrics.WatchMetricsRequest, asyncio.Queue[Any]]] = field(default_factory=list)
    anomaly_watchers: list[asyncio.Queue[Any]] = field(default_factory=list)
    alert_watchers: list[asyncio.Queue[Any]] = field(default_factory=list)
    news_watchers: dict[str, list[asyncio.Queue[Any]]] = field(default_factory=lambda: defaultdict(list))
    readiness: Readiness = field(default_factory=Readiness)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Two keys, no answers."""
        for each in (self.keys, self.answers, self.refusals, self.silent, self.asked):
            each.clear()
        self.keys[READER] = access.Key(key_id="k1", project="default", roles=[access.ROLE_READ, access.ROLE_ADMIN])
        self.keys[SESSION] = access.Key(key_id="s1", project="default", roles=[access.ROLE_READ])
        self.keys[SESSION].expire_time.FromJsonString("2100-01-01T00:00:00Z")

    def questions(self, method: str) -> list[Any]:
        """What a method was asked."""
        return [question for name, question, _ in self.asked if name == method]

    def secrets(self, method: str) -> list[str]:
        """With which keys a method was asked; empty for none."""
        return [secret for name, _, secret in self.asked if name == method]

    def change(self, response: metrics.WatchMetricsResponse, *, with_step: bool = True) -> None:
        """Sends a change to the watches of questions with a step, or without."""
        for question, queue in self.watchers:
            if question.HasField("step") is with_step:
                queue.put_nowait(response)

    def end_watches(self, error: Exception | None) -> None:
        """Ends every watch with an error, or as if all had been said."""
        for _, queue in self.watchers:
            queue.put_nowait(error)

    def tell_anomalies(self, response: anomalies.WatchAnomaliesResponse | Exception) -> None:
        """Sends what is open or what changed to the watches of anomalies, or ends them; until then they are told nothing."""
        for queue in self.anomaly_watchers:
            queue.put_nowait(response)

    def tell_alerts(self, response: alerts.WatchAlertsResponse | Exception) -> None:
        """Sends what is not resolved or what changed to the watches of alerts, or ends them; until then they are told nothing."""
        for queue in self.alert_watchers:
            queue.put_nowait(response)

    def tell_news(self, method: str, response: Message | Exception) -> None:
        """Sends what is new to the watches of a method, or ends them; until then they are told nothing."""
        for queue in self.news_watchers[method]:
            queue.put_nowait(response)

    async def answer(self, method: str, question: Message, context: Context, default: Message) -> Any:
        """The refusal or answer that was put in, else the default; not before a method is silent no more."""
        self.note(method, question, context)
        while method in self.silent:
            await asyncio.sleep(LOOK_S)
        if method in self.refusals:
            raise self.refusals[method]
        return self.answers.get(method, default)

    def note(self, method: str, question: Message, context: Context, *, needs_key: bool = True) -> access.Key | None:
        """Writes down what was asked with which key; refuses keys that do not work."""
        header = dict(context.invocation_metadata() or ()).get("authorization", "")
        secret = str(header).removeprefix("Bearer ")
        self.asked.append((method, question, secret))
        if not needs_key:
            return None
        if not header:
            raise key_missing()
        if secret_from_header(str(header)) not in self.keys:
            raise key_invalid()
        return self.keys[secret]


class _Access(AccessServiceServicer):
    def __init__(self, neighbour: Neighbour) -> None:
        self._neighbour = neighbour

    async def CheckKey(self, request: access.CheckKeyRequest, context: Context) -> access.CheckKeyResponse:
        key = self._neighbour.note("CheckKey", request, context)
        if "CheckKey" in self._neighbour.refusals:
            raise self._neighbour.refusals["CheckKey"]
        return access.CheckKeyResponse(key=key)

    async def CreateLoginToken(self, request: Any, context: Context) -> Any:
        return await self._neighbour.answer("CreateLoginToken", request, context, access.CreateLoginTokenResponse(token=LOGIN_TOKEN))

    async def ExchangeLoginToken(self, request: access.ExchangeLoginTokenRequest, context: Context) -> access.ExchangeLoginTokenResponse:
        self._neighbour.note("ExchangeLoginToken", request, context, needs_key=False)
        if request.token != LOGIN_TOKEN:
            raise AssayError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", "the token was used, has expired, or never was")
        return access.ExchangeLoginTokenResponse(secret=SESSION, key=self._neighbour.keys[SESSION])

    async def RevokeKey(self, request: access.RevokeKeyRequest, context: Context) -> access.RevokeKeyResponse:
        self._neighbour.note("RevokeKey", request, context)
        secret = next(secret for secret, key in self._neighbour.keys.items() if key.key_id == request.key_id)
        return access.RevokeKeyResponse(key=self._neighbour.keys.pop(secret))


class _Collector(CollectorServiceServicer):
    def __init__(self, neighbour: Neighbour) -> None:
        self._neighbour = neighbour

    async def RecordCalls(self, request: collector.RecordCallsRequest, context: Context) -> Any:
        return await self._record("RecordCalls", request, context, collector.RecordCallsResponse())

    async def RecordEvidence(self, request: collector.RecordEvidenceRequest, context: Context) -> Any:
        return await self._record("RecordEvidence", request, context, collector.RecordEvidenceResponse())

    async def _record(self, method: str, request: Any, context: Context, response: Any) -> Any:
        """Refuses what has no id, as the collector does."""
        await self._neighbour.answer(method, request, context, response)
        ids = (
            [call.call_id for call in request.calls] if method == "RecordCalls" else [evidence.evidence_id for evidence in request.evidence]
        )
        name = "call_id" if method == "RecordCalls" else "evidence_id"
        missing = collector.REJECTION_REASON_MISSING
        response.accepted_count = sum(map(bool, ids))
        response.rejections.extend(
            collector.Rejection(index=index, field=name, reason=missing, message="is missing")
            for index, given in enumerate(ids)
            if not given
        )
        return response


class _Metrics(MetricsServiceServicer):
    def __init__(self, neighbour: Neighbour) -> None:
        self._neighbour = neighbour

    async def WatchMetrics(self, request: metrics.WatchMetricsRequest, context: Context) -> AsyncIterator[metrics.WatchMetricsResponse]:
        """The answer put in, and then whatever `change` sends."""
        await self._neighbour.answer("WatchMetrics", request, context, request)
        queue: asyncio.Queue[Any] = asyncio.Queue()
        entry = (request, queue)
        self._neighbour.watchers.append(entry)
        try:
            yield self._neighbour.watched
            while True:
                change = await queue.get()
                if change is None:
                    return
                if isinstance(change, Exception):
                    raise change
                yield change
        finally:
            self._neighbour.watchers.remove(entry)


class _Anomalies(AnomalyServiceServicer):
    def __init__(self, neighbour: Neighbour) -> None:
        self._neighbour = neighbour

    async def WatchAnomalies(
        self, request: anomalies.WatchAnomaliesRequest, context: Context
    ) -> AsyncIterator[anomalies.WatchAnomaliesResponse]:
        """Whatever `tell_anomalies` sends."""
        await self._neighbour.answer("WatchAnomalies", request, context, request)
        queue: asyncio.Queue[Any] = asyncio.Queue()
        self._neighbour.anomaly_watchers.append(queue)
        try:
            while not isinstance(told := await queue.get(), Exception):
                yield told
            raise told
        finally:
            self._neighbour.anomaly_watchers.remove(queue)


class _Alerts(AlertServiceServicer):
    def __init__(self, neighbour: Neighbour) -> None:
        self._neighbour = neighbour

    async def WatchAlerts(self, request: alerts.WatchAlertsRequest, context: Context) -> AsyncIterator[alerts.WatchAlertsResponse]:
        """Whatever `tell_alerts` sends."""
        await self._neighbour.answer("WatchAlerts", request, context, request)
        queue: asyncio.Queue[Any] = asyncio.Queue()
        self._neighbour.alert_watchers.append(queue)
        try:
            while not isinstance(told := await queue.get(), Exception):
                yield told
            raise told
        finally:
            self._neighbour.alert_watchers.remove(queue)


class _Audit(AuditServiceServicer):
    def __init__(self, neighbour: Neighbour) -> None:
        self._neighbour = neighbour

    async def ListAuditEvents(self, request: audit.ListAuditEventsRequest, context: Context) -> Any:
        """The alerter's, whose name is the collector's, too."""
        return await self._neighbour.answer("ListAlerterAuditEvents", request, context, audit.ListAuditEventsResponse())


class _Rankings(RankingServiceServicer):
    def __init__(self, neighbour: Neighbour) -> None:
        self._neighbour = neighbour


class _Qualities(QualityServiceServicer):
    def __init__(self, neighbour: Neighbour) -> None:
        self._neighbour = neighbour


class _Reports(ReportServiceServicer):
    def __init__(self, neighbour: Neighbour) -> None:
        self._neighbour = neighbour


class _Rules(RuleServiceServicer):
    def __init__(self, neighbour: Neighbour) -> None:
        self._neighbour = neighbour


class _Baselines(BaselineServiceServicer):
    def __init__(self, neighbour: Neighbour) -> None:
        self._neighbour = neighbour


def _answering(servicer: type, method: str, response: type[Message]) -> None:
    """Gives a servicer a method that answers what was put in, else an empty message."""

    async def answer(self: Any, request: Any, context: Context) -> Any:
        return await self._neighbour.answer(method, request, context, response())

    setattr(servicer, method, answer)


def _telling(servicer: type, method: str) -> None:
    """Gives a servicer a watch that tells whatever `tell_news` sends."""

    async def watch(self: Any, request: Any, context: Context) -> AsyncIterator[Any]:
        await self._neighbour.answer(method, request, context, request)
        queue: asyncio.Queue[Any] = asyncio.Queue()
        self._neighbour.news_watchers[method].append(queue)
        try:
            while not isinstance(told := await queue.get(), Exception):
                yield told
            raise told
        finally:
            self._neighbour.news_watchers[method].remove(queue)

    setattr(servicer, method, watch)


_telling(_Rankings, "WatchKeptRankings")
_telling(_Qualities, "WatchQuality")
_telling(_Reports, "WatchReports")
for _name in ("CreateProject", "UpdateProject", "ListProjects", "CreateKey", "ListKeys", "ListAuditEvents"):
    _answering(_Access, _name, getattr(access, f"{_name}Response"))
_answering(_Collector, "GetLedger", collector.GetLedgerResponse)
for _name in ("QueryMetrics", "ListSeries", "ListCalls", "GetCall"):
    _answering(_Metrics, _name, getattr(metrics, f"{_name}Response"))
for _name in ("ListAnomalies", "GetAnomaly", "MarkAnomaly"):
    _answering(_Anomalies, _name, getattr(anomalies, f"{_name}Response"))
for _name in ("QueryBaselines", "AcceptShift", "ListAcceptedShifts"):
    _answering(_Baselines, _name, getattr(baselines, f"{_name}Response"))

for _name in ("ListAlerts", "GetAlert", "AcknowledgeAlert", "ResolveAlert"):
    _answering(_Alerts, _name, getattr(alerts, f"{_name}Response"))
for _name in ("CreateRule", "GetRule", "ListRules", "UpdateRule", "DeleteRule", "BacktestRule"):
    _answering(_Rules, _name, getattr(rules, f"{_name}Response"))


@asynccontextmanager
async def served(neighbour: Neighbour, listen: str = "127.0.0.1:0") -> AsyncIterator[str]:
    """Serves it; yields the address."""
    add = (  # abstract to mypy, since `_answering` gives the classes their other methods by name
        lambda server: add_AccessServiceServicer_to_server(_Access(neighbour), server),  # type: ignore[abstract]
        lambda server: add_CollectorServiceServicer_to_server(_Collector(neighbour), server),  # type: ignore[abstract]
        lambda server: add_MetricsServiceServicer_to_server(_Metrics(neighbour), server),  # type: ignore[abstract]
        lambda server: add_AnomalyServiceServicer_to_server(_Anomalies(neighbour), server),  # type: ignore[abstract]
        lambda server: add_BaselineServiceServicer_to_server(_Baselines(neighbour), server),  # type: ignore[abstract]
        lambda server: add_AlertServiceServicer_to_server(_Alerts(neighbour), server),  # type: ignore[abstract]
        lambda server: add_AuditServiceServicer_to_server(_Audit(neighbour), server),
        lambda server: add_RankingServiceServicer_to_server(_Rankings(neighbour), server),  # type: ignore[abstract]
        lambda server: add_QualityServiceServicer_to_server(_Qualities(neighbour), server),  # type: ignore[abstract]
        lambda server: add_ReportServiceServicer_to_server(_Reports(neighbour), server),  # type: ignore[abstract]
        lambda server: add_RuleServiceServicer_to_server(_Rules(neighbour), server),  # type: ignore[abstract]
    )
    async with rpc.serve(listen, add, service_names=(), readiness=neighbour.readiness, grace_s=0.1) as address:
        yield address
