"""The last events of a live stream, numbered, so that a reader that was away gets what it missed and no more."""

import asyncio
from collections import deque

EVENT_ID_LENGTH_MAX = 64  # ours have 20 characters or so


class EventLog:
    """Keeps the newest events, bounded in number and size. A reader is a position in it, so a slow one costs nothing.

    Events are numbered from 1; their ids are `<generation>-<number>`, and no two logs share a generation.
    """

    def __init__(self, generation: str, events_max: int, bytes_max: int) -> None:
        self.is_closed = False
        self.last_number = 0
        self._generation = generation
        self._frames: deque[bytes] = deque()
        self._events_max = events_max
        self._bytes_max = bytes_max
        self._byte_count = 0
        self._changed = asyncio.Event()

    def append(self, event: str, data: str) -> None:
        """Adds an event and wakes the readers. The newest event is kept however large it is."""
        self.last_number += 1
        self._frames.append(self.frame(event, data, self.last_number))
        self._byte_count += len(self._frames[-1])
        while len(self._frames) > self._events_max or (self._byte_count > self._bytes_max and len(self._frames) > 1):
            self._byte_count -= len(self._frames.popleft())
        self._wake()

    def close(self) -> None:
        """Says that nothing will follow."""
        self.is_closed = True
        self._wake()

    def frame(self, event: str, data: str, number: int) -> bytes:
        """An event as server-sent events write it. `data` is JSON of one line."""
        return f"id: {self._generation}-{number}\nevent: {event}\ndata: {data}\n\n".encode()

    def position_of(self, event_id: str) -> int | None:
        """The number in an id that this log gave and can continue after; None where only a snapshot helps."""
        generation, _, digits = event_id[:EVENT_ID_LENGTH_MAX].rpartition("-")
        if generation != self._generation or not (digits.isascii() and digits.isdecimal()):
            return None
        position = int(digits)
        return position if self.reaches(position) else None

    def reaches(self, position: int) -> bool:
        """Whether everything after the position is still here."""
        return self.last_number - len(self._frames) <= position <= self.last_number

    def after(self, position: int) -> bytes | None:
        """The event that follows a position that the log reaches; None when there is none yet."""
        if position == self.last_number:
            return None
        return self._frames[position - self.last_number]

    async def changed(self) -> None:
        """Waits for the next event, or the end."""
        await self._changed.wait()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
