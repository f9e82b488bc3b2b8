"""A small fleet whose calls are drawn as window sums: independent calls at an even rate, with what is wrong told by the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from services.analyzer.domain.anomaly import Anomaly
from services.analyzer.domain.arrays import Bools, Floats, Ints
from services.analyzer.domain.monitor import Monitor
from services.analyzer.domain.series import SeriesKey
from services.analyzer.domain.window_columns import WindowColumns

START_S = 1_767_571_200  # a Monday, 00:00 UTC
HOUR_S, DAY_S = 3_600, 86_400


@dataclass(frozen=True)
class Wrong:
    """What is wrong with the series that `concerns` says, from `start_s` to `end_s`."""

    start_s: float
    end_s: float
    concerns: Callable[[SeriesKey], bool] = lambda _: True
    outcome: int = 1
    failing_ratio: float = 0.0
    latency_factor: float = 1.0
    cost_factor: float = 1.0
    is_silent: bool = False
    lacks_first_token: bool = False
    lacks_usage: bool = False
    lacks_cost: bool = False


@dataclass(frozen=True)
class Fleet:
    """Series with their calls an hour."""

    keys: tuple[SeriesKey, ...]
    rates: tuple[float, ...]
    seed: int = 0
    fleet_seed: int = 7
    success_ratio: float = 0.98
    wrong: tuple[Wrong, ...] = ()
    daily_swing: float = 0.0
    _rng: list[np.random.Generator] = field(default_factory=list)

    def with_wrong(self, *wrong: Wrong) -> Fleet:
        return replace(self, wrong=wrong)

    def windows(self, start_s: int, length_s: int) -> WindowColumns:
        """The windows of all series from this moment on; the same whoever asks."""
        rng = np.random.default_rng([self.seed, start_s])
        hour = start_s % DAY_S / HOUR_S
        rate = np.array(self.rates) * (1 + self.daily_swing * np.cos(2 * np.pi * (hour - 14) / 24)) * length_s / HOUR_S
        count = rng.poisson(rate)
        now = [each for each in self.wrong if each.start_s <= start_s < each.end_s]
        return drawn(rng, self, (start_s, length_s), count, now)


def drawn(rng: np.random.Generator, fleet: Fleet, window: tuple[int, int], count: Ints, now: Sequence[Wrong]) -> WindowColumns:
    """Windows, of this start and length, with so many calls of each series."""
    series, (start_s, length_s) = np.arange(len(fleet.keys)), window
    concerned = [(each, np.array([each.concerns(fleet.keys[number]) for number in series.tolist()], np.bool_)) for each in now]
    for each, here in concerned:
        count = np.where(here & each.is_silent, 0, count)
    of_call = np.repeat(np.arange(len(series)), count)
    total = len(of_call)
    outcome = np.where(rng.random(total) < fleet.success_ratio, 0, 1)
    own = np.random.default_rng(fleet.fleet_seed).normal(0, 0.4, (2, len(series)))[:, of_call]
    latency, cost = 0.7 + own[0] + rng.normal(0, 0.5, total), 0.01 * np.exp(own[1] + rng.normal(0, 0.5, total))
    tokens = (500 * np.exp(rng.normal(0, 0.5, total))).astype(np.int64)
    streamed, counted, priced = (np.ones(total, np.bool_) for _ in range(3))
    fate = rng.random(total)
    for each, here in concerned:
        mine: Bools = here[of_call]
        outcome = np.where(mine & (fate < each.failing_ratio), each.outcome, outcome)
        latency = latency + mine * np.log(each.latency_factor)
        cost = cost * np.where(mine, each.cost_factor, 1)
        streamed &= ~(mine & each.lacks_first_token)
        counted &= ~(mine & each.lacks_usage)
        priced &= ~(mine & (each.lacks_cost or each.lacks_usage))
    good = outcome == 0
    tokens = tokens * good * counted

    def summed(values: Floats | Ints | Bools) -> Floats:
        return np.bincount(of_call, np.asarray(values, np.float64), len(series)).astype(np.float64)

    def whole(values: Floats | Ints | Bools) -> Ints:
        return summed(values).astype(np.int64)

    p95 = np.array(
        [
            np.quantile(np.exp(latency[(of_call == row) & good]), 0.95) if good[of_call == row].any() else np.nan
            for row in range(len(series))
        ]
    )
    windows = WindowColumns(
        series=series,
        start_s=np.full(len(series), start_s),
        length_s=np.full(len(series), length_s),
        outcome_counts=np.stack([whole(outcome == each) for each in range(6)], axis=1),
        latency_count=summed(good),
        latency_log_sum=summed(good * latency),
        latency_log_square_sum=summed(good * latency**2),
        first_token_count=summed(good & streamed),
        first_token_log_sum=summed((good & streamed) * (latency - 1)),
        first_token_log_square_sum=summed((good & streamed) * (latency - 1) ** 2),
        latency_p95_s=p95,
        cost_known_count=whole(good & priced),
        cost_usd=summed(cost * (good & priced)),
        output_token_count=whole(tokens),
        input_token_count=whole(tokens * 2),
        task_count=whole(np.zeros(total)),
        revision_count=whole(np.zeros(total)),
        quality_count=whole(np.zeros(total)),
        quality_sum=summed(np.zeros(total)),
    )
    return windows.select(count > 0)


def taught(fleet: Fleet, days: int, until_s: int = START_S, monitor: Monitor | None = None) -> Monitor:
    """A monitor that has learnt so many days of the fleet before the moment."""
    monitor = monitor or Monitor()
    hours = [fleet.windows(start_s, HOUR_S) for start_s in range(until_s - days * DAY_S, until_s, HOUR_S)]
    monitor.learn(fleet.keys, WindowColumns.concatenated(hours))
    return monitor


def watched(monitor: Monitor, fleet: Fleet, start_s: int, end_s: int, step_s: int = 60) -> Iterator[Anomaly]:
    """What is told while the monitor looks once a window."""
    for moment_s in range(start_s, end_s, step_s):
        yield from monitor.observe(fleet.windows(moment_s, step_s), moment_s + step_s)
        yield from monitor.tick(moment_s + step_s)


def latest(anomalies: Iterator[Anomaly]) -> dict[str, Anomaly]:
    """The last word on each."""
    return {anomaly.anomaly_id: anomaly for anomaly in anomalies}


def grid(providers: Sequence[str], models: Sequence[str], tasks: Sequence[str]) -> tuple[SeriesKey, ...]:
    """Series of every model with every task; a model's name begins with its provider's."""
    return tuple(
        SeriesKey(provider, f"{provider}-{model}", task, f"{task}-prompt", "v1")
        for provider in providers
        for model in models
        for task in tasks
    )
