"""What is true of a simulation: what its figures are to be found by, and what its incidents did."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from simulation.failures import failure_runs
from simulation.incidents import SIZES, Incident, expected_effect
from simulation.prices import price_changes
from simulation.stream import Simulation

FORMAT_VERSION: Final = 1

Json = dict[str, Any]


def truth(simulation: Simulation, end_us: int) -> Json:
    """The truth about a simulation from its start to `end_us`, as a JSON object. Times are RFC 3339, UTC."""
    fleet, seed, start_us = simulation.fleet, simulation.seed, simulation.start_us
    models = [f"{model.provider}/{model.name}" for model in fleet.models]
    return {
        "format_version": FORMAT_VERSION,
        "seed": seed,
        "start_time": moment(start_us),
        "end_time": moment(end_us),
        "calls_per_s": simulation.calls_per_s,
        "fleet": asdict(fleet),
        "incidents": [incident_truth(incident) for incident in simulation.plan.between(start_us, end_us)],
        "price_changes": [
            {"model": models[change.model], "time": moment(change.time_us), "factor": change.factor}
            for change in price_changes(fleet, seed, start_us, end_us)
        ],
        "failure_runs": [
            {"model": models[run.model], "start_time": moment(run.start_us), "end_time": moment(run.end_us), "error_type": run.error_type}
            for run in failure_runs(fleet, seed, start_us, end_us)
        ],
    }


def incident_truth(incident: Incident) -> Json:
    """One incident, and by which figure it is to be seen."""
    return {
        "kind": incident.kind.value,
        "start_time": moment(incident.start_us),
        "end_time": moment(incident.end_us),
        "scope": {name: value for name, value in asdict(incident.scope).items() if value},
        "field": None if incident.field is None else incident.field.value,
        "size": incident.size,
        "size_means": SIZES[incident.kind].meaning,
        "expected_effect": expected_effect(incident),
    }


def moment(time_us: int) -> str:
    """An instant in microseconds since 1970 as RFC 3339."""
    seconds, rest_us = divmod(time_us, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest_us:06d}Z"
