"""What is gathered in parts is what all parts add up to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain import gathering
from services.collector.domain.gathering import Gathering
from services.collector.domain.rollup import merge, rollup_calls
from services.collector.domain.slabs import Slabs, by_size
from tests.collector.domain.rollup_cases import assert_same, call_lists, columns


@given(st.lists(call_lists, max_size=6), st.sampled_from([0, 20, 10**9]))
def test_gathered_parts_add_up_however_often_they_are_merged(parts: list[list[tuple[int, ...]]], entries_max: int) -> None:
    windows = [rollup_calls(columns(part)) for part in parts]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gathering, "ENTRIES_MAX", entries_max)
        sums = Gathering()
        for one in windows:
            sums.add(one)
        assert_same(sums.total(), merge(windows))


@given(st.lists(st.binary(max_size=9)), st.integers(1, 20))
def test_blobs_are_taken_in_turn_until_they_have_the_size(blobs: list[bytes], byte_count: int) -> None:
    taken = list(by_size(blobs, byte_count))
    assert [blob for some in taken for blob in some] == blobs
    assert all(sum(map(len, some)) >= byte_count > sum(map(len, some[:-1])) for some in taken[:-1])


@given(call_lists)
def test_windows_of_other_series_are_not_chosen(calls: list[tuple[int, ...]]) -> None:
    windows = rollup_calls(columns(calls))
    slabs = Slabs(np.array([3, 1, 2]), np.array([8, 9, 9]), [])
    chosen = slabs.chosen(windows)
    assert_same(chosen, windows.select(np.flatnonzero(windows.series_id < 4)))
    assert slabs.group_of(chosen.series_id).tolist() == [{1: 9, 2: 9, 3: 8}[one] for one in chosen.series_id.tolist()]
