"""A day and a week of the fleet, to look at from all sides."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from simulation.arrays import Array, Bools, Ints
from simulation.calls import Calls, Evidence, EvidenceKind, Outcome
from simulation.fleet import FLEET
from simulation.incident_plan import WrittenPlan
from simulation.incidents import Field, Incident, Kind, Scope
from simulation.stream import Simulation, blocks

US = 1_000_000
HOUR_US = 3_600 * US
DAY_US = 24 * HOUR_US
# A Monday.
START_US = 1_790_553_600 * US
SEED = 11
OWNER = np.array([place for place, _ in FLEET.versions])


@dataclass(frozen=True)
class Seen:
    """All calls and evidence of a simulation, in order."""

    calls: Calls
    evidence: Evidence

    @property
    def task_type(self) -> Array:
        """The place of each call's task type."""
        return OWNER[self.calls.version]

    @property
    def is_answered(self) -> Bools:
        is_answered: Bools = self.calls.outcome == Outcome.SUCCEEDED
        return is_answered

    @property
    def evaluations(self) -> Evidence:
        return self.evidence.take(self.evidence.kind <= EvidenceKind.VERIFIED)

    def calls_of(self, evidence: Evidence) -> Ints:
        """The place of the call of each evaluation; -1 for calls before the first."""
        places = {call_id: place for place, call_id in enumerate(self.calls.call_id.tolist())}
        return np.array([places.get(call_id, -1) for call_id in evidence.subject_id.tolist()], np.int64)


def seen(simulation: Simulation, end_us: int, *, by_end: bool = False) -> Seen:
    found = list(blocks(simulation, end_us, by_end=by_end))
    return Seen(Calls.joined([block.calls for block in found]), Evidence.joined([block.evidence for block in found]))


@lru_cache(1)
def week() -> Seen:
    """A week without incidents: some 600,000 calls."""
    return seen(Simulation(SEED, START_US, 1.0), START_US + 7 * DAY_US)


@lru_cache(2)
def hours(*incidents: Incident, rate: float = 10.0, count: int = 3) -> Seen:
    """Some busy hours with these incidents."""
    return seen(Simulation(SEED, START_US, rate, WrittenPlan(incidents)), START_US + count * HOUR_US)


def incident(kind: Kind, size: float, scope: Scope, field: Field | None = None) -> Incident:
    """One that lasts the second of those hours."""
    return Incident(kind, START_US + HOUR_US, START_US + 2 * HOUR_US, size, scope, field)
