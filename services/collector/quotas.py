"""Keeps projects and keys to their rates: what each has recorded on this front, counted in memory."""

import math
import time
from collections.abc import Callable

from kit.access import Identity, Quota
from kit.errors import AssayError, Kind
from services.collector.domain.quota import NANOS_PER_S, TokenBucket, burst_of

# Buckets kept, a few hundred bytes each. Above this, those that are full are forgotten: a new one would be the same.
BUCKETS_MAX = 10_000
# A wait of nothing would be no wait.
RETRY_MIN_S = 0.001


class RateQuotas:
    """Counts what is recorded by project and by key, where they have a limit; without one it costs nothing."""

    def __init__(self, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._now_ns = now_ns
        self._buckets: dict[tuple[str, str], TokenBucket] = {}

    def admit(self, caller: Identity, project: str, project_quota: Quota, count: int) -> None:
        """Counts a batch of `count` records, all or none. Raises QUOTA_RATE_EXCEEDED with the time after which it fits."""
        if not (project_quota.calls_per_s or caller.quota.calls_per_s):
            return
        now_ns = self._now_ns()
        limits = [
            (holder, name, quota, self._bucket((holder, name), quota, now_ns))
            for holder, name, quota in (("project", project, project_quota), ("key", caller.key_id, caller.quota))
            if quota.calls_per_s
        ]
        wait_ns, holder, quota = max((bucket.wait_ns(count, now_ns), holder, quota) for holder, _, quota, bucket in limits)
        if wait_ns:
            raise _exceeded(holder, quota, wait_ns)
        for _, _, _, bucket in limits:
            bucket.take(count, now_ns)

    def _bucket(self, name: tuple[str, str], quota: Quota, now_ns: int) -> TokenBucket:
        burst = burst_of(quota.calls_per_s, quota.calls_burst)
        bucket = self._buckets.get(name)
        if bucket is None:
            if len(self._buckets) >= BUCKETS_MAX:
                self._buckets = {kept: each for kept, each in self._buckets.items() if not each.is_full(now_ns)}
            bucket = self._buckets[name] = TokenBucket(quota.calls_per_s, burst, now_ns)
        bucket.set_limits(quota.calls_per_s, burst, now_ns)
        return bucket


def _exceeded(holder: str, quota: Quota, wait_ns: int) -> AssayError:
    wait_s = max(RETRY_MIN_S, math.ceil(wait_ns / NANOS_PER_S * 1_000) / 1_000)
    burst = burst_of(quota.calls_per_s, quota.calls_burst)
    message = (
        f"the {holder} may record {quota.calls_per_s:,} calls a second here, and {burst:,} at once: send the same batch again in "
        f"{wait_s:g} s, or have its limit raised"
    )
    details = {"limit": "calls_per_s_limit", "holder": holder, "calls_per_s": str(quota.calls_per_s), "calls_burst": str(burst)}
    return AssayError(Kind.RESOURCE_EXHAUSTED, "QUOTA_RATE_EXCEEDED", message, details=details, retry_after_s=wait_s)
