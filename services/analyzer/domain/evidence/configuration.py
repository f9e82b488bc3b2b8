"""What the engine is set to: one configuration for all series, and how each metric is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from services.analyzer.domain.metric import Metric

HOUR_S = 3_600
DAY_S = 24 * HOUR_S
DAY_HOURS = 24
WEEK_HOURS = 7 * DAY_HOURS


class Scale(Enum):
    """On which scale values of a metric are averaged and compared."""

    LOG = "log"  # mean of logarithms of calls
    MEAN_LOG = "mean_log"  # logarithm of a window's mean
    RATIO = "ratio"  # part of the calls
    MEAN = "mean"  # mean as it is
    COUNT = "count"  # twice the root of an hour's count


@dataclass(frozen=True, slots=True)
class MetricPlan:
    """How a metric is looked at.

    `share`: its part of the false alarms that are allowed. `effect_min`: a shift below this, on the metric's scale, is not worth telling.
    `spread_guess`: standard deviation of one call before anything is known, on the scale. `day_spread_guess`, `week_spread_guess`: by how
    much hours of the day and of the week differ before that is known, in standard deviations of one call.
    `calls_min`: a baseline of fewer calls is not held against anything. `stand_count`: of so many calls a new normal is made, at least.
    `deviation_max`: one window counts as no farther off than so many standard errors, and as many more as the logarithm of its calls times
    `deviation_growth`: the mean of many calls is broken by one of them less than that of few.
    """

    metric: Metric
    scale: Scale
    share: float
    effect_min: float
    spread_guess: float
    day_spread_guess: float = 0.04
    week_spread_guess: float = 0.015
    calls_min: int = 30
    stand_count: int = 100
    deviation_max: float = 3.5
    deviation_growth: float = 1.0


# Shares: what concerns users at once has most. Effects: 10 % of a time, 5 % of a cost, one point of a ratio, a tenth of the calls.
PLANS = (
    MetricPlan(Metric.SUCCESS_RATIO, Scale.RATIO, 0.40, 0.01, 0.2, 0.03, 0.01),
    MetricPlan(Metric.LATENCY, Scale.LOG, 0.16, 0.1, 0.6),
    MetricPlan(Metric.LATENCY_P95, Scale.LOG, 0.04, 0.15, 1.5, deviation_growth=0.0),
    MetricPlan(Metric.TIME_TO_FIRST_TOKEN, Scale.LOG, 0.06, 0.1, 0.6),
    MetricPlan(Metric.COST_PER_CALL, Scale.MEAN_LOG, 0.18, 0.05, 0.7),
    MetricPlan(Metric.OUTPUT_TOKENS, Scale.MEAN_LOG, 0.06, 0.1, 0.7),
    MetricPlan(Metric.REVISIONS, Scale.RATIO, 0.03, 0.01, 0.2, 0.03, 0.01, 120),
    MetricPlan(Metric.QUALITY, Scale.MEAN, 0.04, 0.02, 0.3),
    MetricPlan(Metric.CALL_VOLUME, Scale.COUNT, 0.03, 0.2, 1.0, 0.25, 0.35, 72, 24, 6.0),
)


@dataclass(frozen=True, slots=True)
class EngineConfiguration:
    """The constants of the engine. docs/decisions/0007-engine.md tells how they were found."""

    # False alarms expected in a day of one series, all metrics together.
    false_alarms_per_series_day: float = 1 / 1_200
    # How often evidence of 1/a is passed in a window by chance, as a part of the a that the theory bounds it by.
    passing_ratio: float = 0.2
    # Old calls count half after this time.
    half_life_s: float = 28 * DAY_S
    # No baseline is trusted more than a mean of so many calls: what is left is error of the model.
    trusted_calls_max: float = 20_000.0
    # The shifts for which an onset is looked for: in standard deviations of one call, and as factors of the odds.
    shifts: tuple[float, ...] = (0.3, 0.8, 1.6)
    odds_factors: tuple[float, ...] = (2.0, 5.0, 14.0)
    odds_factors_down: tuple[float, ...] = (1 / 3,)
    # Standard deviation of the shifts that are expected, in those of one call.
    shift_spread: float = 1.5
    # How often a day an alarm that goes on may be taken for over.
    false_ends_per_day: float = 0.01
    # A shift that has stood so long is the new normal.
    stand_s: float = DAY_S
    # Evidence below e to this counts as none: what came before may teach.
    clear_log_e: float = 1.0
    # A window that ended so long before the newest of its series teaches but is not tested.
    late_s: int = 600
    # After such a pause a series has to be found anew.
    gap_s: int = 7 * DAY_S


DEFAULT_CONFIGURATION = EngineConfiguration()
