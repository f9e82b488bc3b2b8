"""Times of day in a zone: mute times and who is on call, right to the second on the days when clocks change."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kit.errors import invalid

MINUTES_PER_DAY = 1_440
EVERY_WEEKDAY = frozenset(range(7))
INTERVALS_MAX = 32
ROTA_MEMBERS_MAX = 64
SHIFT_DAYS_MAX = 366


@lru_cache(maxsize=1_024)
def zone_of(name: str) -> ZoneInfo:
    """The IANA zone of this name. Raises FIELD_INVALID (field `time_zone`)."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise invalid("time_zone", "must be a name of the IANA time zone database, such as Europe/Berlin") from error


def instant(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """When this minute (0..1440) of a local day is, in UTC.

    One that the clock shows twice is its first; one that it skips is as long after midnight as on any other day.
    """
    day += timedelta(days=minute // MINUTES_PER_DAY)
    hour, minute_of_hour = divmod(minute % MINUTES_PER_DAY, 60)
    return datetime(day.year, day.month, day.day, hour, minute_of_hour, tzinfo=zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class MuteInterval:
    """From one minute of the day to another on some weekdays (Monday 0). An end that is not after the start is on the next day."""

    weekdays: frozenset[int] = EVERY_WEEKDAY
    start_min: int = 0
    end_min: int = MINUTES_PER_DAY

    def __post_init__(self) -> None:
        if not self.weekdays or not self.weekdays <= EVERY_WEEKDAY:
            raise invalid("weekdays", "must be days of the week")
        if not (0 <= self.start_min < MINUTES_PER_DAY and 0 <= self.end_min <= MINUTES_PER_DAY):
            raise invalid("start_min", "the start is 0 to 1439 minutes after midnight, the end 0 to 1440")

    def holds(self, now: datetime, zone: ZoneInfo) -> bool:
        """Whether it holds at this time."""
        today = now.astimezone(zone).date()
        end_min = self.end_min + (MINUTES_PER_DAY if self.end_min <= self.start_min else 0)
        return any(
            day.weekday() in self.weekdays and instant(day, self.start_min, zone) <= now < instant(day, end_min, zone)
            for day in (today, today - timedelta(days=1))
        )


@dataclass(frozen=True, slots=True)
class MuteTime:
    """A named set of times in which routes that name it tell of nothing new."""

    name: str
    time_zone: str
    intervals: tuple[MuteInterval, ...]

    def __post_init__(self) -> None:
        zone_of(self.time_zone)
        if not 1 <= len(self.intervals) <= INTERVALS_MAX:
            raise invalid("mute_times", f"a mute time has 1 to {INTERVALS_MAX} intervals")

    def holds(self, now: datetime) -> bool:
        """Whether any of its intervals holds at this time."""
        zone = zone_of(self.time_zone)
        return any(interval.holds(now, zone) for interval in self.intervals)


@dataclass(frozen=True, slots=True)
class Rota:
    """Who is on call: receivers that take turns, each for so many days, handing over at a time of day.

    The first one's shift begins on `start_date`; before it, turns are counted backwards.
    """

    name: str
    time_zone: str
    members: tuple[str, ...]
    start_date: date
    shift_days: int = 7
    hand_over_min: int = 9 * 60

    def __post_init__(self) -> None:
        zone_of(self.time_zone)
        if not 1 <= len(self.members) <= ROTA_MEMBERS_MAX:
            raise invalid("rotas", f"a rota has 1 to {ROTA_MEMBERS_MAX} members")
        if not 1 <= self.shift_days <= SHIFT_DAYS_MAX:
            raise invalid("rotas", f"a shift has 1 to {SHIFT_DAYS_MAX} days")
        if not 0 <= self.hand_over_min < MINUTES_PER_DAY:
            raise invalid("rotas", "the hand-over is 0 to 1439 minutes after midnight")

    def on_call(self, now: datetime) -> str:
        """The receiver whose turn it is."""
        zone = zone_of(self.time_zone)
        day = now.astimezone(zone).date()
        # The clock may skip the hand-over, or show times before it once more after it: instants are compared, not times of day.
        if now < instant(day, self.hand_over_min, zone):
            day -= timedelta(days=1)
        return self.members[(day - self.start_date).days // self.shift_days % len(self.members)]
