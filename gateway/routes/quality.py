"""/quality…: how good answers are, and what counts how much; and links by which people vote."""

from datetime import UTC, datetime
from typing import Annotated

from assay.analyzer.v1 import quality_service_pb2 as contract
from assay.collector.v1.feedback_service_pb2 import CreateFeedbackLinkRequest
from fastapi import Query, Response
from google.protobuf.duration_pb2 import Duration

from gateway import quality_models as models
from gateway.auth import CallerOf
from gateway.parameters import (
    End,
    Filter,
    GroupBy,
    PageSize,
    PageToken,
    Project,
    Start,
    Step,
    dimensions,
    duration_of,
    enum_values,
    timestamp,
)
from gateway.parts import AnalyzerOf, CollectorOf, answer
from gateway.plain_messages import fill, plain
from gateway.routes.described import answers, api_router

router = api_router("quality")

Order = Annotated[str, Query(description="worst_first or latest_first.")]
IsTask = Annotated[bool | None, Query(description="Those of tasks alone, or of calls alone.")]


@router.get("/quality", **answers(models.QualityPage))
async def list_quality(
    *,
    analyzer: AnalyzerOf,
    caller: CallerOf,
    filter_: Filter,
    project: Project = "",
    start: Start = "-7d",
    end: End = "",
    order: Order = "",
    is_task: IsTask = None,
    page_size: PageSize = 0,
    page_token: PageToken = "",
) -> Response:
    """Scores of calls and tasks, the worst first."""
    now = datetime.now(UTC)
    orders = enum_values("order", contract.QualityOrder.items(), "QUALITY_ORDER_", [order])
    question = contract.ListQualityRequest(
        project=project,
        start_time=timestamp("start", start, now),
        end_time=timestamp("end", end, now),
        filter=filter_,
        order=orders[0] if orders else contract.QUALITY_ORDER_UNSPECIFIED,
        is_task=is_task,
        page_size=page_size,
        page_token=page_token,
    )
    response = await analyzer.ask(analyzer.qualities.ListQuality, question, caller.secret)
    return answer(plain(response))


@router.get("/quality/summary", **answers(models.QualitySummaries))
async def summarize_quality(
    *,
    analyzer: AnalyzerOf,
    caller: CallerOf,
    filter_: Filter,
    project: Project = "",
    start: Start = "-7d",
    end: End = "now",
    step: Step = "",
    group_by: GroupBy = (),
) -> Response:
    """Scores and their components, averaged by group and window."""
    now = datetime.now(UTC)
    question = contract.SummarizeQualityRequest(
        project=project,
        start_time=timestamp("start", start, now),
        end_time=timestamp("end", end, now),
        step=duration_of("step", step),
        filter=filter_,
        group_by=dimensions(group_by),
    )
    response = await analyzer.ask(analyzer.qualities.SummarizeQuality, question, caller.secret)
    return answer(plain(response))


@router.get("/quality/calls/{call_id}", **answers(models.Quality))
async def get_call_quality(analyzer: AnalyzerOf, caller: CallerOf, call_id: str, project: Project = "") -> Response:
    """The score of a call with its whole explanation."""
    question = contract.GetQualityRequest(project=project, call_id=call_id)
    return answer(plain((await analyzer.ask(analyzer.qualities.GetQuality, question, caller.secret)).quality))


@router.get("/quality/tasks/{task_id}", **answers(models.Quality))
async def get_task_quality(analyzer: AnalyzerOf, caller: CallerOf, task_id: str, project: Project = "") -> Response:
    """The score of a task with its whole explanation."""
    question = contract.GetQualityRequest(project=project, task_id=task_id)
    return answer(plain((await analyzer.ask(analyzer.qualities.GetQuality, question, caller.secret)).quality))


@router.get("/quality/weights", **answers(models.QualityWeights))
async def get_quality_weights(analyzer: AnalyzerOf, caller: CallerOf, project: Project = "") -> Response:
    """What counts how much."""
    question = contract.GetQualityWeightsRequest(project=project)
    return answer(plain((await analyzer.ask(analyzer.qualities.GetQualityWeights, question, caller.secret)).weights))


@router.put("/quality/weights", **answers(models.QualityWeights))
async def put_quality_weights(analyzer: AnalyzerOf, caller: CallerOf, body: models.QualityWeights, project: Project = "") -> Response:
    """Sets what counts how much from now on."""
    change = contract.UpdateQualityWeightsRequest(project=project)
    fill(change.weights, body.model_dump())
    return answer(plain((await analyzer.ask(analyzer.qualities.UpdateQualityWeights, change, caller.secret)).weights))


@router.post("/quality/rescore", **answers(models.QualityRescored))
async def rescore_quality(analyzer: AnalyzerOf, caller: CallerOf, project: Project = "", start: Start = "", end: End = "") -> Response:
    """Has the scores of a range made anew, with the present weights and readers; the work goes on behind."""
    now = datetime.now(UTC)
    request = contract.RescoreQualityRequest(
        project=project, start_time=timestamp("start", start, now), end_time=timestamp("end", end, now)
    )
    response = await analyzer.ask(analyzer.qualities.RescoreQuality, request, caller.secret)
    return answer(plain(response))


@router.post("/quality/calibrate", **answers(models.QualityCalibration))
async def calibrate_quality(
    analyzer: AnalyzerOf,
    caller: CallerOf,
    project: Project = "",
    task_type: Annotated[str, Query(description="Which kind of task. Default: all together.")] = "",
) -> Response:
    """Fits weights to the feedback that there is, and changes nothing."""
    question = contract.CalibrateQualityRequest(project=project, task_type=task_type)
    response = await analyzer.ask(analyzer.qualities.CalibrateQuality, question, caller.secret)
    return answer(plain(response))


@router.post("/feedback-links", **answers(models.FeedbackLink))
async def create_feedback_link(
    collector: CollectorOf, caller: CallerOf, body: models.FeedbackLinkRequest, project: Project = ""
) -> Response:
    """Makes a link by which people without a key vote on an answer."""
    request = CreateFeedbackLinkRequest(project=project, title=body.title, lifetime=Duration(seconds=body.lifetime_s))
    if body.call_id:
        request.call_id = body.call_id
    if body.task_id:
        request.task_id = body.task_id
    response = await collector.ask(collector.feedback.CreateFeedbackLink, request, caller.secret)
    return answer(plain(response))
