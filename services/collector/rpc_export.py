"""ExportService: what was measured, for other monitoring systems."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, TypeAlias

import grpc.aio
from assay.collector.v1 import export_service_pb2 as contract
from assay.collector.v1 import export_service_pb2_grpc
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database
from kit.access import Guard, Role, project_unknown
from kit.errors import invalid
from services.collector.domain.exposition import Exposed, exposed
from services.collector.domain.exposition_protobuf import metric_families
from services.collector.domain.exposition_text import open_metrics, text
from services.collector.messages.metrics_messages import dimensions
from services.collector.store.counters import CounterReader
from services.collector.store.exports import TargetRow, list_targets
from services.collector.store.metrics import DIMENSIONS
from services.collector.store.projects import ProjectInfo, ProjectReader

SERVICE_NAME = contract.DESCRIPTOR.services_by_name["ExportService"].full_name
# A scrape of thousands of series has tens of megabytes, a message at most four.
PART_BYTES = 1024 * 1024
# Scrapes that are written at a time: each has the whole of it in memory.
SCRAPES_AT_ONCE = 2

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

_WRITERS: Mapping[int, Callable[[Exposed], bytes]] = {
    contract.SCRAPE_FORMAT_TEXT: lambda shown: text(shown).encode(),
    contract.SCRAPE_FORMAT_OPEN_METRICS: lambda shown: open_metrics(shown).encode(),
    contract.SCRAPE_FORMAT_PROTOBUF: metric_families,
}


class ExportServicer(export_service_pb2_grpc.ExportServiceServicer):
    """Converts and delegates."""

    def __init__(self, guard: Guard, engine: AsyncEngine) -> None:
        self._guard = guard
        self._engine = engine
        self._projects = ProjectReader(engine)
        self._counters = CounterReader(engine)
        self._turns = asyncio.Semaphore(SCRAPES_AT_ONCE)

    def add_to(self, server: grpc.aio.Server) -> None:
        """Registers the service."""
        export_service_pb2_grpc.add_ExportServiceServicer_to_server(self, server)

    async def ScrapeProviders(
        self, request: contract.ScrapeProvidersRequest, context: Context
    ) -> AsyncIterator[contract.ScrapeProvidersResponse]:
        """Shows what each series has counted."""
        with database.away_is_unavailable():
            project = await self._project(request.project, context)
            write = _WRITERS.get(request.format)
            if write is None:
                raise invalid("format", "must be one of the contract's")
            by = dimensions(request.group_by) or DIMENSIONS
            async with self._turns:
                terms, counters = await self._counters.read(project.project_id)
                shown = await asyncio.to_thread(exposed, project.project, terms, counters, DIMENSIONS, by)
                content = await asyncio.to_thread(write, shown)
        for begin in range(0, len(content), PART_BYTES):
            yield contract.ScrapeProvidersResponse(content=content[begin : begin + PART_BYTES])

    async def ListExportTargets(self, request: contract.ListExportTargetsRequest, context: Context) -> contract.ListExportTargetsResponse:
        """Tells where numbers are sent to."""
        with database.away_is_unavailable():
            await self._project(request.project, context)
            return contract.ListExportTargetsResponse(targets=map(_target, await list_targets(self._engine)))

    async def _project(self, requested: str, context: Context) -> ProjectInfo:
        name = await self._guard.admit(context, Role.READ, requested)
        project = await self._projects.find(name)
        if project is None:
            raise project_unknown(name)
        return project


def _target(row: TargetRow) -> contract.ExportTarget:
    target = contract.ExportTarget(
        target=row.target,
        kind=contract.ExportTargetKind.ValueType(row.kind),
        address=row.address,
        is_sending=row.is_sending,
        sent_count=row.sent_count,
        refused_count=row.refused_count,
        waiting_count=row.waiting_count,
        trouble=row.trouble,
    )
    if row.send_time is not None:
        target.send_time.FromDatetime(row.send_time)
    return target
