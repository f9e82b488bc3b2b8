"""The numbered log behind live streams: what it keeps, and from where it can continue."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.event_log import EventLog


def filled(event_count: int, *, events_max: int = 100, bytes_max: int = 100_000) -> EventLog:
    log = EventLog("g", events_max, bytes_max)
    for number in range(1, event_count + 1):
        log.append("e", str(number))
    return log


def test_a_frame_is_what_browsers_expect() -> None:
    log = filled(1)

    assert log.after(0) == b"id: g-1\nevent: e\ndata: 1\n\n"
    assert log.after(1) is None


def test_the_newest_event_is_kept_even_when_it_is_larger_than_all_may_be() -> None:
    log = filled(3, bytes_max=1)

    assert [log.reaches(position) for position in range(5)] == [False, False, True, True, False]


def test_as_many_bytes_are_kept_as_may_be() -> None:
    frame_bytes = len(EventLog("g", 1, 1).frame("e", "1", 1))

    log = filled(9, bytes_max=3 * frame_bytes)

    assert [position for position in range(10) if log.reaches(position)] == [6, 7, 8, 9]


@pytest.mark.parametrize("event_id", ["", "g", "g-", "g--1", "g-11", "h-5", "-5", "g-5x", "g-\u00b2", "g-\u0665", "g-5" + " " * 99, "g-1"])
def test_an_id_that_is_not_of_this_log_or_too_old_has_no_position(event_id: str) -> None:
    assert filled(10, events_max=5).position_of(event_id) is None


@given(st.integers(0, 30), st.integers(1, 12), st.integers(0, 40))
def test_whoever_can_continue_misses_nothing(event_count: int, events_max: int, position: int) -> None:
    log = filled(event_count, events_max=events_max)

    found = log.position_of(f"g-{position}")

    assert (found is not None) is (event_count - events_max <= position <= event_count)
    if found is not None:
        frames = []
        while (frame := log.after(found)) is not None:
            frames.append(frame)
            found += 1
        expected = [log.frame("e", str(number), number) for number in range(position + 1, event_count + 1)]
        assert frames == expected
