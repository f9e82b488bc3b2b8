"""Fourth stage: what somebody has silenced is held."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.alerter.domain.notification.flow import Entry, Flow
from services.alerter.domain.notification.silence import Silence, SilenceState


@dataclass(frozen=True, slots=True)
class Silencing:
    """Holds what an active silence hits."""

    silences: Sequence[Silence]

    def run(self, flow: Flow) -> Flow:
        """Marks the entries."""
        active = [silence for silence in self.silences if silence.state(flow.now) is SilenceState.ACTIVE]
        return replace(flow, entries=[_marked(entry, active) for entry in flow.entries]) if active else flow


def _marked(entry: Entry, active: Sequence[Silence]) -> Entry:
    if not entry.held_by:
        for silence in active:
            if silence.hits(entry.alert.labels):
                return replace(entry, held_by=f"silence {silence.silence_id}")
    return entry
