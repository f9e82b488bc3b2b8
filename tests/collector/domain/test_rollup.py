"""Roll-ups: exact, and the same however calls are split, merged and ordered."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.collector.domain.measures import MEASURE_COUNT, Measure, Outcome
from services.collector.domain.rollup import Windows, coarsen, merge, rekey, rollup_calls, rollup_measures
from tests.collector.domain.rollup_cases import (
    assert_in_order,
    assert_same,
    call_lists,
    columns,
    contents,
    differences,
    entry_sums,
)

small_ids = st.integers(1, 3)


def test_outcomes_find_their_columns_by_number() -> None:
    assert [Measure(outcome - 1).name for outcome in Outcome] == [outcome.name for outcome in Outcome]
    assert list(Measure) == list(range(MEASURE_COUNT))


@given(call_lists)
def test_a_rollup_is_the_sum_of_its_calls(calls: list[tuple[int, ...]]) -> None:
    windows = rollup_calls(columns(calls))
    assert_in_order(windows)
    assert contents(windows) == entry_sums(calls)


@given(call_lists, st.lists(st.integers(0, 2), min_size=40, max_size=40), st.randoms())
def test_any_split_of_any_calls_merges_to_the_same(calls: list[tuple[int, ...]], part: list[int], random) -> None:  # type: ignore[no-untyped-def]
    parts = [[call for call, number in zip(calls, part, strict=False) if number == wanted] for wanted in range(3)]
    for some in parts:
        random.shuffle(some)
    assert_same(merge([rollup_calls(columns(some)) for some in parts]), rollup_calls(columns(calls)))


@given(differences(small_ids), differences(small_ids), differences(small_ids))
@settings(max_examples=50)
def test_merging_is_associative_and_commutative(a: Windows, b: Windows, c: Windows) -> None:
    assert_same(merge([merge([a, b]), c]), merge([a, merge([b, c])]))
    assert_same(merge([a, b, c]), merge([c, b, a]))
    assert_in_order(merge([a, b, c]))


@given(differences())
@settings(max_examples=50)
def test_what_was_added_can_be_taken_away(windows: Windows) -> None:
    rows = np.arange(len(windows))
    nothing = merge([windows, windows.repeated(rows, np.full_like(rows, -1))])
    assert len(nothing) == 0
    assert nothing.entry_row.size == 0


def test_merging_nothing_is_nothing() -> None:
    assert len(merge([])) == 0
    assert merge([]).measures.shape == (0, MEASURE_COUNT)


def test_a_window_with_entries_alone_stays() -> None:
    windows = rollup_calls(columns([(1, 0, 1, 500, -1, 1, 1, 0, 0, 0, 9, 1)]))
    less = rollup_measures(windows.series_id, windows.start_min, {name: -windows.measures[:, name] for name in Measure})
    assert contents(merge([windows, less])) == {(1, 0): ([0] * MEASURE_COUNT, {int(windows.entry_bucket[0]): 1})}


def test_a_window_that_becomes_empty_disappears_and_the_others_keep_their_entries() -> None:
    call = (1, 0, 1, 500, -1, 1, 1, 0, 0, 0, 9, 1)
    other = (1, 60_000_000, 2, 900, -1, 1, 1, 0, 0, 0, 9, 1)
    first, both = rollup_calls(columns([call])), rollup_calls(columns([call, other]))
    assert_same(merge([both, first.repeated(np.array([0]), np.array([-1]))]), rollup_calls(columns([other])))


@given(call_lists, st.sampled_from([15, 60, 1440]))
def test_coarser_windows_are_those_of_calls_moved_to_their_start(calls: list[tuple[int, ...]], window_min: int) -> None:
    moved = [(call[0], call[1] - call[1] % (window_min * 60_000_000), *call[2:]) for call in calls]
    assert_same(coarsen(rollup_calls(columns(calls)), window_min), rollup_calls(columns(moved)))


@given(call_lists)
def test_rekeying_adds_up_groups(calls: list[tuple[int, ...]]) -> None:
    grouped = [(call[0] // 2, *call[1:]) for call in calls]
    windows = rollup_calls(columns(calls))
    assert_same(rekey(windows, series_id=windows.series_id // 2), rollup_calls(columns(grouped)))
    assert_same(rekey(windows), windows)


def test_entries_in_order_lose_their_zeros() -> None:
    windows = rollup_calls(columns([(1, 0, 1, 1_000, 10, 1, 1, 0, 0, 0, 9, 1)]))
    part = replace(windows, entry_count=np.array([0, 2]))
    assert contents(merge([part]))[1, 0][1] == {int(windows.entry_bucket[1]): 2}


def test_rows_can_be_repeated_in_any_order_with_their_entries() -> None:
    windows = rollup_calls(columns([(series, 0, 1, series * 1000, -1, 1, 1, 0, 0, 0, 9, 1) for series in (1, 2, 3)]))
    repeated = windows.repeated(np.array([2, 0, 2]), np.array([1, -1, 1]))
    assert repeated.series_id.tolist() == [3, 1, 3]
    assert repeated.measures[:, Measure.SUCCEEDED].tolist() == [1, -1, 1]
    assert repeated.entry_row.tolist() == [0, 1, 2]
    assert repeated.entry_bucket.tolist() == windows.entry_bucket[[2, 0, 2]].tolist()
    assert repeated.entry_count.tolist() == [1, -1, 1]


def test_tasks_and_scores_are_added_as_measures() -> None:
    moved = rollup_measures(
        np.array([7, 7]),
        np.array([15, 30]),
        {Measure.TASK_COUNT: np.array([-1, 1]), Measure.QUALITY_COUNT: np.array([0, 2])},
    )
    assert moved.series_id.tolist() == [7, 7]
    assert moved.measures[:, Measure.TASK_COUNT].tolist() == [-1, 1]
    assert moved.measures[:, Measure.QUALITY_COUNT].tolist() == [0, 2]
    assert moved.measures.sum() == 2
