"""Batches of calls: picking, and what they add to tasks and roll-ups."""

from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain.arrays import Ints
from services.collector.domain.batch import CallBatch, MessageInfo, RecordKind, first_of_each, sum_tasks
from services.collector.domain.call_body import NUMBER_COUNT, Number
from services.collector.domain.prepared import oldest_of, prepare
from tests.collector.domain.rollup_cases import assert_same

TASKS = [(1, "t-0"), (2, "t-0"), (1, "t-1")]


def ints(*values: int) -> Ints:
    return np.array(values, np.int64)


def batch_of(rows: list[tuple[int, int, int, int, int, int]]) -> CallBatch:
    """Calls given as task, start, series, outcome, cost and revision count."""
    count = len(rows)
    columns = np.array(rows, np.int64).reshape(count, 6)
    numbers = np.full((count, NUMBER_COUNT), -1, np.int64)
    numbers[:, Number.LATENCY_US] = 10 + np.arange(count)
    numbers[:, Number.COST_NANOS] = columns[:, 4]
    numbers[:, Number.REVISION_COUNT] = columns[:, 5]
    return CallBatch(
        message=np.zeros(count, np.int64),
        project_id=np.ones(count, np.int64),
        series_id=columns[:, 2],
        start_us=columns[:, 1],
        outcome=columns[:, 3],
        numbers=numbers,
        call_id=[f"c-{row}" for row in range(count)],
        task=columns[:, 0],
        agent=[f"a-{row}" for row in range(count)],
        error_type=[""] * count,
        extras=[""] * count,
        tasks=TASKS,
    )


def info(sequence: int, receive_time: datetime, kind: RecordKind = RecordKind.CALL, project_id: int = 1) -> MessageInfo:
    return MessageInfo(7, sequence, project_id, "b", 0, 1, receive_time, kind, 0, 0)


@pytest.mark.parametrize(
    ("projects", "ids", "among", "kept"),
    [
        ([1, 1, 1], "abc", [True, True, True], [True, True, True]),
        ([1, 1, 1], "aba", [True, True, True], [True, True, False]),
        ([1, 1, 2], "aba", [True, True, True], [True, True, True]),
        ([1, 1, 1], "aba", [False, True, True], [False, True, True]),
        ([1, 1, 1], "abc", [False, True, True], [False, True, True]),
        ([1, 1, 1, 1], "aaaa", [False, True, False, True], [False, True, False, False]),
        ([], "", [], []),
    ],
)
def test_a_repeat_is_of_an_earlier_call_that_counts(projects: list[int], ids: str, among: list[bool], kept: list[bool]) -> None:
    assert first_of_each(ints(*projects), list(ids), np.array(among, np.bool_)).tolist() == kept


def test_keeping_all_is_the_same_batch_and_keeping_some_picks_every_column() -> None:
    batch = batch_of([(0, 5, 1, 1, 2, 0), (-1, 6, 2, 2, 3, 1), (2, 7, 3, 3, 4, 2)])
    assert batch.keep(np.ones(3, np.bool_)) is batch
    picked = batch.keep(np.array([True, False, True]))
    assert len(picked) == 2
    assert picked.call_id == ["c-0", "c-2"]
    assert picked.agent == ["a-0", "a-2"]
    assert picked.start_us.tolist() == [5, 7]
    assert picked.numbers[:, Number.COST_NANOS].tolist() == [2, 4]
    assert picked.task_ids() == ["t-0", "t-1"]
    assert batch.task_ids() == ["t-0", "", "t-1"]


def test_numbers_that_are_not_known_count_as_none_in_rollups() -> None:
    columns = batch_of([(0, 5, 1, 1, -1, 0), (0, 6, 1, 1, 0, 0)]).rollup_columns()
    assert columns.cost_known.tolist() == [False, True]
    assert columns.cost_nanos.tolist() == [0, 0]
    assert columns.input_tokens.tolist() == [0, 0]
    assert columns.first_token_us.tolist() == [-1, -1]


def test_a_tasks_sums_and_its_latest_call() -> None:
    sums = sum_tasks(batch_of([(2, 50, 9, 1, 5, 2), (-1, 99, 9, 1, 5, 0), (2, 70, 1, 2, -1, 1), (0, 10, 4, 3, 7, -1), (2, 70, 2, 1, 3, 0)]))
    assert sums.task.tolist() == [0, 2]
    assert sums.call_count.tolist() == [1, 3]
    assert sums.cost_nanos.tolist() == [7, 8]
    assert sums.latency_us.tolist() == [13, 10 + 12 + 14]
    assert sums.revision_count.tolist() == [0, 2]
    assert sums.first_start_us.tolist() == [10, 50]
    assert sums.latest_start_us.tolist() == [10, 70]
    assert sums.latest_series_id.tolist() == [4, 2]
    assert sums.latest_outcome.tolist() == [3, 1]


def test_a_batch_without_tasks_adds_to_none() -> None:
    for rows in ([], [(-1, 5, 1, 1, 2, 0)]):
        sums = sum_tasks(batch_of(rows))
        assert all(column.size == 0 for column in (sums.task, sums.call_count, sums.cost_nanos, sums.revision_count, sums.latest_outcome))


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 2, st.integers(1, 3), st.integers(1, 6), *[st.integers(-1, 3)] * 2), max_size=12))
def test_the_order_of_calls_does_not_matter_to_tasks(rows: list[tuple[int, int, int, int, int, int]]) -> None:
    one, other = sum_tasks(batch_of(rows)), sum_tasks(batch_of(rows[::-1]))
    for name in (
        "task",
        "call_count",
        "cost_nanos",
        "revision_count",
        "first_start_us",
        "latest_start_us",
        "latest_series_id",
        "latest_outcome",
    ):
        assert getattr(one, name).tolist() == getattr(other, name).tolist(), name


def test_what_is_prepared_knows_its_projects_and_times() -> None:
    early, late = datetime(2026, 1, 1, 23, 59, 59, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    infos = [info(1, late), info(2, early, project_id=5), info(3, late, RecordKind.EVIDENCE, project_id=3)]
    calls = batch_of([(0, 5, 1, 1, 2, 0)])
    prepared = prepare(infos, calls, [])
    assert prepared.project_ids == [1, 3, 5]
    assert prepared.oldest == oldest_of(infos) == date(2026, 1, 1)
    assert [prepared.newest_call_receive_us(project_id) for project_id in (1, 3, 5)] == [
        int(late.timestamp() * 1e6),
        0,
        int(early.timestamp() * 1e6),
    ]
    assert infos[1].place == (7, 2)
    assert_same(prepared.windows, prepare(infos, calls, []).windows)
