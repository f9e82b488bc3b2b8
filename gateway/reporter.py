"""The reporter as the gateway sees it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc.aio
from assay.reporter.v1.report_service_pb2 import GenerateReportRequest, Report, WatchReportsRequest, WatchReportsResponse
from assay.reporter.v1.report_service_pb2_grpc import ReportServiceStub

from gateway.asking import Service
from kit.errors import AssayError

if TYPE_CHECKING:  # these exist in the type stubs alone
    from assay.reporter.v1.report_service_pb2_grpc import ReportServiceAsyncStub


@dataclass(frozen=True)
class Reporter(Service):
    """The reporter's service behind a channel."""

    reports: "ReportServiceAsyncStub"
    deadline_s: float
    name: str = "reporter"

    @classmethod
    def over(cls, channel: grpc.aio.Channel, deadline_s: float) -> "Reporter":
        """The service over a channel; `deadline_s` holds for every call that names no other."""
        return cls(reports=ReportServiceStub(channel), deadline_s=deadline_s)

    async def generate(self, question: GenerateReportRequest, secret: str) -> Report:
        """The report, when it is made. Raises AssayError."""
        report = Report()
        try:
            async for told in self.follow(self.reports.GenerateReport, question, secret):
                report = told.report
        except AssayError as error:
            if error.reason != "WATCH_ENDED":
                raise
        return report

    def watch(self, project: str, secret: str) -> AsyncIterator[WatchReportsResponse]:
        """What reports are made from now on, until cancelled. Raises AssayError, also when the stream ends."""
        return self.follow(self.reports.WatchReports, WatchReportsRequest(project=project), secret)
