"""The RPCs of signed links: each checks the token, converts and delegates."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import grpc.aio
from assay.alerter.v1 import link_service_pb2 as contract
from assay.alerter.v1 import link_service_pb2_grpc
from sqlalchemy.ext.asyncio import AsyncEngine

from kit.bus import Bus
from kit.database import away_is_unavailable
from kit.errors import AssayError, Kind
from services.alerter.announce import announce
from services.alerter.domain.alert import Alert, AlertState
from services.alerter.domain.life_cycle import Course, Step, acknowledged
from services.alerter.domain.notification.group import Group
from services.alerter.domain.notification.link_token import LinkAction, LinkClaim, verify
from services.alerter.domain.notification.matcher import Matcher, MatchOperator
from services.alerter.domain.notification.silence import AUTHOR_LENGTH_MAX, Silence
from services.alerter.messages.alert_messages import alert_to_message, timestamp
from services.alerter.messages.limits import seconds_of, text_of
from services.alerter.store.alerts import AlertStore
from services.alerter.store.groups import group_of, told_alerts
from services.alerter.store.silences import SilenceStore

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

ALERTS_SHOWN_MAX = 100
# Each is a transaction of its own, as when it is acknowledged on the page.
ACKNOWLEDGED_AT_ONCE_MAX = 1_000
ACTOR_BYTES_MAX = 128
SILENCE_DEFAULT = timedelta(hours=2)
SILENCE_MAX_S = 86_400.0
_ACTIONS = {LinkAction.ACKNOWLEDGE: contract.LINK_ACTION_ACKNOWLEDGE, LinkAction.SILENCE: contract.LINK_ACTION_SILENCE}


class LinkServicer(link_service_pb2_grpc.LinkServiceServicer):
    """Does what links are for. There is no guard: who has a token was sent it."""

    service_name = contract.DESCRIPTOR.services_by_name["LinkService"].full_name

    def __init__(self, engine: AsyncEngine, alerts: AlertStore, silences: SilenceStore, bus: Bus, keys: tuple[bytes, ...]) -> None:
        self._engine = engine
        self._alerts = alerts
        self._silences = silences
        self._bus = bus
        self._keys = keys

    def add_to(self, server: grpc.aio.Server) -> None:
        """Adds the service to a server."""
        link_service_pb2_grpc.add_LinkServiceServicer_to_server(self, server)

    async def GetLink(self, request: contract.GetLinkRequest, _context: Context) -> contract.GetLinkResponse:
        """Tells what a link is about."""
        with away_is_unavailable():
            claim, group, alerts = await self._opened(request.token)
        return contract.GetLinkResponse(
            action=_ACTIONS[claim.action],
            project=claim.project,
            receiver_id=claim.receiver,
            labels=dict(group.labels),
            alerts=map(alert_to_message, alerts[:ALERTS_SHOWN_MAX]),
            alert_count=len(alerts),
            expire_time=timestamp(claim.expire_time),
        )

    async def UseLink(self, request: contract.UseLinkRequest, _context: Context) -> contract.UseLinkResponse:
        """Does what the link is for."""
        name = text_of(request.actor_name, "actor_name", ACTOR_BYTES_MAX)
        duration = SILENCE_DEFAULT
        if request.HasField("silence_duration"):
            duration = timedelta(seconds=seconds_of(request.silence_duration, "silence_duration", SILENCE_MAX_S))
        with away_is_unavailable():
            claim, group, alerts = await self._opened(request.token)
            actor = f"{claim.receiver} (link){f' {name}' if name else ''}"
            if claim.action is LinkAction.ACKNOWLEDGE:
                return await self._acknowledge(claim, alerts, actor)
            silence = _silence_by(group, actor, duration, request.token)
            await self._silences.create_once(claim.project, silence, silence.start_time)
        return contract.UseLinkResponse(alert_count=len(alerts))

    async def _opened(self, token: str) -> tuple[LinkClaim, Group, list[Alert]]:
        """What the token says, the group, and its open alerts. Raises LINK_INVALID, LINK_EXPIRED, GROUP_OVER."""
        claim = verify(token, self._keys, datetime.now(UTC))
        group = await group_of(self._engine, claim.project, claim.group_id)
        if group is None:
            raise AssayError(Kind.NOT_FOUND, "GROUP_OVER", "all that the message was about is over")
        async with self._engine.connect() as connection:
            found = await told_alerts(connection, claim.project, [group])
        return claim, group, [alert for alert in found if alert.alert_id in group.members and alert.state.is_open]

    async def _acknowledge(self, claim: LinkClaim, alerts: Sequence[Alert], actor: str) -> contract.UseLinkResponse:
        now = datetime.now(UTC)

        def make(course: Course) -> Step:
            return acknowledged(course, actor, "acknowledged by a link", now) if course.alert.state is AlertState.FIRING else Step(course)

        firing = [alert for alert in alerts if alert.state is AlertState.FIRING]
        changed = []
        for each in firing[:ACKNOWLEDGED_AT_ONCE_MAX]:
            alert, is_changed = await self._alerts.change_by_hand(claim.project, each.alert_id, make, now)
            changed += [alert_to_message(alert)] if is_changed else []
        await announce(self._bus, claim.project, changed)
        return contract.UseLinkResponse(alert_count=len(changed), remaining_count=max(len(firing) - ACKNOWLEDGED_AT_ONCE_MAX, 0))


def _silence_by(group: Group, actor: str, duration: timedelta, token: str) -> Silence:
    """A silence of what shares the group's labels; the same link makes the same one. Raises GROUP_TOO_WIDE."""
    matchers = tuple(Matcher(name, MatchOperator.EQUAL, value) for name, value in group.labels if value)
    if not matchers:
        raise AssayError(Kind.FAILED_PRECONDITION, "GROUP_TOO_WIDE", "the group has no label to silence by: make a silence on the page")
    now = datetime.now(UTC)
    silence_id = f"link-{hashlib.blake2b(token.encode(), digest_size=12).hexdigest()}"
    return Silence(silence_id, matchers, actor[:AUTHOR_LENGTH_MAX], "silenced by a link", now, now + duration)
