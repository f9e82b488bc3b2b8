"""Prices that callers state: they change now and then, at midnights that the seed decides."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from simulation.arrays import Floats, Ints
from simulation.calls import NONE, Asked, Tokens
from simulation.fleet import Fleet
from simulation.randomness import Purpose, generator
from simulation.rhythm import DAY_US

# Chosen: dear enough to be seen in a month, rare enough to be an event.
PERIOD_DAYS = 14
_CACHED_FACTOR = 0.1  # as most providers have it
FACTORS = (0.7, 0.85, 1.0, 1.2, 1.4)


@dataclass(frozen=True)
class PriceChange:
    """From this time, in microseconds since 1970, a model costs `factor` times what it cost before."""

    model: int
    time_us: int
    factor: float


def stated_cost_nanos(fleet: Fleet, seed: int, asked: Asked, tokens: Tokens) -> Ints:
    """What callers state for each call in nano-dollars; NONE for models that Assay is to price."""
    cost = np.full(len(asked.model), NONE, np.int64)
    for place, entry in enumerate(fleet.models):
        if entry.price is not None:
            here = np.flatnonzero(asked.model == place)
            used = tokens.take(here)
            full_price = used.input_count - used.cached_count + used.cached_count * _CACHED_FACTOR
            list_price = full_price * entry.price.input_nanos + used.output_count * entry.price.output_nanos
            cost[here] = np.rint(list_price * _factor_at(seed, place, asked.time_us[here]))
    return cost


def price_changes(fleet: Fleet, seed: int, start_us: int, end_us: int) -> list[PriceChange]:
    """The changes of stated prices after start and before end, by time."""
    period_us = PERIOD_DAYS * DAY_US
    found = []
    for place, entry in enumerate(fleet.models):
        for period in range(start_us // period_us + 1, -(-end_us // period_us)):
            before, after = _factor(seed, place, period - 1), _factor(seed, place, period)
            if entry.price is not None and before != after:
                found.append(PriceChange(place, period * period_us, after / before))
    return sorted(found, key=lambda change: (change.time_us, change.model))


def _factor_at(seed: int, model: int, time_us: Ints) -> Floats:
    periods, where = np.unique(time_us // (PERIOD_DAYS * DAY_US), return_inverse=True)
    return np.array([_factor(seed, model, period) for period in periods.tolist()])[where]


@lru_cache(1_024)
def _factor(seed: int, model: int, period: int) -> float:
    return float(generator(seed, Purpose.PRICES, model, period).choice(FACTORS))
