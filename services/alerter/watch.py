"""Tells those who watch which alerts there are, and which change: by the bus at once, and by the database what the bus did not bring."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

from assay.alerter.v1.alert_service_pb2 import Alert
from assay.events.v1.alerts_pb2 import AlertChanged
from google.protobuf.message import DecodeError
from nats.aio.msg import Msg

from kit import logs, patience
from kit.bus import Bus
from services.alerter import streams
from services.alerter.messages.alert_messages import alert_to_message
from services.alerter.store.alerts import AlertStore

_log = logs.get_logger(__name__)

# An announcement is lost where its replica is killed right after the commit, or the bus is away.
LOOK_EVERY_S = 5.0
# Commits of a replica whose clock is so much behind are still found.
LOOK_BACK = timedelta(seconds=60)
# Alerts of one message: some 300 kB.
PART_MAX = 500
# Versions that are remembered of one watch, so that nothing is told twice; then it begins anew with a snapshot.
VERSIONS_MAX = 100_000


class _Inbox:
    """What one watch has yet to be told: the newest of each alert."""

    def __init__(self) -> None:
        self._alerts: dict[str, Alert] = {}
        self.is_incomplete = False
        self.arrived = asyncio.Event()

    def note(self, alert: Alert) -> None:
        known = self._alerts.get(alert.alert_id)
        if known is None or known.version < alert.version:
            self._alerts[alert.alert_id] = alert
        self.arrived.set()

    def miss(self) -> None:
        """Announcements may have been missed: begin anew."""
        self.is_incomplete = True
        self.arrived.set()

    def take(self) -> list[Alert]:
        taken, self._alerts = list(self._alerts.values()), {}
        self.arrived.clear()
        return taken


class AlertWatches:
    """Every watch of this process, fed by one subscription."""

    def __init__(self, bus: Bus, store: AlertStore) -> None:
        self._bus = bus
        self._store = store
        self._listening: dict[str, list[_Inbox]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Listens to the announcements, and looks into the database, until asked to stop."""
        await self._bus.connected()
        async with self._bus.subscribed(f"{streams.ALERTS_SUBJECT}.*", self._on_message):
            seen = self._bus.connection_count
            while not stop.is_set():
                await patience.pause(stop, LOOK_EVERY_S)
                if self._bus.connection_count != seen:
                    seen = self._bus.connection_count
                    for inbox in [inbox for inboxes in self._listening.values() for inbox in inboxes]:
                        inbox.miss()
                await self._look()

    async def _look(self) -> None:
        since = datetime.now(UTC) - LOOK_BACK
        for project in [project for project, inboxes in self._listening.items() if inboxes]:
            try:
                changed = await self._store.changed_since(project, since)
            except Exception as error:
                if not patience.is_passing(error):
                    raise
                return
            for alert in map(alert_to_message, changed):
                self._offer(project, alert)

    async def _on_message(self, message: Msg) -> None:
        try:
            alert = AlertChanged.FromString(message.data).alert
        except DecodeError as error:
            _log.error("an announcement cannot be read", subject=message.subject, error=error)
            return
        self._offer(alert.project, alert)

    def _offer(self, project: str, alert: Alert) -> None:
        for inbox in self._listening.get(project, ()):
            inbox.note(alert)

    async def watch(self, project: str) -> AsyncGenerator[tuple[bool, list[Alert]], None]:
        """All alerts that are not resolved, in parts of which the first is marked, and then those that change, for ever."""
        inbox = _Inbox()
        listening = self._listening.setdefault(project, [])
        listening.append(inbox)
        try:
            while True:
                inbox.is_incomplete = False
                alerts = [alert_to_message(alert) for alert in await self._store.unresolved(project)]
                versions = {alert.alert_id: alert.version for alert in alerts}
                for first in range(0, max(len(alerts), 1), PART_MAX):
                    yield first == 0, alerts[first : first + PART_MAX]
                while not inbox.is_incomplete and len(versions) < VERSIONS_MAX:
                    await inbox.arrived.wait()
                    newer = [alert for alert in inbox.take() if versions.get(alert.alert_id, 0) < alert.version]
                    versions.update({alert.alert_id: alert.version for alert in newer})
                    for first in range(0, len(newer), PART_MAX):
                        yield False, newer[first : first + PART_MAX]
        finally:
            listening.remove(inbox)
