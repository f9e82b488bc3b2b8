"""Bounds the streams that a project and a key hold open: a front serves a bounded number of RPCs, and streams may last for days."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from kit.access import NO_QUOTA, Identity, Quota
from kit.errors import AssayError, Kind

# Of one kind, on one front: two kinds leave two fifths of what a front serves (kit.rpc's CONCURRENT_RPCS_MAX) to the other projects.
STREAMS_PER_PROJECT_MAX = 300
# Streams end when their clients do; nobody knows when that is.
RETRY_S = 10.0


class OpenStreams:
    """Counts the open streams of one kind by project and by key."""

    def __init__(self, project_max: int = STREAMS_PER_PROJECT_MAX) -> None:
        self._project_max = project_max
        self._open_count: Counter[tuple[str, str]] = Counter()

    @contextmanager
    def one(self, caller: Identity, project: str, quota: Quota = NO_QUOTA) -> Iterator[None]:
        """Counts one while the block runs. Raises QUOTA_STREAMS_EXCEEDED when project or key have as many as they may."""
        project_max = min(quota.open_streams or self._project_max, self._project_max)
        limits = {("project", project): project_max, ("key", caller.key_id): caller.quota.open_streams or project_max}
        for holder, limit in limits.items():
            if self._open_count[holder] >= limit:
                raise _exceeded(holder[0], limit)
        self._open_count.update(limits.keys())
        try:
            yield
        finally:
            self._open_count.subtract(limits.keys())
            for holder in limits:
                if not self._open_count[holder]:
                    del self._open_count[holder]


def _exceeded(holder: str, limit: int) -> AssayError:
    message = f"the {holder} has {limit} of these streams open here: close some, share one for several uses, or have its limit raised"
    details = {"limit": "open_streams_limit", "holder": holder, "open_streams": str(limit)}
    return AssayError(Kind.RESOURCE_EXHAUSTED, "QUOTA_STREAMS_EXCEEDED", message, details=details, retry_after_s=RETRY_S)
