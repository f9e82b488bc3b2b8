"""Quantiles of histograms that are stored as sparse entries."""

from collections.abc import Sequence

import numpy as np

from services.collector.domain.arrays import Floats, running_totals
from services.collector.domain.histogram import BUCKET_STRIDE, ENTRY_BUCKET_COUNT, MIDPOINT_S, Histogram
from services.collector.domain.rollup import Windows

_RANK_SLACK = 1 - 2.0**-51
"""0.07 * 100 is 7.000000000000001 in doubles: two roundings must not push a rank over a whole number."""


def quantiles(windows: Windows, ratios: Sequence[float]) -> Floats:
    """The given quantiles (0..1) of every histogram of every row, in seconds, shape (rows, histograms, ratios).

    By nearest rank: the estimate stands for the smallest duration that at least `ratio` of the durations do not
    exceed, and is within 0.55 % of it. NaN where a row's histogram is empty. The windows must be in order, as `merge`
    leaves them, and have no negative counts.
    """
    entry_key = windows.entry_row * ENTRY_BUCKET_COUNT + windows.entry_bucket
    first_key = np.arange(len(windows) * len(Histogram) + 1) * BUCKET_STRIDE
    durations_before = running_totals(windows.entry_count)
    at_first = durations_before[np.searchsorted(entry_key, first_key)]
    filled = np.flatnonzero(np.diff(at_first))
    before, total = at_first[filled], np.diff(at_first)[filled]
    result = np.full((len(windows) * len(Histogram), len(ratios)), np.nan)
    for column, ratio in enumerate(ratios):
        rank = np.clip(np.ceil(total * ratio * _RANK_SLACK), 1, total).astype(np.int64)
        entry = np.searchsorted(durations_before, before + rank) - 1
        result[filled, column] = MIDPOINT_S[windows.entry_bucket[entry] % BUCKET_STRIDE]
    return result.reshape(len(windows), len(Histogram), len(ratios))
