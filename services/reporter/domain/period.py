"""Which period is meant: a day, a week, or from one time to another. Pure: the present is given."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

from kit.errors import AssayError, Kind, invalid

# Nothing was recorded before; what lies weeks before it can still be written as a time.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


class Length(IntEnum):
    """How long a period is; the same numbers as in the contract."""

    CUSTOM = 0
    DAILY = 1
    WEEKLY = 2


@dataclass(frozen=True, slots=True)
class Period:
    """Start and end, exclusive, in UTC."""

    start: datetime
    end: datetime


def period_of(length: Length, start: datetime | None, end: datetime | None, zone: ZoneInfo, now: datetime) -> Period:
    """The period that is asked for.

    Of a day or a week, `start` is any instant of it, and None the last one that is over; `end` is None. Otherwise `start` is needed, and an
    `end` of None is now. A period may not be over yet. Raises PERIOD_IN_FUTURE for one that has not begun, FIELD_INVALID.
    """
    if start is not None and start < EARLIEST:
        raise invalid("start_time", f"is before {EARLIEST.date()}")
    if length is Length.CUSTOM:
        found = _custom(start, end, now)
    else:
        if end is not None:
            raise invalid("end_time", "follows from the start of a day or a week: leave it out")
        found = _whole(length, start, zone, now)
    if found.start >= now:
        raise AssayError(
            Kind.INVALID_ARGUMENT, "PERIOD_IN_FUTURE", "start_time: the period has not begun yet", details={"field": "start_time"}
        )
    return found


def _custom(start: datetime | None, end: datetime | None, now: datetime) -> Period:
    if start is None:
        raise invalid("start_time", "is needed where the period is no day and no week")
    end = now.replace(second=0, microsecond=0) if end is None else end
    if start < now and end <= start:
        raise invalid("end_time", "must be after start_time")
    return Period(start, end)


def _whole(length: Length, start: datetime | None, zone: ZoneInfo, now: datetime) -> Period:
    """The day or week that `start` is in, else the last one that ended by now."""
    days = 7 if length is Length.WEEKLY else 1
    first = (now if start is None else start).astimezone(zone).date()
    if length is Length.WEEKLY:
        first -= timedelta(days=first.weekday())
    if start is None:
        first -= timedelta(days=days)
    return Period(midnight(first, zone), midnight(first + timedelta(days=days), zone))


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The day's first instant, also where clocks leave midnight out."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
