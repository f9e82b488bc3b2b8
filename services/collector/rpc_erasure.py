"""ErasureService: takes requests to erase, writes them into the audit log, and tells how far they are. The writer carries them out."""

import re
from datetime import UTC, datetime
from typing import Any, TypeAlias

import grpc.aio
from assay.collector.v1 import erasure_service_pb2 as contract
from assay.collector.v1 import erasure_service_pb2_grpc
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database
from kit.access import Guard, Role, project_unknown
from kit.errors import AssayError, Kind, invalid
from services.collector.access import audit
from services.collector.access.messages import timestamp
from services.collector.domain import limits
from services.collector.domain.erasure import ErasedSubject, ErasureKind
from services.collector.messages.listing_requests import text_of
from services.collector.store import erasures
from services.collector.store.erasures import Erasure
from services.collector.store.projects import ProjectReader

SERVICE_NAME = contract.DESCRIPTOR.services_by_name["ErasureService"].full_name
ERASURE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class ErasureServicer(erasure_service_pb2_grpc.ErasureServiceServicer):
    """Converts and delegates."""

    def __init__(self, guard: Guard, engine: AsyncEngine) -> None:
        self._guard = guard
        self._engine = engine
        self._projects = ProjectReader(engine)

    def add_to(self, server: grpc.aio.Server) -> None:
        """Registers the service."""
        erasure_service_pb2_grpc.add_ErasureServiceServicer_to_server(self, server)

    async def EraseRecords(self, request: contract.EraseRecordsRequest, context: Context) -> contract.EraseRecordsResponse:
        """Takes a request."""
        with database.away_is_unavailable():
            actor, project, project_id = await self._admitted(request.project, context)
            subject = _subject(request, project)
            erasure = await self._requested(actor, project, project_id, _erasure_id(request.erasure_id), subject)
        return contract.EraseRecordsResponse(erasure=_to_message(erasure))

    async def GetErasure(self, request: contract.GetErasureRequest, context: Context) -> contract.GetErasureResponse:
        """Tells how far it is."""
        with database.away_is_unavailable():
            _, _, project_id = await self._admitted(request.project, context)
            async with self._engine.connect() as connection:
                erasure = await erasures.get(connection, project_id, _erasure_id(request.erasure_id))
        if erasure is None:
            raise AssayError(Kind.NOT_FOUND, "ERASURE_UNKNOWN", "there is no erasure of that id")
        return contract.GetErasureResponse(erasure=_to_message(erasure))

    async def _admitted(self, requested: str, context: Context) -> tuple[str, str, int]:
        """Who asks, and the name and number of the project."""
        caller = await self._guard.identity(context)
        caller.require(Role.ADMIN)
        name = caller.project_for(requested)
        project = await self._projects.find(name)
        if project is None:
            raise project_unknown(name)
        return caller.key_id, name, project.project_id

    async def _requested(self, actor: str, project: str, project_id: int, erasure_id: str, subject: ErasedSubject) -> Erasure:
        """Notes a request, unless it is there already, and gives the erasure as it is. The log does not say what it is about either."""
        async with self._engine.begin() as connection:
            if await erasures.add(connection, project_id, erasure_id, subject, actor):
                await audit.note(
                    connection,
                    time=datetime.now(UTC),
                    project=project,
                    actor=actor,
                    action="records.erase",
                    subject=erasure_id,
                    details={"of": subject.kind.name.lower(), "fingerprint": subject.fingerprint},
                )
            erasure = await erasures.get(connection, project_id, erasure_id)
        if erasure is None or erasure.fingerprint != subject.fingerprint:
            raise AssayError(Kind.ALREADY_EXISTS, "ERASURE_EXISTS", "there is an erasure of that id, of something else")
        return erasure


def _erasure_id(given: str) -> str:
    if not ERASURE_ID.fullmatch(given):
        raise invalid("erasure_id", "1 to 64 characters of [A-Za-z0-9_-]")
    return given


def _subject(request: contract.EraseRecordsRequest, project: str) -> ErasedSubject:
    """What a request is about. Raises FIELD_INVALID."""
    match request.WhichOneof("subject"):
        case "task_id":
            return ErasedSubject(ErasureKind.TASK, _text(request.task_id, "task_id", limits.ID_BYTES_MAX))
        case "label":
            key = _text(request.label.key, "label.key", limits.LABEL_KEY_BYTES_MAX)
            return ErasedSubject(ErasureKind.LABEL, _text(request.label.value, "label.value", limits.LABEL_VALUE_BYTES_MAX), key)
        case "whole_project":
            if request.whole_project != project:
                raise invalid("whole_project", "write the project's name once more")
            return ErasedSubject(ErasureKind.PROJECT, project)
    raise invalid("subject", "say which task, label or project")


def _text(given: str, field: str, bytes_max: int) -> str:
    """A text that a call may have. Raises FIELD_INVALID."""
    if not 0 < len(given.encode()) <= bytes_max:
        raise invalid(field, f"1 to {bytes_max:,} bytes")
    return text_of(given, field)


def _to_message(erasure: Erasure) -> contract.Erasure:
    states = (contract.ERASURE_STATE_REQUESTED, contract.ERASURE_STATE_ERASED, contract.ERASURE_STATE_DONE)
    return contract.Erasure(
        erasure_id=erasure.erasure_id,
        project=erasure.project,
        fingerprint=erasure.fingerprint,
        state=states[erasure.pass_count],
        request_time=timestamp(erasure.request_time),
        done_time=timestamp(erasure.done_time),
        call_count=erasure.call_count,
        task_count=erasure.task_count,
        evidence_count=erasure.evidence_count,
    )
