"""Second stage: parts are held while their whole is open."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.alerter.domain.notification.flow import Flow
from services.alerter.domain.notification.inhibition import InhibitionRule, inhibited


@dataclass(frozen=True, slots=True)
class Inhibiting:
    """Holds what an open alert mutes, whether or not that one is told of itself."""

    rules: Sequence[InhibitionRule]

    def run(self, flow: Flow) -> Flow:
        """Marks the entries."""
        muted = inhibited(self.rules, flow.alerts)
        return replace(
            flow,
            entries=[
                replace(entry, held_by=f"alert {muted[entry.alert.alert_id]}") if entry.alert.alert_id in muted else entry
                for entry in flow.entries
            ],
        )
