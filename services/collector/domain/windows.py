"""Time grids of queries: into which windows a range is cut, in whose days, and what is still kept to fill them.

Times are whole minutes since the Unix epoch. All zones of our time stand at a multiple of 15 minutes from UTC, so
that local days and hours begin where a stored fifteen-minute window does.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

import numpy as np

from kit.errors import invalid
from services.collector.domain.arrays import Bools, Ints, ranges
from services.collector.domain.rollup import US_PER_MIN

MINUTES_PER_DAY = 24 * 60
STEP_WEEK_MIN = 7 * MINUTES_PER_DAY

WINDOW_COUNT_MAX = 14 * MINUTES_PER_DAY
"""As many windows as a series may have in an answer: all minutes that are kept."""

RANGE_DAYS_MAX = 10 * 366
"""Ten years: cutting a range into days takes 3 µs each, and no roll-up is older."""

_EARLIEST_US, _LATEST_US = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000 for year in (2000, 2200))
"""A start outside is a mistake in units; from 2000 on, every zone's offset is a multiple of 15 minutes."""


class Resolution(IntEnum):
    """The windows that are stored, by their length in minutes. A DAY is one of the project's zone, be it 23 hours."""

    MINUTE = 1
    FIFTEEN_MINUTES = 15
    DAY = MINUTES_PER_DAY


@dataclass(frozen=True)
class Retention:
    """How long windows are kept; days are kept for good."""

    minute_days: int = 14
    fifteen_minutes_days: int = 400


@dataclass(frozen=True, eq=False)
class Grid:
    """The windows of an answer: window i goes from `boundary_min[i]` to just before `boundary_min[i + 1]`."""

    boundary_min: Ints

    def __len__(self) -> int:
        """The number of windows."""
        return self.boundary_min.size - 1

    def window_of(self, start_min: Ints) -> Ints:
        """The window that holds each instant, -1 where none does."""
        window = np.searchsorted(self.boundary_min, start_min, side="right") - 1
        window[window == len(self)] = -1
        return window


