"""What projects and keys may look like, and who may give which roles."""

import unicodedata
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.access import Identity, Role
from kit.errors import AssayError, Kind
from services.collector.access import rules

roles = st.frozensets(st.sampled_from(Role))


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (rules.check_project, "a"),
        (rules.check_project, "0-" * 16),
        (rules.check_time_zone, "America/New_York"),
        (rules.check_time_zone, "UTC"),
        (rules.check_series_limit, 1),
        (rules.check_series_limit, 1_000_000),
        (rules.check_display_name, ""),
        (rules.check_display_name, "é" * 64),
        (rules.check_display_name, "👩‍💻"),
    ],
)
def test_what_may_be_is_returned_as_given(check: Callable[[Any], Any], value: object) -> None:
    assert check(value) == value


@pytest.mark.parametrize(
    ("check", "value", "field"),
    [
        (rules.check_project, "", "project"),
        (rules.check_project, "a" * 33, "project"),
        (rules.check_project, "a_b", "project"),
        (rules.check_project, "a\n", "project"),
        (rules.check_time_zone, "", "time_zone"),
        (rules.check_time_zone, "utc+1", "time_zone"),
        (rules.check_series_limit, 0, "series_limit"),
        (rules.check_series_limit, 1_000_001, "series_limit"),
        (rules.check_display_name, "x" * 129, "display_name"),
        (rules.check_display_name, "é" * 65, "display_name"),
        (rules.check_display_name, "a\x1b[1m", "display_name"),
        (rules.check_lifetime, 0, "lifetime"),
        (rules.check_lifetime, -1, "lifetime"),
        (rules.check_lifetime, 3653 * 86_400 + 1, "lifetime"),
        (rules.check_lifetime, 2**63 - 1, "lifetime"),
    ],
)
def test_what_may_not_be_is_refused_with_its_field(check: Callable[[Any], Any], value: object, field: str) -> None:
    with pytest.raises(AssayError) as refused:
        check(value)
    assert (refused.value.reason, refused.value.details["field"]) == ("FIELD_INVALID", field)


@given(st.text(max_size=40))
def test_a_display_name_that_is_taken_fits_and_has_no_control_characters(text: str) -> None:
    has_control = any(unicodedata.category(character) == "Cc" for character in text)
    try:
        rules.check_display_name(text)
    except AssayError:
        assert has_control or len(text.encode()) > 128
    else:
        assert not has_control


@pytest.mark.parametrize("seconds", [1, 3653 * 86_400])
def test_a_lifetime_is_counted_in_seconds(seconds: int) -> None:
    assert rules.check_lifetime(seconds) == timedelta(seconds=seconds)


@given(roles, roles, st.sampled_from([None, "default"]))
def test_nobody_gives_more_than_they_have(held: frozenset[Role], wanted: frozenset[Role], project: str | None) -> None:
    giver = Identity("k", project, held, None)
    expected: frozenset[Role] | Kind = wanted
    if not all(map(giver.allows, wanted)):
        expected = Kind.PERMISSION_DENIED
    elif not wanted or (project is not None and Role.INSTALLATION_ADMIN in wanted):
        expected = Kind.INVALID_ARGUMENT
    answer: frozenset[Role] | Kind
    try:
        answer = rules.check_grant(giver, project, wanted)
    except AssayError as refused:
        answer = refused.kind
    assert answer == expected
