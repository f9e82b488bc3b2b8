"""Fleets with known truth: false anomalies, delays beside a CUSUM that knows everything, what is found, and what it costs."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import psutil
from scipy.special import gammaincinv

from bench import known_cusum
from bench.figures import Figure, Report
from bench.fleet_windows import HOUR_S, LOG_SD, MINUTE_S, Truth, activity, windows
from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.engine import Engine
from services.analyzer.domain.metric import Metric
from services.analyzer.domain.series import SeriesKey
from services.analyzer.domain.window_columns import WindowColumns

AREA = "detection"
# A Monday, so that every run makes the same.
START_S = 1_790_553_600
RATES = (2, 20, 200, 2_000)
# How many fleets are simulated; 20 for the figures on record.
SEEDS = int(os.environ.get("ASSAY_BENCH_SEEDS", "2"))
_SERIES, _DAYS, _DAY_HOURS = 200, 14, 24
_SEEDS_TOGETHER = 10
# The upper 95 % limit of the mean of a Poisson count that was this: at most 1 in 1,000 series-days.
_FALSE_PER_SERIES_DAY = 1 / 1_000
_METRICS = 9
_REPEATS = 80
_CALLS_BEFORE = 20
_FEW_CALLS, _MANY_CALLS = 200, 2_000
_FEW_DELAY_RATIO_MAX = 2.5
_FOUND_MIN = 0.95


@dataclass(frozen=True, slots=True)
class Incident:
    """A change, what it is to be seen by, and within how many calls: at each of RATES, beside a window."""

    name: str
    metric: Metric
    success_ratio: float
    success_ratio_then: float
    latency_factor: float
    cost_factor: float
    goals: tuple[int, ...]

    def known_delay(self, calls_per_hour: float) -> float:
        """Calls that a CUSUM takes which knows all, at the same false-alarm rate: an equal share for each of nine metrics."""
        calls = calls_per_hour * _DAY_HOURS / _FALSE_PER_SERIES_DAY * _METRICS
        if self.metric is Metric.SUCCESS_RATIO:
            failing, failing_then = 1 - self.success_ratio, 1 - self.success_ratio_then
            steps = [known_cusum.bernoulli(each, failing, failing_then) for each in (failing, failing_then)]
        else:
            shift = float(np.log(self.latency_factor * self.cost_factor)) / LOG_SD
            steps = [known_cusum.normal(0, shift), known_cusum.normal(shift, shift)]
        return known_cusum.delay_calls(steps[0], steps[1], calls)


INCIDENTS = (
    Incident("success_98_to_78", Metric.SUCCESS_RATIO, 0.98, 0.78, 1, 1, (40, 50, 60, 70)),
    Incident("success_90_to_70", Metric.SUCCESS_RATIO, 0.90, 0.70, 1, 1, (90, 110, 130, 150)),
    Incident("latency_x2", Metric.LATENCY, 0.98, 0.98, 2, 1, (18, 22, 26, 30)),
    Incident("cost_x1.5", Metric.COST_PER_CALL, 0.98, 0.98, 1, 1.5, (50, 60, 70, 80)),
)


def measure(report: Report) -> None:
    """Reports all figures of the simulated fleets."""
    _report_false(report)
    for place, rate in enumerate(RATES):
        for base_calls in (_MANY_CALLS, _FEW_CALLS):
            _report_delays(report, place, rate, base_calls)
    _report_cost(report)


def _fleet(count: int, name: str) -> list[SeriesKey]:
    return [SeriesKey(f"{name}-{i % 4}", f"model-{i // 4 % 10}", f"task-{i % 7}", f"prompt-{i}", "1") for i in range(count)]


def _report_false(report: Report) -> None:
    counts = [_false_anomalies(range(begin, min(begin + _SEEDS_TOGETHER, SEEDS))) for begin in range(0, SEEDS, _SEEDS_TOGETHER)]
    false, series_days = sum(counts), _SERIES * _DAYS * SEEDS
    report(Figure(AREA, f"false_anomalies_of_{series_days}_series_days", false, "", None, "lower"))
    upper = _poisson_upper(false) / series_days * 1_000
    report(Figure(AREA, "false_per_1000_series_days_upper_95", upper, "", 1 if SEEDS >= _SEEDS_TOGETHER else None, "lower"))


def _poisson_upper(count: int) -> float:
    """The mean of which a Poisson variable is at most this with 5 % (Garwood, Biometrika 1936)."""
    return float(gammaincinv(count + 1, 0.95))


def _false_anomalies(seeds: Sequence[int]) -> int:
    """Anomalies in fleets in which nothing is wrong, unknown at first, all in one engine."""
    random = np.random.default_rng([20, *seeds])
    engine = Engine()
    series = engine.add([key for seed in seeds for key in _fleet(_SERIES, f"seed-{seed}")])
    calls_per_hour = np.tile(np.repeat(RATES, _SERIES // len(RATES)), len(seeds)).astype(np.float64)
    success = np.tile([0.98, 0.9], len(series) // 2)
    told: set[tuple[int, int, float]] = set()
    for hour in range(_DAYS * _DAY_HOURS):
        truth = Truth.normal(calls_per_hour * activity(hour), success)
        signals = engine.observe(windows(random, series, truth, START_S + hour * HOUR_S, window_count=HOUR_S // MINUTE_S))
        told |= set(zip(signals.series.tolist(), signals.metric.tolist(), signals.onset_s.tolist(), strict=True))
    return len(told)


def _report_delays(report: Report, place: int, calls_per_hour: int, base_calls: int) -> None:
    longest = 3 * max(incident.goals[place] for incident in INCIDENTS)
    delays = _delays(calls_per_hour, base_calls, longest)
    window_calls = max(calls_per_hour * MINUTE_S / HOUR_S, 1.0)
    for incident, calls in zip(INCIDENTS, delays, strict=True):
        name, goal = f"{incident.name}_{calls_per_hour}_per_h", incident.goals[place] + window_calls
        if base_calls == _FEW_CALLS:
            known = incident.known_delay(calls_per_hour)
            few_goal = None if incident.metric is Metric.SUCCESS_RATIO else _FEW_DELAY_RATIO_MAX * known + window_calls
            report(Figure(AREA, f"{name}_of_200", float(np.median(calls)), "calls", few_goal, "lower"))
            report(Figure(AREA, f"{name}_known_cusum", known, "calls", None, "lower"))
            continue
        report(Figure(AREA, name, float(np.median(calls)), "calls", goal, "lower"))
        report(Figure(AREA, f"{name}_found", float(np.mean(calls <= 3 * incident.goals[place])), "ratio", _FOUND_MIN, "higher"))


def _delays(calls_per_hour: int, base_calls: int, longest: int) -> list[Floats]:
    """For each of INCIDENTS the calls from its begin until it was told, infinite where it was not within the longest time."""
    random = np.random.default_rng([calls_per_hour, base_calls])
    case = np.repeat(np.arange(len(INCIDENTS)), _REPEATS)
    engine = Engine()
    series = engine.add(_fleet(len(case), "delay"))
    before, then = _truths(calls_per_hour, case)
    learnt_s = _minutes(base_calls, calls_per_hour) * MINUTE_S
    engine.learn(windows(random, series, before, START_S, window_count=learnt_s // MINUTE_S))
    begin_s = START_S + learnt_s + _minutes(_CALLS_BEFORE, calls_per_hour) * MINUTE_S
    engine.observe(windows(random, series, before, START_S + learnt_s, window_count=(begin_s - START_S - learnt_s) // MINUTE_S))
    calls, told = np.zeros(len(series)), np.full(len(series), np.inf)
    metric = np.array([incident.metric.value for incident in INCIDENTS])[case]
    for minute in _by_minute(windows(random, series, then, begin_s, window_count=_minutes(longest, calls_per_hour) + 2)):
        rows = minute.select(np.isinf(told[minute.series]))
        calls[rows.series] += rows.call_count
        signals = engine.observe(rows)
        found = signals.series[signals.is_alarm & (signals.metric == metric[signals.series])]
        told[found] = np.minimum(told[found], calls[found])
    return [told[case == each] for each in range(len(INCIDENTS))]


def _truths(calls_per_hour: int, case: Ints) -> tuple[Truth, Truth]:
    def column(name: str) -> Floats:
        return np.array([getattr(incident, name) for incident in INCIDENTS], np.float64)[case]

    rate = np.full(len(case), float(calls_per_hour))
    before = Truth.normal(rate, column("success_ratio"))
    return before, Truth(rate, column("success_ratio_then"), column("latency_factor"), column("cost_factor"))


def _minutes(calls: int, calls_per_hour: int) -> int:
    return max(round(calls * HOUR_S / MINUTE_S / calls_per_hour), 1)


def _by_minute(all_windows: WindowColumns) -> Iterator[WindowColumns]:
    """The windows of each minute."""
    changes = np.flatnonzero(np.diff(all_windows.start_s)) + 1
    bounds = [0, *changes.tolist(), len(all_windows)]
    return (all_windows.select(slice(begin, end)) for begin, end in pairwise(bounds))


def _report_cost(report: Report) -> None:
    """What 10,000 series take: 30 days of history, a minute of each, the first minute of an hour, memory."""
    count, part, hours = 10_000, 1_000, 30 * _DAY_HOURS
    random = np.random.default_rng(3)
    held = psutil.Process().memory_info().rss
    engine = Engine()
    series = engine.add(_fleet(count, "cost"))
    truth = Truth.normal(np.full(count, 120.0), np.full(count, 0.97))
    history = windows(random, series[:part], _first(truth, part), START_S, window_count=hours, length_s=HOUR_S)
    took_s = 0.0
    for begin in range(0, count, part):
        its_own = dataclasses.replace(history, series=history.series + begin)
        began = time.process_time()
        engine.learn(its_own)
        took_s += time.process_time() - began
    del history, its_own
    report(Figure(AREA, "learn_30_days_of_10000_series", took_s, "s", 30, "lower"))
    now_s = START_S + hours * HOUR_S
    minutes = []
    for number in range(4):
        rows = windows(random, series, truth, now_s + number * MINUTE_S, window_count=1)
        began = time.process_time()
        engine.observe(rows)
        minutes.append(time.process_time() - began)
    report(Figure(AREA, "first_minute_of_an_hour_10000_series", minutes[0], "s", 5, "lower"))
    report(Figure(AREA, "minute_of_10000_series", float(np.median(minutes[1:])), "s", 5, "lower"))
    report(Figure(AREA, "memory_of_10000_series", (psutil.Process().memory_info().rss - held) / 1e6, "MB", 500, "lower"))


def _first(truth: Truth, count: int) -> Truth:
    return Truth(*(getattr(truth, field.name)[:count] for field in dataclasses.fields(truth)))
