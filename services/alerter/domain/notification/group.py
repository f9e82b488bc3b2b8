"""What is remembered of a group of alerts between two messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from services.alerter.domain.notification.escalation import Progress


class Told(IntEnum):
    """What receivers were told of a member last. The numbers are kept in PostgreSQL."""

    NOTHING = 0
    FIRING = 1
    ACKNOWLEDGED = 2


@dataclass(frozen=True, slots=True)
class Group:
    """Alerts that are told of together, from the first one until the end of the last was told.

    `members` are alert ids. `told_time` is when the last message that interrupts people was made, None before the first. `repeat_count`
    counts repeats since something was new. `receivers` are all that were told of the group, who will hear of its end. `level` is how much
    of the route's grouping was left out for a storm: 0 nothing, 1 all labels but the first, 2 all labels.
    """

    group_id: str
    route_id: str
    labels: tuple[tuple[str, str], ...]
    open_time: datetime
    level: int = 0
    members: Mapping[str, Told] = field(default_factory=dict)
    told_time: datetime | None = None
    repeat_count: int = 0
    message_count: int = 0
    receivers: tuple[str, ...] = ()
    escalation: Progress | None = None


class MessageKind(IntEnum):
    """Why a message is sent. The numbers are kept in PostgreSQL."""

    FIRST = 1
    CHANGED = 2
    REPEATED = 3
    ESCALATED = 4
    ACKNOWLEDGED = 5
    RESOLVED = 6


@dataclass(frozen=True, slots=True)
class Message:
    """A message to one receiver; the same delivery id comes out whenever the same state is looked at again.

    `firing` and `acknowledged` are ids of the open alerts, `new` those of `firing` that were not told before, `ended` those that are over
    since the message before.
    """

    delivery_id: str
    group_id: str
    number: int
    kind: MessageKind
    receiver: str
    labels: tuple[tuple[str, str], ...]
    firing: tuple[str, ...]
    acknowledged: tuple[str, ...]
    ended: tuple[str, ...]
    new: tuple[str, ...]
