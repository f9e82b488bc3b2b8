"""Ends the waits of open streams when their server stops, which would otherwise hold it for its whole grace period."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kit.errors import AssayError, Kind

# Somebody else serves by then, or the same process again.
RETRY_AFTER_S = 1.0


class Stopping:
    """Knows the waits that may be cut short. One for each server."""

    def __init__(self) -> None:
        self._waits: set[asyncio.Timeout] = set()
        self._has_begun = False

    def begin(self) -> None:
        """Cuts short every wait, now and from now on."""
        self._has_begun = True
        for wait in self._waits:
            _cut_short(wait)

    @asynccontextmanager
    async def interruptible(self) -> AsyncIterator[None]:
        """Raises UNAVAILABLE SERVER_STOPPING at whatever the block awaits when the server begins to stop."""
        wait = asyncio.timeout(None)
        try:
            async with wait:
                self._waits.add(wait)
                if self._has_begun:
                    _cut_short(wait)
                yield
        except TimeoutError:
            if not wait.expired():
                raise
            raise AssayError(
                Kind.UNAVAILABLE,
                "SERVER_STOPPING",
                "the server is stopping: connect again",
                retry_after_s=RETRY_AFTER_S,
            ) from None
        finally:
            self._waits.discard(wait)


def _cut_short(wait: asyncio.Timeout) -> None:
    if not wait.expired():
        wait.reschedule(asyncio.get_running_loop().time())
