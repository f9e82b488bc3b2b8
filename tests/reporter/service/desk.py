"""A collector, an alerter and reporters, each as it is started, on a database and bus of the test's, in the test's own process."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import grpc.aio
from assay.alerter.v1 import receiver_service_pb2 as receivers
from assay.alerter.v1.receiver_service_pb2_grpc import ReceiverServiceStub
from assay.reporter.v1 import report_service_pb2 as contract
from assay.reporter.v1 import schedule_pb2 as schedules
from assay.reporter.v1.report_period_pb2 import REPORT_PERIOD_DAILY
from assay.reporter.v1.report_service_pb2_grpc import ReportServiceStub
from sqlalchemy import text

from kit import database, rpc
from kit.embedded.stack import Stack
from services.reporter.app import reporter
from services.reporter.settings import ReporterSettings
from tests.alerter.notify.servers import HttpReceiver, http_receiver
from tests.alerter.rules.installation import ANYWHERE, Installation, calls, eventually, installation, is_serving
from tests.alerter.rules.installation import running as running_alerter

PUBLIC_URL = "https://assay.test"
_numbers = count(1)


@dataclass
class Reporter:
    """A running reporter, asked with the installation's admin key."""

    address: str
    reports: Any


@dataclass
class Desk:
    """All that a report is made and sent with."""

    made: Installation
    alerter: str
    web: HttpReceiver

    def settings(self, **changes: Any) -> ReporterSettings:
        """Of an impatient reporter."""
        return ReporterSettings(
            ASSAY_DATABASE_URL=self.made.database_url,
            ASSAY_NATS_URL=self.made.stack.nats_url,
            ASSAY_SERVICE_KEY=self.made.service_key,
            ASSAY_PUBLIC_URL=PUBLIC_URL,
            **{
                "listen": ANYWHERE,
                "ops_listen": "",
                "collector_address": self.made.collector,
                "analyzer_address": "",
                "alerter_address": self.alerter,
                "look_every_s": 0.05,
            }
            | changes,
        )

    @asynccontextmanager
    async def reporter(self, **changes: Any) -> AsyncIterator[Reporter]:
        """A reporter of the installation."""
        async with reporter(self.settings(**changes)) as address:
            channel = self.made.channel(address, self.made.admin)
            await eventually(lambda: is_serving(channel), "the reporter is ready")
            yield Reporter(address, ReportServiceStub(channel))

    async def project_with_calls(self) -> str:
        """A project with calls of yesterday and the day before, and a webhook `ops`."""
        project = await self.made.new_project()
        for days in (1, 2):
            noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=days)
            ago_s = (datetime.now(UTC) - noon).total_seconds()
            await self.made.record(project, calls(40, failed=2, ago_s=ago_s))
        await self.add_receiver(project)
        return project

    async def add_receiver(self, project: str, receiver_id: str = "ops", **config: Any) -> None:
        """A webhook at the test's server, or what else is given, as soon as the alerter knows the project."""
        stub = ReceiverServiceStub(self.made.channel(self.alerter, self.made.admin))
        usual = {"webhook": {"url": f"{self.web.url}/{project}/{receiver_id}"}}
        receiver = receivers.Receiver(receiver_id=receiver_id, **(config or usual))

        async def is_made() -> bool:
            try:
                await stub.CreateReceiver(receivers.CreateReceiverRequest(project=project, receiver=receiver))
            except grpc.aio.AioRpcError as error:
                if rpc.error_of(error).reason == "PROJECT_UNKNOWN":
                    return False
                raise
            return True

        await eventually(is_made, "the receiver is made")

    def sent_to(self, path: str) -> list[dict[str, Any]]:
        """What the webhook at that path was sent."""
        return [request.json for request in self.web.requests if request.path == path]

    async def sql(self, statement: str, **values: Any) -> None:
        """Changes the reporter's tables behind its back, as time would."""
        async with database.engine(self.made.database_url) as engine, engine.begin() as connection:
            await connection.execute(text(statement), values)


@asynccontextmanager
async def desk(stack: Stack) -> AsyncIterator[Desk]:
    """An installation without a reporter."""
    async with AsyncExitStack() as open_:
        made = await open_.enter_async_context(installation(stack))
        alerter = await open_.enter_async_context(
            running_alerter(made, allowed_targets="127.0.0.1", secrets_key_file=None, evaluate_every_s=60.0)
        )
        yield Desk(made, alerter.address, await open_.enter_async_context(http_receiver()))


async def generate(one: Reporter, project: str, **fields: Any) -> contract.Report:
    """The report of yesterday, unless the fields say otherwise."""
    request = contract.GenerateReportRequest(
        **{"project": project, "report_id": f"r{next(_numbers)}", "period": REPORT_PERIOD_DAILY} | fields
    )
    told = [answer async for answer in one.reports.GenerateReport(request)]
    assert [answer.progress_ratio for answer in told] == sorted(answer.progress_ratio for answer in told)
    return told[-1].report  # type: ignore[no-any-return]


def daily(schedule_id: str = "daily", **fields: Any) -> schedules.Schedule:
    """A schedule that sends the report of each day to `ops` at eight."""
    usual: dict[str, Any] = {"period": REPORT_PERIOD_DAILY, "local_time": {"minute_of_day": 480}, "receiver_ids": ["ops"]}
    return schedules.Schedule(**{"schedule_id": schedule_id, **usual} | fields)


async def refusal(call: Any) -> str:
    """The reason of the refusal."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return rpc.error_of(error).reason
    raise AssertionError("it was not refused")
