"""Exponential histograms of durations: a duration's bucket, what a bucket stands for, and how buckets add up.

A histogram's base is 2^(1/64): OpenTelemetry's scale 6, Prometheus' schema 6. OpenTelemetry's bucket i holds the
durations in (base^i, base^(i+1)] seconds; Prometheus calls the same bucket i + 1. Here buckets are numbered from 1
(the one that holds 1 µs) and 0 holds the duration zero, so that export is a shift by a constant and exact.

Several histograms of one window share one list of entries: bucket b of histogram h is stored as h * BUCKET_STRIDE + b.
"""

from enum import IntEnum
from math import isqrt

import numpy as np

from services.collector.domain.arrays import Int32s, Ints, run_starts

DURATION_US_MAX = 7 * 24 * 3600 * 1_000_000
"""Seven days: no call takes longer, and so the table of buckets ends."""

BUCKETS_PER_DOUBLING = 64
BUCKET_STRIDE = 2_560
"""Room for one histogram's buckets: 40 doublings, from 1 µs to beyond DURATION_US_MAX."""

_FIRST_INDEX = -1_276
"""OpenTelemetry's index of bucket 1: base^-1276 s < 1 µs <= base^-1275 s."""

_DENSE_CELL_COUNT_MAX = 8_000_000
"""The largest table in which entries are added by position: 64 MB."""

_DENSE_CELLS_PER_ENTRY_MAX = 25
"""Clearing and scanning a cell takes 3 ns, sorting an entry 75 ns: an emptier table than this loses to sorting."""


class Histogram(IntEnum):
    """The histograms of a window. Stored by number."""

    SUCCEEDED_LATENCY = 0
    OTHER_LATENCY = 1  # of the calls that did not succeed: a failure in 18 ms is not a fast answer
    FIRST_TOKEN = 2  # of the calls that succeeded


ENTRY_BUCKET_COUNT = len(Histogram) * BUCKET_STRIDE
"""One more than the greatest bucket of an entry."""


def _upper_bounds_us() -> Ints:
    """The greatest whole number of microseconds in each bucket b: base^(b - 1276) * 10^6, rounded down.

    In integers, and so exact: the 64th root, rounded down, is six square roots, each rounded down.
    """
    bounds = [0]
    for bucket in range(1, BUCKET_STRIDE):
        exponent = bucket + _FIRST_INDEX
        root = (10**384 << exponent) if exponent >= 0 else (10**384 >> -exponent)
        for _ in range(6):
            root = isqrt(root)
        bounds.append(root)
    return np.array(bounds, np.int64)


_UPPER_US = _upper_bounds_us()

# A duration's first guess is looked up by the exponent and the first seven bits of the mantissa of its double. Such a
# slot is at most 1/128 wide and a bucket at least 1/92, so that the guess is right or one too low, which one
# comparison with the exact bound mends.
_SLOT_SHIFT = 52 - 7
_ZERO_SLOT = (1023 << 7) - 1  # the slot before that of the double 1.0
_SLOT_LOWEST_US = np.concatenate([[0], *(np.ldexp(np.arange(128, 256), octave - 7) for octave in range(DURATION_US_MAX.bit_length()))])
_SLOT_BUCKET = np.searchsorted(_UPPER_US, np.ceil(_SLOT_LOWEST_US).astype(np.int64)).astype(np.int64)

MIDPOINT_S = np.exp2((np.arange(BUCKET_STRIDE) + (_FIRST_INDEX - 0.5)) / BUCKETS_PER_DOUBLING)
"""What a bucket is taken for, in seconds: its geometric middle, at most 0.55 % from all that it holds. Bucket 0: 0."""
MIDPOINT_S[0] = 0.0


def bucket_of(duration_us: Ints) -> Ints:
    """The bucket of each duration, in whole microseconds; the same on every platform.

    Raises ValueError for a duration below zero or beyond DURATION_US_MAX.
    """
    if duration_us.size and not 0 <= duration_us.min() <= duration_us.max() <= DURATION_US_MAX:
        raise ValueError(f"a duration is outside 0..{DURATION_US_MAX} microseconds")
    slot = duration_us.astype(np.float64).view(np.int64) >> _SLOT_SHIFT
    bucket: Ints = _SLOT_BUCKET[np.maximum(slot, _ZERO_SLOT) - _ZERO_SLOT]
    bucket += duration_us > _UPPER_US[bucket]
    return bucket


def otel_index(bucket: Ints) -> Ints:
    """OpenTelemetry's index, at scale 6, of buckets from 1 on; bucket 0 is its zero bucket and has none."""
    return bucket + (_FIRST_INDEX - 1)


def sum_entries(row: Ints, bucket: Int32s, count: Ints) -> tuple[Ints, Int32s, Ints]:
    """Adds the counts of entries that are equal in row and bucket.

    `row` is at least 0, `bucket` below ENTRY_BUCKET_COUNT. Returns rows, buckets and counts, ordered by row and bucket,
    without zeros. Counts are added by position in a table of rows × used buckets (up to 64 MB) where that is well
    filled, and by sorting where it is not.
    """
    if not row.size:
        return row, bucket, count
    used = np.flatnonzero(np.bincount(bucket))
    cell_count = (int(row.max()) + 1) * used.size
    if cell_count <= min(_DENSE_CELL_COUNT_MAX, _DENSE_CELLS_PER_ENTRY_MAX * row.size):
        return _sum_by_position(row, bucket, count, used)
    return _sum_by_sorting(row, bucket, count)


def _sum_by_position(row: Ints, bucket: Int32s, count: Ints, used: Ints) -> tuple[Ints, Int32s, Ints]:
    """Adds the counts in a table of all rows × the `used` buckets."""
    column_of = np.zeros(ENTRY_BUCKET_COUNT, np.int64)
    column_of[used] = np.arange(used.size)
    cell = row * used.size
    cell += column_of.take(bucket)
    table = np.zeros((int(row.max()) + 1) * used.size, np.int64)
    np.add.at(table, cell, count)
    filled = np.flatnonzero(table != 0)  # in truth values it looks five times as fast as in numbers
    filled_row = filled // used.size
    return filled_row, used.astype(np.int32)[filled - filled_row * used.size], table[filled]


def _sum_by_sorting(row: Ints, bucket: Int32s, count: Ints) -> tuple[Ints, Int32s, Ints]:
    """Adds the counts of neighbours after sorting: by 16-bit digits, for which numpy uses radix, four times as fast."""
    digits = [bucket.astype(np.uint16), row.astype(np.uint16)]
    if int(row.max()) >> 16:
        digits.append((row >> 16).astype(np.uint16))  # 2^32 rows do not fit into memory
    order = np.lexsort(digits)
    row, bucket = row[order], bucket[order]
    first = np.flatnonzero(run_starts(row, bucket))
    total = np.add.reduceat(count[order], first)
    filled = first[total != 0]
    return row[filled], bucket[filled], total[total != 0]
