"""Moments of the logarithms of durations, from their histograms."""

import numpy as np

from services.collector.domain.arrays import Floats
from services.collector.domain.histogram import BUCKET_STRIDE, MIDPOINT_S, Histogram
from services.collector.domain.rollup import Windows

NO_LOG_MOMENTS: Floats = np.empty((0, len(Histogram), 3))

# A duration of zero has no logarithm: it counts as one of the least bucket, which holds 1 µs.
_LOG_S = np.log(np.append(MIDPOINT_S[1], MIDPOINT_S[1:]))


def log_moments(windows: Windows) -> Floats:
    """Count, mean and standard deviation of the natural logarithms of seconds, shape (rows, histograms, 3).

    Each duration is taken for the middle of its bucket, so that the mean is within 0.0055 of the exact one. The standard deviation is that
    of the durations themselves, not an estimate for others: 0 for one. NaN where a histogram is empty.
    """
    shape = (len(windows), len(Histogram))
    cell = windows.entry_row * len(Histogram) + windows.entry_bucket // BUCKET_STRIDE
    value = _LOG_S[windows.entry_bucket % BUCKET_STRIDE]
    size = shape[0] * shape[1]
    count = np.bincount(cell, windows.entry_count, size)
    some = np.where(count > 0, count, np.nan)
    mean = np.bincount(cell, windows.entry_count * value, size) / some
    # About the mean and not about 0: a difference of two large sums of squares would have few digits left.
    deviation = value - mean[cell]
    variance = np.bincount(cell, windows.entry_count * deviation * deviation, size) / some
    return np.stack([count, mean, np.sqrt(variance)], axis=-1).reshape(*shape, 3)
