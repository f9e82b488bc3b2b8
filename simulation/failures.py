"""Failures in runs: each model answers or fails, by a Markov process of two states in continuous time.

Such a process can be had without remembering anything: at the times of a Poisson process the state is drawn anew from its long-run
shares, and holds until the next time. So the state at any instant is known from the seed alone. Each UTC day begins with a draw.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from simulation.arrays import Array, Ints
from simulation.calls import Asked
from simulation.fleet import Fleet
from simulation.parameters import ERROR_RATIOS, RUN_MEAN_S, WITHDRAWN_ERROR
from simulation.randomness import Purpose, generator
from simulation.rhythm import DAY_US

ERRORS = tuple(ERROR_RATIOS)
ANSWERS = -1
"""Stands for no error: the model answers."""

_DAYS_KEPT = 8  # a slice of time with what it spills touches two


@dataclass(frozen=True)
class FailureRun:
    """A model's failing run: place of the model, times in microseconds since 1970, and the error that it answers with."""

    model: int
    start_us: int
    end_us: int
    error_type: str


def state(fleet: Fleet, seed: int, asked: Asked) -> Array:
    """The place in ERRORS with which each model that is asked fails at that time, or ANSWERS."""
    errors = np.full(len(asked.time_us), ANSWERS, np.int8)
    days = asked.time_us // DAY_US
    for day in np.unique(days).tolist():
        here = np.flatnonzero(days == day)
        keys, drawn = _draws(fleet, seed, day)
        wanted = asked.model[here].astype(np.int64) * DAY_US + asked.time_us[here] - day * DAY_US
        errors[here] = drawn[np.searchsorted(keys, wanted, side="right") - 1]
    return errors


def failure_runs(fleet: Fleet, seed: int, start_us: int, end_us: int) -> list[FailureRun]:
    """All runs that touch the time from start to end, by model and start. A run that midnight or a new draw prolongs is told in parts."""
    runs = []
    for day in range(start_us // DAY_US, -(-end_us // DAY_US)):
        keys, drawn = _draws(fleet, seed, day)
        model, begin_us = keys // DAY_US, keys % DAY_US
        ends_us = np.append(begin_us[1:], 0)
        ends_us[ends_us == 0] = DAY_US
        for place in np.flatnonzero(drawn != ANSWERS).tolist():
            begin, end = day * DAY_US + int(begin_us[place]), day * DAY_US + int(ends_us[place])
            if begin < end_us and end > start_us:
                runs.append(FailureRun(int(model[place]), begin, end, ERRORS[drawn[place]]))
    return sorted(runs, key=lambda run: (run.model, run.start_us))


@lru_cache(_DAYS_KEPT)
def _draws(fleet: Fleet, seed: int, day: int) -> tuple[Ints, Array]:
    """Times of all draws of a day, as microseconds of it plus DAY_US times the model's place, ascending; and what was drawn."""
    rng = generator(seed, Purpose.FAILURES, day)
    keys, drawn = [], []
    shares = np.array(list(ERROR_RATIOS.values()))
    for place, model in enumerate(fleet.models):
        if model.is_withdrawn:
            keys.append(np.array([place * DAY_US]))
            drawn.append(np.array([ERRORS.index(WITHDRAWN_ERROR)], np.int8))
            continue
        # A run ends with a draw that finds the model answering.
        count = int(rng.poisson(DAY_US / (RUN_MEAN_S * 1e6 * (1 - model.fail_ratio))))
        times_us = np.concatenate([[0], np.sort(rng.integers(1, DAY_US, count))])
        errors = rng.choice(len(ERRORS), count + 1, p=shares / shares.sum())
        keys.append(times_us + place * DAY_US)
        drawn.append(np.where(rng.random(count + 1) < model.fail_ratio, errors, ANSWERS).astype(np.int8))
    return np.concatenate(keys), np.concatenate(drawn)
