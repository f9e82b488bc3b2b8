"""What a month will cost."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from services.alerter.domain.forecast import Forecast, forecast
from services.alerter.spend import forecast_of


def test_days_that_cost_the_same_leave_no_doubt() -> None:
    made = forecast(100.0, [10.0] * 10, [number % 7 for number in range(10)], [(3, 0.5), (4, 1.0)])
    assert made is not None and made.mean_usd == pytest.approx(115.0) and made.sd_usd == pytest.approx(0.0, abs=1e-6)
    assert Forecast(115.0, 0.0).probability_above(114.0) == 1.0 and Forecast(115.0, 0.0).probability_above(115.0) == 0.0


def test_weekends_that_cost_less_are_expected_to() -> None:
    weekdays = [number % 7 for number in range(28)]
    costs = [2.0 if weekday >= 5 else 10.0 for weekday in weekdays]
    weekend, week = (forecast(0.0, costs, weekdays, [(weekday, 1.0)]) for weekday in (5, 0))
    assert weekend is not None and week is not None
    # Half-way to the mean of 7.71, since four days are believed as much as four of prior.
    assert weekend.mean_usd == pytest.approx((2.0 + 54 / 7) / 2) and week.mean_usd == pytest.approx((10.0 + 54 / 7) / 2)


def test_too_few_days_and_days_without_cost() -> None:
    assert forecast(1.0, [1.0, 2.0], [0, 1], []) is None
    free = forecast(0.0, [0.0] * 5, [0, 1, 2, 3, 4], [(5, 1.0)])
    assert free == Forecast(0.0, 0.0)


def test_probabilities_hold_for_days_as_assumed() -> None:
    random = np.random.default_rng(7)
    above = stated = 0.0
    for _ in range(400):
        past = random.normal(100.0, 20.0, 28)
        coming = random.normal(100.0, 20.0, 14).sum()
        made = forecast(0.0, past.tolist(), [number % 7 for number in range(28)], [(number % 7, 1.0) for number in range(14)])
        assert made is not None
        stated += made.probability_above(1_450.0)
        above += coming > 1_450.0
    assert above / 400 == pytest.approx(stated / 400, abs=0.08)


def test_a_month_of_a_zone() -> None:
    zone = ZoneInfo("America/New_York")
    now = datetime(2026, 3, 11, 12, tzinfo=zone)
    costs = {date(2026, 3, 1) + timedelta(days=number): 24.0 for number in range(-5, 10)} | {date(2026, 3, 11): 12.0}
    made = forecast_of(costs, now)
    assert made is not None and made.mean_usd == pytest.approx(31 * 24.0)
    assert forecast_of({date(2026, 3, 11): 5.0}, now) is None
    assert forecast_of({}, now.astimezone(UTC)) is None
