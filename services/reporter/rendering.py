"""Renders kept reports, again and again the same: the forms of services/reporter/render, off the event loop."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from assay.reporter.v1 import report_service_pb2 as contract

from kit.threads import in_turn
from services.reporter.domain.report import Report, from_json, to_json
from services.reporter.render.mail import Mail, mail
from services.reporter.render.markdown import markdown
from services.reporter.render.page import html
from services.reporter.render.pdf import pdf
from services.reporter.render.tables import tables_zip
from services.reporter.store.reports import ReportStore

# Pictures and pages take processor time and some 50 MB each.
RENDERED_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Form:
    """How a report becomes a file. `suffix`: what the file's name ends with."""

    render: Callable[[Report], bytes]
    content_type: str
    suffix: str


FORMS: Mapping[int, Form] = {
    contract.REPORT_FORMAT_HTML: Form(lambda report: html(report).encode(), "text/html; charset=utf-8", "html"),
    contract.REPORT_FORMAT_MARKDOWN: Form(lambda report: markdown(report).encode(), "text/markdown; charset=utf-8", "md"),
    contract.REPORT_FORMAT_JSON: Form(to_json, "application/json", "json"),
    contract.REPORT_FORMAT_CSV: Form(tables_zip, "application/zip", "zip"),
    contract.REPORT_FORMAT_PDF: Form(pdf, "application/pdf", "pdf"),
}


@dataclass(frozen=True, slots=True)
class File:
    """A rendered report."""

    content: bytes
    content_type: str
    name: str


class Rendering:
    """Renders reports of all projects."""

    def __init__(self, reports: ReportStore) -> None:
        self._reports = reports
        self._turns = asyncio.Semaphore(RENDERED_AT_ONCE)

    async def file(self, project: str, report_id: str, number: int) -> File:
        """The report in one of FORMS. Raises REPORT_UNKNOWN, PDF_UNAVAILABLE."""
        form = FORMS[number]
        content = await self._reports.content(project, report_id)
        rendered = await in_turn(self._turns, lambda: form.render(from_json(content)))
        return File(rendered, form.content_type, f"{report_id}.{form.suffix}")

    async def mail(self, project: str, report_id: str, url: str) -> Mail:
        """The report as mail, which links to `url` if that is not empty. Raises REPORT_UNKNOWN."""
        content = await self._reports.content(project, report_id)
        return await in_turn(self._turns, lambda: mail(from_json(content), url))
