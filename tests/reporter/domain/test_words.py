"""Numbers as people read them, and periods and forecasts."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from kit.errors import AssayError
from services.reporter.domain.forecast import month_forecast
from services.reporter.domain.measures import Unit
from services.reporter.domain.period_data import DayTotal
from services.reporter.domain.spans import spans, zone_of
from services.reporter.domain.words import (
    cell,
    change_cell,
    duration,
    listed,
    more,
    moved,
    plural,
    points,
    ratio_estimate,
    share,
    usd_estimate,
)


@pytest.mark.parametrize(
    ("value", "unit", "text", "shown"),
    [
        (1_238_402.0, Unit.COUNT, "1,238,402", 1_238_402.0),
        (12_384.4, Unit.USD, "$12,384", 12_384.0),
        (99.996, Unit.USD, "$100", 100.0),
        (12.345, Unit.USD, "$12.35", 12.35),
        (0.0, Unit.USD, "$0.00", 0.0),
        (-3.6e-12, Unit.USD, "$0.00", 0.0),
        (-3.456, Unit.USD, "−$3.46", -3.46),
        (0.0012345, Unit.USD, "$0.00123", 0.00123),
        (0.97234, Unit.RATIO, "97.2 %", 0.972),
        (0.99964, Unit.RATIO, "99.96 %", 0.9996),
        (1.0, Unit.RATIO, "100.0 %", 1.0),
        (0.8444, Unit.SECONDS, "0.844 s", 0.844),
        (0.0, Unit.SECONDS, "0 s", 0.0),
        (200.0, Unit.SECONDS, "3.3 min", 198.0),
        (9_000.0, Unit.SECONDS, "2.5 h", 9_000.0),
        (2_238.2, Unit.TOKENS, "2,238", 2_238.0),
        (3.14159, Unit.TOKENS, "3.14", 3.14),
        (12_345_678.0, Unit.TOKENS, "12.3 million", 12_300_000.0),
        (0.294, Unit.PER_TASK, "0.29", 0.29),
    ],
)
def test_a_number_is_rounded_as_it_is_shown(value: float, unit: Unit, text: str, shown: float) -> None:
    told = cell(value, unit)
    assert (told.text, told.value, told.unit) == (text, pytest.approx(shown), unit.value)


def test_what_is_unknown_is_a_dash() -> None:
    assert cell(float("nan"), Unit.USD).text == "–" and cell(float("inf"), Unit.USD).value is None
    assert change_cell(float("nan"), 1.0, is_difference=False).text == "–"
    assert change_cell(1.0, 0.0, is_difference=False).text == "–"


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(0.123, "+12 %"), (-0.038, "−3.8 %"), (0.0, "±0.0 %"), (3.2, "× 4.2"), (-0.996, "−100 %"), (11.0, "× 12")],
)
def test_growth_is_told_in_percent_and_from_four_times_on_as_a_multiple(ratio: float, text: str) -> None:
    assert share(ratio).text == text
    assert change_cell(1 + ratio, 1.0, is_difference=False).text == text


def test_differences_and_estimates_have_their_units() -> None:
    assert points(-0.0134).text == "−1.3 points"
    assert change_cell(0.95, 0.97, is_difference=True).text == "−2.0 points"
    assert (moved(-0.05), moved(0.2), more(-0.05), more(1.5)) == ("fell by 5.0 %", "rose by 20 %", "5.0 % less", "150 % more")
    assert usd_estimate(1_234.0, 1_010.0, 1_502.0).text == "$1,230 ($1,010 to $1,500)"
    assert usd_estimate(-42.6, -47.1, -38.2).text == "−$43 (−$47 to −$38)"
    assert usd_estimate(4.26, 3.1, 5.4).text == "$4.26 ($3.10 to $5.40)"
    assert usd_estimate(5.8723, 5.848, 5.896).text == "$5.87 ($5.85 to $5.90)"
    assert usd_estimate(0.426, 0.31, 0.54).text == "$0.43 ($0.31 to $0.54)"
    assert usd_estimate(5.0, 5.0, 5.0).text == "$5.00 ($5.00 to $5.00)"
    assert usd_estimate(0.0, 0.0, 0.0).text == "$0 ($0 to $0)"
    assert ratio_estimate(-0.381, -0.44, -0.322, is_points=False).text == "−38 ± 6 %"
    assert ratio_estimate(0.004, -0.005, 0.013, is_points=True).text == "+0.4 ± 0.9 points"
    assert ratio_estimate(-0.5, -1.4, 0.4, is_points=False).text == "−50 ± 90 %"


def test_durations_lists_and_plurals() -> None:
    times = {30: "0 min", 90: "2 min", 3_600: "1 h", 8_640: "2 h 24 min", 86_400: "1 d", 180_000: "2 d 2 h"}
    assert {seconds: duration(timedelta(seconds=seconds)) for seconds in times} == times
    assert (listed([]), listed(["a"]), listed(["a", "b", "c"])) == ("", "a", "a, b and c")
    assert (plural(1, "call"), plural(2, "call"), plural(3, "series", "series")) == ("1 call", "2 calls", "3 series")


def berlin(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=zone_of("Europe/Berlin")).astimezone(UTC)


def test_weeks_are_moved_by_local_days_across_changes_of_the_clock() -> None:
    looked = spans(berlin(2026, 10, 26), berlin(2026, 11, 2), "Europe/Berlin")
    assert looked.previous.start == berlin(2026, 10, 19) and looked.previous.end == berlin(2026, 10, 26)
    assert looked.previous.end - looked.previous.start == timedelta(hours=169)
    assert [span.start for span in looked.baseline] == [berlin(2026, 10, day) for day in (12, 5)] + [
        berlin(2026, 9, day) for day in (28, 21)
    ]
    assert looked.step_s == 86_400


def test_a_day_is_held_against_the_same_weekday_of_four_weeks() -> None:
    looked = spans(berlin(2026, 11, 2), berlin(2026, 11, 3), "Europe/Berlin")
    assert looked.previous.start == berlin(2026, 11, 1) and looked.step_s == 3_600
    assert [span.start for span in looked.baseline] == [berlin(2026, 10, day) for day in (26, 19, 12, 5)]


def test_a_stretch_of_hours_is_moved_by_its_length() -> None:
    start = datetime(2026, 11, 2, 10, 30, tzinfo=UTC)
    looked = spans(start, start + timedelta(hours=6), "UTC")
    assert looked.previous.start == start - timedelta(hours=6)
    assert looked.baseline[-1].start == start - timedelta(hours=30)


def test_days_are_whole_days_where_clocks_leave_midnight_out() -> None:
    cairo = ZoneInfo("Africa/Cairo")
    start, end = (datetime(2026, 4, day, hour, tzinfo=cairo).astimezone(UTC) for day, hour in ((24, 1), (25, 0)))
    looked = spans(start, end, "Africa/Cairo")
    assert end - start == timedelta(hours=23)
    assert [each.start.astimezone(cairo).day for each in (looked.previous, *looked.baseline)] == [23, 17, 10, 3, 27]
    assert looked.previous.end - looked.previous.start == timedelta(hours=24)


@pytest.mark.parametrize(("length", "zone"), [(timedelta(0), "UTC"), (timedelta(days=94), "UTC"), (timedelta(days=7), "../etc/passwd")])
def test_a_period_or_zone_that_is_none_is_refused(length: timedelta, zone: str) -> None:
    start = datetime(2026, 11, 2, tzinfo=UTC)
    with pytest.raises(AssayError):
        spans(start, start + length, zone)


def days(count: int, noise: float, seed: int, growth: float = 0.0) -> tuple[DayTotal, ...]:
    chance = np.random.default_rng(seed)
    first = date(2026, 11, 18) - timedelta(days=count - 1)
    usual = np.array([1.1, 1.1, 1.1, 1.0, 1.0, 0.5, 0.4])
    level = [100 * usual[(first + timedelta(days=number)).weekday()] for number in range(count)]
    spend = [each * np.exp(growth * number + chance.normal(0, noise)) for number, each in enumerate(level)]
    return tuple(DayTotal(first + timedelta(days=number), float(value), 10, 0) for number, value in enumerate(spend))


def test_a_months_forecast_is_what_is_spent_and_its_days_to_come() -> None:
    found = month_forecast(days(70, 0.0, 0), date(2026, 11, 18))
    assert found is not None
    truth = sum(each.cost_usd for each in days(70, 0.0, 0) if each.day >= date(2026, 11, 1)) + 100 * (3 * 1.1 + 5 * 1.0 + 2 * 0.5 + 2 * 0.4)
    assert found.value == pytest.approx(truth, rel=0.03)
    assert found.low <= found.value <= found.high


def test_days_without_calls_are_days_that_cost_nothing() -> None:
    """Whoever works Monday to Friday has no days in the table at the weekend, and will have none at the next one."""
    every = tuple(each._replace(cost_usd=0.0 if each.day.weekday() > 4 else 100.0) for each in days(70, 0.0, 0))
    told = tuple(each for each in every if each.cost_usd)
    found, whole = month_forecast(told, date(2026, 11, 18)), month_forecast(every, date(2026, 11, 18))
    assert found == whole
    assert found is not None
    assert found.value - found.to_date == pytest.approx(800, rel=0.15)


def test_forecasts_cover_what_comes() -> None:
    covered = 0
    for seed in range(200):
        every = days(70, 0.15, seed)
        later = tuple(each._replace(day=each.day) for each in every)
        last = date(2026, 11, 10)
        found = month_forecast(tuple(each for each in later if each.day <= last), last)
        assert found is not None
        rest = np.random.default_rng(1_000 + seed)
        usual = {0: 1.1, 1: 1.1, 2: 1.1, 3: 1.0, 4: 1.0, 5: 0.5, 6: 0.4}
        to_come = sum(100 * usual[(last + timedelta(days=number)).weekday()] * np.exp(rest.normal(0, 0.15)) for number in range(1, 21))
        covered += found.low <= found.to_date + to_come <= found.high
    assert 0.82 < covered / 200 <= 1.0


def test_a_few_days_give_no_forecast_and_a_month_that_is_over_needs_none() -> None:
    assert month_forecast(days(4, 0.1, 0), date(2026, 11, 18)) is None
    assert month_forecast((), date(2026, 11, 18)) is None
    over = month_forecast(days(18, 0.1, 0), date(2026, 11, 30))
    assert over is not None and over.value == over.low == over.high == over.to_date
    short = month_forecast(days(8, 0.1, 0), date(2026, 11, 18))
    assert short is not None and short.low < short.value < short.high
