"""QualityService: converts and delegates."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, TypeAlias

import grpc.aio
from assay.analyzer.v1 import quality_service_pb2 as contract
from assay.analyzer.v1 import quality_service_pb2_grpc

from kit import database, paging
from kit.access import Guard, Role
from kit.errors import AssayError, Kind
from kit.open_streams import OpenStreams, while_admitted
from services.analyzer.bell import Bells
from services.analyzer.messages import quality as messages
from services.analyzer.messages.keys import checked_text
from services.analyzer.quality_answers import MARKS_MAX, calibration, summaries
from services.analyzer.quality_watch import QualityWatches
from services.analyzer.store.quality_json import weights_from_json, weights_to_json
from services.analyzer.store.quality_queries import QualityReader
from services.analyzer.store.quality_records import ProjectQuality

SERVICE_NAME = contract.DESCRIPTOR.services_by_name["QualityService"].full_name

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

# Gateways ask for it, once for each of their live streams; it leaves room for those that watch anomalies.
WATCHES_PER_PROJECT_MAX = 100


class QualityServicer(quality_service_pb2_grpc.QualityServiceServicer):
    """Answers from the database, on every replica alike; what is asked for is done by whoever owns the project."""

    def __init__(self, guard: Guard, reader: QualityReader, bells: Bells, watches: QualityWatches) -> None:
        self._guard = guard
        self._reader = reader
        self._bells = bells
        self._watches = watches
        self._open_watches = OpenStreams(WATCHES_PER_PROJECT_MAX)

    def add_to(self, server: grpc.aio.Server) -> None:
        """Registers the service."""
        quality_service_pb2_grpc.add_QualityServiceServicer_to_server(self, server)

    async def GetQuality(self, request: contract.GetQualityRequest, context: Context) -> contract.GetQualityResponse:
        """Returns the score of one call or task."""
        with database.away_is_unavailable():
            project = await self._guard.admit(context, Role.READ, request.project)
            subject = messages.subject_from(request)
            state = await self._reader.find(project, subject)
        if state is None:
            raise messages.quality_unknown(subject)
        return contract.GetQualityResponse(quality=messages.quality_to_message(project, state))

    async def ListQuality(self, request: contract.ListQualityRequest, context: Context) -> contract.ListQualityResponse:
        """Lists scores."""
        with database.away_is_unavailable():
            project = await self._guard.admit(context, Role.READ, request.project)
            size = paging.page_size(request.page_size, messages.PAGE_DEFAULT, messages.PAGE_MAX)
            query, worst_first = messages.listed(request, project)
            after = messages.page_position(request.page_token, query, worst_first=worst_first)
            page = await self._reader.page(query, worst_first=worst_first, after=after, count=size + 1)
        return contract.ListQualityResponse(
            qualities=(messages.quality_to_message(project, state, messages.FINDINGS_LISTED) for state in page[:size]),
            next_page_token=messages.page_token(page[size - 1], query, worst_first=worst_first) if len(page) > size else "",
        )

    async def WatchQuality(self, request: contract.WatchQualityRequest, context: Context) -> AsyncIterator[contract.WatchQualityResponse]:
        """Tells that scores were made."""
        with database.away_is_unavailable():
            caller = await self._guard.identity(context)
            project = await self._guard.admit(context, Role.READ, request.project)
            watched = while_admitted(self._watches.watch(project), self._guard, context, request.project)
            with self._open_watches.one(caller, project):
                async with aclosing(watched) as updates:
                    async for news in updates:
                        response = contract.WatchQualityResponse(list_again=news.is_first, score_count=news.score_count)
                        if news.score_us:
                            response.score_time.FromMicroseconds(news.score_us)
                        yield response

    async def SummarizeQuality(self, request: contract.SummarizeQualityRequest, context: Context) -> contract.SummarizeQualityResponse:
        """Averages scores and their components."""
        with database.away_is_unavailable():
            project = await self._guard.admit(context, Role.READ, request.project)
            query, group_by, step_us = messages.summarized(request, project)
            groups = await self._reader.groups(query, group_by, step_us, messages.GROUPS_MAX + 1)
            marks = await self._reader.marks(query, group_by, step_us, MARKS_MAX)
        if len(groups) > messages.GROUPS_MAX:
            raise messages.range_too_large()
        found = await asyncio.to_thread(summaries, groups, marks, in_windows=step_us > 0)
        return contract.SummarizeQualityResponse(summaries=(messages.summary(group_by, one) for one in found))

    async def GetQualityWeights(self, request: contract.GetQualityWeightsRequest, context: Context) -> contract.GetQualityWeightsResponse:
        """Returns what counts how much."""
        with database.away_is_unavailable():
            project = await self._guard.admit(context, Role.READ, request.project)
            known = await self._reader.project(project)
        return contract.GetQualityWeightsResponse(weights=_weights(known))

    async def UpdateQualityWeights(
        self, request: contract.UpdateQualityWeightsRequest, context: Context
    ) -> contract.UpdateQualityWeightsResponse:
        """Sets what counts how much."""
        with database.away_is_unavailable():
            project = await self._guard.admit(context, Role.ADMIN, request.project)
            weights, keep = messages.weights_from_message(request.weights), request.weights.keep_content
            if await self._reader.put_weights(project, weights.version, weights_to_json(weights), keep_content=keep) is None:
                message = "the weights have been changed by somebody else: read them again"
                raise AssayError(Kind.FAILED_PRECONDITION, "VERSION_CONFLICT", message)
            known = await self._reader.project(project)
        return contract.UpdateQualityWeightsResponse(weights=_weights(known))

    async def RescoreQuality(self, request: contract.RescoreQualityRequest, context: Context) -> contract.RescoreQualityResponse:
        """Has scores made anew."""
        with database.away_is_unavailable():
            project = await self._guard.admit(context, Role.OPERATE, request.project)
            query, with_unknown = messages.rescored(request, project)
            score_count = await self._reader.mark_due(query, with_unknown=with_unknown)
        self._bells.ring(project)  # where another replica works on it, it looks by itself
        return contract.RescoreQualityResponse(score_count=score_count)

    async def CalibrateQuality(self, request: contract.CalibrateQualityRequest, context: Context) -> contract.CalibrateQualityResponse:
        """Fits weights to feedback."""
        with database.away_is_unavailable():
            project = await self._guard.admit(context, Role.OPERATE, request.project)
            task_type = checked_text("task_type", request.task_type, messages.TASK_TYPE_BYTES_MAX)
            known = await self._reader.project(project)
            present = weights_from_json(known.weights, known.weights_version)
            found = await calibration(self._reader, project, task_type, present)
        return messages.calibration_to_message(task_type, found, present)


def _weights(known: ProjectQuality) -> contract.QualityWeights:
    weights = weights_from_json(known.weights, known.weights_version)
    return messages.weights_to_message(weights, keep_content=known.keep_content)
