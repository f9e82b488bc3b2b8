"""The values that rules are about, and how each is computed from what QueryMetrics answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

import numpy as np

from services.alerter.domain.arrays import Floats


class RuleMetric(Enum):
    """A value of the calls in a window; the numbers are those of the contract."""

    SUCCESS_RATIO = 1
    FAILED_RATIO = 2
    TIMED_OUT_RATIO = 3
    RATE_LIMITED_RATIO = 4
    REFUSED_RATIO = 5
    LATENCY_MEAN = 6
    LATENCY_P50 = 7
    LATENCY_P90 = 8
    LATENCY_P95 = 9
    LATENCY_P99 = 10
    TIME_TO_FIRST_TOKEN_P50 = 11
    TIME_TO_FIRST_TOKEN_P90 = 12
    TIME_TO_FIRST_TOKEN_P95 = 13
    TIME_TO_FIRST_TOKEN_P99 = 14
    COST = 15
    COST_PER_CALL = 16
    COST_PER_ACCEPTED_TASK = 17
    COST_UNKNOWN_RATIO = 18
    INPUT_TOKEN_COUNT = 19
    OUTPUT_TOKEN_COUNT = 20
    INPUT_TOKENS_PER_CALL = 21
    OUTPUT_TOKENS_PER_CALL = 22
    CACHE_READ_RATIO = 23
    REVISIONS_PER_TASK = 24
    ACCEPTED_TASK_RATIO = 25
    QUALITY_RATIO = 26
    CALL_COUNT = 27


CALL_COUNT_COLUMN = "call_count"
COUNTED_COLUMN = "counted_count"
"""All calls but the cancelled ones."""
SUCCEEDED_COLUMN = "succeeded_count"


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of a column, times `scale`. It is 0 where there are no calls."""

    column: str
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Quotient:
    """The sum of a column by the sum of another, times `scale`. NaN where the latter is 0."""

    over: str
    under: str
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Quantile:
    """A column that cannot be added up: of each window as it is answered."""

    column: str


Way: TypeAlias = Total | Quotient | Quantile

_USD = 1e-9

WAYS: Mapping[RuleMetric, Way] = {
    RuleMetric.SUCCESS_RATIO: Quotient(SUCCEEDED_COLUMN, COUNTED_COLUMN),
    RuleMetric.FAILED_RATIO: Quotient("failed_count", COUNTED_COLUMN),
    RuleMetric.TIMED_OUT_RATIO: Quotient("timed_out_count", COUNTED_COLUMN),
    RuleMetric.RATE_LIMITED_RATIO: Quotient("rate_limited_count", COUNTED_COLUMN),
    RuleMetric.REFUSED_RATIO: Quotient("refused_count", COUNTED_COLUMN),
    RuleMetric.LATENCY_MEAN: Quotient("latency_sum_s", SUCCEEDED_COLUMN),
    **{RuleMetric[f"LATENCY_P{number}"]: Quantile(f"latency_p{number}_s") for number in (50, 90, 95, 99)},
    **{RuleMetric[f"TIME_TO_FIRST_TOKEN_P{number}"]: Quantile(f"time_to_first_token_p{number}_s") for number in (50, 90, 95, 99)},
    RuleMetric.COST: Total("cost_usd_nanos", _USD),
    RuleMetric.COST_PER_CALL: Quotient("cost_usd_nanos", "cost_known_count", _USD),
    RuleMetric.COST_PER_ACCEPTED_TASK: Quotient("cost_usd_nanos", "accepted_task_count", _USD),
    RuleMetric.COST_UNKNOWN_RATIO: Quotient("cost_unknown_count", CALL_COUNT_COLUMN),
    RuleMetric.INPUT_TOKEN_COUNT: Total("input_token_count"),
    RuleMetric.OUTPUT_TOKEN_COUNT: Total("output_token_count"),
    RuleMetric.INPUT_TOKENS_PER_CALL: Quotient("input_token_count", CALL_COUNT_COLUMN),
    RuleMetric.OUTPUT_TOKENS_PER_CALL: Quotient("output_token_count", CALL_COUNT_COLUMN),
    RuleMetric.CACHE_READ_RATIO: Quotient("cache_read_token_count", "input_token_count"),
    RuleMetric.REVISIONS_PER_TASK: Quotient("revision_count", "task_count"),
    RuleMetric.ACCEPTED_TASK_RATIO: Quotient("accepted_task_count", "task_count"),
    RuleMetric.QUALITY_RATIO: Quotient("quality_sum", "quality_count"),
    RuleMetric.CALL_COUNT: Total(CALL_COUNT_COLUMN),
}

RATIO_UNIT = "ratio"
"""Of values in 0..1, which people read in percent."""

_UNITS = {"LATENCY": "s", "TIME": "s", "COST": "USD", "INPUT": "tokens", "OUTPUT": "tokens", "CALL": "calls"}


def unit(metric: RuleMetric) -> str:
    """What the metric's values are in; empty for plain numbers."""
    return RATIO_UNIT if metric.name.endswith("_RATIO") else _UNITS.get(metric.name.partition("_")[0], "")


def columns_of(metric: RuleMetric) -> frozenset[str]:
    """The columns that the metric is computed from, and the one that minimum counts look at."""
    way = WAYS[metric]
    own = {way.over, way.under} if isinstance(way, Quotient) else {way.column}
    return frozenset(own | {CALL_COUNT_COLUMN})


def is_additive(metric: RuleMetric) -> bool:
    """Whether the value of a window follows from sums over its parts."""
    return not isinstance(WAYS[metric], Quantile)


def values(metric: RuleMetric, columns: Mapping[str, Floats]) -> Floats:
    """The metric wherever the columns have elements, in its unit (seconds, USD, tokens …); NaN where there is nothing to say."""
    way = WAYS[metric]
    if isinstance(way, Quantile):
        return columns[way.column]
    if isinstance(way, Total):
        return columns[way.column] * way.scale
    over, under = columns[way.over], columns[way.under]
    result = np.full(over.shape, np.nan)
    np.divide(over * way.scale, under, out=result, where=under != 0)
    return result
