"""Reports: made, shown, written to files, opened and sent."""

import re
import tempfile
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import grpc.aio
from assay.reporter.v1 import report_service_pb2 as contract
from assay.reporter.v1.report_period_pb2 import ReportPeriod
from assay.reporter.v1.report_service_pb2_grpc import ReportServiceStub

from cli.work.connection import ASK_TIMEOUT_S, Target, ask
from cli.work.output import as_json, print_json, print_table, step_progress
from kit.errors import invalid

# Longer than the reporter takes at most.
MAKE_TIMEOUT_S = 180.0
RENDER_TIMEOUT_S = 60.0
PAGE_SIZE = 100
_STEPS = 100
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_FORMS = {".html": "html", ".md": "markdown", ".json": "json", ".csv": "csv", ".zip": "csv", ".pdf": "pdf"}
_BINARY = frozenset({"csv", "pdf"})


@dataclass(frozen=True)
class Showing:
    """What is done with a report. `form` None: Markdown on the terminal, HTML in a browser, what its name says in a file."""

    form: str | None
    out: Path | None
    is_opened: bool
    is_json: bool


def question(project: str, period: str, start: str, end: str, zone: str) -> contract.GenerateReportRequest:
    """What is asked, under an id of its own. Raises FIELD_INVALID."""
    asked = contract.GenerateReportRequest(
        project=project,
        report_id=f"{datetime.now(UTC):%Y%m%d}-{uuid4().hex[:12]}",
        period=ReportPeriod.Value(f"REPORT_PERIOD_{period}"),
        time_zone=zone,
    )
    for name, text in (("start", start), ("end", end)):
        if _DAY.fullmatch(text):
            setattr(asked, f"{name}_date", text)
        elif text:
            getattr(asked, f"{name}_time").FromDatetime(_moment(name, text).astimezone(UTC))
    return asked


def make(target: Target, asked: contract.GenerateReportRequest, showing: Showing, receiver_ids: Sequence[str]) -> None:
    """Has a report made, shows it, and sends it."""
    with step_progress("Making the report") as tell:

        async def made(channel: grpc.aio.Channel) -> contract.Report:
            report = contract.Report()
            async for told in ReportServiceStub(channel).GenerateReport(asked, timeout=MAKE_TIMEOUT_S):
                tell(round(told.progress_ratio * _STEPS), _STEPS)
                report = told.report
            return report

        report = ask(target, made)
    show(target, asked.project, report.report_id, showing, receiver_ids)


def show(target: Target, project: str, report_id: str, showing: Showing, receiver_ids: Sequence[str]) -> None:
    """Sends a report, and shows it."""
    form = showing.form or _usual_form(showing)
    if form in _BINARY and showing.out is None and not showing.is_opened:
        raise invalid("format", f"{form} is nothing for a terminal: give --out, or --open")
    sent = _send(target, project, report_id, receiver_ids) if receiver_ids else []
    if showing.is_json:
        _print_facts(target, project, report_id, sent)
        if showing.out is None and not showing.is_opened:
            return
    request = contract.RenderReportRequest(
        project=project, report_id=report_id, format=contract.ReportFormat.Value(f"REPORT_FORMAT_{form.upper()}")
    )
    file = ask(target, lambda channel: ReportServiceStub(channel).RenderReport(request, timeout=RENDER_TIMEOUT_S))
    if showing.out is None and not showing.is_opened:
        print(file.content.decode(), end="")
        return
    path = showing.out or Path(tempfile.mkdtemp(prefix="assay-report-")) / file.file_name
    path.write_bytes(file.content)
    if not showing.is_json:
        print(f"{report_id} is in {path}.")
    if showing.is_opened:
        webbrowser.open(path.resolve().as_uri())


def show_list(target: Target, project: str, *, json: bool) -> None:
    """Prints the latest reports."""
    request = contract.ListReportsRequest(project=project, page_size=PAGE_SIZE)
    reports = ask(target, lambda channel: ReportServiceStub(channel).ListReports(request, timeout=ASK_TIMEOUT_S)).reports
    found = [as_json(report) for report in reports]
    if json:
        print_json({"reports": found})
        return
    rows = [(one["title"], one["call_count"], one["recommendation_count"], one["create_time"], one["report_id"]) for one in found]
    print_table(("report", "calls", "recommendations", "made", "id"), rows, empty="There are no reports yet.")


def _print_facts(target: Target, project: str, report_id: str, delivery_ids: Sequence[str]) -> None:
    request = contract.GetReportRequest(project=project, report_id=report_id)
    found = ask(target, lambda channel: ReportServiceStub(channel).GetReport(request, timeout=ASK_TIMEOUT_S))
    print_json({**as_json(found.report), "delivery_ids": list(delivery_ids)})


def _send(target: Target, project: str, report_id: str, receiver_ids: Sequence[str]) -> list[str]:
    request = contract.SendReportRequest(project=project, report_id=report_id, receiver_ids=receiver_ids)
    return list(ask(target, lambda channel: ReportServiceStub(channel).SendReport(request, timeout=RENDER_TIMEOUT_S)).delivery_ids)


def _usual_form(showing: Showing) -> str:
    """HTML for a browser, what its name says for a file, and Markdown for a terminal. Raises FIELD_INVALID."""
    if showing.out is None:
        return "html" if showing.is_opened else "markdown"
    if showing.out.suffix.lower() not in _FORMS:
        raise invalid("format", f"{showing.out.name} does not say which: give --format, or a name that ends with {', '.join(_FORMS)}")
    return _FORMS[showing.out.suffix.lower()]


def _moment(field: str, text: str) -> datetime:
    """A time, of UTC if it does not say otherwise. Raises FIELD_INVALID."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(field, "use a day such as 2026-11-20 or a time such as 2026-11-20T08:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
