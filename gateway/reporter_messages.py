"""Reports, recommendations and schedules as JSON objects, to and fro."""

import json
from datetime import UTC, datetime

from assay.reporter.v1 import report_service_pb2 as reports
from assay.reporter.v1 import schedule_pb2 as schedules
from assay.reporter.v1.report_period_pb2 import ReportPeriod

from gateway.messages import Json
from gateway.parameters import timestamp
from gateway.plain_messages import fill, plain
from gateway.reporter_models import ReportBody, ReportScheduleBody


def generate_request(body: ReportBody, project: str) -> reports.GenerateReportRequest:
    """The contract's question. Raises FIELD_INVALID for what is no time."""
    now = datetime.now(UTC)
    return reports.GenerateReportRequest(
        project=project,
        report_id=body.report_id,
        period=ReportPeriod.Value(f"REPORT_PERIOD_{body.period or 'UNSPECIFIED'}"),
        start_time=timestamp("start_time", body.start_time, now),
        end_time=timestamp("end_time", body.end_time, now),
        time_zone=body.time_zone,
        start_date=body.start_date,
        end_date=body.end_date,
    )


def report_with_content(response: reports.GetReportResponse) -> Json:
    """A report and its content."""
    return {"report": plain(response.report), "content": json.loads(response.content_json)}


def recommendation(message: reports.Recommendation) -> Json:
    """What was recommended, and what became of it."""
    content = plain(message)
    return {**content, "content": json.loads(content.pop("content_json"))}


def reports_told(response: reports.WatchReportsResponse) -> Json:
    """What the event `reports` says of a response."""
    return {"reports": list(map(plain, response.reports))}


def schedule_to_message(body: ReportScheduleBody) -> schedules.Schedule:
    """The contract's schedule."""
    message = schedules.Schedule()
    fill(message, body.model_dump())
    return message
