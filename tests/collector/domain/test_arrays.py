"""Array operations that have a fast way for the common case: both ways give the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain.arrays import gathered, is_rising, ranges, sums_by_run

small = st.integers(-3, 3)


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 120)), max_size=8))
def test_stretches_are_gathered_as_single_elements_are(stretches: list[tuple[int, int]]) -> None:
    values = np.arange(500, dtype=np.uint16)
    first, counts = np.array(stretches, np.int64).reshape(-1, 2).T
    found = gathered(values, first, counts)
    assert found.dtype == values.dtype
    assert found.tolist() == values[ranges(first, counts)].tolist()


@given(st.lists(st.tuples(small, small), max_size=6))
def test_rising_is_sorted_without_repeats(rows: list[tuple[int, int]]) -> None:
    major, minor = np.array(rows, np.int64).reshape(-1, 2).T
    assert is_rising(major, minor) == (rows == sorted(set(rows)))


@pytest.mark.parametrize(
    "sizes",
    [[], [1], [1] * 50, [1, 2, 3, 1, 5] * 20, [40] * 5, [1] * 30 + [200], [1, 900]],
    ids=["none", "one", "ones", "short", "long", "one long among short", "one very long"],
)
def test_runs_are_summed_whichever_way_is_taken(sizes: list[int]) -> None:
    rows = np.random.default_rng(1).integers(-(2**62), 2**62, (sum(sizes), 3))
    first = np.cumsum([0, *sizes])[:-1]
    expected = [rows[begin : begin + size].sum(axis=0).tolist() for begin, size in zip(first.tolist(), sizes, strict=True)]
    assert sums_by_run(rows, first).tolist() == expected
