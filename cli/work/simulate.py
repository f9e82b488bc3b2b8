"""From what was asked for on the command line to a simulation, and what is told of it."""

import json as json_format
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cli.work.output import Json, print_json, print_table
from kit.errors import AssayError, Kind, invalid
from simulation.fleet import FLEET
from simulation.incident_plan import DrawnPlan, Plan, WrittenPlan, incident_from_text
from simulation.incidents import Incident
from simulation.stream import Simulation
from simulation.truth import incident_truth, truth

US_PER_S = 1_000_000
DEFAULT_DURATION_S = 86_400.0
# So that a file has each kind of incident about once.
_INCIDENTS_PER_DURATION = 8
_LIVE_INCIDENT_EVERY_S = 3_600.0


@dataclass(frozen=True)
class Wish:
    """What was asked for: durations in seconds, None where the default is to decide; `incidents` as they were written."""

    seed: int
    calls_per_s: float
    start: datetime | None = None
    duration_s: float | None = None
    incidents: tuple[str, ...] = ()
    incident_every_s: float | None = None
    is_without_incidents: bool = False

    def bounded(self) -> tuple[Simulation, int]:
        """The simulation and its end, in microseconds since 1970. Raises AssayError for an incident that cannot be."""
        duration_s = self.duration_s or DEFAULT_DURATION_S
        duration_us = round(duration_s * US_PER_S)
        start_us = now_us() - duration_us if self.start is None else round(self.start.timestamp()) * US_PER_S
        if start_us < 0:
            raise invalid("--start", "must be after 1970")
        return self.from_time(start_us, duration_s / _INCIDENTS_PER_DURATION), start_us + duration_us

    def from_time(self, start_us: int, incident_every_s: float = _LIVE_INCIDENT_EVERY_S) -> Simulation:
        """The simulation from a time on, with one incident in as many seconds unless something else was asked for."""
        return Simulation(self.seed, start_us, self.calls_per_s, self._plan(start_us, self.incident_every_s or incident_every_s))

    def _plan(self, start_us: int, incident_every_s: float) -> Plan:
        if self.is_without_incidents:
            return WrittenPlan()
        if not self.incidents:
            return DrawnPlan(FLEET, self.seed, max(round(incident_every_s * US_PER_S), US_PER_S))
        try:
            return WrittenPlan(tuple(incident_from_text(text, FLEET, start_us) for text in self.incidents))
        except ValueError as error:
            raise invalid("--incident", str(error)) from error


def now_us() -> int:
    """The clock, in whole seconds, so that a start can be written down and given again; in microseconds since 1970."""
    return int(time.time()) * US_PER_S


def show_incidents(wish: Wish, *, json: bool) -> None:
    """Prints the incidents that there would be."""
    simulation, end_us = wish.bounded()
    found = [incident_truth(incident) for incident in simulation.plan.between(simulation.start_us, end_us)]
    if json:
        print_json({"incidents": found})
        return
    rows = [[each["kind"], each["start_time"], each["end_time"], concerned_in_words(each), each["size"]] for each in found]
    print_table(("kind", "start", "end", "concerns", "size"), rows, empty="there are no incidents")


def concerned_in_words(incident: Json) -> str:
    """Whom an incident concerns, for people, from its truth."""
    parts = [*incident["scope"].values(), *([f"without {incident['field']}"] if incident["field"] else [])]
    return " ".join(parts) or "all"


def incident_in_words(incident: Incident) -> str:
    """An incident as a line for people."""
    told = incident_truth(incident)
    start, end = (told[name][11:19] for name in ("start_time", "end_time"))
    return f"{start} to {end} UTC: {told['kind']}, {concerned_in_words(told)}, size {incident.size:g}"


def write_truth(path: Path, simulation: Simulation, end_us: int) -> None:
    """Writes what is true of the simulation until then. Raises FILE_UNWRITABLE."""
    try:
        path.write_text(json_format.dumps(truth(simulation, end_us), indent=1) + "\n")
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> AssayError:
    """Why a file cannot be written."""
    return AssayError(Kind.INVALID_ARGUMENT, "FILE_UNWRITABLE", f"cannot write {path}: {error.strerror}")
