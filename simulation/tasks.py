"""Tasks as they begin, with all the chance that they will meet."""

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np

from simulation import parameters, quality
from simulation.arrays import Array, Bools, Floats, Ints, Texts
from simulation.fleet import Fleet, cumulative
from simulation.randomness import ID_BITS, ids

# A task ends with this call, however it went.
ROUNDS_MAX = 6


class Draw(IntEnum):
    """Decisions about a call, each with a uniform draw of its own."""

    FAIL = 0
    DISTURB = 1
    END = 2
    FAILED_LATENCY = 3
    REVISE = 4
    PAUSE = 5
    CACHE = 6
    REPORT = 7
    SCORE = 8
    SCORE_DELAY = 9


class NormalDraw(IntEnum):
    """Figures of an answer that spread normally, or whose logarithm does."""

    OUTPUT = 0
    SPEED = 1
    WAIT = 2
    SCORE = 3


@dataclass(frozen=True)
class Tasks:
    """Tasks that are begun: first and second model to ask, places in the fleet's lists, and chance for everything to come.

    `uniform` has the shape (ROUNDS_MAX, Draw, tasks), `normal` (ROUNDS_MAX, NormalDraw, tasks), `bits`, for ids, (2, ROUNDS_MAX,
    tasks); those of the task's result are (quality.TASK_DRAWS, tasks) and (quality.TASK_IDS, tasks). Each task has its own draws, so
    that an incident changes the calls that it concerns and what follows from them, and no others.
    """

    task_id: Texts
    start_us: Ints
    version: Array
    task_type: Array
    first_model: Array
    second_model: Array
    input_count: Ints
    is_streamed: Bools
    uniform: Floats
    normal: Floats
    bits: Ints
    result_uniform: Floats
    result_bits: Ints

    def from_time(self, start_us: int) -> "Tasks":
        """Those that begin at `start_us` or later."""
        here = self.start_us >= start_us
        return self if here.all() else Tasks(**{field.name: getattr(self, field.name)[..., here] for field in fields(self)})


def begin_tasks(fleet: Fleet, rng: np.random.Generator, start_us: int, length_us: int, mean_count: float) -> Tasks:
    """Tasks that begin from `start_us` on for `length_us`, `mean_count` of them on average."""
    count = int(rng.poisson(mean_count))
    starts_us = start_us + np.sort(rng.integers(0, length_us, count))
    owner = np.array([place for place, _ in fleet.versions])
    shares = cumulative(tuple(fleet.task_types[place].share * version.share for place, version in fleet.versions))
    version = np.searchsorted(shares, rng.random(count)).astype(np.int8)
    task_type = owner[version].astype(np.int8)
    models = len(fleet.models)
    first = np.searchsorted(cumulative(tuple(each.share for each in fleet.models)), rng.random(count)).astype(np.int8)
    second = ((first + 1 + rng.integers(0, models - 1, count)) % models).astype(np.int8)
    medians, streamed = np.array([(each.input_token_count, each.streamed_ratio) for each in fleet.task_types]).T[:, task_type]
    input_count = np.maximum(medians * np.exp(parameters.LOG_INPUT_CELL_SD * rng.standard_normal(count)), 1).astype(np.int64)
    return Tasks(
        task_id=ids(starts_us, rng.integers(0, 1 << ID_BITS, count)),
        start_us=starts_us,
        version=version,
        task_type=task_type,
        first_model=first,
        second_model=second,
        input_count=input_count,
        is_streamed=rng.random(count) < streamed,
        uniform=rng.random((ROUNDS_MAX, len(Draw), count)),
        normal=rng.standard_normal((ROUNDS_MAX, len(NormalDraw), count)),
        bits=rng.integers(0, 1 << ID_BITS, (2, ROUNDS_MAX, count)),
        result_uniform=rng.random((quality.TASK_DRAWS, count)),
        result_bits=rng.integers(0, 1 << ID_BITS, (quality.TASK_IDS, count)),
    )
