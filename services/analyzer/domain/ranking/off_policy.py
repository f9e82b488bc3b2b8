"""What another way of choosing would have brought, from calls that were chosen in their own way."""

from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

import numpy as np
from scipy.special import ndtri

from services.analyzer.domain.arrays import Floats, Ints

# A call that was this improbable speaks for no more than so many: one lucky call must not decide. What is cut makes the estimate a little
# too low (rewards are at least 0).
WEIGHT_MAX: Final = 100.0
_DEVIATIONS = float(ndtri(0.95))
# Below so much the normal interval is not to be trusted, and is as wide as rewards are.
EFFECTIVE_COUNT_MIN = 10.0


class Assumption(Enum):
    """What an estimate takes for granted."""

    LOGGED = "callers chose with the probabilities that they sent"
    ESTIMATED = (
        "callers sent no probabilities: within a task type and day they are taken to have chosen by the shares that were seen, whatever "
        "the task; if hard tasks went to some candidates on purpose, the estimate is wrong by that"
    )


class Logged(NamedTuple):
    """Calls, shape (calls,): reward in 0..1, and the probabilities with which the caller chose its candidate, and the policy would have."""

    reward: Floats
    chosen_ratio: Floats
    target_ratio: Floats


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """Mean reward of a policy, with its 90 % interval; `effective_count`: how many calls of its own that is worth (Kish)."""

    value: float
    low: float
    high: float
    effective_count: float
    clipped_ratio: float


def inverse_propensity(logged: Logged) -> PolicyValue:
    """Each call counts as often as the policy would have made it more often than the caller did (Horvitz and Thompson)."""
    weight, clipped = _weights(logged)
    return _told(weight * logged.reward, weight, clipped)


def self_normalised(logged: Logged) -> PolicyValue:
    """The same divided by the sum of weights (Hájek): never outside of the rewards, steadier, a little biased where calls are few."""
    weight, clipped = _weights(logged)
    total = weight.sum()
    if not total > 0:
        return _told(weight, weight, clipped)
    value = float((weight * logged.reward).sum() / total)
    return _told(value + weight * (logged.reward - value) * len(weight) / total, weight, clipped)


def doubly_robust(logged: Logged, expected_reward: Floats, policy_reward: Floats) -> PolicyValue:
    """What a model expects of the policy, corrected by where the model was wrong (Dudík, Langford and Li, 2011).

    `expected_reward`: of the candidate that was chosen; `policy_reward`: of the policy's choice; both shape (calls,), from a model that
    had not seen the call. Right if either the probabilities or the model are.
    """
    part, weight = doubly_robust_parts(logged, expected_reward, policy_reward)
    return _told(part, weight, _weights(logged)[1])


def doubly_robust_parts(logged: Logged, expected_reward: Floats, policy_reward: Floats) -> tuple[Floats, Floats]:
    """What each call says of the policy's mean reward, and its weight; shape (calls,)."""
    weight, _ = _weights(logged)
    return policy_reward + weight * (logged.reward - expected_reward), weight


def difference(one: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> PolicyValue:
    """How much more one policy brings than another by the same calls, from the parts and weights of both.

    Call by call: what both would have chosen cancels. The interval is as wide as rewards are where either has too few calls.
    """
    part = one[0] - other[0]
    counts = [_effective(weight) for _, weight in (one, other)]
    if not min(counts):
        return PolicyValue(float("nan"), -1.0, 1.0, 0.0, 0.0)
    value = float(part.mean())
    half = _half(part) if min(counts) >= EFFECTIVE_COUNT_MIN else 1.0
    return PolicyValue(value, float(max(value - half, -1.0)), float(min(value + half, 1.0)), min(counts), 0.0)


def estimated_propensity(group: Ints, candidate: Ints) -> Floats:
    """The share that each call's candidate had in its group (task type and day, say), shape (calls,); see Assumption.ESTIMATED."""
    _, cell = np.unique(np.stack([group, candidate]), axis=1, return_inverse=True)
    _, place = np.unique(group, return_inverse=True)
    result: Floats = np.bincount(cell)[cell] / np.bincount(place)[place]
    return result


def _weights(logged: Logged) -> tuple[Floats, float]:
    """Weights, cut, and what share of them was. A call of probability 0 cannot have happened: it does not count."""
    weight = np.divide(logged.target_ratio, logged.chosen_ratio, out=np.zeros_like(logged.reward), where=logged.chosen_ratio > 0)
    return np.minimum(weight, WEIGHT_MAX), float((weight > WEIGHT_MAX).mean()) if len(weight) else 0.0


def _told(part: Floats, weight: Floats, clipped_ratio: float) -> PolicyValue:
    """Mean of the parts with a normal interval, where there is enough to say anything."""
    effective = _effective(weight)
    if not effective:
        return PolicyValue(float("nan"), 0.0, 1.0, 0.0, clipped_ratio)
    value = float(part.mean())
    half = _half(part) if effective >= EFFECTIVE_COUNT_MIN else 1.0
    return PolicyValue(value, float(max(value - half, 0.0)), float(min(value + half, 1.0)), effective, clipped_ratio)


def _effective(weight: Floats) -> float:
    squares = float((weight**2).sum())
    return float(weight.sum() ** 2) / squares if squares else 0.0


def _half(part: Floats) -> float:
    return float(_DEVIATIONS * part.std(ddof=1) / np.sqrt(len(part)))
