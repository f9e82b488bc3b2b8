"""The RPCs of reports: each checks, converts and delegates."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import grpc.aio
from assay.events.v1.reports_pb2 import ReportMade
from assay.reporter.v1 import report_service_pb2 as contract
from assay.reporter.v1 import report_service_pb2_grpc

from kit import paging
from kit.access import Guard, Role
from kit.database import away_is_unavailable
from kit.errors import invalid
from kit.news import News
from kit.open_streams import OpenStreams, while_admitted
from services.reporter.domain.report_link import ReportLink, claimed, link_invalid, sign, verify
from services.reporter.domain.spans import zone_of
from services.reporter.gathering import Asked
from services.reporter.making import GATHERED_RATIO, Making, Order
from services.reporter.messages.limits import id_of, listing_position, text_of, time_of, timestamp
from services.reporter.messages.report_messages import (
    question_of,
    recommendation_to_message,
    report_to_message,
    state_of,
)
from services.reporter.messages.schedule_messages import receivers_of, schedule_id_of
from services.reporter.neighbours import ProjectSeen
from services.reporter.projects import Projects
from services.reporter.rendering import FORMS, Rendering
from services.reporter.rpc_schedules import ScheduleRpcs
from services.reporter.sending import Sending
from services.reporter.store.recommendations import RecommendationStore
from services.reporter.store.reports import ReportStore, report_unknown
from services.reporter.store.runs import RunStore
from services.reporter.store.schedules import ScheduleStore

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

PAGE_DEFAULT = 50
PAGE_MAX = 500
COMMENT_BYTES_MAX = 1_024
LINK_LIFETIME_DEFAULT = timedelta(days=14)
LINK_LIFETIME_MAX = timedelta(days=90)


class ReportServicer(ScheduleRpcs, report_service_pb2_grpc.ReportServiceServicer):
    """Makes reports, shows and sends them, and keeps schedules."""

    service_name = contract.DESCRIPTOR.services_by_name["ReportService"].full_name

    def __init__(
        self,
        guard: Guard,
        projects: Projects,
        *,
        reports: ReportStore,
        recommendations: RecommendationStore,
        making: Making,
        rendering: Rendering,
        sending: Sending,
        schedules: ScheduleStore,
        runs: RunStore,
        news: News,
    ) -> None:
        super().__init__(guard, projects, schedules, runs)
        self._reports = reports
        self._recommendations = recommendations
        self._making = making
        self._rendering = rendering
        self._sending = sending
        self._news = news
        self._open_watches = OpenStreams()

    def add_to(self, server: grpc.aio.Server) -> None:
        """Adds the service to a server."""
        report_service_pb2_grpc.add_ReportServiceServicer_to_server(self, server)

    async def GenerateReport(
        self, request: contract.GenerateReportRequest, context: Context
    ) -> AsyncIterator[contract.GenerateReportResponse]:
        """Makes a report, and tells how far it is."""
        with away_is_unavailable():
            project = await self._project(context, Role.OPERATE, request.project)
            question = question_of(request)
            known = await self._making.known(project.project, question.report_id, question.asked)
            if known is None:
                now = datetime.now(UTC)
                zone = question.zone or project.time_zone
                period = question.period(zone_of(zone), now)
                actor = (await self._guard.identity(context)).key_id
                about = Asked(project.project, zone, period, now)
                order = Order(question.report_id, question.asked, question.length, about, created_by=actor)
                progress: asyncio.Queue[float] = asyncio.Queue()
                making = asyncio.create_task(self._making.make(order, progress.put_nowait))
                async for ratio in _until_done(making, progress):
                    yield _progress(ratio)
                known = making.result()
        yield contract.GenerateReportResponse(stage=contract.REPORT_STAGE_DONE, progress_ratio=1.0, report=report_to_message(known))

    async def GetReport(self, request: contract.GetReportRequest, context: Context) -> contract.GetReportResponse:
        """Returns a report and its content."""
        with away_is_unavailable():
            project = await self._project(context, Role.READ, request.project)
            report_id = id_of(request.report_id, "report_id")
            report = await self._reports.get(project.project, report_id)
            content = await self._reports.content(project.project, report_id)
        return contract.GetReportResponse(report=report_to_message(report), content_json=content.decode())

    async def ListReports(self, request: contract.ListReportsRequest, context: Context) -> contract.ListReportsResponse:
        """Lists reports, the latest first."""
        with away_is_unavailable():
            project = await self._project(context, Role.READ, request.project)
            size = paging.page_size(request.page_size, PAGE_DEFAULT, PAGE_MAX)
            schedule_id = schedule_id_of(request.schedule_id) if request.schedule_id else ""
            query = f"reports {project.project} {schedule_id}"
            before = listing_position(request.page_token, query)
            page = await self._reports.list_reports(project.project, schedule_id=schedule_id, before=before, limit=size + 1)
        last = page[size - 1] if len(page) > size else None
        token = "" if last is None else paging.encode_token(query, [last.create_time.isoformat(), last.report_id])
        return contract.ListReportsResponse(reports=map(report_to_message, page[:size]), next_page_token=token)

    async def WatchReports(self, request: contract.WatchReportsRequest, context: Context) -> AsyncIterator[contract.WatchReportsResponse]:
        """Tells of each report that is made."""
        with away_is_unavailable():
            caller = await self._guard.identity(context)
            project = (await self._project(context, Role.READ, request.project)).project
            watched = while_admitted(self._news.watch(project), self._guard, context, request.project)
            with self._open_watches.one(caller, project):
                async with aclosing(watched) as updates:
                    async for told in updates:
                        reports = [ReportMade.FromString(payload).report for payload in told.payloads]
                        yield contract.WatchReportsResponse(list_again=told.list_again, reports=reports)

    async def RenderReport(self, request: contract.RenderReportRequest, context: Context) -> contract.RenderReportResponse:
        """Returns a report as a file."""
        with away_is_unavailable():
            project = await self._project(context, Role.READ, request.project)
            number = request.format or contract.REPORT_FORMAT_HTML
            if number not in FORMS:
                raise invalid("format", "must be one of the contract's")
            file = await self._rendering.file(project.project, id_of(request.report_id, "report_id"), number)
        return contract.RenderReportResponse(content=file.content, content_type=file.content_type, file_name=file.name)

    async def SendReport(self, request: contract.SendReportRequest, context: Context) -> contract.SendReportResponse:
        """Has a report delivered to receivers of its project."""
        with away_is_unavailable():
            project = await self._project(context, Role.OPERATE, request.project)
            receiver_ids = receivers_of(list(request.receiver_ids))
            if not receiver_ids:
                raise invalid("receiver_ids", "name one at least")
            report = await self._reports.get(project.project, id_of(request.report_id, "report_id"))
            delivery_ids = await self._sending.send(report, receiver_ids)
        return contract.SendReportResponse(delivery_ids=delivery_ids)

    async def CreateReportLink(self, request: contract.CreateReportLinkRequest, context: Context) -> contract.CreateReportLinkResponse:
        """Makes a link that shows this report to whoever has it."""
        now = datetime.now(UTC)
        with away_is_unavailable():
            project = await self._project(context, Role.OPERATE, request.project)
            report_id = id_of(request.report_id, "report_id")
            expire_time = time_of(request.expire_time, "expire_time") if request.HasField("expire_time") else now + LINK_LIFETIME_DEFAULT
            if not now < expire_time <= now + LINK_LIFETIME_MAX:
                raise invalid("expire_time", f"is in the future, and at most {LINK_LIFETIME_MAX.days} days from now")
            key = await self._reports.link_key(project.project, report_id)
        if key is None:
            raise report_unknown()
        link = ReportLink(project.project, report_id, expire_time.replace(microsecond=0))
        token = sign(link, key)
        return contract.CreateReportLinkResponse(token=token, url=self._sending.url_of(token), expire_time=timestamp(link.expire_time))

    async def GetLinkedReport(self, request: contract.GetLinkedReportRequest, _context: Context) -> contract.GetLinkedReportResponse:
        """Returns the report that a link is for. There is no guard: who has a token was given it."""
        with away_is_unavailable():
            link = claimed(request.token)
            key = await self._reports.link_key(link.project, link.report_id)
            if key is None:
                raise link_invalid()
            verify(request.token, key, datetime.now(UTC))
            file = await self._rendering.file(link.project, link.report_id, contract.REPORT_FORMAT_HTML)
        return contract.GetLinkedReportResponse(content=file.content, expire_time=timestamp(link.expire_time))

    async def ListRecommendations(
        self, request: contract.ListRecommendationsRequest, context: Context
    ) -> contract.ListRecommendationsResponse:
        """Lists what reports recommended, the latest first."""
        with away_is_unavailable():
            project = await self._project(context, Role.READ, request.project)
            size = paging.page_size(request.page_size, PAGE_DEFAULT, PAGE_MAX)
            state = state_of(request.state, is_filter=True)
            query = f"recommendations {project.project} {state}"
            before = listing_position(request.page_token, query)
            page = await self._recommendations.list_recommendations(project.project, state=state, before=before, limit=size + 1)
        last = page[size - 1] if len(page) > size else None
        token = "" if last is None else paging.encode_token(query, [last.create_time.isoformat(), last.recommendation_id])
        return contract.ListRecommendationsResponse(recommendations=map(recommendation_to_message, page[:size]), next_page_token=token)

    async def UpdateRecommendation(
        self, request: contract.UpdateRecommendationRequest, context: Context
    ) -> contract.UpdateRecommendationResponse:
        """Says what became of a recommendation."""
        with away_is_unavailable():
            project = await self._project(context, Role.OPERATE, request.project)
            changed = await self._recommendations.set_state(
                project.project,
                id_of(request.recommendation_id, "recommendation_id"),
                state_of(request.state),
                actor=(await self._guard.identity(context)).key_id,
                comment=text_of(request.comment, "comment", COMMENT_BYTES_MAX),
                now=datetime.now(UTC),
            )
        return contract.UpdateRecommendationResponse(recommendation=recommendation_to_message(changed))

    async def _project(self, context: Context, role: Role, requested: str) -> ProjectSeen:
        return await self._projects.require(await self._guard.admit(context, role, requested))


async def _until_done(making: asyncio.Task[Any], progress: asyncio.Queue[float]) -> AsyncIterator[float]:
    """What is told while the task works; it is stopped if nobody listens any more."""
    told: asyncio.Task[float] | None = None
    try:
        while not making.done():
            told = asyncio.create_task(progress.get())
            await asyncio.wait([making, told], return_when=asyncio.FIRST_COMPLETED)
            if told.done():
                yield told.result()
            told.cancel()
    finally:
        making.cancel()
        if told is not None:
            told.cancel()


def _progress(ratio: float) -> contract.GenerateReportResponse:
    stage = contract.REPORT_STAGE_GATHERING if ratio < GATHERED_RATIO else contract.REPORT_STAGE_COMPUTING
    return contract.GenerateReportResponse(stage=stage, progress_ratio=ratio)
