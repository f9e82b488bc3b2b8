"""BaselineService: converts and delegates."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any, TypeAlias

import grpc.aio
from assay.analyzer.v1 import baseline_service_pb2 as contract
from assay.analyzer.v1 import baseline_service_pb2_grpc
from assay.analyzer.v1.metric_pb2 import Metric as MetricNumber

from kit import database, paging
from kit.access import Guard, Role
from services.analyzer.bands import bands
from services.analyzer.messages import baselines as messages
from services.analyzer.messages.keys import (
    filter_from_message,
    key_from_message,
    metric_from_message,
    numbers_of,
    time_from_message,
)
from services.analyzer.store.baselines import BaselineStore, Chosen
from services.analyzer.store.records import Shift
from services.analyzer.store.shifts import ShiftStore

SERVICE_NAME = contract.DESCRIPTOR.services_by_name["BaselineService"].full_name
# How long an accepted shift is waited for, and how often it is looked at: whoever works on the project applies it.
APPLY_WAIT_S = 8.0
APPLY_LOOK_S = 0.2

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class BaselineServicer(baseline_service_pb2_grpc.BaselineServiceServicer):
    """Answers from the database, on every replica alike."""

    def __init__(self, guard: Guard, baselines: BaselineStore, shifts: ShiftStore) -> None:
        self._guard = guard
        self._baselines = baselines
        self._shifts = shifts

    def add_to(self, server: grpc.aio.Server) -> None:
        """Registers the service."""
        baseline_service_pb2_grpc.add_BaselineServiceServicer_to_server(self, server)

    async def GetBaseline(self, request: contract.GetBaselineRequest, context: Context) -> contract.GetBaselineResponse:
        """Returns what is, or was, normal for one metric of one series."""
        with database.away_is_unavailable():
            project = await self._guard.admit(context, Role.READ, request.project)
            key, metric = key_from_message(request.key), metric_from_message(request.metric)
            time_ = time_from_message(request, "time") or datetime.now(UTC)
            chosen = Chosen(project, tuple((name, (value,)) for name, value in key._asdict().items()), (metric.value,))
            found = await self._baselines.page(chosen, time_, None, 1)
        if not found:
            raise messages.baseline_unknown()
        return contract.GetBaselineResponse(baseline=messages.baseline_to_message(*found[0], time_))

    async def ListBaselines(self, request: contract.ListBaselinesRequest, context: Context) -> contract.ListBaselinesResponse:
        """Lists what is, or was, normal."""
        with database.away_is_unavailable():
            project = await self._guard.admit(context, Role.READ, request.project)
            size = paging.page_size(request.page_size, messages.PAGE_DEFAULT, messages.PAGE_MAX)
            metrics = numbers_of("metrics", request.metrics, MetricNumber.values())
            chosen = Chosen(project, filter_from_message(request.filter), metrics)
            asked = time_from_message(request, "time")
            query = f"baselines {chosen} {asked}"
            after = messages.page_position(request.page_token, query)
            time_ = asked or datetime.now(UTC)
            page = await self._baselines.page(chosen, time_, after, size + 1)
        last = page[size - 1] if len(page) > size else None
        return contract.ListBaselinesResponse(
            baselines=(messages.baseline_to_message(key, version, time_) for key, version in page[:size]),
            next_page_token="" if last is None else messages.page_token(last[0], last[1].metric, query),
        )

    async def QueryBaselines(self, request: contract.QueryBaselinesRequest, context: Context) -> contract.QueryBaselinesResponse:
        """Returns what was normal over a range of time."""
        with database.away_is_unavailable():
            project = await self._guard.admit(context, Role.READ, request.project)
            question = messages.band_question(request)
            found = await bands(self._baselines, project, question)
        return contract.QueryBaselinesResponse(
            bands=[messages.band_to_message(question.group_by, values, question.time_s, band) for values, band in found]
        )

    async def AcceptShift(self, request: contract.AcceptShiftRequest, context: Context) -> contract.AcceptShiftResponse:
        """Has the present level taken for normal, and waits a little until it is."""
        with database.away_is_unavailable():
            project = await self._guard.admit(context, Role.OPERATE, request.project)
            caller = await self._guard.identity(context)
            key, metric = key_from_message(request.key), metric_from_message(request.metric)
            shift_id = await self._shifts.ask(project, key, metric, caller.key_id)
            if shift_id is None:
                raise messages.baseline_unknown()
            shift = await self._applied(project, shift_id)
        return contract.AcceptShiftResponse(shift=messages.shift_to_message(shift), is_applied=shift.is_applied)

    async def ListAcceptedShifts(
        self, request: contract.ListAcceptedShiftsRequest, context: Context
    ) -> contract.ListAcceptedShiftsResponse:
        """Lists the levels that became normal."""
        with database.away_is_unavailable():
            project = await self._guard.admit(context, Role.READ, request.project)
            size = paging.page_size(request.page_size, messages.SHIFTS_PAGE_DEFAULT, messages.PAGE_MAX)
            query = f"shifts {project}"
            page = await self._shifts.page(project, messages.shift_position(request.page_token, query), size + 1)
        return contract.ListAcceptedShiftsResponse(
            shifts=map(messages.shift_to_message, page[:size]),
            next_page_token=messages.shift_token(page[size - 1], query) if len(page) > size else "",
        )

    async def _applied(self, project: str, shift_id: int) -> Shift:
        """The shift when it is applied, or as it is when that takes too long. Raises NOT_IN_ALARM."""
        deadline = time.monotonic() + APPLY_WAIT_S
        while True:
            shift = await self._shifts.find(project, shift_id)
            if shift is None:
                raise messages.not_in_alarm()
            if shift.is_applied or time.monotonic() >= deadline:
                return shift
            await asyncio.sleep(APPLY_LOOK_S)
