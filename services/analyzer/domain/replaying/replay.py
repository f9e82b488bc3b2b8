"""Estimates what each policy would have brought, from calls that were chosen in another way."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.ranking.evidence import Candidate
from services.analyzer.domain.ranking.off_policy import (
    Assumption,
    Logged,
    PolicyValue,
    difference,
    doubly_robust,
    doubly_robust_parts,
    self_normalised,
)
from services.analyzer.domain.replaying.logged import LoggedCalls, Outcome
from services.analyzer.domain.replaying.policies import REPLAYED, Policy

# A candidate's mean counts beside so many calls of all candidates' mean.
_COMMON_CALLS = 5.0
CHOICES_TOLD_MAX = 10
ALWAYS_ASSUMED = (
    "calls are independent of each other: intervals are too narrow where outcomes come in runs",
    "scores are missing whatever they would have been",
    "what was known at a step includes scores that came later, and leaves out anomalies",
)


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its 90 % interval, in the outcome's unit; NaN where nothing is known."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ReplayedOutcome:
    """An outcome under a policy.

    `gain_of_ranking`: how much more the suggested shares would have brought. `effective_count`: how many calls of its own the logged calls
    are worth. `clipped_ratio`: share of the calls whose weight was cut. `covered_ratio`: share of the policy's choices that callers made on
    the same day, too. `call_count`: calls that the outcome is known of.
    """

    outcome: Outcome
    doubly_robust: Interval
    inverse_propensity: Interval
    gain_of_ranking: Interval
    effective_count: float
    clipped_ratio: float
    covered_ratio: float
    call_count: int


@dataclass(frozen=True, slots=True)
class ReplayedPolicy:
    """What a policy would have chosen, the greatest share of the calls first, and what it would have brought."""

    policy: Policy
    shares: tuple[tuple[Candidate, float], ...]
    outcomes: tuple[ReplayedOutcome, ...]


@dataclass(frozen=True, slots=True)
class Replay:
    """All policies. `sent_ratio`: share of the calls whose caller said with what probability it chose."""

    sent_ratio: float
    assumptions: tuple[str, ...]
    policies: tuple[ReplayedPolicy, ...]


@dataclass(frozen=True, slots=True)
class _Measured:
    """An outcome of the calls that it is known of, at `place`, scaled to at most 1.

    `model`: what is expected of each candidate, shape (2, candidates), for calls of either `half`: by those of the other.
    """

    outcome: Outcome
    place: Ints
    reward: Floats
    scale: float
    half: Ints
    model: Floats


@dataclass(frozen=True, slots=True)
class _Made:
    """The calls with the probabilities of their choices, the step that each is in, and whether callers chose whom on the call's day."""

    calls: LoggedCalls
    chosen_ratio: Floats
    step: Ints
    day: Ints
    is_chosen: Floats

    def logged(self, each: _Measured, table: Floats) -> tuple[Logged, Floats, Floats]:
        """What the estimators take: the calls, what the model expects of each one's candidate, and of the policy's choice."""
        step, candidate = self.step[each.place], self.calls.candidate[each.place]
        expected = table @ each.model.T
        logged = Logged(each.reward, self.chosen_ratio[each.place], table[step, candidate])
        return logged, each.model[each.half, candidate], expected[step, each.half]

    def covered_ratio(self, each: _Measured, table: Floats) -> float:
        """Share of the policy's choices that callers made on the same day, too."""
        covered = table @ self.is_chosen.T
        return float(covered[self.step[each.place], self.day[each.place]].mean())

    def shares(self, table: Floats) -> tuple[tuple[Candidate, float], ...]:
        """Whom a policy chooses, and in what share of the calls; the greatest share first."""
        share = np.bincount(self.step, minlength=len(table)) @ table / len(self.step)
        chosen = [(candidate, ratio) for candidate, ratio in zip(self.calls.candidates, share.tolist(), strict=True) if ratio > 0]
        return tuple(sorted(chosen, key=lambda one: (-one[1], one[0]))[:CHOICES_TOLD_MAX])


