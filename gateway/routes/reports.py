"""/reports and what belongs to them: making, showing, sending, links; and /recommendations."""

from datetime import UTC, datetime
from typing import Annotated

from assay.reporter.v1 import report_service_pb2 as contract
from fastapi import Query, Request, Response

from gateway import reporter_messages as messages
from gateway import reporter_models as models
from gateway.auth import CallerOf
from gateway.parameters import PageSize, PageToken, Project, timestamp
from gateway.parts import ReporterOf, answer
from gateway.plain_messages import plain
from gateway.report_file import LINKS_PATH, report_file
from gateway.routes.described import answers, api_router

# A large report, or a PDF of it, takes seconds.
RENDER_DEADLINE_S = 60.0
# Each receiver is a question of its own to the alerter.
SEND_DEADLINE_S = 60.0

router = api_router("reports")


@router.get("/reports", **answers(models.ReportsPage))
async def list_reports(
    *,
    reporter: ReporterOf,
    caller: CallerOf,
    project: Project = "",
    schedule_id: Annotated[str, Query(description="Those that this schedule had made.")] = "",
    page_size: PageSize = 0,
    page_token: PageToken = "",
) -> Response:
    """Reports, the latest first."""
    question = contract.ListReportsRequest(project=project, schedule_id=schedule_id, page_size=page_size, page_token=page_token)
    response = await reporter.ask(reporter.reports.ListReports, question, caller.secret)
    return answer({"reports": list(map(plain, response.reports)), "next_page_token": response.next_page_token})


@router.post("/reports", **answers(models.ReportSummary, 201))
async def generate_report(reporter: ReporterOf, caller: CallerOf, body: models.ReportBody, project: Project = "") -> Response:
    """Makes a report under the id that was chosen, and answers when it is kept. Asking again gives the same."""
    return answer(plain(await reporter.generate(messages.generate_request(body, project), caller.secret)), 201)


@router.get("/reports/{report_id}", **answers(models.ReportWithContent))
async def get_report(reporter: ReporterOf, caller: CallerOf, report_id: str, project: Project = "") -> Response:
    """One report and its content."""
    question = contract.GetReportRequest(project=project, report_id=report_id)
    return answer(messages.report_with_content(await reporter.ask(reporter.reports.GetReport, question, caller.secret)))


@router.get("/reports/{report_id}/file", response_class=Response)
async def render_report(
    *,
    reporter: ReporterOf,
    caller: CallerOf,
    report_id: str,
    project: Project = "",
    form: Annotated[models.ReportFormatName, Query(alias="format", description="As what.")] = "html",
    is_download: Annotated[bool, Query(description="To be saved, and not shown.")] = False,
) -> Response:
    """The report as a file."""
    number = contract.ReportFormat.Value(f"REPORT_FORMAT_{form.upper()}")
    question = contract.RenderReportRequest(project=project, report_id=report_id, format=number)
    file = await reporter.ask(reporter.reports.RenderReport, question, caller.secret, RENDER_DEADLINE_S)
    return report_file(file.content, file.content_type, file.file_name if is_download else "")


@router.post("/reports/{report_id}/send", **answers(models.Sent))
async def send_report(reporter: ReporterOf, caller: CallerOf, report_id: str, body: models.SendBody, project: Project = "") -> Response:
    """Has the report delivered. Sending it again to the same receivers delivers nothing again."""
    change = contract.SendReportRequest(project=project, report_id=report_id, receiver_ids=body.receiver_ids)
    sent = await reporter.ask(reporter.reports.SendReport, change, caller.secret, SEND_DEADLINE_S)
    return answer(plain(sent))


@router.post("/reports/{report_id}/links", **answers(models.ReportLink, 201))
async def create_report_link(
    *, request: Request, reporter: ReporterOf, caller: CallerOf, report_id: str, body: models.ReportLinkBody, project: Project = ""
) -> Response:
    """Makes a link that shows this report, and nothing else, to whoever has it, without a key."""
    expire_time = timestamp("expire_time", body.expire_time, datetime.now(UTC))
    question = contract.CreateReportLinkRequest(project=project, report_id=report_id, expire_time=expire_time)
    link = await reporter.ask(reporter.reports.CreateReportLink, question, caller.secret)
    url = link.url or f"{str(request.base_url).rstrip('/')}{LINKS_PATH}/{link.token}"
    return answer({"url": url, "expire_time": link.expire_time.ToJsonString()}, 201)


@router.get("/recommendations", **answers(models.RecommendationsPage))
async def list_recommendations(
    *,
    reporter: ReporterOf,
    caller: CallerOf,
    project: Project = "",
    state: Annotated[models.RecommendationStateName | None, Query(description="Those in this state.")] = None,
    page_size: PageSize = 0,
    page_token: PageToken = "",
) -> Response:
    """What reports recommended, the latest first."""
    number = contract.RecommendationState.Value(f"RECOMMENDATION_STATE_{state or 'UNSPECIFIED'}")
    question = contract.ListRecommendationsRequest(project=project, state=number, page_size=page_size, page_token=page_token)
    response = await reporter.ask(reporter.reports.ListRecommendations, question, caller.secret)
    found = list(map(messages.recommendation, response.recommendations))
    return answer({"recommendations": found, "next_page_token": response.next_page_token})


@router.patch("/recommendations/{recommendation_id}", **answers(models.Recommendation))
async def update_recommendation(
    *, reporter: ReporterOf, caller: CallerOf, recommendation_id: str, body: models.RecommendationChange, project: Project = ""
) -> Response:
    """Says what became of a recommendation; later reports tell of it."""
    change = contract.UpdateRecommendationRequest(
        project=project,
        recommendation_id=recommendation_id,
        state=contract.RecommendationState.Value(f"RECOMMENDATION_STATE_{body.state}"),
        comment=body.comment,
    )
    response = await reporter.ask(reporter.reports.UpdateRecommendation, change, caller.secret)
    return answer(messages.recommendation(response.recommendation))
