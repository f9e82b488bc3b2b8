"""The levels of stored roll-ups, and the way from each to the next."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain.levels import (
    DAYS,
    LEVELS,
    MINUTES,
    QUARTERS,
    as_days,
    as_level,
    chunk_number,
    chunk_numbers,
    level_of,
    next_level,
)
from services.collector.domain.measures import Measure
from services.collector.domain.rollup import merge, rollup_calls
from services.collector.domain.windows import Resolution
from tests.collector.domain.rollup_cases import assert_same, call_lists, columns


def test_levels_are_numbered_from_the_finest_on() -> None:
    assert [level.number for level in LEVELS] == [0, 1, 2]
    assert [next_level(level) for level in LEVELS] == [QUARTERS, DAYS, None]
    assert [level_of(resolution) for resolution in Resolution] == list(LEVELS)


@pytest.mark.parametrize(
    ("zone", "start", "day"),
    [
        ("Asia/Kolkata", "2026-03-08T18:29", "2026-03-07T18:30"),
        ("Asia/Kolkata", "2026-03-08T18:30", "2026-03-08T18:30"),
        ("America/New_York", "2026-03-09T03:59", "2026-03-08T05:00"),
        ("America/New_York", "2026-03-09T04:00", "2026-03-09T04:00"),
    ],
)
def test_a_day_is_one_of_the_zone(zone: str, start: str, day: str) -> None:
    begin, expected = (int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) for text in (start, day))
    windows = rollup_calls(columns([(1, begin * 1_000_000, 1, 5, -1, 0, 0, 0, 0, 0, 0, 1)]))
    assert as_level(windows, DAYS, ZoneInfo(zone)).start_min.tolist() == [expected // 60]
    assert as_level(windows, QUARTERS, ZoneInfo(zone)).start_min.tolist() == [begin // 900 * 15]


def test_nothing_has_no_days() -> None:
    assert len(as_days(merge([]), ZoneInfo("UTC"))) == 0


@given(call_lists)
def test_days_are_the_same_from_minutes_and_from_quarters(calls: list[tuple[int, ...]]) -> None:
    minutes, zone = rollup_calls(columns(calls)), ZoneInfo("Asia/Kathmandu")
    days = as_level(minutes, DAYS, zone)
    assert_same(as_level(as_level(minutes, QUARTERS, zone), DAYS, zone), days)
    assert days.measures[:, Measure.COST_NANOS].sum() == minutes.measures[:, Measure.COST_NANOS].sum()


@given(call_lists, st.sampled_from(LEVELS))
def test_windows_are_in_the_chunks_that_are_named(calls: list[tuple[int, ...]], level: object) -> None:
    windows = rollup_calls(columns(calls))
    assert level in LEVELS
    for one in LEVELS:
        pairs = list(zip(*chunk_numbers(windows, one), strict=True))
        rows = zip(windows.series_id.tolist(), windows.start_min.tolist(), strict=True)
        assert pairs == sorted({(series, chunk_number(start, one)) for series, start in rows})
    assert chunk_number(119, MINUTES) == 1
