"""The RPCs of schedules: each checks, converts and delegates."""

from datetime import UTC, datetime
from typing import Any, TypeAlias

import grpc.aio
from assay.reporter.v1 import schedule_pb2 as contract

from kit import paging
from kit.access import Guard, Role
from kit.database import away_is_unavailable
from services.reporter.messages.limits import listing_position, name_position
from services.reporter.messages.schedule_messages import (
    next_time,
    run_to_message,
    schedule_from_message,
    schedule_id_of,
    schedule_to_message,
)
from services.reporter.neighbours import ProjectSeen
from services.reporter.projects import Projects
from services.reporter.store.runs import RunStore
from services.reporter.store.schedules import ScheduleStore

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

SCHEDULES_PAGE_DEFAULT = 100
SCHEDULES_PAGE_MAX = 1_000
RUNS_PAGE_DEFAULT = 50
RUNS_PAGE_MAX = 500


class ScheduleRpcs:
    """The RPCs of ReportService that keep schedules."""

    def __init__(self, guard: Guard, projects: Projects, schedules: ScheduleStore, runs: RunStore) -> None:
        self._guard = guard
        self._projects = projects
        self._schedules = schedules
        self._runs = runs

    async def CreateSchedule(self, request: contract.CreateScheduleRequest, context: Context) -> contract.CreateScheduleResponse:
        """Makes a schedule under the id that the caller chose."""
        now = datetime.now(UTC)
        with away_is_unavailable():
            project = await self._project(context, Role.OPERATE, request.project)
            schedule = schedule_from_message(request.schedule, project.time_zone, now)
            actor = (await self._guard.identity(context)).key_id
            made = await self._schedules.create(project.project, schedule, next_time(schedule, now), actor, now)
        return contract.CreateScheduleResponse(schedule=schedule_to_message(made))

    async def GetSchedule(self, request: contract.GetScheduleRequest, context: Context) -> contract.GetScheduleResponse:
        """Returns a schedule."""
        with away_is_unavailable():
            project = await self._project(context, Role.READ, request.project)
            found = await self._schedules.get(project.project, schedule_id_of(request.schedule_id))
        return contract.GetScheduleResponse(schedule=schedule_to_message(found))

    async def ListSchedules(self, request: contract.ListSchedulesRequest, context: Context) -> contract.ListSchedulesResponse:
        """Lists schedules by id."""
        with away_is_unavailable():
            project = await self._project(context, Role.READ, request.project)
            size = paging.page_size(request.page_size, SCHEDULES_PAGE_DEFAULT, SCHEDULES_PAGE_MAX)
            query = f"schedules {project.project}"
            page = await self._schedules.list_schedules(project.project, name_position(request.page_token, query), size + 1)
        token = paging.encode_token(query, page[size - 1].schedule.schedule_id) if len(page) > size else ""
        return contract.ListSchedulesResponse(schedules=map(schedule_to_message, page[:size]), next_page_token=token)

    async def UpdateSchedule(self, request: contract.UpdateScheduleRequest, context: Context) -> contract.UpdateScheduleResponse:
        """Replaces a schedule."""
        now = datetime.now(UTC)
        with away_is_unavailable():
            project = await self._project(context, Role.OPERATE, request.project)
            schedule = schedule_from_message(request.schedule, project.time_zone, now)
            actor = (await self._guard.identity(context)).key_id
            expected_version = request.expected_version
            changed = await self._schedules.update(
                project.project, schedule, next_time(schedule, now), actor, expected_version=expected_version, now=now
            )
        return contract.UpdateScheduleResponse(schedule=schedule_to_message(changed))

    async def DeleteSchedule(self, request: contract.DeleteScheduleRequest, context: Context) -> contract.DeleteScheduleResponse:
        """Ends a schedule."""
        with away_is_unavailable():
            project = await self._project(context, Role.OPERATE, request.project)
            await self._schedules.delete(project.project, schedule_id_of(request.schedule_id))
        return contract.DeleteScheduleResponse()

    async def ListScheduleRuns(self, request: contract.ListScheduleRunsRequest, context: Context) -> contract.ListScheduleRunsResponse:
        """Lists the runs of a schedule, the latest first."""
        with away_is_unavailable():
            project = await self._project(context, Role.READ, request.project)
            schedule_id = schedule_id_of(request.schedule_id)
            await self._schedules.get(project.project, schedule_id)
            size = paging.page_size(request.page_size, RUNS_PAGE_DEFAULT, RUNS_PAGE_MAX)
            query = f"runs {project.project} {schedule_id}"
            before = listing_position(request.page_token, query)
            page = await self._runs.list_runs(project.project, schedule_id, before and before[0], size + 1)
        token = paging.encode_token(query, [page[size - 1].due_time.isoformat(), schedule_id]) if len(page) > size else ""
        return contract.ListScheduleRunsResponse(runs=map(run_to_message, page[:size]), next_page_token=token)

    async def _project(self, context: Context, role: Role, requested: str) -> ProjectSeen:
        return await self._projects.require(await self._guard.admit(context, role, requested))
