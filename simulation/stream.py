"""The fleet at work: calls and evidence in the order of time, block by block."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np

from simulation.calls import Calls, Evidence
from simulation.fleet import FLEET, Fleet
from simulation.incident_plan import Plan, WrittenPlan
from simulation.parameters import CALLS_PER_TASK, TIMEOUT_S
from simulation.randomness import Purpose, generator
from simulation.rhythm import RollOut, activity
from simulation.rounds import Work, work_off
from simulation.tasks import ROUNDS_MAX, begin_tasks

# A slice is what is made at once. Long enough that numpy's fixed costs vanish among its calls, and at most this many, so that
# memory is bounded and a live simulation is never kept waiting for long (some 30 ms).
SLICE_CALLS_MAX = 5_000
_SLICE_LENGTHS_S = (3_600, 1_800, 900, 600, 300, 240, 180, 120, 60, 40, 30, 20, 15, 10, 5, 4, 3, 2, 1)
CALLS_PER_S_MAX = 5_000.0
_US_PER_S = 1_000_000
# Longer than a task of the most calls takes from its first to its last one; only what incidents may concern depends on it.
_TASK_US_MAX = ROUNDS_MAX * int(TIMEOUT_S + 60) * _US_PER_S


@dataclass(frozen=True)
class Simulation:
    """A fleet from `start_us` (since 1970) on, with `calls_per_s` on the average of a week.

    Everything follows from these values: slices of time have generators of their own, so whoever makes them, in whichever
    order and process, makes the same.
    """

    seed: int
    start_us: int
    calls_per_s: float
    plan: Plan = WrittenPlan()  # noqa: RUF009 - immutable
    fleet: Fleet = FLEET
    roll_out: RollOut | None = None

    @property
    def slice_us(self) -> int:
        """Length of a slice in microseconds; slices begin at whole multiples of it since 1970."""
        fitting = (length_s for length_s in _SLICE_LENGTHS_S if length_s * self.calls_per_s <= SLICE_CALLS_MAX)
        return next(fitting, _SLICE_LENGTHS_S[-1]) * _US_PER_S

    def slice_work(self, number: int) -> Work:
        """All calls and evidence of the tasks that begin in a slice, from the simulation's start on, however late they come."""
        begin_us = number * self.slice_us
        rng = generator(self.seed, Purpose.TASKS, round(self.calls_per_s * _US_PER_S), number)
        rate_factor = activity(begin_us) * (1.0 if self.roll_out is None else self.roll_out.factor(begin_us))
        mean_count = self.calls_per_s / CALLS_PER_TASK * rate_factor * self.slice_us / _US_PER_S
        tasks = begin_tasks(self.fleet, rng, begin_us, self.slice_us, mean_count)
        wrong = self.plan.between(begin_us, begin_us + self.slice_us + _TASK_US_MAX)
        return work_off(self.fleet, self.seed, tasks.from_time(self.start_us), wrong)


@dataclass(frozen=True)
class Block:
    """What comes before `until_us`, and after the block before: calls and evidence, each in order of time."""

    until_us: int
    calls: Calls
    evidence: Evidence


def blocks(simulation: Simulation, end_us: int | None = None, *, by_end: bool = False) -> Iterator[Block]:
    """Blocks until `end_us`, or without an end. Calls are ordered by their start, or by their end as they become known to callers.

    What would come later than `end_us` is left out.
    """
    slice_us = simulation.slice_us
    first = simulation.start_us // slice_us
    waiting: list[Work] = []
    for number in count(first) if end_us is None else range(first, -(-end_us // slice_us)):
        until_us = (number + 1) * slice_us if end_us is None else min((number + 1) * slice_us, end_us)
        waiting.append(simulation.slice_work(number))
        all_work = Work(Calls.joined([work.calls for work in waiting]), Evidence.joined([work.evidence for work in waiting]))
        time_us = all_work.calls.end_us if by_end else all_work.calls.start_us
        order = np.argsort(time_us, kind="stable")
        due = np.searchsorted(time_us[order], until_us)
        observed = np.argsort(all_work.evidence.observe_us, kind="stable")
        known = np.searchsorted(all_work.evidence.observe_us[observed], until_us)
        yield Block(until_us, all_work.calls.take(order[:due]), all_work.evidence.take(observed[:known]))
        waiting = [Work(all_work.calls.take(order[due:]), all_work.evidence.take(observed[known:]))]
