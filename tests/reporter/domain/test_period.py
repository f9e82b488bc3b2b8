"""Which period is meant."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kit.errors import AssayError
from services.reporter.domain.period import EARLIEST, Length, Period, period_of

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 18, 30, 15, tzinfo=UTC)  # a Sunday


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("length", "start", "end", "found"),
    [
        (Length.DAILY, None, None, ("2026-11-20T23:00", "2026-11-21T23:00")),
        (Length.DAILY, "2026-10-25T12:00", None, ("2026-10-24T22:00", "2026-10-25T23:00")),  # of 25 hours
        (Length.DAILY, "2026-11-22T12:00", None, ("2026-11-21T23:00", "2026-11-22T23:00")),  # not over yet
        (Length.WEEKLY, None, None, ("2026-11-08T23:00", "2026-11-15T23:00")),
        (Length.WEEKLY, "2026-03-29T12:00", None, ("2026-03-22T23:00", "2026-03-29T22:00")),
        (Length.CUSTOM, "2026-11-01T00:00", "2026-11-03T05:00", ("2026-11-01T00:00", "2026-11-03T05:00")),
        (Length.CUSTOM, "2026-11-01T00:00", None, ("2026-11-01T00:00", "2026-11-22T18:30")),
    ],
)
def test_days_and_weeks_are_those_of_the_zone(length: Length, start: str | None, end: str | None, found: tuple[str, str]) -> None:
    period = period_of(length, start and utc(start), end and utc(end), BERLIN, NOW)  # type: ignore[arg-type]  # "" is not given
    assert period == Period(*map(utc, found))


def test_a_week_that_ends_now_is_over() -> None:
    midnight = datetime(2026, 11, 22, 23, tzinfo=UTC)
    assert period_of(Length.WEEKLY, None, None, BERLIN, midnight).end == midnight
    assert period_of(Length.WEEKLY, None, None, BERLIN, midnight - timedelta(seconds=1)).end == midnight - timedelta(days=7)


@pytest.mark.parametrize(
    ("length", "start", "end", "reason"),
    [
        (Length.CUSTOM, None, NOW, "FIELD_INVALID"),
        (Length.CUSTOM, NOW - timedelta(days=1), NOW - timedelta(days=2), "FIELD_INVALID"),
        (Length.CUSTOM, EARLIEST - timedelta(seconds=1), NOW, "FIELD_INVALID"),
        (Length.CUSTOM, NOW + timedelta(days=1), None, "PERIOD_IN_FUTURE"),
        (Length.DAILY, NOW - timedelta(days=1), NOW, "FIELD_INVALID"),
        (Length.DAILY, NOW + timedelta(days=1), None, "PERIOD_IN_FUTURE"),
        (Length.WEEKLY, NOW + timedelta(days=7), None, "PERIOD_IN_FUTURE"),
    ],
)
def test_what_is_no_period_is_refused(length: Length, start: datetime | None, end: datetime | None, reason: str) -> None:
    with pytest.raises(AssayError) as refused:
        period_of(length, start, end, BERLIN, NOW)
    assert refused.value.reason == reason
