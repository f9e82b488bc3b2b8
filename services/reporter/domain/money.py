"""Spend, budget, and what the month comes to."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from services.reporter.domain.forecast import month_forecast
from services.reporter.domain.insights.scene import Scene
from services.reporter.domain.measures import Unit
from services.reporter.domain.period_data import Sum
from services.reporter.domain.report import Estimate, Money
from services.reporter.domain.words import UNKNOWN, cell, text, usd_estimate


def money(scene: Scene, zone: ZoneInfo) -> Money:
    """The money of the period and of the calendar month that it ends in, by the zone's days that are over."""
    data = scene.data
    spend = float(scene.grid.of(Sum.COST_USD).sum())
    until = min(data.end, data.data_until or data.end).astimezone(zone)
    last = until.date() - timedelta(days=1)
    found = month_forecast(data.days, last)
    month = f"{last:%B %Y}"
    budget = None if data.budget_usd is None else cell(data.budget_usd, Unit.USD)
    if found is None:
        to_date = sum(each.cost_usd for each in data.days if (each.day.year, each.day.month) == (last.year, last.month))
        words = f"There are too few days yet to say what {month} will come to."
        return Money(cell(spend, Unit.USD), month, cell(to_date, Unit.USD) if data.days else UNKNOWN, None, budget, words)
    forecast = usd_estimate(found.value, found.low, found.high)
    words = _words(month, forecast, found.to_date, data.budget_usd)
    return Money(cell(spend, Unit.USD), month, cell(found.to_date, Unit.USD), forecast, budget, words)


def _words(month: str, forecast: Estimate, to_date: float, budget_usd: float | None) -> str:
    if forecast.low == forecast.high:
        begin = f"{month} came to {text(to_date, Unit.USD)}"
    else:
        begin = f"{month} has cost {text(to_date, Unit.USD)} so far and will come to {forecast.text}"
    if budget_usd is None:
        return f"{begin}."
    budget = text(budget_usd, Unit.USD)
    if forecast.low > budget_usd:
        return f"{begin}: above the budget of {budget}."
    if forecast.high <= budget_usd:
        return f"{begin}: within the budget of {budget}."
    return f"{begin}; whether the budget of {budget} lasts is open."
