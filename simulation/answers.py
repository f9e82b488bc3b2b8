"""How models answer: tokens, waits and speeds, and so latency; and how they fail."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from simulation import parameters
from simulation.arrays import Array, Floats, Ints
from simulation.calls import Asked
from simulation.failures import ANSWERS, ERRORS
from simulation.fleet import Fleet
from simulation.parameters import FAILED_LATENCY_S, TIMEOUT_S
from simulation.randomness import Purpose, generator

TIMEOUT, CONTENT_FILTER = "timeout", "content_filter"
ERROR_TYPES = (*ERRORS, TIMEOUT, CONTENT_FILTER)
# What fails alone, and what incidents answer with.
ALONE_ERROR, OUTAGE_ERROR, BURST_ERROR = (ERRORS.index(code) for code in ("500", "503", "429"))

# The last kind of work's answers are long, and the contract allows a billion tokens; nothing sensible comes near.
_OUTPUT_MAX = 1_000_000


@dataclass(frozen=True)
class PairEffects:
    """What each model does on each kind of task beyond what both do on their own, shape (models, task types)."""

    log_output: Floats
    quality: Floats


@lru_cache(8)
def pair_effects(fleet: Fleet, seed: int) -> PairEffects:
    """Drawn once a seed, with the reference's spread and a mean of exactly 0 over all pairs."""
    rng = generator(seed, Purpose.CELLS)
    shape = len(fleet.models), len(fleet.task_types)
    output, quality = (drawn - drawn.mean() for drawn in rng.standard_normal((2, *shape)))
    return PairEffects(output * parameters.LOG_OUTPUT_PAIR_SD, quality * parameters.LATENT_PAIR_SD)


@dataclass(frozen=True)
class Answers:
    """Tokens and seconds of answers, shape (calls,); the first token is that of the text, after the reasoning."""

    output_count: Ints
    reasoning_count: Ints
    latency_s: Floats
    first_token_s: Floats


def answers(fleet: Fleet, seed: int, asked: Asked, normal: Floats) -> Answers:
    """What the models answer, from standard normal draws of shape (3, calls)."""
    output_z, speed_z, wait_z = normal
    medians = np.array([each.output_token_count for each in fleet.task_types])[asked.task_type]
    verbosity, tokens_per_s, thinking, wait_s = np.array(
        [(each.verbosity, each.tokens_per_s, each.thinking_ratio, each.wait_s) for each in fleet.models]
    ).T[:, asked.model]
    pair = pair_effects(fleet, seed).log_output[asked.model, asked.task_type]
    output = np.clip(medians * verbosity * np.exp(pair + parameters.LOG_OUTPUT_CELL_SD * output_z), 1, _OUTPUT_MAX).astype(np.int64)
    reasoning = (output * thinking).astype(np.int64)
    speed = tokens_per_s * np.exp(parameters.LOG_SPEED_CELL_SD * speed_z)
    waited_s = wait_s * np.exp(parameters.LOG_WAIT_CELL_SD * wait_z)
    return Answers(output, reasoning, waited_s + output / speed, waited_s + reasoning / speed)


def own_errors(failing: Array, chance: Floats) -> Array:
    """The error of each call as place in ERROR_TYPES, ANSWERS for none, from the models' states and one uniform draw a call."""
    alone = np.where(chance < parameters.FAIL_ALONE_RATIO, ALONE_ERROR, ANSWERS)
    return np.where(failing != ANSWERS, failing, alone)


def failed_latency_s(chance: Floats) -> Floats:
    """Seconds until a failure, from one uniform draw a call: the reference's quantiles, joined by lines in the logarithm."""
    ratios, seconds = FAILED_LATENCY_S
    return np.exp(np.interp(chance, ratios, np.log(seconds)))


def is_given_up(latency_s: Floats) -> Array:
    """Which calls take longer than their callers wait."""
    return latency_s > TIMEOUT_S
