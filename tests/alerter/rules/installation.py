"""A collector and alerters, each on a database and bus of the test's, in the test's own process."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

import grpc.aio
from assay.access.v1.access_service_pb2 import CreateKeyRequest, CreateProjectRequest, Role
from assay.access.v1.access_service_pb2_grpc import AccessServiceStub
from assay.alerter.v1 import alert_service_pb2 as alerts
from assay.alerter.v1 import rule_service_pb2 as rules
from assay.alerter.v1.alert_service_pb2_grpc import AlertServiceStub
from assay.alerter.v1.rule_service_pb2_grpc import RuleServiceStub
from assay.collector.v1.collector_service_pb2 import GetBatchesRequest, RecordCallsRequest
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub
from assay.telemetry.v1 import call_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kit import rpc
from kit.embedded.stack import Stack
from services.alerter.app import alerter
from services.alerter.settings import AlerterSettings
from services.collector.access.keys import new_secret
from services.collector.app.front import front
from services.collector.app.writer import writer
from services.collector.settings import FrontSettings, WriterSettings

DEADLINE_S = 120.0
POLL_S = 0.05
ANYWHERE = "127.0.0.1:0"

Result = TypeVar("Result")
_numbers = count(1)


@dataclass
class Installation:
    """A running collector; alerters come and go."""

    stack: Stack
    database_url: str
    collector: str
    admin: str
    service_key: str
    channels: list[grpc.aio.Channel] = field(default_factory=list)

    def channel(self, address: str, secret: str) -> grpc.aio.Channel:
        """To a process, with a key; closed at the end."""
        self.channels.append(rpc.connect(address, secret=secret))
        return self.channels[-1]

    def settings(self, **changes: Any) -> AlerterSettings:
        """Of an impatient alerter."""
        return AlerterSettings(
            ASSAY_DATABASE_URL=self.database_url,
            ASSAY_NATS_URL=self.stack.nats_url,
            ASSAY_SERVICE_KEY=self.service_key,
            **{"listen": ANYWHERE, "ops_listen": "", "collector_address": self.collector, "analyzer_address": "", "evaluate_every_s": 1.0}
            | changes,
        )

    async def new_project(self) -> str:
        """Makes a project that nobody else uses and gives its name."""
        project = f"p{next(_numbers)}"
        await AccessServiceStub(self.channel(self.collector, self.admin)).CreateProject(CreateProjectRequest(project=project))
        return project

    async def new_key(self, project: str, *roles: str) -> str:
        """The secret of a new key."""
        request = CreateKeyRequest(project=project, display_name="test", roles=[Role.Value(f"ROLE_{role}") for role in roles])
        made = await AccessServiceStub(self.channel(self.collector, self.admin)).CreateKey(request)
        return str(made.secret)

    async def record(self, project: str, calls: Sequence[call_pb2.Call]) -> None:
        """Records calls, and returns when they can be queried."""
        stub = CollectorServiceStub(self.channel(self.collector, self.admin))
        batch_id = f"b{next(_numbers)}"
        answer = await stub.RecordCalls(RecordCallsRequest(project=project, batch_id=batch_id, calls=calls))
        assert answer.accepted_count == len(calls), answer.rejections

        async def is_stored() -> bool:
            found = (await stub.GetBatches(GetBatchesRequest(project=project, batch_ids=[batch_id]))).batches
            return bool(found) and found[0].is_complete

        await eventually(is_stored, "calls stored")


@dataclass
class Alerter:
    """A running alerter, asked with the installation's admin key."""

    address: str
    rules: Any
    alerts: Any

    async def alert(self, project: str, rule_id: str, *states: int) -> alerts.Alert:
        """The first alert of a rule that is in one of the states, as soon as there is one."""

        async def found() -> alerts.Alert | None:
            answer = await self.alerts.ListAlerts(alerts.ListAlertsRequest(project=project, rule_id=rule_id, states=states))
            return answer.alerts[0] if answer.alerts else None

        return await eventually(found, f"{rule_id} in {states}")

    async def create(self, project: str, rule: rules.Rule) -> rules.Rule:
        """Makes a rule, as soon as the project is known."""

        async def made() -> rules.Rule | None:
            try:
                return (await self.rules.CreateRule(rules.CreateRuleRequest(project=project, rule=rule))).rule  # type: ignore[no-any-return]
            except grpc.aio.AioRpcError as error:
                if rpc.error_of(error).reason in {"PROJECT_UNKNOWN", "DATABASE_UNAVAILABLE"}:
                    return None
                raise

        return await eventually(made, f"{rule.rule_id} made")


