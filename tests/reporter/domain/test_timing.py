"""When a schedule is due: never skipped, never doubled, whatever clocks do."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from kit.errors import AssayError
from services.reporter.domain import timing as module
from services.reporter.domain.timing import LOOKED_BACK, Timing, check_timing, missed, next_times

BERLIN = "Europe/Berlin"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("timing", "after", "times"),
    [
        # Half past two is left out on 29 March: the first minute after.
        (Timing(BERLIN, minute_of_day=150), "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:30"]),
        # It is shown twice on 25 October: the first of both.
        (Timing(BERLIN, minute_of_day=150), "2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
        # Between both it is over already.
        (Timing(BERLIN, minute_of_day=150), "2026-10-25T01:20", ["2026-10-26T01:30"]),
        # Every second hour that clocks show.
        (Timing(BERLIN, cron="30 */2 * * *"), "2026-10-24T22:00", ["2026-10-24T22:30", "2026-10-25T00:30", "2026-10-25T03:30"]),
        (Timing(BERLIN, cron="30 */2 * * *"), "2026-03-28T23:00", ["2026-03-28T23:30", "2026-03-29T01:00", "2026-03-29T02:30"]),
        # Every hour that passes.
        (Timing(BERLIN, cron="15 * * * *"), "2026-10-25T00:00", ["2026-10-25T00:15", "2026-10-25T01:15", "2026-10-25T02:15"]),
        # Two times that clocks leave out are one.
        (Timing(BERLIN, cron="0 2,3 * * *"), "2026-03-29T00:00", ["2026-03-29T01:00", "2026-03-30T00:00"]),
        (Timing(BERLIN, weekday=1, minute_of_day=480), "2026-11-22T12:00", ["2026-11-23T07:00", "2026-11-30T07:00"]),
        (Timing("UTC", cron="0 8 29 2 *"), "2026-01-01T00:00", ["2028-02-29T08:00"]),
    ],
)
def test_times_are_what_clocks_show(timing: Timing, after: str, times: list[str]) -> None:
    assert next_times(timing, utc(after), len(times)) == [utc(text) for text in times]


ZONES = ["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu", "Pacific/Apia", "America/Sao_Paulo"]


@settings(max_examples=40)
@given(some.sampled_from(ZONES), some.integers(0, 1_439), some.integers(0, 6_000))
def test_a_daily_time_comes_once_on_every_day(zone: str, minute: int, day: int) -> None:
    times = next_times(Timing(zone, minute_of_day=minute), datetime(2010, 1, 1, tzinfo=UTC) + timedelta(days=day), 20)
    days = [moment.astimezone(ZoneInfo(zone)).date() for moment in times]
    missing = {days[0] + timedelta(days=number) for number in range((days[-1] - days[0]).days + 1)} - set(days)
    # Apia had no 30 December 2011: what was due then comes at the first minute after, and that day's own later.
    assert len(times) == len(set(times)) and times == sorted(times)
    assert not missing or zone == "Pacific/Apia"


@pytest.mark.parametrize(
    ("timing", "reason"),
    [
        (Timing("Mars/Olympus"), "FIELD_INVALID"),
        (Timing("UTC", minute_of_day=1_440), "FIELD_INVALID"),
        (Timing("UTC", minute_of_day=-1), "FIELD_INVALID"),
        (Timing("UTC", weekday=0), "FIELD_INVALID"),
        (Timing("UTC", cron="0 8 * *"), "FIELD_INVALID"),
        (Timing("UTC", cron="0 0 8 * * *"), "FIELD_INVALID"),
        (Timing("UTC", cron=f"0 8 * * {'1,' * 70}1"), "FIELD_INVALID"),
        (Timing("UTC", cron="* * * * *"), "FIELD_INVALID"),
        (Timing("UTC", cron="0,30 8 * * *"), "FIELD_INVALID"),
        (Timing("UTC", cron="61 8 * * *"), "FIELD_INVALID"),
        (Timing("UTC", cron="0 8 32 1 *"), "FIELD_INVALID"),
        (Timing("UTC", cron="0 8 31 13 *"), "FIELD_INVALID"),
        (Timing("UTC", cron="0 8 31 2 *"), "SCHEDULE_NEVER_FIRES"),
        (Timing("UTC", cron="0 8 30,31 2 *"), "SCHEDULE_NEVER_FIRES"),
        (Timing(BERLIN, cron="0 8 */31 2 MON#5"), "SCHEDULE_NEVER_FIRES"),
    ],
)
def test_what_is_no_time_is_refused(timing: Timing, reason: str) -> None:
    with pytest.raises(AssayError) as refused:
        check_timing(timing, NOW)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "timing", [Timing(BERLIN), Timing("UTC", weekday=7), Timing("UTC", cron="30 8 * * mon-fri"), Timing("UTC", cron="0 8 29 2 *")]
)
def test_what_is_a_time_is_taken(timing: Timing) -> None:
    assert check_timing(timing, NOW) == timing


def test_the_latest_two_that_were_missed_are_made_up_for_and_the_others_skipped() -> None:
    daily = Timing("UTC", minute_of_day=480)
    first = datetime(2026, 1, 1, 8, tzinfo=UTC)
    on_time = missed(daily, first, first + timedelta(seconds=1))
    assert (on_time.due, on_time.skipped_count, on_time.last_skipped) == ((first,), 0, None)
    assert on_time.next_time == first + timedelta(days=1)
    late = missed(daily, first, first + timedelta(days=4, hours=2))
    assert late.due == (first + timedelta(days=3), first + timedelta(days=4))
    assert (late.skipped_count, late.last_skipped) == (3, first + timedelta(days=2))
    assert late.next_time == first + timedelta(days=5)


def test_years_of_downtime_are_not_looked_through() -> None:
    found = missed(Timing("UTC", cron="7 * * * *"), datetime(2000, 1, 1, 0, 7, tzinfo=UTC), NOW)
    assert found.skipped_count < LOOKED_BACK / timedelta(hours=1)
    assert found.due == (NOW - timedelta(minutes=113), NOW - timedelta(minutes=53))


def test_a_schedule_that_ends_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_times", lambda *_: iter(()))
    with pytest.raises(AssayError) as refused:
        missed(Timing("UTC"), NOW, NOW)
    assert refused.value.reason == "SCHEDULE_NEVER_FIRES"
