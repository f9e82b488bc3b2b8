"""Keys, events and page tokens as they travel."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import paging
from kit.access import Role
from kit.errors import AssayError
from services.collector.access import messages
from services.collector.access.records import AuditEvent, Key, Project

NOW = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)
QUERY = "some query"
KEY = Key("abcdefgh2345", None, "name", frozenset({Role.ADMIN, Role.RECORD}), None, NOW, None, NOW)
times = st.datetimes(datetime(1970, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def test_what_is_none_is_unset_in_the_message() -> None:
    message = messages.key_to_message(KEY)
    assert (message.project, message.HasField("expire_time")) == ("", False)
    assert message.revoke_time.ToDatetime(UTC) == NOW
    event = messages.event_to_message(AuditEvent(1, NOW, None, "key.create", "k", {"a": "b"}), QUERY)
    assert (event.actor_key_id, dict(event.details)) == ("", {"a": "b"})
    assert messages.event_position(event.page_token, QUERY) == 1


@given(times, st.integers(0, 2**63 - 1))
def test_a_token_leads_back_to_where_its_page_ended(time: datetime, event_id: int) -> None:
    key = Key("abcdefgh2345", None, "", frozenset(), None, time, None, None)
    assert messages.key_position(messages.key_token(key, QUERY), QUERY) == (time, "abcdefgh2345")
    event = AuditEvent(event_id, time, None, "", "", {})
    assert messages.event_position(messages.event_token(event, QUERY), QUERY) == event_id
    project = Project(1, "default", "UTC", 1, time)
    assert messages.project_position(messages.project_token(project, QUERY), QUERY) == "default"


def test_the_first_page_needs_no_token() -> None:
    assert messages.project_position("", QUERY) == ""
    assert messages.key_position("", QUERY) is None
    assert messages.event_position("", QUERY) is None


POSITIONS: list[paging.Position] = [
    None,
    -1,
    2**63,
    1.5,
    "",
    "UPPER",
    "a\x00",
    [],
    [1],
    ["1", "abcdefgh2345"],
    [-1, "abcdefgh2345"],
    [10**18, "abcdefgh2345"],
    [1, "not an id"],
    {"a": 1},
]


@pytest.mark.parametrize("position", POSITIONS)
def test_a_forged_position_is_refused_before_it_reaches_the_database(position: paging.Position) -> None:
    token = paging.encode_token(QUERY, position)
    for read in (messages.project_position, messages.key_position, messages.event_position):
        with pytest.raises(AssayError) as refused:
            read(token, QUERY)
        assert refused.value.reason == "PAGE_TOKEN_INVALID"
