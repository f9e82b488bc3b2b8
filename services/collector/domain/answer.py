"""Answers to metric queries: roll-ups of groups and windows, and what is computed from them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from services.collector.domain.arrays import Floats, Ints
from services.collector.domain.histogram import Histogram
from services.collector.domain.measures import QUALITY_NANOS, Measure
from services.collector.domain.moments import NO_LOG_MOMENTS, log_moments
from services.collector.domain.quantile import quantiles
from services.collector.domain.rollup import Windows
from services.collector.domain.windows import Grid

RATIOS = (0.5, 0.9, 0.95, 0.99)
"""The quantiles of an answer."""

NO_DURATIONS = np.zeros((0, len(Histogram), len(RATIOS)))
"""Quantiles that were not asked for."""

_US_PER_S = 1e6
_NANOS_PER_USD = 1e9


@dataclass(frozen=True, eq=False)
class Answer:
    """One row a group and window that has calls, ordered by group and window.

    `group` numbers the groups of the query. Doubles are NaN where there is nothing to say; quantiles have shape (rows, len(RATIOS)).
    `log_moments` are as of `domain.moments`, with no rows where they were not asked for, and so are the quantiles.
    """

    group: Ints
    start_unix_s: Ints
    end_unix_s: Ints
    call_count: Ints
    measures: Ints
    success_ratio: Floats
    latency_mean_s: Floats
    cost_per_accepted_task_usd: Floats
    quality_ratio: Floats
    latency_s: Floats
    time_to_first_token_s: Floats
    unsuccessful_latency_s: Floats
    log_moments: Floats

    def column(self, measure: Measure) -> Ints:
        """One measure of every row."""
        return self.measures[:, measure]

    def groups(self) -> list[tuple[int, int, int]]:
        """Each group with the first of its rows and the one behind its last."""
        first = np.flatnonzero(np.diff(self.group, prepend=-1))
        end = np.append(first[1:], self.group.size)[: first.size]
        return list(zip(self.group[first].tolist(), first.tolist(), end.tolist(), strict=True))


@dataclass(frozen=True)
class Answered:
    """An answer, and the keys of its groups: values in the order of the question's `group_by`."""

    answer: Answer
    keys: Sequence[tuple[str, ...]]


def answer(sums: Windows, grid: Grid, *, with_log_moments: bool = False, with_durations: bool = True) -> Answer:
    """Makes an answer of the sums of a query's groups (as `series_id`) and windows (their number as `start_min`)."""
    boundary_s = grid.boundary_min * 60
    window = sums.start_min
    measures = sums.measures
    call_count = measures[:, Measure.SUCCEEDED : Measure.CANCELLED + 1].sum(axis=1)
    succeeded = measures[:, Measure.SUCCEEDED]
    durations_s = quantiles(sums, RATIOS) if with_durations else NO_DURATIONS
    return Answer(
        group=sums.series_id,
        start_unix_s=boundary_s[window],
        end_unix_s=boundary_s[window + 1],
        call_count=call_count,
        measures=measures,
        success_ratio=_ratio(succeeded, call_count - measures[:, Measure.CANCELLED]),
        latency_mean_s=_ratio(measures[:, Measure.SUCCEEDED_LATENCY_US], succeeded * _US_PER_S),
        cost_per_accepted_task_usd=_ratio(measures[:, Measure.COST_NANOS], measures[:, Measure.ACCEPTED_TASK_COUNT] * _NANOS_PER_USD),
        quality_ratio=_ratio(measures[:, Measure.QUALITY_SUM_NANOS], measures[:, Measure.QUALITY_COUNT] * float(QUALITY_NANOS)),
        latency_s=durations_s[:, Histogram.SUCCEEDED_LATENCY],
        time_to_first_token_s=durations_s[:, Histogram.FIRST_TOKEN],
        unsuccessful_latency_s=durations_s[:, Histogram.OTHER_LATENCY],
        log_moments=log_moments(sums) if with_log_moments else NO_LOG_MOMENTS,
    )


def concatenated(answers: Sequence[Answer]) -> Answer:
    """The rows of all answers, at least one, in turn."""
    return Answer(**{field.name: np.concatenate([getattr(part, field.name) for part in answers]) for field in fields(Answer)})


def group_numbers(keys: Sequence[tuple[str, ...]]) -> tuple[Ints, list[tuple[str, ...]]]:
    """The distinct keys as they first appear, and for each key its place among them."""
    place: dict[tuple[str, ...], int] = {}
    numbers = [place.setdefault(key, len(place)) for key in keys]
    return np.array(numbers, np.int64), list(place)


def _ratio(part: Ints, whole: Ints | npt.NDArray[np.floating[Any]]) -> Floats:
    result = np.full(part.size, np.nan)
    np.divide(part, whole, out=result, where=whole != 0)
    return result
