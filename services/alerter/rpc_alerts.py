"""The RPCs of alerts: each checks, converts and delegates."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any, TypeAlias

import grpc.aio
from assay.alerter.v1 import alert_service_pb2 as contract
from assay.alerter.v1 import alert_service_pb2_grpc

from kit import paging
from kit.access import Guard, Identity, Role
from kit.bus import Bus
from kit.database import away_is_unavailable
from kit.errors import AssayError, Kind, invalid
from kit.open_streams import OpenStreams, while_admitted
from services.alerter.announce import announce
from services.alerter.domain.alert import AlertState
from services.alerter.domain.life_cycle import Course, Step, acknowledged, resolved_by_hand
from services.alerter.messages.alert_messages import (
    alert_to_message,
    severities_from_message,
    states_from_message,
    transition_to_message,
)
from services.alerter.messages.limits import labels_of, microseconds_of, text_of
from services.alerter.projects import Projects
from services.alerter.store.alerts import AlertFilter, AlertStore
from services.alerter.watch import AlertWatches

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

PAGE_DEFAULT = 100
PAGE_MAX = 1_000
ACTOR_BYTES_MAX = 128
COMMENT_BYTES_MAX = 1_024
LABELS_MAX = 16


class AlertServicer(alert_service_pb2_grpc.AlertServiceServicer):
    """Tells of alerts, and takes what people do with them."""

    service_name = contract.DESCRIPTOR.services_by_name["AlertService"].full_name

    def __init__(self, guard: Guard, projects: Projects, alerts: AlertStore, watches: AlertWatches, bus: Bus) -> None:
        self._guard = guard
        self._projects = projects
        self._alerts = alerts
        self._watches = watches
        self._bus = bus
        self._open_watches = OpenStreams()

    def add_to(self, server: grpc.aio.Server) -> None:
        """Adds the service to a server."""
        alert_service_pb2_grpc.add_AlertServiceServicer_to_server(self, server)

    async def ListAlerts(self, request: contract.ListAlertsRequest, context: Context) -> contract.ListAlertsResponse:
        """Lists alerts, the latest begun first."""
        with away_is_unavailable():
            project = await self._project(context, Role.READ, request.project)
            size = paging.page_size(request.page_size, PAGE_DEFAULT, PAGE_MAX)
            query = _fingerprint(request, project)
            page = await self._alerts.list_alerts(project, _filter(request), _after(request.page_token, query), size + 1)
        last = page[size - 1] if len(page) > size else None
        token = "" if last is None else paging.encode_token(query, [last.start_time.isoformat(), last.alert_id])
        return contract.ListAlertsResponse(alerts=map(alert_to_message, page[:size]), next_page_token=token)

    async def GetAlert(self, request: contract.GetAlertRequest, context: Context) -> contract.GetAlertResponse:
        """Returns one alert and all that became of it."""
        with away_is_unavailable():
            project = await self._project(context, Role.READ, request.project)
            alert = await self._alerts.get(project, text_of(request.alert_id, "alert_id", 64))
            transitions = await self._alerts.transitions(alert.alert_id)
        return contract.GetAlertResponse(alert=alert_to_message(alert), transitions=map(transition_to_message, transitions))

    async def AcknowledgeAlert(self, request: contract.AcknowledgeAlertRequest, context: Context) -> contract.AcknowledgeAlertResponse:
        """Says that somebody looks after it."""

        def make(course: Course, actor: str, cause: str, now: datetime) -> Step:
            if course.alert.state is AlertState.ACKNOWLEDGED:
                return Step(course)
            _require_open(course)
            return acknowledged(course, actor, cause, now)

        return contract.AcknowledgeAlertResponse(alert=await self._change(request, context, make, "acknowledged"))

    async def ResolveAlert(self, request: contract.ResolveAlertRequest, context: Context) -> contract.ResolveAlertResponse:
        """Ends it."""

        def make(course: Course, actor: str, cause: str, now: datetime) -> Step:
            if course.alert.state is AlertState.RESOLVED:
                return Step(course)
            _require_open(course)
            return resolved_by_hand(course, actor, cause, now)

        return contract.ResolveAlertResponse(alert=await self._change(request, context, make, "resolved by hand"))

    async def WatchAlerts(self, request: contract.WatchAlertsRequest, context: Context) -> AsyncIterator[contract.WatchAlertsResponse]:
        """Sends all alerts that are not resolved, and then each that changes."""
        with away_is_unavailable():
            caller = await self._guard.identity(context)
            project = await self._project(context, Role.READ, request.project)
            watched = while_admitted(self._watches.watch(project), self._guard, context, request.project)
            with self._open_watches.one(caller, project):
                async with aclosing(watched) as updates:
                    async for is_snapshot, alerts in updates:
                        yield contract.WatchAlertsResponse(is_snapshot=is_snapshot, alerts=alerts)

    async def _change(
        self,
        request: contract.AcknowledgeAlertRequest | contract.ResolveAlertRequest,
        context: Context,
        make: Callable[[Course, str, str, datetime], Step],
        cause: str,
    ) -> contract.Alert:
        """Does what a person wants done, and announces it."""
        with away_is_unavailable():
            caller = await self._guard.identity(context)
            project = await self._project(context, Role.OPERATE, request.project)
            actor = _actor(caller, text_of(request.actor_name, "actor_name", ACTOR_BYTES_MAX))
            comment = text_of(request.comment, "comment", COMMENT_BYTES_MAX)
            now = datetime.now(UTC)
            why = f"{cause}: {comment}" if comment else cause
            alert_id = text_of(request.alert_id, "alert_id", 64)
            alert, is_changed = await self._alerts.change_by_hand(project, alert_id, lambda course: make(course, actor, why, now), now)
        message = alert_to_message(alert)
        if is_changed:
            await announce(self._bus, project, [message])
        return message

    async def _project(self, context: Context, role: Role, requested: str) -> str:
        project = await self._guard.admit(context, role, requested)
        await self._projects.require(project)
        return project


def _actor(caller: Identity, name: str) -> str:
    return f"{name} ({caller.key_id})" if name else caller.key_id


def _require_open(course: Course) -> None:
    if not course.alert.state.is_open:
        message = f"the alert is {course.alert.state.name.lower()}"
        raise AssayError(Kind.FAILED_PRECONDITION, "ALERT_NOT_OPEN", message, details={"state": course.alert.state.name})


def _filter(request: contract.ListAlertsRequest) -> AlertFilter:
    return AlertFilter(
        states=states_from_message(request.states),
        severities=severities_from_message(request.severities),
        rule_id=text_of(request.rule_id, "rule_id", 64),
        labels=labels_of(request.labels, "labels", LABELS_MAX),
        not_over_before=_moment(request, "start_time"),
        begun_before=_moment(request, "end_time"),
    )


def _moment(request: contract.ListAlertsRequest, field: str) -> datetime | None:
    if not any(descriptor.name == field for descriptor, _ in request.ListFields()):
        return None
    return datetime.fromtimestamp(microseconds_of(getattr(request, field), field) / 1e6, UTC)


def _fingerprint(request: contract.ListAlertsRequest, project: str) -> str:
    asked = contract.ListAlertsRequest()
    asked.CopyFrom(request)
    asked.ClearField("page_size")
    asked.ClearField("page_token")
    return f"alerts {project} {asked.SerializeToString(deterministic=True).hex()}"


def _after(token: str, query: str) -> tuple[datetime, str] | None:
    if not token:
        return None
    match paging.decode_token(token, query):
        case [str(start), str(alert_id)]:
            try:
                return datetime.fromisoformat(start), alert_id
            except ValueError:
                pass
    raise invalid("page_token", "not a token of this query; start again without one", "PAGE_TOKEN_INVALID")
