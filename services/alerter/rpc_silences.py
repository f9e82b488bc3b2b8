"""The RPCs of silences: each checks, converts and delegates."""

from datetime import UTC, datetime
from typing import Any, TypeAlias

import grpc.aio
from assay.alerter.v1 import silence_service_pb2 as contract
from assay.alerter.v1 import silence_service_pb2_grpc

from kit import paging
from kit.access import Guard, Role
from kit.database import away_is_unavailable
from kit.errors import AssayError, Kind
from services.alerter.domain.notification.silence import Silence, SilenceState, check_silence, hit_alerts
from services.alerter.messages.alert_messages import alert_to_message
from services.alerter.messages.limits import text_of
from services.alerter.messages.policy_messages import matchers_of
from services.alerter.messages.silence_messages import id_of, name_position, silence_from_message, silence_to_message, time_of
from services.alerter.store.alerts import AlertStore
from services.alerter.store.rules import RuleStore
from services.alerter.store.silences import SilenceStore

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

PAGE_DEFAULT = 100
PAGE_MAX = 1_000
PREVIEW_MAX = 100


class SilenceServicer(silence_service_pb2_grpc.SilenceServiceServicer):
    """Keeps silences."""

    service_name = contract.DESCRIPTOR.services_by_name["SilenceService"].full_name

    def __init__(self, guard: Guard, rules: RuleStore, silences: SilenceStore, alerts: AlertStore) -> None:
        self._guard = guard
        self._rules = rules
        self._silences = silences
        self._alerts = alerts

    def add_to(self, server: grpc.aio.Server) -> None:
        """Adds the service to a server."""
        silence_service_pb2_grpc.add_SilenceServiceServicer_to_server(self, server)

    async def CreateSilence(self, request: contract.CreateSilenceRequest, context: Context) -> contract.CreateSilenceResponse:
        """Makes a silence under the id that the caller chose."""
        now = datetime.now(UTC)
        with away_is_unavailable():
            project, actor = await self._editor(context, request.project)
            made = await self._silences.create(project, silence_from_message(request.silence, now), actor, now)
        return contract.CreateSilenceResponse(silence=silence_to_message(made, now))

    async def GetSilence(self, request: contract.GetSilenceRequest, context: Context) -> contract.GetSilenceResponse:
        """Returns a silence."""
        with away_is_unavailable():
            project = await self._project(context, Role.READ, request.project)
            found = await self._silences.get(project, id_of(request.silence_id, "silence_id"))
        return contract.GetSilenceResponse(silence=silence_to_message(found, datetime.now(UTC)))

    async def ListSilences(self, request: contract.ListSilencesRequest, context: Context) -> contract.ListSilencesResponse:
        """Lists silences by id."""
        now = datetime.now(UTC)
        with away_is_unavailable():
            project = await self._project(context, Role.READ, request.project)
            size = paging.page_size(request.page_size, PAGE_DEFAULT, PAGE_MAX)
            query = f"silences {project} {request.includes_expired}"
            after = name_position(request.page_token, query)
            not_over_before = None if request.includes_expired else now
            page = await self._silences.list_silences(project, not_over_before=not_over_before, after=after, limit=size + 1)
        return contract.ListSilencesResponse(
            silences=[silence_to_message(silence, now) for silence in page[:size]],
            next_page_token=paging.encode_token(query, page[size - 1].silence_id) if len(page) > size else "",
        )

    async def UpdateSilence(self, request: contract.UpdateSilenceRequest, context: Context) -> contract.UpdateSilenceResponse:
        """Changes when a silence ends, or why it is."""
        now = datetime.now(UTC)
        with away_is_unavailable():
            project, actor = await self._editor(context, request.project)
            found = await self._silences.get(project, id_of(request.silence_id, "silence_id"))
            changed = await self._silences.set_end(project, *_changed(found, request, now), actor, now)
        return contract.UpdateSilenceResponse(silence=silence_to_message(changed, now))

    async def PreviewSilence(self, request: contract.PreviewSilenceRequest, context: Context) -> contract.PreviewSilenceResponse:
        """Tells which open alerts matchers hit."""
        with away_is_unavailable():
            project = await self._project(context, Role.READ, request.project)
            now = datetime.now(UTC)
            hit = hit_alerts(Silence("", matchers_of(request.matchers), "", "", now, now), await self._alerts.unresolved(project))
        return contract.PreviewSilenceResponse(alerts=map(alert_to_message, hit[:PREVIEW_MAX]), alert_count=len(hit))

    async def _project(self, context: Context, role: Role, requested: str) -> str:
        project = await self._guard.admit(context, role, requested)
        await self._rules.require_project(project)
        return project

    async def _editor(self, context: Context, requested: str) -> tuple[str, str]:
        """The project, and the key that changes it."""
        project = await self._project(context, Role.OPERATE, requested)
        return project, (await self._guard.identity(context)).key_id


def _changed(found: Silence, request: contract.UpdateSilenceRequest, now: datetime) -> tuple[str, datetime, str | None]:
    """Which silence, its new end, and its new comment. Raises SILENCE_OVER, FIELD_INVALID."""
    if found.state(now) is SilenceState.EXPIRED:
        raise AssayError(Kind.FAILED_PRECONDITION, "SILENCE_OVER", "the silence is over: make a new one")
    comment = text_of(request.comment, "comment", 8_192) if request.HasField("comment") else None
    end_time = max(time_of(request.end_time, "end_time"), now) if request.HasField("end_time") else found.end_time
    if end_time > now:
        kept = found.comment if comment is None else comment
        check_silence(Silence(found.silence_id, found.matchers, found.author, kept, found.start_time, end_time), now)
    return found.silence_id, end_time, comment