def replay(calls: LoggedCalls, step: Ints, tables: Mapping[Policy, Floats]) -> Replay:
    """What each policy would have brought. `step`: the step that each call is in; `tables`: see `policies.targets`. At least one call."""
    made = _Made(calls, calls.chosen_ratio(), step, *calls.is_chosen())
    measured = [found for outcome in Outcome if (found := _measured(calls, outcome))]
    ranked = tables[Policy.SUGGESTED_SHARE]
    policies = [
        ReplayedPolicy(policy, made.shares(tables[policy]), tuple(_outcome(made, each, tables[policy], ranked) for each in measured))
        for policy in REPLAYED
    ]
    seen = np.bincount(calls.candidate, minlength=len(calls.candidates)) / len(step)
    got = tuple(_as_it_was(made, each, ranked) for each in measured)
    policies.append(ReplayedPolicy(Policy.AS_IT_WAS, made.shares(np.tile(seen, (len(ranked), 1))), got))
    sent = ~np.isnan(calls.selection_ratio)
    assumed = [kind.value for kind, holds in ((Assumption.LOGGED, sent.any()), (Assumption.ESTIMATED, not sent.all())) if holds]
    return Replay(float(sent.mean()), (*assumed, *ALWAYS_ASSUMED), tuple(policies))


def _measured(calls: LoggedCalls, outcome: Outcome) -> _Measured | None:
    values = calls.outcomes[outcome]
    place = np.flatnonzero(~np.isnan(values))
    if not len(place):
        return None
    scale = max(1.0 if outcome in (Outcome.SUCCESS, Outcome.QUALITY) else float(values[place].max()), np.finfo(float).tiny)
    reward, half = values[place] / scale, np.arange(len(place)) % 2
    return _Measured(outcome, place, reward, scale, half, _model(reward, half, calls.candidate[place], len(calls.candidates)))


def _model(reward: Floats, half: Ints, candidate: Ints, candidate_count: int) -> Floats:
    """What is expected of each candidate, shape (2, candidates): its mean in the other half of the calls, drawn to that of all."""
    count, total = np.zeros((2, candidate_count)), np.zeros((2, candidate_count))
    np.add.at(count, (1 - half, candidate), 1.0)
    np.add.at(total, (1 - half, candidate), reward)
    common = total.sum(1) / np.maximum(count.sum(1), 1.0)
    mean: Floats = (total + _COMMON_CALLS * common[:, None]) / (count + _COMMON_CALLS)
    return mean


def _outcome(made: _Made, each: _Measured, table: Floats, ranked: Floats) -> ReplayedOutcome:
    asked, other = made.logged(each, table), made.logged(each, ranked)
    robust, plain = doubly_robust(*asked), self_normalised(asked[0])
    gain = difference(doubly_robust_parts(*other), doubly_robust_parts(*asked))
    return ReplayedOutcome(
        each.outcome,
        _told(robust, each.scale),
        _told(plain, each.scale),
        _told(gain, each.scale),
        plain.effective_count,
        plain.clipped_ratio,
        made.covered_ratio(each, table),
        len(each.place),
    )


def _as_it_was(made: _Made, each: _Measured, ranked: Floats) -> ReplayedOutcome:
    """What callers got: every call counts once."""
    once = np.ones_like(each.reward)
    seen = self_normalised(Logged(each.reward, once, once))
    gain = difference(doubly_robust_parts(*made.logged(each, ranked)), (each.reward, once))
    value, gained = _told(seen, each.scale), _told(gain, each.scale)
    return ReplayedOutcome(each.outcome, value, value, gained, seen.effective_count, 0.0, 1.0, len(each.place))


def _told(value: PolicyValue, scale: float) -> Interval:
    """In the outcome's unit; without anything to go by, nothing."""
    if math.isnan(value.value):
        return Interval(math.nan, math.nan, math.nan)
    return Interval(scale * value.value, scale * value.low, scale * value.high)
