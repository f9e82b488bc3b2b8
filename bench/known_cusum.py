"""The best that can be done: a CUSUM that knows what is normal, what is not, and looks at every call."""

from __future__ import annotations

import numpy as np

from services.analyzer.domain.arrays import Floats

# Call by call the log-likelihood ratio of not normal against normal takes these values, with these probabilities.
Steps = tuple[Floats, Floats]
_STATES = 250
_HALVINGS = 16
_BAR_MAX = 40.0
_CALLS_MAX = 5_000


def delay_calls(normal: Steps, shifted: Steps, calls_per_false_alarm: float) -> float:
    """Calls until half of the changes are found, from a CUSUM at 0, with this many calls between false alarms on average.

    The CUSUM as a Markov chain on a grid (Brook, Evans, Biometrika 1972).
    """
    low, high = 0.0, _BAR_MAX
    for _ in range(_HALVINGS):
        bar = (low + high) / 2
        low, high = (low, bar) if _run_length(_chain(normal, bar)) > calls_per_false_alarm else (bar, high)
    return _median(_chain(shifted, high))


def bernoulli(probability: float, normal: float, shifted: float) -> Steps:
    """Steps of calls that fail with this probability, between a normal and a shifted one."""
    steps = np.array([np.log(shifted / normal), np.log((1 - shifted) / (1 - normal))])
    return steps, np.array([probability, 1 - probability])


def normal(mean: float, shift: float) -> Steps:
    """Steps of normal values of this mean and variance 1, between means 0 and `shift`."""
    values = np.linspace(-6, 6, 601)
    density = np.exp(-(values**2) / 2)
    return shift * (values + mean) - shift**2 / 2, density / density.sum()


def _chain(steps: Steps, bar: float) -> Floats:
    """Probabilities from state to state below the bar; state 0 is 0."""
    width = bar / (_STATES - 0.5)
    begin = np.arange(_STATES)[:, None] * width
    after = np.maximum(begin + steps[0][None, :], 0)
    place = np.rint(after / width).astype(np.int64)
    chain = np.zeros((_STATES, _STATES + 1))
    rows = np.broadcast_to(np.arange(_STATES)[:, None], place.shape)
    np.add.at(chain, (rows, np.minimum(place, _STATES)), np.broadcast_to(steps[1], place.shape))
    return chain[:, :_STATES]


def _run_length(chain: Floats) -> float:
    return float(np.linalg.solve(np.eye(_STATES) - chain, np.ones(_STATES))[0])


def _median(chain: Floats) -> float:
    still = np.zeros(_STATES)
    still[0] = 1
    for call in range(1, _CALLS_MAX):
        still = still @ chain
        if still.sum() <= 0.5:
            return call
    return float("inf")
