"""The streams that a project and a key may hold open at a time."""

import pytest

from kit.access import Identity, Quota, Role
from kit.errors import AssayError, Kind
from kit.open_streams import OpenStreams


def caller(key_id: str, open_streams: int = 0) -> Identity:
    """A key with a limit of its own."""
    return Identity(key_id, None, frozenset({Role.RECORD}), None, Quota(open_streams=open_streams))


def refusal(streams: OpenStreams, key: Identity, project: str, quota: Quota) -> AssayError:
    with pytest.raises(AssayError) as refused, streams.one(key, project, quota):
        pass
    return refused.value


def test_a_project_may_hold_so_many_and_no_more_whatever_the_others_hold() -> None:
    streams = OpenStreams(project_max=2)
    with streams.one(caller("k"), "a"), streams.one(caller("l"), "a"), streams.one(caller("k"), "b"):
        refused = refusal(streams, caller("m"), "a", Quota())
        assert (refused.kind, refused.reason) == (Kind.RESOURCE_EXHAUSTED, "QUOTA_STREAMS_EXCEEDED")
        assert refused.details == {"limit": "open_streams_limit", "holder": "project", "open_streams": "2"}
        assert refused.retry_after_s is not None


@pytest.mark.parametrize(("limit", "allowed_count"), [(1, 1), (2, 2), (7, 3), (0, 3)])
def test_a_projects_own_limit_is_never_above_that_of_the_front(limit: int, allowed_count: int) -> None:
    streams = OpenStreams(project_max=3)
    quota = Quota(open_streams=limit)
    held = [streams.one(caller("k"), "a", quota) for _ in range(allowed_count)]
    for stream in held:
        stream.__enter__()
    assert refusal(streams, caller("k"), "a", quota).details["open_streams"] == str(allowed_count)
    for stream in held:
        stream.__exit__(None, None, None)


def test_a_key_may_hold_so_many_of_all_projects_together() -> None:
    streams = OpenStreams()
    with streams.one(caller("k", 2), "a"), streams.one(caller("k", 2), "b"):
        assert refusal(streams, caller("k", 2), "c", Quota()).details["holder"] == "key"
        with streams.one(caller("other"), "a"):
            pass


def test_a_stream_that_ended_makes_room_however_it_ended() -> None:
    streams = OpenStreams(project_max=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="ended"), streams.one(caller("k"), "a"):
            raise ValueError("ended")
    with streams.one(caller("k"), "a"):
        pass
