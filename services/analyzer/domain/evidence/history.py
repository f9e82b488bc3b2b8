"""Teaches history at once: windows of any length, with incidents in them held against the rest."""

from __future__ import annotations

import numpy as np

from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.evidence.baseline import Baselines, Prior
from services.analyzer.domain.evidence.configuration import HOUR_S, WEEK_HOURS, Scale
from services.analyzer.domain.evidence.observations import Observations
from services.analyzer.domain.evidence.shift_tests import log_of_expected

# No window is farther off its series' median than twice what a tenth of them are off, in standard errors: an incident of a short time
# is held against the rest, nights and weekends are not.
_FAR_QUANTILE = 0.9
_FAR_MAX = 2.0
# That quantile of the absolute value of a standard normal variable.
_NORMAL_FAR = 1.645
# So many values are enough for quantiles that only tell what is far off.
_QUANTILE_OF = 100
# Calls of a window differ no more than so many times what is guessed for them.
_WITHIN_MAX = 25.0


def teach(baselines: Baselines, seen: Observations, prior: Prior) -> None:
    """Adds the observations, in any order, to what is known of their series."""
    if not len(seen.series):
        return
    rows, place = np.unique(seen.series, return_inverse=True)
    hour = seen.hour
    count, value = _bounded(seen, place, len(rows), baselines.plan.scale)
    newest = np.zeros(len(rows), np.int64)
    np.maximum.at(newest, place, hour)
    baselines.forget(rows, newest)
    age = (baselines.forgotten_hour[rows][place] - hour) * HOUR_S
    fading = 0.5 ** (np.maximum(age, 0) / baselines.configuration.half_life_s)
    cell = place * WEEK_HOURS + hour % WEEK_HOURS
    baselines.add_weeks(rows, *(_sums(cell, each, len(rows) * WEEK_HOURS) for each in (fading * count, fading * count * value)))
    _teach_within(baselines, seen, rows, place, fading)
    if baselines.plan.scale is not Scale.RATIO:
        hours = np.broadcast_to(np.arange(WEEK_HOURS), (len(rows), WEEK_HOURS))
        centre = baselines.expect(rows, hours, prior).centre.ravel()[cell]
        baselines.spread_count[rows] += _sums(place, fading, len(rows))
        baselines.spread_sum[rows] += _sums(place, fading * count * (value - centre) ** 2, len(rows))


def _sums(place: Ints, values: Floats, length: int) -> Floats:
    return np.bincount(place, values, minlength=length).astype(np.float64)


def _bounded(seen: Observations, place: Ints, row_count: int, scale: Scale) -> tuple[Floats, Floats]:
    """Calls and values as they are summed up, without what is far off."""
    if scale is Scale.RATIO:
        return seen.count, seen.value
    root = np.sqrt(seen.count)
    median = _quantiles(seen.value, place, row_count, 0.5)[place]
    far = _quantiles(root * np.abs(seen.value - median), place, row_count, _FAR_QUANTILE)[place]
    value = median + np.clip(seen.value - median, -_FAR_MAX * far / root, _FAR_MAX * far / root)
    return log_of_expected(seen.count, value, (far / _NORMAL_FAR) ** 2) if scale is Scale.MEAN_LOG else (seen.count, value)


def _quantiles(value: Floats, place: Ints, row_count: int, share: float) -> Floats:
    """The lower quantile of the values at each place, which every place has; of long histories that of every n-th value."""
    order = np.argsort(place, kind="stable")
    many = np.bincount(place, minlength=row_count)
    rank = np.arange(len(place)) - np.repeat(np.cumsum(many) - many, many)
    order = order[rank % (many.max() // _QUANTILE_OF + 1) == 0]
    value, place = value[order], place[order]
    order = np.lexsort((value, place))
    kept = np.bincount(place, minlength=row_count)
    quantile: Floats = value[order[np.cumsum(kept) - kept + ((kept - 1) * share).astype(np.int64)]]
    return quantile


def _teach_within(baselines: Baselines, seen: Observations, rows: Ints, place: Ints, fading: Floats) -> None:
    """By how much calls of the same window differ, where that is known."""
    freedom = np.where(np.isfinite(seen.within), fading * (seen.count - 1), 0)
    within = np.minimum(np.nan_to_num(seen.within), _WITHIN_MAX * baselines.plan.spread_guess**2)
    baselines.within_count[rows] += _sums(place, freedom, len(rows))
    baselines.within_sum[rows] += _sums(place, freedom * within, len(rows))
