"""Bounds the streams that a project holds open. A front serves a bounded number of RPCs at a time, and streams may last for days."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from kit.errors import AssayError, Kind

# Of one kind, on one front: two kinds leave two fifths of what a front serves (kit.rpc's CONCURRENT_RPCS_MAX) to the other projects.
STREAMS_PER_PROJECT_MAX = 300
# Streams end when their clients do; nobody knows when that is.
RETRY_S = 10.0


class OpenStreams:
    """Counts the open streams of one kind by project."""

    def __init__(self, project_max: int = STREAMS_PER_PROJECT_MAX) -> None:
        self._project_max = project_max
        self._open_count: Counter[str] = Counter()

    @contextmanager
    def one(self, project: str) -> Iterator[None]:
        """Counts one while the block runs. Raises QUOTA_EXCEEDED when the project has as many as it may."""
        if self._open_count[project] >= self._project_max:
            message = f"the project has {self._project_max} of these streams open here: close some, or share one for several uses"
            raise AssayError(Kind.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED", message, retry_after_s=RETRY_S)
        self._open_count[project] += 1
        try:
            yield
        finally:
            self._open_count[project] -= 1
            if not self._open_count[project]:
                del self._open_count[project]
