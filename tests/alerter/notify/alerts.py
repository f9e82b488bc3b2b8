"""Alerts, configurations and a clock for the tests of notification."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from services.alerter.domain.alert import Alert, AlertState, Severity
from services.alerter.domain.notification.configuration import Configuration
from services.alerter.domain.notification.group import Group, Message
from services.alerter.domain.notification.pipeline import Outcome, Situation, notify
from services.alerter.domain.notification.silence import Silence
from services.alerter.domain.notification.stages.telling import Audience

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def alert(name: str = "slow", state: AlertState = AlertState.FIRING, severity: Severity = Severity.WARNING, **fields: Any) -> Alert:
    """An alert; what is not a field of one is a label."""
    own = {key: fields.pop(key) for key in list(fields) if key in Alert.__dataclass_fields__ and key != "labels"}
    labels = {"alertname": name, "project": "default", "provider": "openai", "severity": severity.name} | fields
    values: dict[str, Any] = {
        "alert_id": f"{name}-{'-'.join(map(str, fields.values()))}",
        "project": "default",
        "rule_id": f"rule-{name}",
        "rule_name": name,
        "labels": labels,
        "state": state,
        "severity": severity,
        "start_time": NOW,
        "fire_time": NOW,
    }
    return Alert(**(values | own))


@dataclass
class World:
    """A project whose clock is put forward by hand, and which remembers what it was told to."""

    configuration: Configuration = field(default_factory=Configuration)
    audiences: dict[str, Audience] = field(default_factory=lambda: {"default": Audience()})
    silences: list[Silence] = field(default_factory=list)
    now: datetime = NOW
    alerts: dict[str, Alert] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    sent: list[tuple[datetime, Message]] = field(default_factory=list)
    outcome: Outcome | None = None

    def set(self, *alerts: Alert) -> None:
        """Adds alerts, or changes them."""
        self.alerts |= {each.alert_id: each for each in alerts}

    def look(self) -> list[Message]:
        """Looks once at the present time, and again while that makes messages; returns them."""
        found: list[Message] = []
        while True:
            situation = Situation(
                "default", list(self.alerts.values()), self.configuration, self.silences, list(self.groups.values()), self.audiences
            )
            self.outcome = notify(situation, self.now)
            self.groups |= {group.group_id: group for group in self.outcome.groups}
            for group_id in self.outcome.closed_group_ids:
                del self.groups[group_id]
            found += self.outcome.messages
            if not self.outcome.messages:
                self.sent += [(self.now, message) for message in found]
                return found

    def after(self, seconds: float) -> list[Message]:
        """Lets time pass at once, and looks."""
        self.now += timedelta(seconds=seconds)
        return self.look()

    def until(self, seconds: float, step_s: float = 10.0) -> list[tuple[float, Message]]:
        """Lets time pass in steps; the messages with the seconds after the begin."""
        begin, found = self.now, []
        while (self.now - begin).total_seconds() < seconds:
            found += [((self.now - begin).total_seconds(), message) for message in self.after(step_s)]
        return found


def told(messages: list[Message]) -> list[tuple[str, str]]:
    """Kind and receiver of each message."""
    return [(message.kind.name, message.receiver) for message in messages]
