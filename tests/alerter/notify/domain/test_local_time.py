"""Mute times and rotas, on ordinary days and on those when clocks change."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import AssayError
from services.alerter.domain.notification.local_time import MuteInterval, MuteTime, Rota, instant

BERLIN = "Europe/Berlin"


def times(first_year: int, last_year: int) -> st.SearchStrategy[datetime]:
    """Times in UTC, to the second."""
    return st.integers(0, (last_year - first_year) * 365 * 86_400).map(
        lambda second: datetime(first_year, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    )


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def mute(zone: str, start: int, end: int, days: frozenset[int] = frozenset(range(7))) -> MuteTime:
    return MuteTime("quiet", zone, (MuteInterval(days, start, end),))


@pytest.mark.parametrize(
    ("time", "is_muted"),
    [
        ("2026-11-20T20:59:59", False),  # Friday, 21:59:59 in Berlin
        ("2026-11-20T21:00:00", True),
        ("2026-11-21T04:59:59", True),  # Saturday's early morning belongs to Friday's night
        ("2026-11-21T05:00:00", False),
        ("2026-11-21T21:30:00", False),  # Saturday's night is not muted
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_begins(time: str, is_muted: bool) -> None:
    assert mute(BERLIN, 22 * 60, 6 * 60, frozenset({4})).holds(utc(time)) is is_muted


@pytest.mark.parametrize(("day", "hours"), [("2026-03-28", 7), ("2026-10-24", 9), ("2026-07-01", 8)])
def test_a_muted_night_is_as_long_as_the_clocks_make_it(day: str, hours: int) -> None:
    begin = instant(date.fromisoformat(day), 22 * 60, ZoneInfo(BERLIN))
    night = mute(BERLIN, 22 * 60, 6 * 60)
    assert not night.holds(begin - timedelta(microseconds=1))
    assert all(night.holds(begin + timedelta(minutes=15 * quarter)) for quarter in range(hours * 4))
    assert not night.holds(begin + timedelta(hours=hours))


def test_an_hour_that_comes_twice_is_muted_once_and_for_good() -> None:
    evening = mute(BERLIN, 150, 240)  # from 02:30 to 04:00
    first = utc("2026-10-25T00:30:00")  # 02:30 for the first time
    assert not evening.holds(first - timedelta(minutes=1))
    assert all(evening.holds(first + timedelta(minutes=minute)) for minute in range(150))
    assert not evening.holds(first + timedelta(minutes=150))


@given(times(2020, 2035), st.sampled_from([BERLIN, "America/New_York", "Asia/Kolkata", "Pacific/Apia"]))
def test_all_day_every_day_is_always(time: datetime, zone: str) -> None:
    assert mute(zone, 0, 1_440).holds(time)


@given(
    times(2020, 2035),
    st.integers(0, 1_439),
    st.sampled_from([BERLIN, "America/Sao_Paulo", "Africa/Cairo"]),
)
def test_exactly_one_of_two_halves_of_the_day_is_muted(time: datetime, split: int, zone: str) -> None:
    halves = [mute(zone, 0, split).holds(time), mute(zone, split, 1_440).holds(time)] if split else [True, False]
    assert sorted(halves) == [False, True]


def rota(**fields: object) -> Rota:
    values: dict[str, object] = {"name": "r", "time_zone": BERLIN, "members": ("ann", "bob", "cai"), "start_date": date(2026, 3, 23)}
    return Rota(**(values | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("time", "who"),
    [
        ("2026-03-23T07:59:59", "cai"),  # 08:59:59 in Berlin, before the first hand-over
        ("2026-03-23T08:00:00", "ann"),
        ("2026-03-30T06:59:59", "ann"),  # summer time began on the 29th
        ("2026-03-30T07:00:00", "bob"),
        ("2026-04-13T07:00:00", "ann"),
    ],
)
def test_a_weekly_rota_hands_over_at_the_same_local_time(time: str, who: str) -> None:
    assert rota().on_call(utc(time)) == who


@given(times(2025, 2028), st.integers(0, 1_439), st.integers(1, 9))
def test_turns_are_taken_in_order_and_nobody_comes_back_within_a_shift(time: datetime, hand_over_min: int, shift_days: int) -> None:
    made = rota(hand_over_min=hand_over_min, shift_days=shift_days)
    turns = [made.members.index(made.on_call(time + timedelta(minutes=20 * step))) for step in range(200)]
    changes = [(before, after) for before, after in pairwise(turns) if before != after]
    assert all(after == (before + 1) % 3 for before, after in changes)
    assert len(changes) <= 200 // (shift_days * 69) + 1  # a shift has at least 23 hours a day


@pytest.mark.parametrize(
    "make",
    [
        lambda: MuteInterval(frozenset()),
        lambda: MuteInterval(frozenset({7})),
        lambda: MuteInterval(start_min=1_440),
        lambda: MuteInterval(end_min=1_441),
        lambda: MuteTime("m", "Mars/Olympus", (MuteInterval(),)),
        lambda: MuteTime("m", "../etc/passwd", (MuteInterval(),)),
        lambda: MuteTime("m", "UTC", ()),
        lambda: rota(members=()),
        lambda: rota(shift_days=0),
        lambda: rota(hand_over_min=1_440),
        lambda: rota(time_zone=""),
    ],
)
def test_what_is_no_time_is_refused(make: object) -> None:
    with pytest.raises(AssayError) as refused:
        make()  # type: ignore[operator]
    assert refused.value.reason == "FIELD_INVALID"
