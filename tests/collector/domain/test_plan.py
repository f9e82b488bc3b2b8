"""Answers from few stored windows equal those from all minutes."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kit.errors import AssayError
from services.collector.domain.plan import Level, plan
from services.collector.domain.rollup import Windows, coarsen, merge, rekey, rollup_calls
from services.collector.domain.windows import Grid, Resolution, Retention, day_start_min, day_starts, floor_to, grid
from tests.collector.domain.rollup_cases import START_US, assert_same, columns

ZONES = [
    "UTC",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/New_York",
    "Asia/Kathmandu",
    "Pacific/Auckland",
    "Pacific/Norfolk",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "America/St_Johns",
    "America/Caracas",
    "Pacific/Apia",
]
zones = st.sampled_from(ZONES).map(ZoneInfo)
steps = st.sampled_from([None, 1, 15, 20, 60, 1440])
near = st.integers(0, 15) | st.integers(-1_500, 1_500)
dates = st.dates(date(2005, 1, 1), date(2030, 1, 1))


def day_grid(zone: ZoneInfo, first: date, day_count: int) -> Grid:
    """So many local days."""
    midnights = [day_start_min(zone, first), day_start_min(zone, first + timedelta(days=day_count))]
    return Grid(day_starts(zone, *midnights))


def coverage(levels: list[Level], grid: Grid) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """How often each minute counts in each window, shape (windows, minutes); minute 0 is two days before the grid."""
    origin = int(grid.boundary_min[0]) - 2 * 1440
    counts = np.zeros((len(grid), int(grid.boundary_min[-1]) - origin + 2 * 1440), np.int64)
    for level in levels:
        for segment, window, sign in zip(level.term_segment, level.term_window, level.term_sign, strict=True):
            counts[window, level.segment_start_min[segment] - origin : level.segment_end_min[segment] - origin] += sign
    return counts


def assert_exact(levels: list[Level], grid: Grid, project_zone: ZoneInfo) -> None:
    """Each window counts its own minutes once and no other; segments lie on stored windows and do not overlap."""
    origin = int(grid.boundary_min[0]) - 2 * 1440
    expected = np.zeros_like(coverage([], grid))
    for window, (start, end) in enumerate(zip(grid.boundary_min[:-1], grid.boundary_min[1:], strict=True)):
        expected[window, start - origin : end - origin] = 1
    np.testing.assert_array_equal(coverage(levels, grid), expected)
    for level in levels:
        ends = np.concatenate([level.segment_start_min, level.segment_end_min])
        days = day_starts(project_zone, int(ends.min()), int(ends.max()))
        stored = np.isin(ends, days) if level.resolution is Resolution.DAY else ends % level.resolution == 0
        assert stored.all()
        assert (level.segment_start_min < level.segment_end_min).all()
        assert (level.segment_end_min[:-1] <= level.segment_start_min[1:]).all()


def minutes_read(levels: list[Level], resolution: Resolution) -> int:
    """How much time the segments of a resolution span."""
    return sum(int((level.segment_end_min - level.segment_start_min).sum()) for level in levels if level.resolution is resolution)


@given(zones, zones, dates, st.integers(1, 12))
def test_days_of_any_zone_are_made_up_exactly(zone: ZoneInfo, project_zone: ZoneInfo, first: date, days: int) -> None:
    if zone.key == "Pacific/Apia" and first <= date(2011, 12, 30) <= first + timedelta(days=days):
        first = date(2012, 2, 1)  # its missing day has no start to begin or end with
    grid = day_grid(zone, first, days)
    assert_exact(plan(grid, project_zone), grid, project_zone)


@given(
    zones,
    st.integers(START_US // 60_000_000, START_US // 60_000_000 + 100_000),
    st.lists(st.integers(1, 4 * 1440), min_size=1, max_size=5),
)
@example(ZoneInfo("Asia/Kolkata"), 29_388_623, [1])  # the nearest quarter of an hour is the end of the day
def test_any_windows_are_made_up_exactly(project_zone: ZoneInfo, first_min: int, lengths: list[int]) -> None:
    grid = Grid(np.cumsum([first_min, *lengths]))
    assert_exact(plan(grid, project_zone), grid, project_zone)


@pytest.mark.parametrize(
    ("zone", "project_zone", "day_count", "fifteen_minutes_h_max"),
    [
        ("Asia/Kolkata", "Asia/Kolkata", 90, 0),
        ("Asia/Kolkata", "UTC", 90, 91 * 5.5),
        ("Pacific/Auckland", "UTC", 90, 91 * 12),
        ("Pacific/Kiritimati", "UTC", 90, 91 * 10),
        ("America/New_York", "Europe/Berlin", 90, 91 * 6),
    ],
)
def test_only_the_hours_between_two_zones_are_read_in_fifteen_minutes(
    zone: str, project_zone: str, day_count: int, fifteen_minutes_h_max: float
) -> None:
    grid = day_grid(ZoneInfo(zone), date(2026, 2, 1), day_count)
    levels = plan(grid, ZoneInfo(project_zone))
    assert minutes_read(levels, Resolution.FIFTEEN_MINUTES) <= fifteen_minutes_h_max * 60
    assert minutes_read(levels, Resolution.MINUTE) == 0


def test_a_month_that_begins_at_ten_past_is_mostly_days() -> None:
    utc = ZoneInfo("UTC")
    start = day_start_min(utc, date(2026, 3, 3)) + 10 * 60 + 10
    levels = plan(Grid(np.array([start, start + 30 * 1440])), utc)
    assert minutes_read(levels, Resolution.MINUTE) == 10
    assert minutes_read(levels, Resolution.FIFTEEN_MINUTES) == 2 * (10 * 60 + 15)
    assert minutes_read(levels, Resolution.DAY) == 30 * 1440


@given(st.tuples(zones, zones), st.sampled_from([14, 400]), near, st.integers(1, 3_000), steps)
def test_no_plan_reads_what_is_no_longer_kept(
    places: tuple[ZoneInfo, ZoneInfo], kept_days: int, after_min: int, length_min: int, step_min: int | None
) -> None:
    zone, project_zone = places
    now_min = START_US // 60_000_000 // 15 * 15 + 3
    first_min = now_min - kept_days * 1440 + after_min
    try:
        windows = grid(
            first_min * 60_000_000,
            (first_min + length_min) * 60_000_000,
            step_min=step_min,
            zone=zone,
            project_zone=project_zone,
            now_min=now_min,
            retention=Retention(),
        )
    except AssayError as error:
        assert error.reason == "STEP_NOT_KEPT"  # noqa: PT017 - either way is right, depending on what was drawn
        return
    kept_min = {Resolution.MINUTE: 14 * 1440, Resolution.FIFTEEN_MINUTES: 400 * 1440}
    for level in plan(windows, project_zone):
        if level.resolution in kept_min:
            assert level.segment_start_min.min() >= now_min - kept_min[level.resolution]


def test_an_hour_by_minutes_reads_that_hour_alone() -> None:
    levels = plan(Grid(np.arange(1_000_003, 1_000_064)), ZoneInfo("UTC"))
    assert [level.resolution for level in levels] == [Resolution.MINUTE]
    assert minutes_read(levels, Resolution.MINUTE) == 60


FIVE_DAYS_US = 5 * 86_400_000_000


@given(
    st.sampled_from(
        [
            ("Asia/Kolkata", date(2026, 3, 7)),
            ("Australia/Lord_Howe", date(2026, 4, 4)),
            ("America/New_York", date(2026, 3, 7)),
        ]
    ),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
    st.sampled_from([60, 1440]),
    st.lists(st.tuples(st.integers(1, 2), st.integers(0, FIVE_DAYS_US), st.integers(0, 10**7)), max_size=60),
)
def test_answers_from_stored_windows_equal_those_from_minutes(
    place: tuple[str, date], project: str, step_min: int, starts: list[tuple[int, int, int]]
) -> None:
    zone, first = ZoneInfo(place[0]), place[1]
    project_zone = ZoneInfo(project)
    grid = day_grid(zone, first, 3)
    if step_min == 60:
        grid = Grid(np.arange(grid.boundary_min[0], grid.boundary_min[-1] + 1, 60))
    origin_us = int(grid.boundary_min[0]) * 60_000_000 - 86_400_000_000
    calls = [(series, origin_us + start, 1, latency, -1, 5, 5, 0, 0, 0, 7, 1) for series, start, latency in starts]
    minutes = rollup_calls(columns(calls))
    stored = stored_windows(minutes, project_zone)

    answer = merge([level.assemble(stored[level.resolution]) for level in plan(grid, project_zone)])

    window = grid.window_of(minutes.start_min)
    inside = np.flatnonzero(window >= 0)
    assert_same(answer, rekey(minutes.select(inside), start_min=window[inside]))


def stored_windows(minutes: Windows, project_zone: ZoneInfo) -> dict[Resolution, Windows]:
    """The three resolutions that are stored."""
    if not len(minutes):
        return dict.fromkeys(Resolution, minutes)
    days = day_starts(project_zone, int(minutes.start_min.min()), int(minutes.start_min.max()))
    return {
        Resolution.MINUTE: minutes,
        Resolution.FIFTEEN_MINUTES: coarsen(minutes, 15),
        Resolution.DAY: rekey(minutes, start_min=floor_to(days, minutes.start_min)),
    }
