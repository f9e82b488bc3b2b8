"""Times and durations as people write them."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.moments import comma_list, duration, moment
from kit.errors import AssayError

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90", timedelta(seconds=90)),
        ("1.5s", timedelta(seconds=1.5)),
        ("15m", timedelta(minutes=15)),
        ("1h", timedelta(hours=1)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(days=14)),
    ],
)
def test_a_duration_is_a_number_with_a_unit(text: str, expected: timedelta) -> None:
    assert duration("step", text) == expected


@pytest.mark.parametrize("text", ["", "x", "-1h", "1 h", "1y", "0", "0.0s", "1e3", "9" * 13, "9" * 12 + "w", "\u0661h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(AssayError) as refusal:
        duration("step", text)

    assert refusal.value.details["field"] == "step"
    assert refusal.value.message.startswith("step: ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("-24h", NOW - timedelta(days=1)),
        ("-7d", NOW - timedelta(days=7)),
        ("0", datetime(1970, 1, 1, tzinfo=UTC)),
        ("1767225600.25", datetime(2026, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-01-01T00:00:00Z", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01t00:00:00z", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01 00:00:00.123456789Z", datetime(2026, 1, 1, 0, 0, 0, 123_456, tzinfo=UTC)),
        ("2026-01-01T05:30:00+05:30", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01T05:30:00 05:30", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2025-12-31T23:00:00-01:00", datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_moment_is_absolute_or_a_time_from_now(text: str, expected: datetime) -> None:
    assert moment("start", text, NOW) == expected
    assert moment("start", text, NOW).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "today",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-02-30T00:00:00Z",
        "2026-01-01T24:30:00Z",
        "0001-01-01T00:00:00+05:00",
        "-999999w",
        "-5y",
        "999999999999",
        "20260101T000000Z",
        "nan",
    ],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(AssayError) as refusal:
        moment("start", text, NOW)

    assert refusal.value.details["field"] == "start"


@given(st.text(max_size=24) | st.from_regex(r"[-+0-9TZ:. smhdw]{1,30}", fullmatch=True))
def test_whatever_is_written_is_a_moment_or_is_refused(text: str) -> None:
    with suppress(AssayError):
        assert moment("start", text, NOW).utcoffset() == timedelta(0)


def test_a_list_may_be_written_with_commas_or_repeated_or_both() -> None:
    assert comma_list(["a, b", "c,", ",", ""]) == ["a", "b", "c"]
