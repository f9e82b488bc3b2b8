"""/links/reports/{token}: shows one report to whoever was given the link. The token is the proof, so no key is needed."""

from assay.reporter.v1.report_service_pb2 import GetLinkedReportRequest
from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from gateway.links_page import refused_page
from gateway.parts import ReporterOf
from gateway.problems import problem_of
from gateway.report_file import LINKS_PATH, report_file
from gateway.routes.reports import RENDER_DEADLINE_S
from kit.errors import AssayError

# No search engine keeps what a link shows that was passed on to it.
_ROBOTS = {"x-robots-tag": "noindex, nofollow"}

router = APIRouter(include_in_schema=False)


@router.api_route(f"{LINKS_PATH}/{{token}}", methods=["GET", "HEAD"])
async def show_report(reporter: ReporterOf, token: str) -> Response:
    """The report, until the link expires."""
    try:
        page = await reporter.ask(reporter.reports.GetLinkedReport, GetLinkedReportRequest(token=token), None, RENDER_DEADLINE_S)
    except AssayError as error:
        problem = problem_of(error)
        return HTMLResponse(refused_page(problem), problem.status, {"cache-control": "no-store", **_ROBOTS, **problem.headers})
    response = report_file(page.content, "text/html; charset=utf-8")
    response.headers.update(_ROBOTS)
    return response
