"""Rates of calls: so many a second on the average, and so many at once."""

NANOS_PER_S = 1_000_000_000
# A burst that is not set: what comes in so many seconds, so that clients that send every few seconds are not held up.
BURST_S = 10


def burst_of(rate_per_s: int, burst: int) -> int:
    """How many may come at once; 0 stands for what comes in BURST_S."""
    return burst or rate_per_s * BURST_S


class TokenBucket:
    """Admits `rate_per_s` tokens on the average and `burst` at once, both at least 1. Times are in ns of a clock that never goes back.

    A batch that is larger than the burst is admitted when the bucket is full, and leaves it below empty: it then takes as long as its size
    asks until the next one fits. So in any time t no more than burst + rate * t is admitted, and one batch more where batches are larger
    than the burst. All is counted in tokens times nanoseconds, in whole numbers, so that nothing is lost by rounding.
    """

    __slots__ = ("_at_ns", "_burst", "_level", "_rate_per_s")

    def __init__(self, rate_per_s: int, burst: int, now_ns: int) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._level = burst * NANOS_PER_S
        self._at_ns = now_ns

    def set_limits(self, rate_per_s: int, burst: int, now_ns: int) -> None:
        """Goes on with other limits. What has been used stays used."""
        if (rate_per_s, burst) != (self._rate_per_s, self._burst):
            self._fill(now_ns)
            self._level += (burst - self._burst) * NANOS_PER_S
            self._rate_per_s, self._burst = rate_per_s, burst

    def wait_ns(self, count: int, now_ns: int) -> int:
        """How long it takes until `count` tokens are admitted if no others come; 0: they are now."""
        self._fill(now_ns)
        missing = min(count, self._burst) * NANOS_PER_S - self._level
        return max(0, -(-missing // self._rate_per_s))

    def take(self, count: int, now_ns: int) -> None:
        """Counts tokens as admitted, whether or not they fit."""
        self._fill(now_ns)
        self._level -= count * NANOS_PER_S

    def is_full(self, now_ns: int) -> bool:
        """Whether it is as good as new."""
        self._fill(now_ns)
        return self._level >= self._burst * NANOS_PER_S

    def _fill(self, now_ns: int) -> None:
        gained = (now_ns - self._at_ns) * self._rate_per_s
        self._level = min(self._burst * NANOS_PER_S, self._level + gained)
        self._at_ns = now_ns
