"""Tells the bus of new reports."""

from assay.events.v1.reports_pb2 import ReportMade
from assay.reporter.v1.report_service_pb2 import Report

from kit import logs
from kit.bus import Bus
from kit.errors import AssayError
from services.reporter import streams

_log = logs.get_logger(__name__)


async def announce(bus: Bus, report: Report) -> None:
    """Announces a report. Where the bus is away, it is found in the list of reports."""
    try:
        await bus.publish(f"{streams.REPORTS_SUBJECT}.{report.project}", ReportMade(report=report).SerializeToString(), {})
    except AssayError as error:
        _log.warning("a report is not announced", project=report.project, report=report.report_id, why=error.message)
