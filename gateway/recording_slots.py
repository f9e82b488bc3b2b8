"""How many batches are read and parsed at once, since each may take a hundred megabytes while it is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kit.errors import AssayError, Kind

WAIT_MAX_S = 2.0  # a batch takes some tenths of a second; who waits longer had better come back
RETRY_S = 1.0


class RecordingSlots:
    """A bound on batches at once, with a short queue."""

    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Holds a slot for the block. Raises RESOURCE_EXHAUSTED RECORDINGS_EXHAUSTED when none becomes free in time."""
        try:
            await asyncio.wait_for(self._free.acquire(), WAIT_MAX_S)
        except TimeoutError:
            message = "too many batches at once: send it again"
            raise AssayError(Kind.RESOURCE_EXHAUSTED, "RECORDINGS_EXHAUSTED", message, retry_after_s=RETRY_S) from None
        try:
            yield
        finally:
            self._free.release()
