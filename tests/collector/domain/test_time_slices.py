"""Slices of time that a search for the latest calls goes back by."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain.time_slices import FIRST_SLICE_US, PIECES, TimeSlice, pieces, slices_back

MINUTE_US = 60_000_000
TIMES = st.integers(0, 4 * 10**15)


def assert_fills(slices: list[TimeSlice], start_us: int, end_us: int) -> None:
    """Each instant of the stretch is in exactly one slice, and the slices are in order."""
    assert slices[0].start_us == start_us
    assert slices[-1].end_us == end_us
    assert all(one.end_us == following.start_us for one, following in pairwise(slices))
    assert all(one.start_us < one.end_us for one in slices)


@given(TIMES, TIMES, TIMES)
def test_slices_fill_the_stretch_and_are_few(start_us: int, end_us: int, now_us: int) -> None:
    slices = slices_back(start_us, end_us, now_us)
    if start_us >= end_us:
        assert slices == []
        return
    assert_fills(slices, start_us, end_us)
    assert len(slices) <= 11


def test_slices_grow_with_the_distance_from_now() -> None:
    now_us = 10**15
    lengths = [(one.end_us - one.start_us) // MINUTE_US for one in slices_back(now_us - 100 * MINUTE_US, now_us, now_us)]
    assert lengths == [100 - 1 - 8 - 64, 64, 8, 1][-len(lengths) :]
    assert FIRST_SLICE_US == MINUTE_US


def test_what_lies_ahead_of_now_is_part_of_the_first_minute() -> None:
    now_us = 10**15
    assert slices_back(0, 2 * now_us, now_us)[-1] == TimeSlice(now_us - MINUTE_US, 2 * now_us)


@given(TIMES, st.integers(1, 10**15))
def test_pieces_fill_the_slice_and_are_about_as_long(start_us: int, length_us: int) -> None:
    cut = pieces(TimeSlice(start_us, start_us + length_us))
    assert_fills(cut, start_us, start_us + length_us)
    lengths = [one.end_us - one.start_us for one in cut]
    assert len(cut) == min(PIECES, length_us)
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize(("length_us", "can_be_cut"), [(1, False), (2, True), (10**15, True)])
def test_a_slice_of_one_microsecond_cannot_be_cut(length_us: int, can_be_cut: bool) -> None:
    assert TimeSlice(5, 5 + length_us).can_be_cut is can_be_cut
