"""Tasks: what their calls and their evidence add up to, and how they count in the windows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from services.collector.domain.measures import Measure, Outcome
from services.collector.domain.rollup import US_PER_MIN, Windows, rollup_measures

NONE = -1
"""Stands for a score or a word of feedback that there is not."""


@dataclass(frozen=True, slots=True)
class TaskState:
    """A task, or a part of one.

    Cost (of the calls whose cost is known), time and calls are sums, the revision count is the greatest. `latest_…` are of the call
    that started last; of calls that started together, of the one with the greatest series and outcome. A part without calls has a call
    count of 0.
    """

    project_id: int
    task_id: str
    call_count: int
    cost_nanos: int
    latency_us: int
    revision_count: int
    first_start_us: int
    latest_start_us: int
    latest_series_id: int
    latest_outcome: int
    first_receive_date: date
    feedback_accepted: int = NONE
    score_nanos: int = NONE

    @property
    def key(self) -> tuple[int, str]:
        """Project and task id."""
        return self.project_id, self.task_id

    @property
    def is_accepted(self) -> bool:
        """By feedback; where nobody said, because the last call succeeded."""
        if self.feedback_accepted != NONE:
            return self.feedback_accepted == 1
        return self.latest_outcome == Outcome.SUCCEEDED

    def judged(self, *, feedback_accepted: int, score_nanos: int) -> "TaskState":
        """The task with the given word of feedback and score, NONE where there is none."""
        return replace(self, feedback_accepted=feedback_accepted, score_nanos=score_nanos)

    def plus(self, other: "TaskState") -> "TaskState":
        """This task and another part of it. The order does not matter, but for feedback and score, which are kept from this one."""
        if not self.call_count or not other.call_count:
            counted = self if self.call_count else other
            return replace(counted, feedback_accepted=self.feedback_accepted, score_nanos=self.score_nanos)
        latest = max(self, other, key=lambda task: (task.latest_start_us, task.latest_series_id, task.latest_outcome))
        return replace(
            self,
            call_count=self.call_count + other.call_count,
            cost_nanos=self.cost_nanos + other.cost_nanos,
            latency_us=self.latency_us + other.latency_us,
            revision_count=max(self.revision_count, other.revision_count),
            first_start_us=min(self.first_start_us, other.first_start_us),
            latest_start_us=latest.latest_start_us,
            latest_series_id=latest.latest_series_id,
            latest_outcome=latest.latest_outcome,
            first_receive_date=min(self.first_receive_date, other.first_receive_date),
        )


def merged(parts: Iterable[TaskState]) -> dict[tuple[int, str], TaskState]:
    """The parts added up by task."""
    tasks: dict[tuple[int, str], TaskState] = {}
    for part in parts:
        known = tasks.get(part.key)
        tasks[part.key] = part if known is None else known.plus(part)
    return tasks


def task_windows(before: Sequence[TaskState], after: Sequence[TaskState]) -> Windows:
    """What changes in the windows when these tasks were `before` and are `after`: each leaves its last call's window and enters it anew."""
    tasks, sign = [*before, *after], np.array([-1] * len(before) + [1] * len(after), np.int64)

    def column(values: Iterable[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.fromiter(values, np.int64, len(tasks))

    scored = column(task.score_nanos != NONE for task in tasks)
    return rollup_measures(
        column(task.latest_series_id for task in tasks),
        column(task.latest_start_us // US_PER_MIN for task in tasks),
        {
            Measure.TASK_COUNT: sign,
            Measure.ACCEPTED_TASK_COUNT: sign * column(task.is_accepted for task in tasks),
            Measure.REVISION_COUNT: sign * column(task.revision_count for task in tasks),
            Measure.QUALITY_SUM_NANOS: sign * scored * column(task.score_nanos for task in tasks),
            Measure.QUALITY_COUNT: sign * scored,
        },
    )
