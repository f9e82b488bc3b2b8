"""A bucket admits what it may and no more, and whoever waits as long as it is told is admitted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain.quota import BURST_S, NANOS_PER_S, TokenBucket, burst_of

S = NANOS_PER_S
limits = st.tuples(st.integers(1, 1_000_000_000), st.integers(1, 1_000_000_000))
# Time before each batch, and its size.
batches = st.lists(st.tuples(st.integers(0, 20 * S), st.integers(1, 5_000)), min_size=1, max_size=50)


def test_a_burst_that_is_not_set_is_what_comes_in_ten_seconds() -> None:
    assert (burst_of(7, 0), burst_of(7, 3)) == (7 * BURST_S, 3)


def test_a_full_bucket_admits_a_burst_at_once_and_then_as_it_fills() -> None:
    bucket = TokenBucket(10, 30, 0)
    assert bucket.wait_ns(30, 0) == 0
    bucket.take(30, 0)
    assert bucket.wait_ns(1, 0) == S // 10
    assert bucket.wait_ns(1, S // 10 - 1) == 1
    assert bucket.wait_ns(1, S // 10) == 0
    assert bucket.wait_ns(10, S // 10) == S * 9 // 10
    assert not bucket.is_full(3 * S - 1)
    assert bucket.is_full(3 * S)


def test_a_batch_larger_than_the_burst_waits_for_a_full_bucket_and_then_pays_for_its_size() -> None:
    bucket = TokenBucket(10, 30, 0)
    bucket.take(1, 0)
    assert bucket.wait_ns(5_000, 0) == S // 10
    assert bucket.wait_ns(5_000, S // 10) == 0
    bucket.take(5_000, S // 10)
    assert bucket.wait_ns(1, S // 10) == (5_000 - 30 + 1) * S // 10


@pytest.mark.parametrize(
    ("rate_per_s", "burst", "count", "wait_ns"),
    [
        (10, 30, 1, S // 10),  # as before
        (20, 30, 1, S // 20),
        (10, 50, 20, 0),  # the larger burst has room for what it is larger by
        (10, 10, 1, S * 21 // 10),  # 20 too many were used
    ],
)
def test_what_was_used_stays_used_when_limits_change(rate_per_s: int, burst: int, count: int, wait_ns: int) -> None:
    bucket = TokenBucket(10, 30, 0)
    bucket.take(30, 0)
    bucket.set_limits(rate_per_s, burst, 0)
    assert bucket.wait_ns(count, 0) == wait_ns


@given(limits, batches)
def test_in_no_time_more_is_admitted_than_burst_and_rate_allow_and_what_the_last_batch_is_larger(
    rate_and_burst: tuple[int, int], offered: list[tuple[int, int]]
) -> None:
    rate_per_s, burst = rate_and_burst
    bucket, now_ns, admitted = TokenBucket(rate_per_s, burst, 0), 0, list[tuple[int, int]]()
    for after_ns, count in offered:
        now_ns += after_ns
        if not bucket.wait_ns(count, now_ns):
            bucket.take(count, now_ns)
            admitted.append((now_ns, count))
    for first in range(len(admitted)):
        for last in range(first, len(admitted)):
            lasted_ns = admitted[last][0] - admitted[first][0]
            total = sum(count for _, count in admitted[first : last + 1]) - max(0, admitted[last][1] - burst)
            assert (total - burst) * S <= rate_per_s * lasted_ns


@given(limits, batches)
def test_whoever_waits_as_long_as_it_is_told_is_admitted_and_not_a_moment_earlier(
    rate_and_burst: tuple[int, int], sent: list[tuple[int, int]]
) -> None:
    bucket, now_ns = TokenBucket(*rate_and_burst, 0), 0
    for after_ns, count in sent:
        now_ns += after_ns
        wait_ns = bucket.wait_ns(count, now_ns)
        if wait_ns:
            assert bucket.wait_ns(count, now_ns + wait_ns - 1) > 0
        now_ns += wait_ns
        assert bucket.wait_ns(count, now_ns) == 0
        bucket.take(count, now_ns)