@asynccontextmanager
async def installation(stack: Stack) -> AsyncIterator[Installation]:
    """A collector on an empty database."""
    database_url = await stack.create_database(f"alerter_{next(_numbers)}_{time.time_ns()}")
    shared = {"ASSAY_DATABASE_URL": database_url, "ASSAY_NATS_URL": stack.nats_url}
    admin, service_key = new_secret(), new_secret()
    front_settings = FrontSettings(
        **shared,  # type: ignore[arg-type]
        listen=ANYWHERE,
        ops_listen="",
        otlp_listen="",
        bootstrap_key=admin,
        ASSAY_SERVICE_KEY=service_key,
    )
    writer_settings = WriterSettings(**shared, writer_listen=ANYWHERE, ops_listen="")  # type: ignore[arg-type]
    async with front(front_settings) as collector, writer(writer_settings):
        made = Installation(stack, database_url, collector, admin, service_key)
        try:
            await eventually(lambda: is_serving(made.channel(collector, admin)), "the collector is ready")
            yield made
        finally:
            await asyncio.gather(*(channel.close() for channel in made.channels))


@asynccontextmanager
async def running(made: Installation, **changes: Any) -> AsyncIterator[Alerter]:
    """An alerter of the installation."""
    async with alerter(made.settings(**changes)) as address:
        channel = made.channel(address, made.admin)
        await eventually(lambda: is_serving(channel), "the alerter is ready")
        yield Alerter(address, RuleServiceStub(channel), AlertServiceStub(channel))


async def is_serving(channel: grpc.aio.Channel) -> bool:
    """Whether a process is ready."""
    try:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    except grpc.aio.AioRpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


async def eventually(ask: Callable[[], Awaitable[Result | None]], what: str) -> Result:
    """The first answer that is true; AssertionError when there is none in time."""
    deadline_s = time.monotonic() + DEADLINE_S
    while True:
        answer = await ask()
        if answer:
            return answer
        assert time.monotonic() < deadline_s, f"not in time: {what}; last answer {answer!r}"
        await asyncio.sleep(POLL_S)


def calls(number: int, *, failed: int = 0, ago_s: float = 20.0, **fields: Any) -> list[call_pb2.Call]:
    """So many calls that started then, the first of which failed."""
    start = datetime.now(UTC) - timedelta(seconds=ago_s)
    made = []
    for place in range(number):
        call = call_pb2.Call(
            call_id=f"c{next(_numbers)}",
            task_id=f"t{next(_numbers)}",
            provider="openai",
            model="gpt-4o",
            task_type="code_review",
            outcome=call_pb2.CALL_OUTCOME_FAILED if place < failed else call_pb2.CALL_OUTCOME_SUCCEEDED,
            usage={"input_token_count": 100, "output_token_count": 50},
            cost_usd_nanos=1_000_000,
        )
        call.start_time.FromDatetime(start)
        call.latency.FromMilliseconds(800)
        for name, value in fields.items():
            setattr(call, name, value)
        made.append(call)
    return made


def success_rule(**fields: Any) -> rules.Rule:
    """A rule about the success ratio of each provider in the last five minutes."""
    rule = rules.Rule(
        rule_id="success",
        display_name="Success is low",
        severity=alerts.SEVERITY_CRITICAL,
        group_by=["METRIC_DIMENSION_PROVIDER"],
        threshold=rules.ThresholdCondition(
            metric=rules.RULE_METRIC_SUCCESS_RATIO, comparison=rules.COMPARISON_BELOW, threshold=0.9, minimum_call_count=10
        ),
    )
    rule.threshold.window.FromSeconds(300)
    rule.keep_firing_duration.FromSeconds(0)
    for name, value in fields.items():
        getattr(rule, name).CopyFrom(value) if hasattr(value, "CopyFrom") else setattr(rule, name, value)
    return rule
