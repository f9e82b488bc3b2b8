"""What a project's month will cost, forecast from the days that the collector tells of."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from assay.collector.v1.metrics_service_pb2 import QueryMetricsRequest, QueryMetricsResponse

from services.alerter.domain.forecast import HISTORY_DAYS, Forecast, forecast
from services.alerter.domain.rule import S_PER_DAY, Rule
from services.alerter.messages.rule_messages import filter_to_message
from services.alerter.neighbours import Collector

_USD = 1e-9


async def spend_forecast(collector: Collector, project: str, time_zone: str, rule: Rule, now: datetime) -> Forecast | None:
    """The month of the project's zone, None where too few days are known. Raises AssayError."""
    zone = ZoneInfo(time_zone)
    today = now.astimezone(zone).date()
    request = QueryMetricsRequest(project=project, time_zone=time_zone, filter=filter_to_message(rule.chosen))
    first = min(today.replace(day=1), today - timedelta(days=HISTORY_DAYS))
    request.start_time.FromDatetime(_midnight(first, zone))
    request.end_time.FromDatetime(now.astimezone(UTC))
    request.step.FromSeconds(S_PER_DAY)
    return forecast_of(_costs(await collector.query(request), zone), now.astimezone(zone))


def _costs(answer: QueryMetricsResponse, zone: ZoneInfo) -> dict[date, float]:
    """US dollars by day, for days that have calls."""
    costs: dict[date, float] = {}
    for series in answer.series:
        for start_s, nanos in zip(series.windows.start_unix_s, series.windows.cost_usd_nanos, strict=True):
            day = datetime.fromtimestamp(start_s, zone).date()
            costs[day] = costs.get(day, 0.0) + nanos * _USD
    return costs


def forecast_of(costs: dict[date, float], now: datetime) -> Forecast | None:
    """The forecast of the month of `now`, which is in the zone of the days. Since the first day with calls, days without cost nothing."""
    today = now.date()
    earlier = [day for day in costs if day < today]
    if not earlier:
        return None
    first = max(min(earlier), today - timedelta(days=HISTORY_DAYS))
    days = [first + timedelta(days=number) for number in range((today - first).days)]
    spent = sum(cost for day, cost in costs.items() if day >= today.replace(day=1))
    elapsed_s = (now - _midnight(today, now.tzinfo)).total_seconds()
    coming = [(today.weekday(), max(0.0, 1.0 - elapsed_s / S_PER_DAY))]
    last = calendar.monthrange(today.year, today.month)[1]
    coming += [(today.replace(day=day).weekday(), 1.0) for day in range(today.day + 1, last + 1)]
    return forecast(spent, [costs.get(day, 0.0) for day in days], [day.weekday() for day in days], coming)


def _midnight(day: date, zone: object) -> datetime:
    return datetime.combine(day, time(), zone)  # type: ignore[arg-type]  # the zone of a datetime
