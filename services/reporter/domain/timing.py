"""When a schedule is due: lines of a crontab, or a time of the day, in a zone. Pure: the present is given."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cronsim import CronSim, CronSimError

from kit.errors import AssayError, Kind, invalid
from services.reporter.domain.spans import zone_of

CRON_LENGTH_MAX: Final = 128
MINUTES_PER_DAY: Final = 1_440
DAYS_PER_WEEK: Final = 7
# Missed times that are made up for; older ones are skipped.
MADE_UP_MAX: Final = 2
# A schedule that was not looked at for longer has missed what nobody asks for any more; looking through it would only take time.
LOOKED_BACK: Final = timedelta(days=400)
_FIELDS = 5


@dataclass(frozen=True, slots=True)
class Timing:
    """A crontab's five fields, or (`cron` empty) a minute of the day, on one `weekday` (1 is Monday) or every day, in `zone`."""

    zone: str
    cron: str = ""
    weekday: int | None = None
    minute_of_day: int = 0

    @property
    def expression(self) -> str:
        """The crontab's line. `*/2` means hours that clocks show; CronSim would take what begins with a star for hours that pass."""
        if self.cron:
            minute, hours, *days = self.cron.split()
            return " ".join([minute, hours.replace("*/", "0-23/"), *days])
        hour, minute_of_hour = divmod(self.minute_of_day, 60)
        return f"{minute_of_hour} {hour} * * {'*' if self.weekday is None else self.weekday}"


@dataclass(frozen=True, slots=True)
class Missed:
    """Times that are due, oldest first; how many before them are skipped, the last of those; and when the schedule is due next."""

    due: tuple[datetime, ...]
    skipped_count: int
    last_skipped: datetime | None
    next_time: datetime


def check_timing(timing: Timing, now: datetime) -> Timing:
    """The timing. Raises FIELD_INVALID, and SCHEDULE_NEVER_FIRES for one that is never due."""
    zone_of(timing.zone)
    if not timing.cron:
        if not 0 <= timing.minute_of_day < MINUTES_PER_DAY:
            raise invalid("minute_of_day", f"is 0 to {MINUTES_PER_DAY - 1}")
        if timing.weekday is not None and not 1 <= timing.weekday <= DAYS_PER_WEEK:
            raise invalid("weekday", "is 1 (Monday) to 7 (Sunday)")
        return timing
    parts = timing.cron.split()
    if len(timing.cron) > CRON_LENGTH_MAX or len(parts) != _FIELDS:
        raise invalid("cron", "has five fields, such as 30 8 * * MON-FRI: minute, hour, day of the month, month, day of the week")
    if not (parts[0].isascii() and parts[0].isdecimal()):
        raise invalid("cron", "must begin with one minute, such as 30: there is at most one report an hour")
    try:
        next(_times(timing, now))
    except CronSimError as error:
        if _is_readable(parts):
            raise _never() from None
        raise invalid("cron", f"cannot be read: {str(error).lower()}") from None
    except StopIteration:
        raise _never() from None
    return timing


def next_times(timing: Timing, after: datetime, count: int) -> list[datetime]:
    """The next times after that one, in UTC."""
    times = _times(timing, after)
    return [moment for moment, _ in zip(times, range(count), strict=False)]


def missed(timing: Timing, first_due: datetime, now: datetime) -> Missed:
    """What a schedule that was due at `first_due` has to make up for. The latest MADE_UP_MAX are made up for, older ones are skipped."""
    due: deque[datetime] = deque([first_due])
    skipped_count = 0
    last_skipped = None
    times = _times(timing, max(first_due, now - LOOKED_BACK))
    for moment in times:
        if moment > now:
            return Missed(tuple(due), skipped_count, last_skipped, moment)
        due.append(moment)
        if len(due) > MADE_UP_MAX:
            last_skipped = due.popleft()
            skipped_count += 1
    raise _never()


def _times(timing: Timing, after: datetime) -> Iterator[datetime]:
    """All times after that one, in UTC, each later than the one before.

    As Debian's cron has it: a time that clocks leave out is the first one after the gap, one that they show twice is the first of both.
    CronSim begins at what clocks show, so that in the hour that they show twice it finds times that are past.
    """
    latest = after
    for local in CronSim(timing.expression, after.astimezone(zone_of(timing.zone))):
        moment = local.astimezone(UTC)
        if moment > latest:
            latest = moment
            yield moment


def _is_readable(parts: list[str]) -> bool:
    """Whether it is only in its months that there is no such day."""
    try:
        CronSim(" ".join([*parts[:3], "*", parts[4]]), datetime(2000, 1, 1, tzinfo=UTC))
        CronSim(f"0 0 * {parts[3]} *", datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError:
        return False
    return True


def _never() -> AssayError:
    message = "cron: there is no such day, so that it would never be due"
    return AssayError(Kind.INVALID_ARGUMENT, "SCHEDULE_NEVER_FIRES", message, details={"field": "cron"})
