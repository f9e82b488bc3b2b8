"""Which bucket a duration falls into, and how entries add up."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain import histogram
from services.collector.domain.arrays import Int32s, Ints
from services.collector.domain.histogram import (
    BUCKET_STRIDE,
    DURATION_US_MAX,
    ENTRY_BUCKET_COUNT,
    MIDPOINT_S,
    bucket_of,
    otel_index,
    sum_entries,
)


def is_in_otel_bucket(duration_us: int, index: int) -> bool:
    """base^index < duration <= base^(index + 1), in exact arithmetic: both sides to the power of 64."""
    power = Fraction(duration_us, 10**6) ** 64
    return Fraction(2) ** index < power <= Fraction(2) ** (index + 1)


@given(st.integers(1, DURATION_US_MAX) | st.integers(1, 2_000))
def test_a_duration_lies_in_the_bucket_that_opentelemetry_says(duration_us: int) -> None:
    index = int(otel_index(bucket_of(np.array([duration_us])))[0])
    assert is_in_otel_bucket(duration_us, index)


def test_every_boundary_is_exact() -> None:
    last = histogram._UPPER_US
    last = np.unique(last[(last > 0) & (last < DURATION_US_MAX)])
    durations = np.unique(np.concatenate([last, last + 1]))
    indexes = otel_index(bucket_of(durations)).tolist()
    assert all(map(is_in_otel_bucket, durations.tolist(), indexes))
    np.testing.assert_array_equal(bucket_of(durations), np.searchsorted(histogram._UPPER_US, durations))


@pytest.mark.parametrize(
    ("duration_us", "bucket", "index"),
    [(1, 1, -1276), (1_000_000, 1276, -1), (1_000_001, 1277, 0), (2_000_000, 1340, 63), (DURATION_US_MAX, 2506, 1229)],
)
def test_known_durations_have_known_buckets(duration_us: int, bucket: int, index: int) -> None:
    buckets = bucket_of(np.array([duration_us]))
    assert buckets.tolist() == [bucket]
    assert otel_index(buckets).tolist() == [index]
    assert bucket < BUCKET_STRIDE


def test_zero_has_its_own_bucket() -> None:
    assert bucket_of(np.array([0])).tolist() == [0]
    assert MIDPOINT_S[0] == 0


@given(st.lists(st.integers(1, DURATION_US_MAX), min_size=1))
def test_the_middle_of_a_bucket_is_within_one_percent_of_what_it_holds(durations_us: list[int]) -> None:
    durations = np.array(durations_us)
    np.testing.assert_allclose(MIDPOINT_S[bucket_of(durations)], durations / 1e6, rtol=0.0055)


@pytest.mark.parametrize("duration_us", [-1, DURATION_US_MAX + 1, 2**63 - 1, -(2**63)])
def test_a_duration_outside_the_table_is_refused(duration_us: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        bucket_of(np.array([5, duration_us]))


def test_no_durations_have_no_buckets() -> None:
    assert bucket_of(np.empty(0, np.int64)).size == 0


def plain_sum(row: Ints, bucket: Int32s, count: Ints) -> list[tuple[int, int, int]]:
    """What `sum_entries` must return."""
    sums: dict[tuple[int, int], int] = {}
    for entry_row, entry_bucket, entry_count in zip(row.tolist(), bucket.tolist(), count.tolist(), strict=True):
        sums[entry_row, entry_bucket] = sums.get((entry_row, entry_bucket), 0) + entry_count
    return [(*key, total) for key, total in sorted(sums.items()) if total]


@pytest.mark.parametrize(
    ("row_count", "bucket_count", "entry_count"),
    [(2, 10, 500), (1_000, ENTRY_BUCKET_COUNT, 300), (200_000, ENTRY_BUCKET_COUNT, 500), (3, 4, 0), (1, 1, 1)],
    ids=["by position", "by sorting", "by sorting many rows", "none", "one"],
)
def test_entries_add_up_whichever_way_is_taken(row_count: int, bucket_count: int, entry_count: int) -> None:
    random = np.random.default_rng(7)
    row = random.integers(0, row_count, entry_count)
    bucket = random.integers(0, bucket_count, entry_count, dtype=np.int32)
    row, bucket = np.concatenate([row, row]), np.concatenate([bucket, bucket])
    count = random.integers(-2, 3, row.size)
    assert list(zip(*(column.tolist() for column in sum_entries(row, bucket, count)), strict=True)) == plain_sum(row, bucket, count)
