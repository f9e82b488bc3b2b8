"""Which stretches of time a report looks at: its own, the one before, and those that say what is usual."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kit.errors import invalid
from services.reporter.domain.period import midnight

HOUR_S: Final = 3_600
DAY_S: Final = 86_400
BASELINE_PERIODS: Final = 4
# A report has no use of more: sums of the windows of so many days, six times, are what it can hold.
PERIOD_MAX: Final = timedelta(days=93)
PERIOD_MIN: Final = timedelta(hours=1)
# Below so many days hours are the windows; a few days do not tell how much windows differ.
_DAYS_FOR_DAILY_WINDOWS = 4


@dataclass(frozen=True)
class Span:
    """Start and end, exclusive, in UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Spans:
    """The period, what it is compared with, and the length of their windows: hours, or days of the zone."""

    period: Span
    previous: Span
    baseline: tuple[Span, ...]
    step_s: int


def zone_of(name: str) -> ZoneInfo:
    """The zone. Raises AssayError for a name that is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise invalid("time_zone", f"{name!r} is not the name of a zone; one is Europe/Berlin, another UTC") from None


def spans(start: datetime, end: datetime, zone_name: str) -> Spans:
    """What a report over start … end looks at. Whole local days are moved by days, across changes of the clock; anything else by seconds.

    A day is held against the same weekday of the four weeks before, since a Monday is no Sunday; anything longer against the four
    periods before the previous one. Raises AssayError for a period that is none, or too long, and for an unknown zone.
    """
    zone = zone_of(zone_name)
    if not PERIOD_MIN <= end - start <= PERIOD_MAX:
        raise invalid("end_time", f"a report covers {PERIOD_MIN // timedelta(hours=1)} hour to {PERIOD_MAX.days} days")
    first, last = start.astimezone(zone), end.astimezone(zone)
    is_whole_days = all(each.astimezone(UTC) == midnight(each.date(), zone) for each in (first, last))
    length_days = (last.date() - first.date()).days
    is_day = is_whole_days and length_days == 1

    def back(periods: int, days: int) -> Span:
        if not is_whole_days:
            length = periods * (end - start)
            return Span(start - length, end - length)
        return Span(midnight(first.date() - timedelta(days=days), zone), midnight(last.date() - timedelta(days=days), zone))

    previous = back(1, length_days)
    baseline = tuple(back(1 + number, 7 * number if is_day else (1 + number) * length_days) for number in range(1, BASELINE_PERIODS + 1))
    step_s = DAY_S if is_whole_days and length_days >= _DAYS_FOR_DAILY_WINDOWS else HOUR_S
    return Spans(Span(start.astimezone(UTC), end.astimezone(UTC)), previous, baseline, step_s)
