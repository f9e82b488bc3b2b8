"""What goes wrong on purpose: incidents of known kind, time, size and scope, and what each is to be seen by."""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from simulation.arrays import Bools, Floats, Ints
from simulation.calls import Asked
from simulation.fleet import Fleet


class Kind(Enum):
    """The kinds; what `size` means and is unless it is given stands in SIZES."""

    OUTAGE = "outage"
    ERROR_BURST = "error_burst"
    LATENCY_DRIFT = "latency_drift"
    LATENCY_STEP = "latency_step"
    COST_JUMP = "cost_jump"
    QUALITY_LOSS = "quality_loss"
    SILENCE = "silence"
    FIELD_MISSING = "field_missing"


class Field(Enum):
    """A field that callers may stop to fill in."""

    USAGE = "usage"
    TIME_TO_FIRST_TOKEN = "time_to_first_token"  # noqa: S105 - not a password
    PROMPT_VERSION = "prompt_version"


@dataclass(frozen=True)
class Size:
    """What an incident's size means for a kind: the range of those that are drawn, what may be given, and a sentence."""

    drawn_from: float
    drawn_to: float
    least: float
    most: float
    meaning: str


_SHARE = (0.0, 1.0)
_FACTOR = (1.0, 100.0)
SIZES = {
    Kind.OUTAGE: Size(0.9, 1.0, *_SHARE, "part of the calls that fail at once with 503"),
    Kind.ERROR_BURST: Size(0.25, 0.6, *_SHARE, "part of the calls that are refused with 429"),
    Kind.LATENCY_DRIFT: Size(2.0, 4.0, *_FACTOR, "factor of latency and first token at the end; grows in a straight line from 1"),
    Kind.LATENCY_STEP: Size(2.0, 4.0, *_FACTOR, "factor of latency and first token"),
    Kind.COST_JUMP: Size(1.5, 4.0, *_FACTOR, "factor of all tokens that the provider counts, and so of the cost"),
    Kind.QUALITY_LOSS: Size(0.2, 0.4, *_SHARE, "taken from the score before it is cut to 0..1"),
    Kind.SILENCE: Size(1.0, 1.0, *_SHARE, "part of the calls that nobody reports, their evidence included"),
    Kind.FIELD_MISSING: Size(1.0, 1.0, *_SHARE, "part of the calls without the field"),
}


@dataclass(frozen=True)
class Scope:
    """Whom an incident concerns: "" stands for all."""

    provider: str = ""
    model: str = ""
    task_type: str = ""


@dataclass(frozen=True)
class Incident:
    """Something that goes wrong from start to end, in microseconds since 1970. `field` only with FIELD_MISSING.

    Calls are concerned by the time at which they start, and evidence by that of its call.
    """

    kind: Kind
    start_us: int
    end_us: int
    size: float
    scope: Scope
    field: Field | None = None


def concerned(incident: Incident, fleet: Fleet, asked: Asked) -> Bools:
    """Which calls the incident is about."""
    scope = incident.scope
    models = [scope.provider in {"", each.provider} and scope.model in {"", each.name} for each in fleet.models]
    task_types = [scope.task_type in {"", each.name} for each in fleet.task_types]
    is_concerned: Bools = (asked.time_us >= incident.start_us) & (asked.time_us < incident.end_us)
    is_concerned &= np.array(models)[asked.model] & np.array(task_types)[asked.task_type]
    return is_concerned


def latency_factor(incident: Incident, time_us: Ints) -> Floats:
    """By what LATENCY_STEP or LATENCY_DRIFT multiplies latencies of calls that start at these times."""
    if incident.kind is Kind.LATENCY_STEP:
        return np.full(len(time_us), incident.size)
    progress = (time_us - incident.start_us) / (incident.end_us - incident.start_us)
    return 1 + (incident.size - 1) * progress


def expected_effect(incident: Incident) -> dict[str, object]:
    """What the incident does to a figure of the calls in its scope, between its start and its end.

    `times` multiplies, `plus` adds; those of a drift are at its end. They compare with the same fleet without the incident.
    """
    size = incident.size
    effects: dict[Kind, dict[str, object]] = {
        Kind.OUTAGE: {"figure": "success_ratio", "times": round(1 - size, 6)},
        Kind.ERROR_BURST: {"figure": "success_ratio", "times": round(1 - size, 6)},
        Kind.LATENCY_DRIFT: {"figure": "latency", "times": size, "at": "end"},
        Kind.LATENCY_STEP: {"figure": "latency", "times": size},
        Kind.COST_JUMP: {"figure": "cost_per_call", "times": size},
        Kind.QUALITY_LOSS: {"figure": "score", "plus": -size, "at": "before it is cut to 0..1"},
        Kind.SILENCE: {"figure": "call_count", "times": round(1 - size, 6)},
        Kind.FIELD_MISSING: {"figure": f"{incident.field.value if incident.field else ''}_present_ratio", "times": round(1 - size, 6)},
    }
    return effects[incident.kind]
