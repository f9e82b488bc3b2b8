"""Where the work on a project finds what there is to do."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from assay.events.v1.ingest_pb2 import WindowsChanged

# More changed series than this at once, and all are looked at.
CHANGED_SERIES_MAX = 5_000
_S_PER_MIN = 60


@dataclass
class Changes:
    """Gathers what is announced until it is looked at: the series by the collector's numbers (None for any), the span of their windows.

    Where announcements may have been missed, it `is_incomplete`.
    """

    is_incomplete: bool = False
    series_ids: set[int] | None = field(default_factory=set)
    first_s: int = 2**62
    end_s: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing was announced, or missed."""
        return not self.is_incomplete and self.end_s == 0

    def note(self, event: WindowsChanged) -> None:
        """Adds an announcement. However many there are, they take no more than so much memory."""
        self.add(set(event.series_ids), event.first_start_min * _S_PER_MIN, (event.last_start_min + 1) * _S_PER_MIN)

    def add(self, series_ids: set[int] | None, first_s: int, end_s: int) -> None:
        """Adds series and the span of their windows."""
        if self.series_ids is not None and series_ids is not None:
            self.series_ids |= series_ids
        if series_ids is None or (self.series_ids is not None and len(self.series_ids) > CHANGED_SERIES_MAX):
            self.series_ids = None
        self.first_s = min(self.first_s, first_s)
        self.end_s = max(self.end_s, end_s)


class Inbox:
    """Announcements, and that somebody asks for something; for use in one event loop."""

    def __init__(self) -> None:
        self._changes = Changes()
        self._has_requests = False
        self._arrived = asyncio.Event()

    def note(self, event: WindowsChanged) -> None:
        """Takes in an announcement."""
        self._changes.note(event)
        self._arrived.set()

    def miss(self) -> None:
        """Takes in that announcements may have been missed."""
        self._changes.is_incomplete = True
        self._arrived.set()

    def attend(self) -> None:
        """Takes in that there is something to be told or applied."""
        self._has_requests = True
        self._arrived.set()

    def put_back(self, changes: Changes) -> None:
        """Takes in what could not be looked at now."""
        self._changes.is_incomplete |= changes.is_incomplete
        if changes.end_s:
            self._changes.add(changes.series_ids, changes.first_s, changes.end_s)

    async def take(self, wait_s: float, gather_s: float) -> tuple[Changes, bool]:
        """Waits up to `wait_s` for anything, and with windows for what comes with them; what has been gathered is forgotten here.

        The second is whether something is to be told or applied.
        """
        with suppress(TimeoutError):
            await asyncio.wait_for(self._arrived.wait(), wait_s)
        if not self._changes.is_empty:
            await asyncio.sleep(gather_s)
        changes, self._changes = self._changes, Changes()
        has_requests, self._has_requests = self._has_requests, False
        self._arrived.clear()
        return changes, has_requests
