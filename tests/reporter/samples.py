"""Periods for tests: steady series with a little noise that is the same everywhere, changed where a test says so."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from services.reporter.domain.period_data import (
    AlertNote,
    AnomalyNote,
    DayTotal,
    DurationRow,
    EarlierRecommendation,
    LedgerDay,
    PeriodData,
    PromptVerdict,
    SeriesKey,
    State,
    Sum,
    Table,
)

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
WEEK = timedelta(days=7)
DAY_S = 86_400
NAN = float("nan")


@dataclass(frozen=True)
class Calls:
    """What a series is like on a day; prices are US dollars a token, output costs five times, and a tenth what is read from the cache."""

    calls: float = 200.0
    input_tokens: float = 1_000.0
    output_tokens: float = 100.0
    cached_ratio: float = 0.5
    price: float = 2e-6
    success: float = 0.95
    latency_s: float = 2.0
    quality: float = 0.8
    accepted: float = 0.8
    revisions: float = 0.3
    scored_ratio: float = 0.4
    cost_unknown: bool = False
    failure: Sum = Sum.FAILED


Series = Callable[[int, int], Calls | None]


def wiggle(place: int, week: int, day: int, which: int) -> float:
    """Between −1 and 1, without a pattern that weeks or days share."""
    number = ((place * 31 + week) * 31 + day) * 31 + which
    return (number * 2_654_435_761 % 2**32) / 2**31 - 1


def sums_of(one: Calls, place: int, week: int, day: int) -> np.ndarray[Any, Any]:
    """The sums of a day."""

    def about(value: float, size: float, which: int) -> float:
        return value * (1 + size * wiggle(place, week, day, which))

    sums = np.zeros(len(Sum))
    calls = round(about(one.calls, 0.05, 1))
    sums[Sum.CALLS] = calls
    sums[Sum.SUCCEEDED] = succeeded = round(calls * min(about(one.success, 0.01, 2), 1.0))
    sums[one.failure] = calls - succeeded
    sums[Sum.INPUT_TOKENS] = round(calls * about(one.input_tokens, 0.02, 3))
    sums[Sum.OUTPUT_TOKENS] = round(calls * about(one.output_tokens, 0.02, 4))
    sums[Sum.CACHE_READ_TOKENS] = round(sums[Sum.INPUT_TOKENS] * about(one.cached_ratio, 0.02, 5))
    fresh = sums[Sum.INPUT_TOKENS] - sums[Sum.CACHE_READ_TOKENS]
    if one.cost_unknown:
        sums[Sum.COST_UNKNOWN] = calls
    else:
        sums[Sum.COST_USD] = one.price * (fresh + 0.1 * sums[Sum.CACHE_READ_TOKENS] + 5 * sums[Sum.OUTPUT_TOKENS])
    logarithm = math.log(one.latency_s) + 0.05 * wiggle(place, week, day, 6)
    sums[Sum.LATENCY_LOG] = succeeded * logarithm
    sums[Sum.LATENCY_LOG_SQUARE] = succeeded * (logarithm**2 + 0.25)
    sums[Sum.LATENCY_S] = succeeded * math.exp(logarithm + 0.125)
    sums[Sum.QUALITY_COUNT] = scored = round(succeeded * one.scored_ratio)
    sums[Sum.QUALITY] = scored * about(one.quality, 0.01, 7)
    sums[Sum.TASKS] = tasks = round(calls / 1.25)
    sums[Sum.ACCEPTED_TASKS] = round(tasks * one.accepted * (1 + 0.02 * wiggle(place, week, day, 8)))
    sums[Sum.REVISIONS] = round(tasks * about(one.revisions, 0.05, 9))
    return sums


def steady(**values: Any) -> Series:
    """A series that is the same all the time."""
    return lambda _week, _day: Calls(**values)


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Series:
    """One that is different in the period; a value of None: no calls at all."""
    return lambda week, _day: Calls(**(after if week == 0 else before))


def only_now(**values: Any) -> Series:
    """One that came with the period."""
    return lambda week, _day: Calls(**values) if week == 0 else None


def until_now(**values: Any) -> Series:
    """One that went with it."""
    return lambda week, _day: None if week == 0 else Calls(**values)


def table(series: Mapping[SeriesKey, Series], weeks: range) -> Table:
    """The days of some weeks; week 0 is the period, 1 the one before."""
    rows = []
    for place, (_, of) in enumerate(series.items()):
        for week in weeks:
            for day in range(7):
                if one := of(week, day):
                    start = MONDAY - week * WEEK + timedelta(days=day)
                    rows.append((place, int(start.timestamp()), sums_of(one, place, week, day)))
    if not rows:
        return Table(tuple(series), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((len(Sum), 0)))
    places, starts, sums = zip(*rows, strict=True)
    return Table(tuple(series), np.array(places), np.array(starts), np.array(sums).T)


def period_data(series: Mapping[SeriesKey, Series], weeks: int = 6, **more: Any) -> PeriodData:
    """A week of the project and the weeks before it."""
    tables = table(series, range(1)), table(series, range(1, min(weeks, 2))), table(series, range(2, weeks))
    every = table(series, range(weeks))
    days = sorted({int(each) for each in every.start_s})
    totals = tuple(
        DayTotal(
            datetime.fromtimestamp(day, UTC).date(),
            float(every.sums[Sum.COST_USD, every.start_s == day].sum()),
            int(every.sums[Sum.CALLS, every.start_s == day].sum()),
            0,
        )
        for day in days
    )
    data = PeriodData(
        project="acme",
        zone="UTC",
        start=MONDAY,
        end=MONDAY + WEEK,
        made_at=MONDAY + WEEK + timedelta(hours=6),
        step_s=DAY_S,
        period=tables[0],
        previous=tables[1],
        baseline=tables[2],
        baseline_period_count=max(weeks - 2, 0),
        days=totals,
        first_call_at=datetime.fromtimestamp(days[0], UTC) if days else None,
        data_until=MONDAY + WEEK,
    )
    return replace(data, **more)


def key(provider: str = "alder", model: str = "alder-1", task: str = "review", prompt: str = "main", version: str = "v1") -> SeriesKey:
    return SeriesKey(provider, model, task, prompt, version)


def fleet(**changes: Series) -> dict[SeriesKey, Series]:
    """Three models on two kinds of task, the cheap ones worse; `alder`, `birch`, `cedar` replace what a model is like on `review`."""
    models = {
        "alder": {"price": 1e-6, "success": 0.88, "quality": 0.6, "accepted": 0.6, "latency_s": 1.5},
        "birch": {"price": 2e-6, "success": 0.93, "quality": 0.75, "accepted": 0.75, "latency_s": 2.0},
        "cedar": {"price": 4e-6, "success": 0.98, "quality": 0.9, "accepted": 0.9, "latency_s": 3.0},
    }
    series: dict[SeriesKey, Series] = {}
    for task in ("review", "summary"):
        for provider, values in models.items():
            series[key(provider, f"{provider}-1", task)] = changes.get(provider, steady(**values)) if task == "review" else steady(**values)
    return series


CEDAR = {"price": 4e-6, "success": 0.98, "quality": 0.9, "accepted": 0.9, "latency_s": 3.0}


def everything() -> PeriodData:
    """A period in which there is something to say in every part of a report."""
    wasteful = {"input_tokens": 2_200.0, "output_tokens": 220.0, "cached_ratio": 0.5, **CEDAR}
    alder = {"price": 1e-6, "success": 0.88, "accepted": 0.6, "latency_s": 1.5}
    series = fleet(alder=changed({**alder, "cached_ratio": 0.8}, {**alder, "cached_ratio": 0.1, "quality": 0.6}))
    series[key("cedar", "cedar-1")] = until_now(**CEDAR)
    series[key("cedar", "cedar-1", version="v2")] = only_now(**wasteful)
    # A model that another one beats in everything.
    series[key("cedar", "cedar-2", "support")] = steady(price=6e-6, success=0.9, quality=0.7, accepted=0.7, latency_s=4.0)
    series[key("birch", "birch-1", "support")] = steady(price=2e-6, success=0.95, quality=0.8, accepted=0.8, latency_s=2.0)
    return period_data(
        series,
        budget_usd=55.0,
        durations=tuple(
            DurationRow(provider, task, 2.1, 6.4, 0.42, NAN)
            for provider in (None, "alder", "birch", "cedar")
            for task in (None, "review", "summary")
        ),
        previous_durations=(DurationRow(None, None, 1.9, 6.1, 0.4, NAN),),
        anomalies=anomalies(),
        alerts=alerts(),
        ledger=ledger(),
        prompt_verdicts=(PromptVerdict("review", "main", "v4", "v3", "success", 0.031, 0.012, 0.051, 2_204, MONDAY + timedelta(days=3)),),
        earlier=earlier(),
        notes=("This report is 3 hours late.",),
        left_out_series_count=2,
    )


def anomalies() -> tuple[AnomalyNote, ...]:
    failing = AnomalyNote(
        "a" * 32,
        "SUCCESS_RATIO",
        is_up=False,
        severity="CRITICAL",
        provider="alder",
        model=None,
        task_type=None,
        start=MONDAY + timedelta(days=2, hours=9),
        end=MONDAY + timedelta(days=2, hours=11, minutes=24),
        observed=0.71,
        expected=0.97,
        call_count=1_840,
        affected_count=480,
        explanation="alder fails: 71 % of calls succeeded <b>|</b>",
    )
    dear = failing._replace(
        anomaly_id="b" * 32, metric="COST_PER_CALL", is_up=True, provider="cedar", end=None, observed=0.0021, expected=0.0018
    )
    slow = failing._replace(anomaly_id="c" * 32, metric="LATENCY", is_up=True, start=MONDAY, explanation="alder is slow")
    return failing, dear._replace(explanation="cedar costs more"), slow


def alerts() -> tuple[AlertNote, ...]:
    first = AlertNote("c" * 32, "Success", "CRITICAL", MONDAY, MONDAY + timedelta(hours=1), "Success is 71 %", "a" * 32)
    return first, first._replace(alert_id="d" * 32, rule_name="Spend", severity="WARNING", summary="$52 today", anomaly_id="", end=None)


def ledger() -> tuple[LedgerDay, ...]:
    return tuple(LedgerDay((MONDAY + timedelta(days=day)).date(), 4_321, 4_310, 3, 8, 0, 0, 2 if day == 3 else 0) for day in range(7))


def earlier() -> tuple[EarlierRecommendation, ...]:
    done = EarlierRecommendation(
        "e" * 32,
        "Move summary from cedar-1 to birch-1",
        State.DONE,
        MONDAY - 2 * WEEK,
        MONDAY - WEEK,
        "summary",
        "birch",
        "birch-1",
        "cost_per_call_usd",
        0.0051,
        0.0024,
        0.0021,
        0.0027,
    )
    return done, done._replace(recommendation_id="f" * 32, state=State.REJECTED)
