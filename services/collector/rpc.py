"""The collector's servicers: what records and what answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, TypeAlias

import grpc.aio
from assay.collector.v1 import collector_service_pb2 as collector
from assay.collector.v1 import metrics_service_pb2 as contract
from assay.collector.v1 import metrics_service_pb2_grpc
from google.protobuf.timestamp_pb2 import Timestamp

from kit import database
from kit.access import Guard, Role, project_unknown
from kit.open_streams import OpenStreams, while_admitted
from services.collector.ingest import Ingest
from services.collector.messages.metrics_messages import question_from_message, question_from_watch, series_to_messages
from services.collector.query import MetricsQueries
from services.collector.rpc_ingest import IngestServicer
from services.collector.rpc_reading import ReadingRpc
from services.collector.sources import SourceBook
from services.collector.store.projects import ProjectInfo, ProjectReader
from services.collector.watch import Watches

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class CollectorServicer(IngestServicer):
    """Records, and accounts for what was recorded."""

    def __init__(self, guard: Guard, projects: ProjectReader, ingest: Ingest, sources: SourceBook, reading: ReadingRpc) -> None:
        super().__init__(guard, projects, ingest, sources)
        self._reading = reading

    async def GetBatches(self, request: collector.GetBatchesRequest, context: Context) -> collector.GetBatchesResponse:
        """Tells what became of batches. Whoever may record may ask, too, so that a client can wait for what it sent."""
        identity = await self._guard.identity(context)
        role = Role.RECORD if identity.allows(Role.RECORD) else Role.READ
        with database.away_is_unavailable():
            return await self._reading.get_batches(request, await self._guard.admit(context, role, request.project))

    async def GetLedger(self, request: collector.GetLedgerRequest, context: Context) -> collector.GetLedgerResponse:
        """Accounts for what was received."""
        with database.away_is_unavailable():
            return await self._reading.get_ledger(request, await self._guard.admit(context, Role.READ, request.project))

    async def TraceCall(self, request: collector.TraceCallRequest, context: Context) -> collector.TraceCallResponse:
        """Finds where a call is."""
        with database.away_is_unavailable():
            return await self._reading.trace_call(request, await self._guard.admit(context, Role.READ, request.project))


class MetricsServicer(metrics_service_pb2_grpc.MetricsServiceServicer):
    """Answers what was measured."""

    def __init__(self, guard: Guard, projects: ProjectReader, queries: MetricsQueries, watches: Watches, reading: ReadingRpc) -> None:
        self._guard = guard
        self._projects = projects
        self._queries = queries
        self._watches = watches
        self._open_watches = OpenStreams()
        self._reading = reading

    async def QueryMetrics(self, request: contract.QueryMetricsRequest, context: Context) -> contract.QueryMetricsResponse:
        """Sums up calls by series and window."""
        with database.away_is_unavailable():
            question = question_from_message(request, await self._project(request.project, context))
            as_of = _timestamp(await self._watches.newest_receive_us(question.project))
            answered = await self._queries.answer(question)
        # A large answer takes some tenths of a second to write, in which the others go on.
        series = await asyncio.to_thread(series_to_messages, answered, question.group_by)
        return contract.QueryMetricsResponse(series=series, as_of_time=as_of)

    async def WatchMetrics(self, request: contract.WatchMetricsRequest, context: Context) -> AsyncIterator[contract.WatchMetricsResponse]:
        """Answers a query, and then again whatever changes in the answer."""
        with database.away_is_unavailable():
            caller = await self._guard.identity(context)
            question, range_min = question_from_watch(request, await self._project(request.project, context))
            watched = while_admitted(self._watches.watch(question, range_min), self._guard, context, request.project)
            with self._open_watches.one(caller, question.project.project, question.project.quota):
                async with aclosing(watched) as updates:
                    async for update in updates:
                        yield contract.WatchMetricsResponse(
                            is_snapshot=update.is_snapshot,
                            series=await asyncio.to_thread(series_to_messages, update.answered, question.group_by),
                            as_of_time=_timestamp(update.newest_receive_us),
                            lag_s=update.lag_s,
                        )

    async def ListSeries(self, request: contract.ListSeriesRequest, context: Context) -> contract.ListSeriesResponse:
        """Lists the series of a project."""
        with database.away_is_unavailable():
            return await self._reading.list_series(request, await self._guard.admit(context, Role.READ, request.project))

    async def ListCalls(self, request: contract.ListCallsRequest, context: Context) -> contract.ListCallsResponse:
        """Lists calls, the latest started first."""
        with database.away_is_unavailable():
            return await self._reading.list_calls(request, await self._guard.admit(context, Role.READ, request.project))

    async def GetCall(self, request: contract.GetCallRequest, context: Context) -> contract.GetCallResponse:
        """Returns one call with its evidence."""
        with database.away_is_unavailable():
            return await self._reading.get_call(request, await self._guard.admit(context, Role.READ, request.project))

    async def _project(self, requested: str, context: Context) -> ProjectInfo:
        name = await self._guard.admit(context, Role.READ, requested)
        project = await self._projects.find(name)
        if project is None:
            raise project_unknown(name)
        return project


def _timestamp(unix_us: int) -> Timestamp | None:
    if not unix_us:
        return None
    moment = Timestamp()
    moment.FromMicroseconds(unix_us)
    return moment
