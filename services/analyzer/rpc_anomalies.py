"""AnomalyService: converts and delegates."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, TypeAlias

import grpc.aio
from assay.analyzer.v1 import anomaly_service_pb2 as contract
from assay.analyzer.v1 import anomaly_service_pb2_grpc

from kit import database, logs, paging
from kit.access import Guard, Role, secret_from_header
from kit.errors import AssayError
from kit.open_streams import OpenStreams, while_admitted
from services.analyzer.collector import Calls
from services.analyzer.domain.anomaly import Anomaly
from services.analyzer.messages import anomalies as messages
from services.analyzer.store.anomalies import AnomalyStore
from services.analyzer.watch import AnomalyWatches

SERVICE_NAME = contract.DESCRIPTOR.services_by_name["AnomalyService"].full_name

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

_log = logs.get_logger(__name__)


class AnomalyServicer(anomaly_service_pb2_grpc.AnomalyServiceServicer):
    """Answers from the database, on every replica alike."""

    def __init__(self, guard: Guard, anomalies: AnomalyStore, watches: AnomalyWatches, calls: Calls) -> None:
        self._guard = guard
        self._anomalies = anomalies
        self._watches = watches
        self._calls = calls
        self._open_watches = OpenStreams()

    def add_to(self, server: grpc.aio.Server) -> None:
        """Registers the service."""
        anomaly_service_pb2_grpc.add_AnomalyServiceServicer_to_server(self, server)

    async def ListAnomalies(self, request: contract.ListAnomaliesRequest, context: Context) -> contract.ListAnomaliesResponse:
        """Lists anomalies, the latest begun first."""
        with database.away_is_unavailable():
            project = await self._guard.admit(context, Role.READ, request.project)
            size = paging.page_size(request.page_size, messages.PAGE_DEFAULT, messages.PAGE_MAX)
            query = messages.wanted(request, project)
            page = await self._anomalies.page(query, messages.page_position(request.page_token, query), size + 1)
        return contract.ListAnomaliesResponse(
            anomalies=(messages.anomaly_to_message(project, stored) for stored in page[:size]),
            next_page_token=messages.page_token(page[size - 1], query) if len(page) > size else "",
        )

    async def GetAnomaly(self, request: contract.GetAnomalyRequest, context: Context) -> contract.GetAnomalyResponse:
        """Returns one anomaly with what belongs to it; whether or not the collector can be asked for the calls."""
        with database.away_is_unavailable():
            project = await self._guard.admit(context, Role.READ, request.project)
            anomaly_id = messages.anomaly_id_from(request.anomaly_id)
            whole = await self._anomalies.find(project, anomaly_id)
        if whole is None:
            raise messages.anomaly_unknown(anomaly_id)
        return messages.whole_to_message(project, whole, await self._calls_of(project, whole.stored.anomaly, context))

    async def WatchAnomalies(
        self, request: contract.WatchAnomaliesRequest, context: Context
    ) -> AsyncIterator[contract.WatchAnomaliesResponse]:
        """Tells what is open, and then what changes."""
        with database.away_is_unavailable():
            caller = await self._guard.identity(context)
            project = await self._guard.admit(context, Role.READ, request.project)
            watched = while_admitted(self._watches.watch(project), self._guard, context, request.project)
            with self._open_watches.one(caller, project):
                async with aclosing(watched) as updates:
                    async for update in updates:
                        yield contract.WatchAnomaliesResponse(
                            is_snapshot=update.is_snapshot,
                            anomalies=(messages.anomaly_to_message(project, stored) for stored in update.anomalies),
                        )

    async def MarkAnomaly(self, request: contract.MarkAnomalyRequest, context: Context) -> contract.MarkAnomalyResponse:
        """Notes what an operator thinks of an anomaly."""
        with database.away_is_unavailable():
            project = await self._guard.admit(context, Role.OPERATE, request.project)
            caller = await self._guard.identity(context)
            anomaly_id = messages.anomaly_id_from(request.anomaly_id)
            mark, comment = messages.mark_from(request)
            marked = await self._anomalies.mark(project, anomaly_id, caller.key_id, mark, comment)
        if marked is None:
            raise messages.anomaly_unknown(anomaly_id)
        return contract.MarkAnomalyResponse(anomaly=messages.anomaly_to_message(project, marked))

    async def _calls_of(self, project: str, anomaly: Anomaly, context: Context) -> list[str] | None:
        """Calls that show it, asked for with the caller's own key; None where the collector cannot be asked."""
        request = messages.calls_request(project, anomaly)
        if request is None:
            return []
        secrets = [str(value) for name, value in context.invocation_metadata() or () if name == "authorization"]
        try:
            return messages.showing(await self._calls.latest(request, secret_from_header(secrets[0])), anomaly)
        except AssayError as error:
            _log.warning("the collector cannot be asked for calls", reason=error.reason, why=error.message)
            return None
