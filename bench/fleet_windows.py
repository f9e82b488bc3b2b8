"""Windows of many series with known truth, drawn as sums of a window's calls rather than as calls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.window_columns import WindowColumns

LOG_SD = 0.5
MINUTE_S, HOUR_S, DAY_HOURS = 60, 3_600, 24
_LOG_LATENCY, _LOG_FIRST_TOKEN, _LOG_COST, _LOG_TOKENS = np.log(2.0), np.log(0.8), np.log(0.004), np.log(500.0)
_STREAMED_RATIO, _SCORED_RATIO, _CALLS_PER_TASK, _REVISIONS_PER_TASK = 0.1, 0.3, 1.22, 0.1
_SCORE, _SCORE_SD = 0.8, 0.25
_DAY_SWING = 0.6
_BUSIEST_HOUR = 14


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of each series at some time, shape (series,): calls an hour, part that succeeds, factors of latency and cost."""

    calls_per_hour: Floats
    success_ratio: Floats
    latency_factor: Floats
    cost_factor: Floats

    @classmethod
    def normal(cls, calls_per_hour: Floats, success_ratio: Floats) -> Truth:
        """Nothing is wrong."""
        ones = np.ones(len(calls_per_hour))
        return cls(calls_per_hour, success_ratio, ones, ones)


def activity(hour: int) -> float:
    """Calls in an hour of the day, as a factor of the mean."""
    return 1 + _DAY_SWING * float(np.cos(2 * np.pi * (hour % DAY_HOURS - _BUSIEST_HOUR) / DAY_HOURS))


def windows(
    random: np.random.Generator, series: Ints, truth: Truth, start_s: int, *, window_count: int, length_s: int = MINUTE_S
) -> WindowColumns:
    """The windows that follow each other from `start_s`, of calls that are independent; those without calls are left out."""
    mean = truth.calls_per_hour * length_s / HOUR_S
    count = random.poisson(np.broadcast_to(mean, (window_count, len(series))))
    window, place = np.nonzero(count)
    return _columns(
        random, series[place], start_s + window * length_s, length_s=length_s, count=count[window, place], truth=_at(truth, place)
    )


def _at(truth: Truth, place: Ints) -> Truth:
    return Truth(truth.calls_per_hour[place], truth.success_ratio[place], truth.latency_factor[place], truth.cost_factor[place])


def _columns(random: np.random.Generator, series: Ints, start_s: Ints, *, length_s: int, count: Ints, truth: Truth) -> WindowColumns:
    succeeded = random.binomial(count, truth.success_ratio)
    streamed = random.binomial(succeeded, _STREAMED_RATIO)
    scored = random.binomial(succeeded, _SCORED_RATIO)
    tasks = random.binomial(count, 1 / _CALLS_PER_TASK)
    outcomes = np.zeros((len(count), 6), np.int64)
    outcomes[:, 0], outcomes[:, 1] = succeeded, count - succeeded
    log_latency = _LOG_LATENCY + np.log(truth.latency_factor)
    latency_sum, latency_squares = _moments(random, succeeded, log_latency)
    first_sum, first_squares = _moments(random, streamed, _LOG_FIRST_TOKEN + np.log(truth.latency_factor))
    return WindowColumns(
        series=series,
        start_s=start_s,
        length_s=np.full(len(count), length_s),
        outcome_counts=outcomes,
        latency_count=succeeded.astype(np.float64),
        latency_log_sum=latency_sum,
        latency_log_square_sum=latency_squares,
        first_token_count=streamed.astype(np.float64),
        first_token_log_sum=first_sum,
        first_token_log_square_sum=first_squares,
        latency_p95_s=_quantile(random, succeeded, log_latency),
        cost_known_count=count,
        cost_usd=_sums(random, count, LOG_SD) * np.exp(_LOG_COST) * truth.cost_factor,
        output_token_count=np.rint(_sums(random, succeeded, LOG_SD) * np.exp(_LOG_TOKENS)).astype(np.int64),
        input_token_count=count * 400,
        task_count=tasks,
        revision_count=random.poisson(tasks * _REVISIONS_PER_TASK),
        quality_count=scored,
        quality_sum=np.clip(_SCORE * scored + _SCORE_SD * np.sqrt(scored) * random.standard_normal(len(count)), 0, scored),
    )


def _moments(random: np.random.Generator, count: Ints, log_mean: Floats) -> tuple[Floats, Floats]:
    """Sum and sum of squares of so many normal values."""
    deviation = LOG_SD * random.standard_normal(len(count)) / np.sqrt(np.maximum(count, 1))
    within = np.where(count > 1, LOG_SD**2 * random.chisquare(np.maximum(count - 1, 1)), 0.0)
    mean = np.where(count > 0, log_mean + deviation, 0.0)
    total = np.asarray(count * mean, np.float64)
    return total, total * mean + within


def _sums(random: np.random.Generator, count: Ints, log_sd: float) -> Floats:
    """Sums of so many log-normal values of median 1."""
    ends = np.cumsum(count)
    running = np.concatenate([[0.0], np.cumsum(np.exp(log_sd * random.standard_normal(int(ends[-1]) if len(ends) else 0)))])
    return np.asarray(running[ends] - running[ends - count])


def _quantile(random: np.random.Generator, count: Ints, log_mean: Floats) -> Floats:
    """The 95 % quantile of so many log-normal values: an order statistic is a beta quantile (its tie to the mean is left out)."""
    rank = np.ceil(0.95 * np.maximum(count, 1))
    place = random.beta(rank, np.maximum(count, 1) - rank + 1)
    return np.where(count > 0, np.exp(log_mean + LOG_SD * ndtri(np.clip(place, 1e-12, 1 - 1e-12))), np.nan)
