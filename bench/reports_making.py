"""What making a weekly report takes in a running suite, from the question to the kept report."""

import time
from statistics import median

from assay.reporter.v1 import report_service_pb2 as contract
from assay.reporter.v1.report_period_pb2 import REPORT_PERIOD_WEEKLY
from assay.reporter.v1.report_service_pb2_grpc import ReportServiceStub

from bench.figures import Figure, Report
from bench.query import SERIES_COUNT, fill
from bench.suite import RunningSuite, running_suite
from cli.work.database import database_url
from kit import database, rpc

CALLS_PER_WEEK = 5_000_000
MADE_COUNT = 3
TIMEOUT_S = 180.0
_PARTS = ("reporter", "collector front")


async def run(area: str, report: Report) -> None:
    """A report of last week, over a quarter of a year of series with as many calls in each week."""
    async with running_suite() as suite:
        async with database.engine(database_url(suite.data_dir)) as engine:
            await fill(engine, CALLS_PER_WEEK // SERIES_COUNT // 7)
        took_s, cpu_s = await _made(suite)
        what = f"weekly report of {SERIES_COUNT} series, {CALLS_PER_WEEK:,} calls"
        report(Figure(area, f"{what}, from question to kept report", took_s, "s", 5.0, "lower"))
        for part, used_s in zip(_PARTS, cpu_s, strict=True):
            report(Figure(area, f"… processor time of the {part}", used_s, "s", None, "lower"))
        report(Figure(area, "… the most that the reporter has held", suite.peak_bytes("reporter") / 1e6, "MB", 300.0, "lower"))


async def _made(suite: RunningSuite) -> tuple[float, list[float]]:
    """Seconds that a report takes, and of processors that each of the parts uses for one."""
    before = [suite.cpu_s(part) for part in _PARTS]
    took_s = []
    async with rpc.connect(suite.reporter, secret=suite.secret) as channel:
        for number in range(MADE_COUNT):
            request = contract.GenerateReportRequest(project="default", report_id=f"bench-{number}", period=REPORT_PERIOD_WEEKLY)
            began = time.perf_counter()
            answers = [answer async for answer in ReportServiceStub(channel).GenerateReport(request, timeout=TIMEOUT_S)]
            took_s.append(time.perf_counter() - began)
            if not answers[-1].report.call_count:
                raise RuntimeError("the report is about nothing")
    return median(took_s), [(suite.cpu_s(part) - used_s) / MADE_COUNT for part, used_s in zip(_PARTS, before, strict=True)]
