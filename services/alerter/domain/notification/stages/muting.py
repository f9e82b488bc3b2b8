"""Third stage: routes are quiet in their mute times."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from services.alerter.domain.notification.flow import Entry, Flow
from services.alerter.domain.notification.local_time import MuteTime


@dataclass(frozen=True, slots=True)
class Muting:
    """Holds what goes by a route that has a mute time now."""

    mute_times: Mapping[str, MuteTime]

    def run(self, flow: Flow) -> Flow:
        """Marks the entries."""
        holding = [name for name, mute_time in self.mute_times.items() if mute_time.holds(flow.now)]
        return replace(flow, entries=[_marked(entry, holding) for entry in flow.entries]) if holding else flow


def _marked(entry: Entry, holding: list[str]) -> Entry:
    if not entry.held_by:
        for name in entry.destination.mute_times:
            if name in holding:
                return replace(entry, held_by=f"mute time {name}")
    return entry
