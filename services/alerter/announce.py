"""Tells the bus which alerts are new or have changed."""

import asyncio
from collections.abc import Iterable, Sequence

from assay.alerter.v1.alert_service_pb2 import Alert
from assay.events.v1.alerts_pb2 import AlertChanged

from kit import logs
from kit.bus import Bus
from kit.errors import AssayError
from services.alerter import streams
from services.alerter.domain.life_cycle import Course, Step
from services.alerter.messages.alert_messages import alert_to_message, forgotten_to_message

# Announcements under way at a time: in a storm each waits for the ones before it, not for all.
AT_ONCE = 200
_log = logs.get_logger(__name__)


async def announce(bus: Bus, project: str, alerts: Sequence[Alert]) -> None:
    """Announces alerts of a project. What cannot be announced is found in the database by those who look there now and then."""
    try:
        for first in range(0, len(alerts), AT_ONCE):
            await asyncio.gather(*(_publish(bus, project, alert) for alert in alerts[first : first + AT_ONCE]))
    except AssayError as error:
        _log.warning("alerts are not announced", project=project, count=len(alerts), why=error.message)


async def _publish(bus: Bus, project: str, alert: Alert) -> None:
    event = AlertChanged(alert=alert)
    await bus.publish(f"{streams.ALERTS_SUBJECT}.{project}", event.SerializeToString(), {})


def messages_of(changes: Iterable[tuple[Course | None, Step]]) -> list[Alert]:
    """What is told of steps, each with the course before it."""
    told = []
    for before, step in changes:
        if step.alert is not None:
            told.append(alert_to_message(step.alert))
        elif step.transition is not None and before is not None:
            told.append(forgotten_to_message(before.alert, step.transition.version))
    return told
