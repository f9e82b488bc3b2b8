"""Time grids: local days across clock changes, steps, and what is kept."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import AssayError
from services.collector.domain.windows import (
    MINUTES_PER_DAY,
    RANGE_DAYS_MAX,
    STEP_WEEK_MIN,
    WINDOW_COUNT_MAX,
    Grid,
    Retention,
    day_start_min,
    day_starts,
    floor_to,
    grid,
    zone_of,
)

ZONES = [
    "UTC",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/New_York",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "America/St_Johns",
    "Pacific/Chatham",
]
NOW = datetime(2026, 6, 15, 12, 34, tzinfo=UTC)
NOW_MIN = int(NOW.timestamp()) // 60
zones = st.sampled_from(ZONES).map(ZoneInfo)
minutes = st.integers(NOW_MIN - 9_000 * MINUTES_PER_DAY, NOW_MIN)


def local(zone: ZoneInfo, instant_min: int) -> datetime:
    return datetime.fromtimestamp(instant_min * 60, zone)


def grid_of(start: datetime, end: datetime, step_min: int | None, zone: str = "UTC", project_zone: str = "UTC") -> Grid:
    """A grid asked for at NOW, with the usual retention."""
    start_us, end_us = (int(instant.timestamp() * 1_000_000) for instant in (start, end))
    return grid(
        start_us,
        end_us,
        step_min=step_min,
        zone=ZoneInfo(zone),
        project_zone=ZoneInfo(project_zone),
        now_min=NOW_MIN,
        retention=Retention(),
    )


def reason_of(start: datetime, end: datetime, step_min: int | None, zone: str = "UTC") -> tuple[str, str]:
    """Why a grid is refused: reason and field."""
    with pytest.raises(AssayError) as caught:
        grid_of(start, end, step_min, zone)
    return caught.value.reason, caught.value.details["field"]


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "Europe", "a\0b", "x" * 5_000])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(AssayError) as caught:
        zone_of(name)
    assert caught.value.details["field"] == "time_zone"


def test_a_known_zone_is_found() -> None:
    assert zone_of("Asia/Kolkata").key == "Asia/Kolkata"


@pytest.mark.parametrize(
    ("zone", "day", "length_min"),
    [
        ("America/New_York", date(2026, 3, 8), 23 * 60),
        ("America/New_York", date(2026, 11, 1), 25 * 60),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24 * 60 + 30),
        ("Australia/Lord_Howe", date(2026, 10, 4), 24 * 60 - 30),
        ("Asia/Kolkata", date(2026, 3, 8), 24 * 60),
        ("Africa/Cairo", date(2026, 4, 24), 23 * 60),  # clocks jump from midnight to one
        ("America/St_Johns", date(2010, 11, 6), 24 * 60),
        ("America/St_Johns", date(2010, 11, 7), 25 * 60),  # midnight is shown twice
    ],
)
def test_local_days_are_as_long_as_their_clocks_say(zone: str, day: date, length_min: int) -> None:
    start = day_start_min(ZoneInfo(zone), day)
    assert day_start_min(ZoneInfo(zone), day + timedelta(days=1)) - start == length_min
    assert local(ZoneInfo(zone), start).date() == day
    assert local(ZoneInfo(zone), start - 1).date() == day - timedelta(days=1)


def test_a_day_that_clocks_jumped_over_is_refused_and_stands_in_no_grid() -> None:
    apia = ZoneInfo("Pacific/Apia")
    with pytest.raises(AssayError, match="2011-12-30"):
        day_start_min(apia, date(2011, 12, 30))
    starts = day_starts(apia, day_start_min(apia, date(2011, 12, 29)), day_start_min(apia, date(2012, 1, 1)))
    assert [local(apia, start).day for start in starts.tolist()] == [29, 31, 1]


@given(zones, minutes, st.integers(0, 60 * MINUTES_PER_DAY))
def test_day_starts_are_the_local_midnights_around_a_range(zone: ZoneInfo, first_min: int, length_min: int) -> None:
    last_min = first_min + length_min
    starts = day_starts(zone, first_min, last_min).tolist()
    assert starts == sorted(set(starts))
    assert starts[0] <= first_min
    assert starts[-1] >= last_min
    assert all(start < last_min for start in starts[1:-1])
    dates = [local(zone, start).date() for start in starts]
    assert [local(zone, start - 1).date() for start in starts[1:]] == dates[:-1]
    assert all(start % 15 == 0 for start in starts)


@given(zones, minutes, st.integers(1, 3 * MINUTES_PER_DAY), st.sampled_from([15, 60, 90, 360, 1440, STEP_WEEK_MIN]))
def test_windows_are_whole_steps_of_local_days_around_the_range(zone: ZoneInfo, first_min: int, length_min: int, step_min: int) -> None:
    retention = Retention(fifteen_minutes_days=10_000)
    us = 60_000_000
    boundaries = grid(
        first_min * us + 17,
        (first_min + length_min) * us - 17,
        step_min=step_min,
        zone=zone,
        project_zone=zone,
        now_min=NOW_MIN,
        retention=retention,
    ).boundary_min
    assert boundaries[0] <= first_min < boundaries[1]
    assert boundaries[-2] < first_min + length_min <= boundaries[-1]
    days = day_starts(zone, int(boundaries[0]), int(boundaries[-1]))
    in_day = boundaries - floor_to(days, boundaries)
    if step_min <= MINUTES_PER_DAY:
        assert (in_day % step_min == 0).all()
        assert (np.diff(boundaries) <= max(step_min, 26 * 60 if step_min == MINUTES_PER_DAY else 0)).all()
        assert np.isin(days[(days >= boundaries[0]) & (days <= boundaries[-1])], boundaries).all()
    else:
        assert all(local(zone, boundary).weekday() == 0 for boundary in boundaries.tolist())


def test_hours_restart_with_each_local_day() -> None:
    zone = ZoneInfo("Australia/Lord_Howe")
    noon = datetime(2026, 4, 5, 12, tzinfo=zone)
    boundaries = grid_of(noon - timedelta(days=1), noon + timedelta(days=1), 60, zone=zone.key).boundary_min
    lengths = np.diff(boundaries).tolist()
    assert sorted(set(lengths)) == [30, 60]
    assert lengths.count(30) == 1
    next_midnight = day_start_min(zone, date(2026, 4, 6))
    assert lengths[boundaries.tolist().index(next_midnight) - 1] == 30


def test_without_a_step_the_ends_move_out_to_what_is_kept() -> None:
    odd = timedelta(minutes=7, seconds=3)
    recent = grid_of(NOW - timedelta(days=2) + odd, NOW - odd, None).boundary_min
    assert recent.tolist() == [NOW_MIN - 2 * MINUTES_PER_DAY + 7, NOW_MIN - 7]
    older = grid_of(NOW - timedelta(days=90) + odd, NOW - timedelta(days=60) + odd, None).boundary_min
    assert older.tolist() == [(NOW_MIN - 90 * 1440 + 7) // 15 * 15, ((NOW_MIN - 60 * 1440 + 8) // 15 + 1) * 15]
    kolkata = ZoneInfo("Asia/Kolkata")
    old = grid_of(NOW - timedelta(days=900), NOW - timedelta(days=800), None, project_zone=kolkata.key).boundary_min
    assert [local(kolkata, boundary).hour for boundary in old.tolist()] == [0, 0]
    assert old[0] < NOW_MIN - 900 * 1440 < old[0] + 1440
    assert old[1] - 1440 < NOW_MIN - 800 * 1440 < old[1]


def test_a_step_finer_than_what_is_kept_is_refused() -> None:
    hour, day = timedelta(hours=1), timedelta(days=1)
    assert len(grid_of(NOW - 13 * day, NOW - 13 * day + hour, 1)) == 60
    assert reason_of(NOW - 15 * day, NOW - 15 * day + hour, 1) == ("STEP_NOT_KEPT", "step")
    assert reason_of(NOW - 15 * day, NOW - 15 * day + hour, 20) == ("STEP_NOT_KEPT", "step")
    assert len(grid_of(NOW - 15 * day, NOW - 15 * day + hour, 15)) == 5
    assert reason_of(NOW - 402 * day, NOW - 401 * day, 60) == ("STEP_NOT_KEPT", "step")
    assert len(grid_of(NOW - 402 * day, NOW - 401 * day, 1440)) == 2
    assert reason_of(NOW - 402 * day, NOW - 401 * day, 1440, "Asia/Kolkata") == ("STEP_NOT_KEPT", "step")


@pytest.mark.parametrize(
    ("start", "length", "step_min", "field"),
    [
        (NOW, timedelta(0), None, "end_time"),
        (NOW, timedelta(days=-1), 60, "end_time"),
        (NOW, timedelta(days=RANGE_DAYS_MAX + 1), None, "end_time"),
        (datetime(1999, 12, 31, tzinfo=UTC), timedelta(days=1), None, "start_time"),
        (datetime(2200, 1, 1, tzinfo=UTC), timedelta(days=1), None, "start_time"),
        (NOW, timedelta(days=1), 0, "step"),
        (NOW, timedelta(days=1), -60, "step"),
        (NOW, timedelta(days=1), 7, "step"),
        (NOW, timedelta(days=1), 2 * MINUTES_PER_DAY, "step"),
        (NOW, timedelta(minutes=WINDOW_COUNT_MAX + 1), 1, "step"),
    ],
)
def test_impossible_ranges_and_steps_are_refused(start: datetime, length: timedelta, step_min: int | None, field: str) -> None:
    assert reason_of(start, start + length, step_min) == ("FIELD_INVALID", field)


def test_every_zone_stands_at_a_multiple_of_15_minutes() -> None:
    instants = [datetime(year, month, 1, tzinfo=UTC) for year in range(2000, 2031, 2) for month in (1, 7)]
    for name in available_timezones():
        offsets = [instant.astimezone(ZoneInfo(name)).utcoffset() or timedelta() for instant in instants]
        assert not any(offset % timedelta(minutes=15) for offset in offsets), name


def test_an_instant_finds_its_window() -> None:
    windows = Grid(np.array([10, 20, 50]))
    assert len(windows) == 2
    assert windows.window_of(np.array([9, 10, 19, 20, 49, 50])).tolist() == [-1, 0, 0, 1, 1, -1]
