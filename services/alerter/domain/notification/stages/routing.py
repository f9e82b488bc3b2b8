"""First stage: which ways an alert goes."""

from dataclasses import dataclass, replace

from services.alerter.domain.notification.flow import Entry, Flow
from services.alerter.domain.notification.route import RouteTree


@dataclass(frozen=True, slots=True)
class Routing:
    """Sends each open alert on every way that its labels have."""

    tree: RouteTree

    def run(self, flow: Flow) -> Flow:
        """Adds the entries."""
        entries = [
            Entry(alert, destination)
            for alert in flow.alerts
            if alert.state.is_open
            for destination in self.tree.destinations(alert.labels)
        ]
        return replace(flow, entries=entries)
