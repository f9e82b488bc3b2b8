"""EvidenceService: hands on what was stored of evidence."""

from typing import Any, TypeAlias

import grpc.aio
from assay.collector.v1 import evidence_service_pb2 as contract
from assay.collector.v1 import evidence_service_pb2_grpc
from assay.collector.v1.metrics_service_pb2 import SeriesKey
from assay.telemetry.v1.evidence_pb2 import Evidence
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database, paging
from kit.access import Guard, Role, project_unknown
from kit.errors import invalid
from services.collector.messages.listing_requests import text_of
from services.collector.store.projects import ProjectReader
from services.collector.store.read_evidence import EvidenceReader, LocationRow

SERVICE_NAME = contract.DESCRIPTOR.services_by_name["EvidenceService"].full_name
PAGE_DEFAULT = 100
PAGE_MAX = 1_000
SUBJECTS_MAX = 1_000
_TERMS = ("provider", "model", "task_type", "prompt_name", "prompt_version")

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class EvidenceServicer(evidence_service_pb2_grpc.EvidenceServiceServicer):
    """Converts and delegates."""

    def __init__(self, guard: Guard, engine: AsyncEngine) -> None:
        self._guard = guard
        self._projects = ProjectReader(engine)
        self._evidence = EvidenceReader(engine)

    def add_to(self, server: grpc.aio.Server) -> None:
        """Registers the service."""
        evidence_service_pb2_grpc.add_EvidenceServiceServicer_to_server(self, server)

    async def ListEvidence(self, request: contract.ListEvidenceRequest, context: Context) -> contract.ListEvidenceResponse:
        """Returns evidence from a position on."""
        with database.away_is_unavailable():
            project_id = await self._project_id(request.project, context)
            if request.after_position < 0:
                raise invalid("after_position", "must not be negative")
            count = paging.page_size(request.page_size, PAGE_DEFAULT, PAGE_MAX)
            rows = await self._evidence.after(project_id, request.after_position, count)
        pieces = (contract.StoredEvidence(position=row.position, evidence=Evidence.FromString(row.payload)) for row in rows)
        return contract.ListEvidenceResponse(evidence=pieces)

    async def LocateSubjects(self, request: contract.LocateSubjectsRequest, context: Context) -> contract.LocateSubjectsResponse:
        """Tells in which series calls and tasks count."""
        with database.away_is_unavailable():
            project_id = await self._project_id(request.project, context)
            if len(request.call_ids) + len(request.task_ids) > SUBJECTS_MAX:
                raise invalid("call_ids", f"at most {SUBJECTS_MAX:,} calls and tasks together")
            call_ids = [text_of(call_id, "call_ids") for call_id in request.call_ids]
            task_ids = [text_of(task_id, "task_ids") for task_id in request.task_ids]
            calls, tasks = await self._evidence.locate(project_id, call_ids, task_ids)
        located = [contract.LocatedSubject(call_id=row.subject_id, **_place(row)) for row in calls]
        located += [contract.LocatedSubject(task_id=row.subject_id, **_place(row)) for row in tasks]
        return contract.LocateSubjectsResponse(subjects=located)

    async def _project_id(self, requested: str, context: Context) -> int:
        name = await self._guard.admit(context, Role.READ, requested)
        project = await self._projects.find(name)
        if project is None:
            raise project_unknown(name)
        return project.project_id


def _place(row: LocationRow) -> dict[str, Any]:
    start_time = Timestamp()
    start_time.FromMicroseconds(row.start_us)
    return {"key": SeriesKey(**{name: getattr(row, name) for name in _TERMS}), "start_time": start_time}
