"""What is passed from stage to stage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.alerter.domain.alert import Alert
from services.alerter.domain.notification.group import Group, Message
from services.alerter.domain.notification.route import Destination


@dataclass(frozen=True, slots=True)
class Entry:
    """An alert on one of its ways. `held_by` says what keeps it from being told of, empty: nothing."""

    alert: Alert
    destination: Destination
    held_by: str = ""


@dataclass(frozen=True, slots=True)
class Gathering:
    """A group with its members as they are now, by id: those that can be told of, those that are held, and those that are over.

    `destination` is None once the route is gone. `due_time` is when the group is to be looked at again, None if only a change can matter.
    `is_heartbeat`: repeats come at even intervals, since whoever gets them notices when one stays out.
    """

    group: Group
    destination: Destination | None
    firing: tuple[str, ...] = ()
    acknowledged: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()
    messages: tuple[Message, ...] = ()
    due_time: datetime | None = None
    is_heartbeat: bool = False


@dataclass(frozen=True, slots=True)
class Flow:
    """Alerts of one project at one time, on their way to messages."""

    now: datetime
    alerts: Sequence[Alert]
    entries: Sequence[Entry] = ()
    gatherings: Sequence[Gathering] = ()
