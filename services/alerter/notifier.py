"""From alerts to deliveries: looks at a project's alerts whenever they have changed or something is due, once in the cluster."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit import logs, patience
from kit.errors import AssayError
from services.alerter.domain.alert import Alert
from services.alerter.domain.notification.configuration import Configuration
from services.alerter.domain.notification.content import Notification, notification
from services.alerter.domain.notification.group import Message
from services.alerter.domain.notification.link_token import LinkAction, LinkClaim, sign
from services.alerter.domain.notification.pipeline import Situation, notify
from services.alerter.messages.policy_messages import configuration_from_definition
from services.alerter.store import deliveries, groups, policies
from services.alerter.store.receivers import audiences
from services.alerter.store.silences import active_silences

LOOK_EVERY_S = 0.5
# A project with thousands of alerts takes a good part of a second, whenever one of them changes; it must not take the process for itself.
LOOK_SHARE_MAX = 0.25
# Each look makes at most one message a group; a group may have a few things to tell at once, and no more than these.
LOOKS_AT_ONCE_MAX = 5
# Alerts that ended within it are looked for, in case nobody has seen them end.
RECENT = timedelta(hours=1)
LINK_LIFETIME = timedelta(days=3)

_log = logs.get_logger(__name__)


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Links:
    """Where messages lead to: the page at `public_url`, and signed links if there is a key. Without a URL there are none."""

    public_url: str = ""
    key: bytes = b""

    def added(self, content: Notification, now: datetime) -> Notification:
        """The content with its links."""
        if not self.public_url:
            return content
        base = self.public_url.rstrip("/")
        page = f"{base}/alerts?project={quote(content.project)}&group={content.group_id}"
        if not self.key:
            return replace(content, page_url=page)
        urls = {action: f"{base}/links/{self._token(content, action, now)}" for action in LinkAction}
        # In a storm a group may have no label left: what would be silenced by that is everything.
        silence_url = urls[LinkAction.SILENCE] if any(content.labels.values()) else ""
        return replace(content, page_url=page, acknowledge_url=urls[LinkAction.ACKNOWLEDGE], silence_url=silence_url)

    def _token(self, content: Notification, action: LinkAction, now: datetime) -> str:
        return sign(LinkClaim(action, content.project, content.group_id, content.receiver, now + LINK_LIFETIME), self.key)


class Notifier:
    """Writes deliveries. What is told, and that it was told, is one transaction: neither is ever there without the other."""

    def __init__(self, engine: AsyncEngine, links: Links, *, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._links = links
        self._clock = clock
        self._rests_until: dict[str, datetime] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Looks at all projects again and again until asked to stop."""
        while not stop.is_set():
            try:
                await self.look_at_all()
            except Exception as error:
                if not patience.is_passing(error):
                    raise
                _log.warning("notification has to wait", why=str(error) or repr(error))
            await patience.pause(stop, LOOK_EVERY_S)

    async def look_at_all(self) -> int:
        """Looks at each project that has something new; returns how many deliveries were made."""
        now = self._clock()
        async with self._engine.begin() as connection:
            await policies.add_missing(connection, now)
            projects = await policies.due_projects(connection, now, now - RECENT)
        self._rests_until = {project: until for project, until in self._rests_until.items() if until > now}
        return sum([await self._look_at(project) for project in projects if project not in self._rests_until])

    async def _look_at(self, project: str) -> int:
        """Looks at a project as often as there is something to tell; returns how many deliveries were made."""
        began, count = self._clock(), 0
        for _ in range(LOOKS_AT_ONCE_MAX):
            made_count = await self._look(project)
            count += made_count
            if not made_count:
                break
        took = self._clock() - began
        self._rests_until[project] = began + took / LOOK_SHARE_MAX
        return count

    async def _look(self, project: str) -> int:
        """Looks at a project, unless nothing is new or another replica is at it; returns how many deliveries were made."""
        now = self._clock()
        async with self._engine.begin() as connection:
            taken = await policies.take(connection, project)
            if taken is None:
                return 0
            definition, seen_before, look_time = taken
            # Asked for before the alerts: one that changes in between is then seen as new the next time.
            seen = await policies.seen_now(connection, project, now - RECENT)
            if seen == seen_before and (look_time is None or look_time > now):
                return 0
            situation = Situation(
                project=project,
                alerts=(),
                configuration=_configuration(project, definition),
                silences=await active_silences(connection, project, now),
                groups=await groups.groups_of(connection, project),
                audiences=await audiences(connection, project),
            )
            return await self._tell(connection, situation, seen, now)

    async def _tell(self, connection: AsyncConnection, situation: Situation, seen: str, now: datetime) -> int:
        alerts = await groups.told_alerts(connection, situation.project, situation.groups)
        # With thousands of alerts it takes a good part of a second, in which others want to be served.
        outcome = await asyncio.to_thread(notify, replace(situation, alerts=alerts), now)
        new = self._deliveries(situation.project, outcome.messages, alerts, now)
        await groups.write_groups(connection, situation.project, outcome.groups, outcome.closed_group_ids)
        count = await deliveries.add_deliveries(connection, situation.project, new, now)
        await policies.note_look(connection, situation.project, seen, outcome.look_time)
        if count:
            _log.info("alerts are told", project=situation.project, alerts=len(alerts), deliveries=count)
        return count

    def _deliveries(
        self, project: str, messages: Sequence[Message], alerts: Sequence[Alert], now: datetime
    ) -> list[deliveries.NewDelivery]:
        known = {alert.alert_id: alert for alert in alerts}
        made = []
        for message in messages:
            content = self._links.added(notification(message, project, known), now)
            delivery = deliveries.NewDelivery(
                message.delivery_id, message.receiver, message.group_id, message.number, content.title, content
            )
            made.append(delivery)
        return made


def _configuration(project: str, definition: Mapping[str, Any]) -> Configuration:
    """The project's configuration; where this version cannot read what another has kept, the usual one, so that somebody is told."""
    try:
        return configuration_from_definition(definition)
    except AssayError as error:
        _log.error("the notification policy cannot be read: alerts are told as usual", project=project, why=error.message)
        return Configuration()
