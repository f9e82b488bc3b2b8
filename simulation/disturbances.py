"""What incidents do to the calls that they are about."""

from collections.abc import Sequence

import numpy as np

from simulation import answers, incidents
from simulation.arrays import Bools, Floats
from simulation.calls import Asked
from simulation.failures import ANSWERS
from simulation.fleet import Fleet
from simulation.incidents import Field, Incident, Kind
from simulation.tasks import Draw


class Disturbances:
    """Columns of shape (calls,) that say what is wrong with each: nothing, for most.

    `error` is a place in ERROR_TYPES or ANSWERS; the factors multiply times and tokens; `quality_loss` is taken from the score.
    """

    def __init__(self, fleet: Fleet, wrong: Sequence[Incident], asked: Asked, uniform: Floats) -> None:
        count = len(asked.model)
        self.error = np.full(count, ANSWERS, np.int8)
        self.latency_factor, self.token_factor, self.quality_loss = np.ones(count), np.ones(count), np.zeros(count)
        self.is_silent = np.zeros(count, np.bool_)
        self.is_missing = {field: np.zeros(count, np.bool_) for field in Field}
        for incident in wrong:
            here = incidents.concerned(incident, fleet, asked)
            if here.any():
                self._add(incident, here, asked, uniform)

    def _add(self, incident: Incident, here: Bools, asked: Asked, uniform: Floats) -> None:
        match incident.kind:
            case Kind.OUTAGE:
                self.error[here & (uniform[Draw.DISTURB] < incident.size)] = answers.OUTAGE_ERROR
            case Kind.ERROR_BURST:
                self.error[here & (uniform[Draw.DISTURB] < incident.size)] = answers.BURST_ERROR
            case Kind.LATENCY_DRIFT | Kind.LATENCY_STEP:
                self.latency_factor[here] *= incidents.latency_factor(incident, asked.time_us[here])
            case Kind.COST_JUMP:
                self.token_factor[here] *= incident.size
            case Kind.QUALITY_LOSS:
                self.quality_loss[here] += incident.size
            case Kind.SILENCE:
                self.is_silent |= here & (uniform[Draw.REPORT] < incident.size)
            case Kind.FIELD_MISSING:  # pragma: no branch - the last kind
                self.is_missing[incident.field or Field.USAGE] |= here & (uniform[Draw.REPORT] < incident.size)
