"""Streams that may last for days: bounded, since a process serves a bounded number of RPCs, and ended with the key that opened them."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import grpc.aio

from kit.access import NO_QUOTA, Guard, Identity, Quota, Role
from kit.errors import AssayError, Kind

# Of one kind, in one process: two kinds leave two fifths of what it serves (kit.rpc's CONCURRENT_RPCS_MAX) to the other projects.
STREAMS_PER_PROJECT_MAX = 300
# Streams end when their clients do; nobody knows when that is.
RETRY_S = 10.0
# How often an open stream's key is looked at again; with the time that an answer is remembered, a revoked key is out within 5 s.
ADMIT_AGAIN_EVERY_S = 1.0

Update = TypeVar("Update")


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


async def while_admitted(
    updates: AsyncGenerator[Update, None], guard: Guard, context: grpc.aio.ServicerContext[Any, Any], requested: str
) -> AsyncGenerator[Update, None]:
    """The updates, for as long as the caller's key may read the requested project: where nothing happens it ends with its key, too."""
    coming = asyncio.ensure_future(anext(updates))
    try:
        while True:
            await asyncio.wait([coming], timeout=ADMIT_AGAIN_EVERY_S)
            await guard.admit(context, Role.READ, requested)
            if coming.done():
                yield coming.result()
                coming = asyncio.ensure_future(anext(updates))
    finally:
        coming.cancel()
        await asyncio.wait([coming])
        await updates.aclose()
