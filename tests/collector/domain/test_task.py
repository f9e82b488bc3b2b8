"""Tasks: the sum of their parts, and their place in the windows."""

from dataclasses import replace
from datetime import date, timedelta
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain.measures import Measure, Outcome
from services.collector.domain.rollup import merge
from services.collector.domain.task import NONE, TaskState, merged, task_windows
from tests.collector.domain.rollup_cases import assert_same

DAY = date(2026, 1, 1)
MIN_US = 60_000_000

TASK = TaskState(1, "t", 2, 500, 900, 1, 5 * MIN_US, 7 * MIN_US, 3, Outcome.SUCCEEDED, DAY)

parts = st.builds(
    TaskState,
    project_id=st.just(1),
    task_id=st.just("t"),
    call_count=st.integers(0, 3),
    cost_nanos=st.integers(0, 9),
    latency_us=st.integers(0, 9),
    revision_count=st.integers(0, 3),
    first_start_us=st.integers(0, 9),
    latest_start_us=st.integers(0, 3),
    latest_series_id=st.integers(1, 3),
    latest_outcome=st.integers(1, 6),
    first_receive_date=st.integers(0, 3).map(lambda days: DAY + timedelta(days=days)),
)


@given(st.lists(parts, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_parts_does_not_matter(given_parts: list[TaskState], choose: object) -> None:
    shuffled = list(given_parts)
    choose.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (reduce(TaskState.plus, order) for order in (given_parts, shuffled))
    counted = [part for part in given_parts if part.call_count]
    if counted:
        assert one == other == merged(given_parts)[1, "t"]
        assert one.call_count == sum(part.call_count for part in counted)
        assert one.first_start_us == min(part.first_start_us for part in counted)
        assert one.revision_count == max(part.revision_count for part in counted)
    else:
        assert (one.call_count, other.call_count) == (0, 0)


def test_feedback_and_score_stay_those_of_the_task_that_parts_are_added_to() -> None:
    judged = TASK.judged(feedback_accepted=0, score_nanos=7)
    for part in (TASK, replace(TASK, call_count=0)):
        assert (judged.plus(part).feedback_accepted, judged.plus(part).score_nanos) == (0, 7)
    assert replace(judged, call_count=0).plus(TASK).feedback_accepted == 0


@pytest.mark.parametrize(
    ("feedback", "outcome", "is_accepted"),
    [
        (NONE, Outcome.SUCCEEDED, True),
        (NONE, Outcome.FAILED, False),
        (NONE, Outcome.CANCELLED, False),
        (0, Outcome.SUCCEEDED, False),
        (1, Outcome.FAILED, True),
    ],
)
def test_feedback_decides_and_then_the_last_call(feedback: int, outcome: Outcome, is_accepted: bool) -> None:
    assert replace(TASK, latest_outcome=outcome, feedback_accepted=feedback).is_accepted is is_accepted


def test_a_task_counts_in_the_window_of_its_latest_call() -> None:
    windows = task_windows([], [TASK.judged(feedback_accepted=NONE, score_nanos=250)])
    assert (windows.series_id.tolist(), windows.start_min.tolist()) == ([3], [7])
    counted = {Measure(place).name: number for place, number in enumerate(windows.measures[0].tolist()) if number}
    assert counted == {"TASK_COUNT": 1, "ACCEPTED_TASK_COUNT": 1, "REVISION_COUNT": 1, "QUALITY_SUM_NANOS": 250, "QUALITY_COUNT": 1}


def test_a_task_that_moves_leaves_one_window_and_enters_the_other() -> None:
    moved = replace(TASK, latest_start_us=9 * MIN_US, latest_series_id=4, latest_outcome=Outcome.FAILED)
    windows = task_windows([TASK], [moved])
    assert_same(merge([task_windows([], [TASK]), windows]), task_windows([], [moved]))
    assert len(windows) == 2


def test_a_task_that_stays_changes_nothing() -> None:
    assert len(task_windows([TASK], [replace(TASK, cost_nanos=1, first_start_us=0)])) == 0
    assert len(task_windows([], [])) == 0
