"""What a message says, taken down when it is made, so that every try to send it says the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.alerter.domain.alert import Alert, AlertState, Severity
from services.alerter.domain.metric import RATIO_UNIT
from services.alerter.domain.notification.group import Message, MessageKind

ALERTS_SHOWN_MAX = 20  # of each sort; the rest is counted, and on the page
TITLE_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class AlertNote:
    """One alert as a message tells it. `end_time` is None while it is open."""

    alert_id: str
    name: str
    state: AlertState
    severity: Severity
    labels: Mapping[str, str]
    start_time: datetime
    end_time: datetime | None
    summary: str
    description: str
    observed: str
    threshold: str
    acknowledged_by: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Notification:
    """A message about a group of alerts. Counts are of all of them, notes of the first few. Links are empty where there is no page."""

    project: str
    group_id: str
    number: int
    kind: MessageKind
    receiver: str
    title: str
    severity: Severity
    labels: Mapping[str, str]
    firing_count: int
    acknowledged_count: int
    ended_count: int
    notes: tuple[AlertNote, ...]
    page_url: str = ""
    acknowledge_url: str = ""
    silence_url: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing of the group is left."""
        return self.kind is MessageKind.RESOLVED


def notification(message: Message, project: str, alerts: Mapping[str, Alert]) -> Notification:
    """The content of a message without its links; members that are no longer known are counted, and not told of."""
    new = set(message.new)
    notes = []
    for ids in (message.firing, message.acknowledged, message.ended):
        known = sorted((alerts[alert_id] for alert_id in ids if alert_id in alerts), key=lambda each: _rank(each, new))
        notes += [_note(alert, is_new=alert.alert_id in new) for alert in known[:ALERTS_SHOWN_MAX]]
    return Notification(
        project=project,
        group_id=message.group_id,
        number=message.number,
        kind=message.kind,
        receiver=message.receiver,
        title=_title(message.labels, notes),
        severity=max((note.severity for note in notes), key=lambda severity: severity.value, default=Severity.WARNING),
        labels=dict(message.labels),
        firing_count=len(message.firing),
        acknowledged_count=len(message.acknowledged),
        ended_count=len(message.ended),
        notes=tuple(notes),
    )


def _rank(alert: Alert, new: set[str]) -> tuple[int, bool, datetime, str]:
    """What matters most comes first, and what is new."""
    return -alert.severity.value, alert.alert_id not in new, alert.start_time, alert.alert_id


def _note(alert: Alert, *, is_new: bool) -> AlertNote:
    return AlertNote(
        alert_id=alert.alert_id,
        name=alert.labels.get("alertname", alert.rule_name),
        state=alert.state,
        severity=alert.severity,
        labels=dict(alert.labels),
        start_time=alert.start_time,
        end_time=alert.resolve_time,
        summary=alert.summary,
        description=alert.description,
        observed=written_value(alert.observed, alert.unit),
        threshold=written_value(alert.threshold, alert.unit),
        acknowledged_by=alert.acknowledged_by,
        is_new=is_new,
    )


def _title(labels: Sequence[tuple[str, str]], notes: Sequence[AlertNote]) -> str:
    """The same for all messages of a group, or mail programs would not keep them together."""
    values = [value for _, value in labels if value] or ([notes[0].labels.get("project", "")] if notes else [])
    title = " · ".join(filter(None, values)) or "several alerts"
    # What cannot be in a line of a mail's head cannot be in a title.
    plain = "".join(character if character.isprintable() else " " for character in title)
    return plain if len(plain) <= TITLE_LENGTH_MAX else plain[: TITLE_LENGTH_MAX - 1] + "…"


def written_value(value: float | None, unit: str) -> str:
    """A value with its unit, for people: "1.25 s", "3.2 USD", "97.5%", "3". Empty for None."""
    if value is None:
        return ""
    if unit == RATIO_UNIT:
        return f"{value:.1%}"
    number = f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
    return f"{number} {unit}".rstrip()


def status_line(content: Notification) -> str:
    """What is the matter, in a few words: "2 firing, 1 acknowledged, 3 resolved"."""
    counts = ((content.firing_count, "firing"), (content.acknowledged_count, "acknowledged"), (content.ended_count, "resolved"))
    state = ", ".join(f"{count:,} {word}" for count, word in counts if count)
    why = {
        MessageKind.REPEATED: "still open: ",
        MessageKind.ESCALATED: "nobody has acknowledged yet: ",
        MessageKind.RESOLVED: "all is over: ",
        MessageKind.ACKNOWLEDGED: "acknowledged: ",
    }.get(content.kind, "")
    return f"{why}{state}"
