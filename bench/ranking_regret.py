"""What is lost against always choosing the best candidate, by the suggested share of the traffic and by the usual rules."""

from typing import Protocol

import numpy as np

from bench.figures import Figure, Report
from bench.ranking_truth import ARMS, EVEN
from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.ranking.drawn import EXPLORED_RATIO, SHARPENING
from services.analyzer.domain.ranking.hierarchy import Prior, posterior
from services.analyzer.domain.ranking.measures import TRAITS, RankedMetric

TASKS = 5_000
EPSILON = 0.1
# What may go on halfway: nothing, the best arm falls, or a middle one becomes the best.
CHANGES = {"nothing changes": {}, "best falls by 0.25": {ARMS - 1: EVEN[-1] - 0.25}, "a middle arm rises to 0.85": {ARMS // 2: 0.85}}
# A ranking is new after so many tasks, and its evidence is worth half after so many.
RANKED_EVERY = 10
HALF_LIFE_TASKS = 4_000.0
# The stand-in for the analyzer's own detection: a CUSUM chart of each arm for a change of this size, told at this logarithm of the odds.
_CHANGE = 0.2
_BAR = 12.0
_CALLS_BEFORE = 50


class Rule(Protocol):
    """How one arm of each row is chosen, and what is learnt from whether it succeeded."""

    def choose(self, number: int) -> Ints:
        """Arms, shape (rows,), for the task of that number."""

    def learn(self, arm: Ints, succeeded: Floats) -> None:
        """Takes in the outcomes."""


class EpsilonGreedy:
    """The best mean so far, and any arm in one task of ten; every arm once to begin with."""

    def __init__(self, rows: int, chance: np.random.Generator) -> None:
        self.chance, self.row = chance, np.arange(rows)
        self.calls, self.succeeded = np.zeros((rows, ARMS)), np.zeros((rows, ARMS))

    def choose(self, number: int) -> Ints:
        """See Rule."""
        worth = self._mean(1.0) + 1e-9 * self.chance.random(self.calls.shape)
        explored = self.chance.random(len(self.row)) < EPSILON
        return np.where(explored, self.chance.integers(0, ARMS, len(self.row)), worth.argmax(1))

    def learn(self, arm: Ints, succeeded: Floats) -> None:
        """See Rule."""
        self.calls[self.row, arm] += 1
        self.succeeded[self.row, arm] += succeeded

    def _mean(self, untried: float) -> Floats:
        return np.where(self.calls > 0, self.succeeded / np.maximum(self.calls, 1), untried)


class Ucb1(EpsilonGreedy):
    """The greatest upper bound (Auer, Cesa-Bianchi and Fischer, Machine Learning 2002)."""

    def choose(self, number: int) -> Ints:
        """See Rule."""
        bound = self._mean(1e9) + np.sqrt(2 * np.log(number + 1) / np.maximum(self.calls, 1))
        arm: Ints = (bound + 1e-9 * self.chance.random(self.calls.shape)).argmax(1)
        return arm


class SuggestedShare(EpsilonGreedy):
    """The analyzer's own rule. A draw from the sharpened posterior, taking the greatest, takes each arm with its suggested share."""

    def __init__(self, rows: int, chance: np.random.Generator) -> None:
        super().__init__(rows, chance)
        self.worse, self.better = np.zeros((rows, ARMS)), np.zeros((rows, ARMS))
        self.expected, self.deviation = np.zeros((rows, ARMS)), np.ones((rows, ARMS))
        self.prior = Prior(
            np.zeros((rows, ARMS)),
            np.zeros((rows, ARMS)),
            np.full(rows, TRAITS[RankedMetric.SUCCESS].typical_spread),
            np.zeros(rows),
            np.zeros(rows),
        )

    def choose(self, number: int) -> Ints:
        """See Rule."""
        if number and number % RANKED_EVERY == 0:
            self._rank()
        drawn = self.expected + self.deviation * self.chance.standard_normal(self.calls.shape)
        explored = self.chance.random(len(self.row)) < EXPLORED_RATIO
        return np.where(explored, self.chance.integers(0, ARMS, len(self.row)), drawn.argmax(1))

    def learn(self, arm: Ints, succeeded: Floats) -> None:
        """See Rule. An arm that has changed starts anew."""
        place = self.row, arm
        is_told = self._watch(place, succeeded)
        for table in (self.calls, self.succeeded, self.worse, self.better):
            table[self.row[is_told], arm[is_told]] = 0
        super().learn(arm, succeeded)

    def _rank(self) -> None:
        kept = 0.5 ** (RANKED_EVERY / HALF_LIFE_TASKS)
        self.calls *= kept
        self.succeeded *= kept
        value = np.arcsin(np.sqrt((self.succeeded + 0.25) / (self.calls + 0.5)))
        known = posterior(value, SHARPENING * 4 * self.calls, self.prior)
        self.expected, self.deviation = known.expected(), known.deviation()

    def _watch(self, place: tuple[Ints, Ints], succeeded: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        usual = np.clip((self.succeeded[place] + 0.5) / (self.calls[place] + 1), 0.02, 0.98)
        is_known = self.calls[place] >= _CALLS_BEFORE
        for chart, step in ((self.worse, -_CHANGE), (self.better, _CHANGE)):
            changed = np.clip(usual + step, 0.02, 0.98)
            odds = np.where(succeeded > 0, np.log(changed / usual), np.log((1 - changed) / (1 - usual)))
            chart[place] = np.where(is_known, np.maximum(chart[place] + odds, 0), 0)
        told: np.ndarray[tuple[int], np.dtype[np.bool_]] = is_known & (np.maximum(self.worse[place], self.better[place]) > _BAR)
        return told


def regret(kind: type[EpsilonGreedy], change: dict[int, float], rows: int) -> float:
    """Successes lost over all tasks, on average over the rows. Arms stand in an order of their own in each row."""
    chance = np.random.default_rng(7)
    rule: Rule = kind(rows, chance)
    after = EVEN.copy()
    after[list(change)] = list(change.values())
    order = np.array([chance.permutation(ARMS) for _ in range(rows)])
    lost = 0.0
    for number in range(TASKS):
        truth = (EVEN if number < TASKS // 2 else after)[order]
        arm = rule.choose(number)
        ratio = truth[np.arange(rows), arm]
        rule.learn(arm, (chance.random(rows) < ratio).astype(float))
        lost += float((truth.max(1) - ratio).mean())
    return lost


def regrets(report: Report, rows: int) -> None:
    """The suggested share against the rules that everybody knows."""
    for (name, change), goal in zip(CHANGES.items(), (0.8, 0.9, 0.9), strict=True):
        ours, greedy, bound = (regret(kind, change, rows) for kind in (SuggestedShare, EpsilonGreedy, Ucb1))
        report(Figure("ranking", f"regret, {name}", ours, "tasks", None, "lower"))
        report(Figure("ranking", f"regret by ε-greedy's, {name}", ours / greedy, "", goal, "lower"))
        report(Figure("ranking", f"regret by UCB1's, {name}", ours / bound, "", 1.0, "lower"))
