"""The RPC of the audit log: checks, converts and delegates."""

from datetime import UTC
from typing import Any, TypeAlias

import grpc.aio
from assay.access.v1.access_service_pb2 import AuditEvent as EventMessage
from assay.alerter.v1 import audit_service_pb2 as contract
from assay.alerter.v1 import audit_service_pb2_grpc

from kit import paging
from kit.access import Guard, Role
from kit.database import away_is_unavailable
from kit.errors import invalid
from services.alerter.store.audit import AuditEvent, AuditStore

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

PAGE_DEFAULT = 100
PAGE_MAX = 1_000
_EVENT_ID_MAX = 2**63 - 1


class AuditServicer(audit_service_pb2_grpc.AuditServiceServicer):
    """Tells who changed what."""

    service_name = contract.DESCRIPTOR.services_by_name["AuditService"].full_name

    def __init__(self, guard: Guard, events: AuditStore) -> None:
        self._guard = guard
        self._events = events

    def add_to(self, server: grpc.aio.Server) -> None:
        """Adds the service to a server."""
        audit_service_pb2_grpc.add_AuditServiceServicer_to_server(self, server)

    async def ListAuditEvents(self, request: contract.ListAuditEventsRequest, context: Context) -> contract.ListAuditEventsResponse:
        """Lists changes, the latest first. A project that is not noticed here yet has had none."""
        with away_is_unavailable():
            project = await self._guard.admit(context, Role.ADMIN, request.project)
            size = paging.page_size(request.page_size, PAGE_DEFAULT, PAGE_MAX)
            query = f"audit {project}"
            page = await self._events.list_events(project, before=_position(request.page_token, query), limit=size + 1)
        events = [_message(event, query) for event in page[:size]]
        return contract.ListAuditEventsResponse(events=events, next_page_token=events[-1].page_token if len(page) > size else "")


def _message(event: AuditEvent, query: str) -> EventMessage:
    message = EventMessage(
        actor_key_id=event.actor_key_id,
        action=event.action,
        subject=event.subject,
        details=event.details,
        page_token=paging.encode_token(query, event.audit_event_id),
    )
    message.time.FromDatetime(event.time.astimezone(UTC))
    return message


def _position(token: str, query: str) -> int | None:
    """The id before which the page begins. Raises PAGE_TOKEN_INVALID."""
    if not token:
        return None
    match paging.decode_token(token, query):
        case int(event_id) if 0 <= event_id <= _EVENT_ID_MAX:
            return event_id
    raise invalid("page_token", "not a token of this query; start again without one", "PAGE_TOKEN_INVALID")