def zone_of(name: str) -> ZoneInfo:
    """The time zone of that IANA name. Raises AssayError for an unknown one."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # a missing file, a name that leaves the folder, a folder's name
        raise invalid("time_zone", "not the name of a time zone such as Europe/Berlin or UTC") from error


def day_start_min(zone: ZoneInfo, day: date) -> int:
    """When a local day begins: the first time that its midnight is shown, or where clocks jump over midnight, the jump.

    Raises AssayError if clocks jumped over the whole day, as they did over 30 December 2011 in Pacific/Apia.
    """
    start, end = _midnights(zone, [day, day + timedelta(days=1)]).tolist()
    if start == end:
        raise invalid("time_zone", f"{zone.key} had no {day.isoformat()}")
    return int(start)


def day_starts(zone: ZoneInfo, first_min: int, last_min: int, *, days: int = 1) -> Ints:
    """The starts of local days, from the day that holds `first_min` to the first that starts at or after `last_min`.

    With `days` = 7, the starts of weeks, Mondays.
    """
    first_day, last_day = _local_date(zone, first_min), _local_date(zone, last_min)
    first_day -= timedelta(days=first_day.weekday() if days == 7 else 1)
    count = (last_day - first_day).days // days + 3
    # Where clocks jump over a whole day, it and the next one begin together: one of them is none.
    starts = np.unique(_midnights(zone, (first_day + timedelta(days=days * index) for index in range(count))))
    return _trimmed(starts, first_min, last_min)


def floor_to(boundary_min: Ints, start_min: Ints) -> Ints:
    """For each instant the last boundary that is not after it; there must be one."""
    return boundary_min[np.searchsorted(boundary_min, start_min, side="right") - 1]


def grid(
    start_us: int,
    end_us: int,
    *,
    step_min: int | None,
    zone: ZoneInfo,
    project_zone: ZoneInfo,
    now_min: int,
    retention: Retention,
) -> Grid:
    """Cuts a range, in microseconds since the epoch and without its end, into windows of `step_min` minutes.

    Steps are the divisors of a day, 1,440 (local days, be they of 23, 24 or 25 hours) and 10,080 (local weeks, from
    Monday). Shorter ones are counted from the start of each local day; the last one before the next day may be
    shorter than the step where the day is not 24 hours long. Windows are whole: the first one begins at or before the
    start, the last one ends at or after the end.

    Without a step the answer is one window, the range with its ends moved outwards to the finest windows that are
    kept of their time: to whole minutes, before that to 15 minutes, before that to days of the project's zone.

    Raises AssayError for an empty or impossible range, for another step, for more than WINDOW_COUNT_MAX windows, and
    for a step that needs finer windows than are kept (STEP_NOT_KEPT).
    """
    first_min, last_min = start_us // US_PER_MIN, -(-end_us // US_PER_MIN)
    _check_range(start_us, end_us, step_min)
    kept = _Kept.of(retention, now_min, project_zone)
    if step_min is None:
        return Grid(np.array([kept.floor(first_min), kept.ceiling(last_min)]))
    boundary_min = _stepped(zone, first_min, last_min, step_min)
    if not kept.covers(boundary_min).all():
        message = "so far back only longer windows are kept; ask for a longer step or a later start"
        raise invalid("step", message, "STEP_NOT_KEPT")
    return Grid(boundary_min)


def _check_range(start_us: int, end_us: int, step_min: int | None) -> None:
    if not _EARLIEST_US <= start_us < _LATEST_US:
        raise invalid("start_time", "must be between the years 2000 and 2200")
    if end_us <= start_us:
        raise invalid("end_time", "must be after start_time")
    range_min = (end_us - start_us) // US_PER_MIN
    if range_min > RANGE_DAYS_MAX * MINUTES_PER_DAY:
        raise invalid("end_time", f"must be at most {RANGE_DAYS_MAX} days after start_time")
    if step_min is None:
        return
    if step_min != STEP_WEEK_MIN and (step_min < 1 or MINUTES_PER_DAY % step_min):
        raise invalid("step", "must be a whole number of minutes that divides a day, one day, or seven days")
    if range_min > WINDOW_COUNT_MAX * step_min:
        raise invalid("step", f"would make more than {WINDOW_COUNT_MAX} windows")


def _stepped(zone: ZoneInfo, first_min: int, last_min: int, step_min: int) -> Ints:
    """The boundaries of whole windows that hold the range."""
    if step_min >= MINUTES_PER_DAY:
        return day_starts(zone, first_min, last_min, days=step_min // MINUTES_PER_DAY)
    days = day_starts(zone, first_min, last_min)
    per_day = -(-np.diff(days) // step_min)
    within_day = ranges(np.zeros_like(per_day), per_day)
    boundary_min = np.append(np.repeat(days[:-1], per_day) + within_day * step_min, days[-1])
    return _trimmed(boundary_min, first_min, last_min)


@dataclass(frozen=True, eq=False)
class _Kept:
    """From when on each resolution is kept, in whole windows of the next coarser one."""

    minutes_from_min: int
    fifteen_minutes_from_min: int
    project_zone: ZoneInfo

    @staticmethod
    def of(retention: Retention, now_min: int, project_zone: ZoneInfo) -> "_Kept":
        minutes_from = now_min - retention.minute_days * MINUTES_PER_DAY
        fifteen_from = now_min - retention.fifteen_minutes_days * MINUTES_PER_DAY
        return _Kept(-(-minutes_from // 15) * 15, int(day_starts(project_zone, fifteen_from, fifteen_from)[-1]), project_zone)

    def floor(self, instant_min: int) -> int:
        """The last boundary of a kept window at or before the instant."""
        if instant_min >= self.minutes_from_min:
            return instant_min
        if instant_min >= self.fifteen_minutes_from_min:
            return instant_min // 15 * 15
        return int(day_starts(self.project_zone, instant_min, instant_min)[0])

    def ceiling(self, instant_min: int) -> int:
        """The first boundary of a kept window at or after the instant."""
        if instant_min >= self.minutes_from_min:
            return instant_min
        if instant_min >= self.fifteen_minutes_from_min:
            return -(-instant_min // 15) * 15
        return int(day_starts(self.project_zone, instant_min, instant_min)[-1])

    def covers(self, boundary_min: Ints) -> Bools:
        """Whether kept windows begin or end at each of the boundaries, which are in order."""
        first, last = int(boundary_min[0]), int(boundary_min[-1])
        on_day = np.isin(boundary_min, day_starts(self.project_zone, first, last))
        on_fifteen = (boundary_min % 15 == 0) & (boundary_min >= self.fifteen_minutes_from_min)
        covered: Bools = on_day | on_fifteen | (boundary_min >= self.minutes_from_min)
        return covered


def _trimmed(boundary_min: Ints, first_min: int, last_min: int) -> Ints:
    """The boundaries from the last one at or before the first minute to the first one at or after the last minute."""
    begin = np.searchsorted(boundary_min, first_min, side="right") - 1
    return boundary_min[begin : np.searchsorted(boundary_min, last_min) + 1]


def _local_date(zone: ZoneInfo, instant_min: int) -> date:
    return datetime.fromtimestamp(instant_min * 60, zone).date()


def _midnights(zone: ZoneInfo, days: Iterable[date]) -> Ints:
    """When each local day begins, in minutes since the epoch.

    A midnight that clocks jump over is reckoned with the offset before the jump (fold=0), which gives the jump
    itself; of one that they show twice, it is the first.
    """
    return np.array([int(datetime.combine(day, time(), zone).timestamp()) // 60 for day in days], np.int64)
