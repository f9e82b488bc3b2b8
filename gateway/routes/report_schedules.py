"""/report-schedules: which reports are made when, who gets them, and how that went."""

from assay.reporter.v1 import schedule_pb2 as contract
from fastapi import Response

from gateway import reporter_models as models
from gateway.auth import CallerOf
from gateway.parameters import ExpectedVersion, PageSize, PageToken, Project
from gateway.parts import ReporterOf, answer
from gateway.plain_messages import plain
from gateway.reporter_messages import schedule_to_message
from gateway.routes.described import answers, api_router
from kit.errors import invalid

router = api_router("reports")


@router.get("/report-schedules", **answers(models.ReportSchedulesPage))
async def list_report_schedules(
    reporter: ReporterOf, caller: CallerOf, project: Project = "", page_size: PageSize = 0, page_token: PageToken = ""
) -> Response:
    """Schedules by id."""
    question = contract.ListSchedulesRequest(project=project, page_size=page_size, page_token=page_token)
    response = await reporter.ask(reporter.reports.ListSchedules, question, caller.secret)
    return answer({"schedules": list(map(plain, response.schedules)), "next_page_token": response.next_page_token})


@router.post("/report-schedules", **answers(models.ReportSchedule, 201))
async def create_report_schedule(
    reporter: ReporterOf, caller: CallerOf, body: models.ReportScheduleBody, project: Project = ""
) -> Response:
    """Makes a schedule under the id that was chosen. Making the same again changes nothing."""
    change = contract.CreateScheduleRequest(project=project, schedule=schedule_to_message(body))
    return answer(plain((await reporter.ask(reporter.reports.CreateSchedule, change, caller.secret)).schedule), 201)


@router.get("/report-schedules/{schedule_id}", **answers(models.ReportSchedule))
async def get_report_schedule(reporter: ReporterOf, caller: CallerOf, schedule_id: str, project: Project = "") -> Response:
    """One schedule."""
    question = contract.GetScheduleRequest(project=project, schedule_id=schedule_id)
    return answer(plain((await reporter.ask(reporter.reports.GetSchedule, question, caller.secret)).schedule))


@router.put("/report-schedules/{schedule_id}", **answers(models.ReportSchedule))
async def update_report_schedule(
    *,
    reporter: ReporterOf,
    caller: CallerOf,
    schedule_id: str,
    body: models.ReportScheduleBody,
    project: Project = "",
    expected_version: ExpectedVersion = 0,
) -> Response:
    """Replaces a schedule."""
    if body.schedule_id != schedule_id:
        raise invalid("schedule_id", "is another one than in the path")
    change = contract.UpdateScheduleRequest(project=project, schedule=schedule_to_message(body), expected_version=expected_version)
    return answer(plain((await reporter.ask(reporter.reports.UpdateSchedule, change, caller.secret)).schedule))


@router.delete("/report-schedules/{schedule_id}", status_code=204)
async def delete_report_schedule(reporter: ReporterOf, caller: CallerOf, schedule_id: str, project: Project = "") -> Response:
    """Ends a schedule; its reports stay."""
    change = contract.DeleteScheduleRequest(project=project, schedule_id=schedule_id)
    await reporter.ask(reporter.reports.DeleteSchedule, change, caller.secret)
    return Response(status_code=204)


@router.get("/report-schedules/{schedule_id}/runs", **answers(models.ScheduleRunsPage))
async def list_schedule_runs(
    *,
    reporter: ReporterOf,
    caller: CallerOf,
    schedule_id: str,
    project: Project = "",
    page_size: PageSize = 0,
    page_token: PageToken = "",
) -> Response:
    """The runs of a schedule, the latest first."""
    question = contract.ListScheduleRunsRequest(project=project, schedule_id=schedule_id, page_size=page_size, page_token=page_token)
    response = await reporter.ask(reporter.reports.ListScheduleRuns, question, caller.secret)
    return answer({"runs": list(map(plain, response.runs)), "next_page_token": response.next_page_token})
