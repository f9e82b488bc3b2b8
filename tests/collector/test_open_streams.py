"""The streams that a project may hold open at a time."""

import pytest

from kit.errors import AssayError, Kind
from services.collector.open_streams import OpenStreams


def test_a_project_may_hold_so_many_and_no_more_whatever_the_others_hold() -> None:
    streams = OpenStreams(project_max=2)
    with streams.one("a"), streams.one("a"), streams.one("b"):
        with pytest.raises(AssayError) as refused, streams.one("a"):
            pass
        assert (refused.value.kind, refused.value.reason) == (Kind.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED")
        assert refused.value.retry_after_s is not None


def test_a_stream_that_ended_makes_room_however_it_ended() -> None:
    streams = OpenStreams(project_max=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="ended"), streams.one("a"):
            raise ValueError("ended")
    with streams.one("a"):
        pass
