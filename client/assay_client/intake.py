"""What callers touch: they leave an item, or count one, and go. No lock is taken, so no caller ever waits for another thread."""

import contextlib
from collections import deque
from collections.abc import Callable
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any

# Room for a burst before the reader has seen any, and however little room there is.
ITEMS_MIN = 64


class Count:
    """Counts up from any thread. It is safe since `next` on a `count` is one step of the interpreter."""

    def __init__(self) -> None:
        self._count = count()
        self._read_count = 0

    def add(self) -> None:
        """One more."""
        next(self._count)

    def take(self) -> int:
        """How many since it was last asked; one thread at a time may ask."""
        value = next(self._count)
        new = value - self._read_count
        self._read_count = value + 1
        return new


class Intake:
    """A queue of one kind of item. Over its limit, which the reader sets, the oldest are counted and forgotten.

    `wake` is called while the reader sleeps, and when the queue is half full. It must take no lock either: signal
    handlers and finalizers record, too.
    """

    def __init__(self, wake: Callable[[], None], limit: int) -> None:
        self.items: deque[Any] = deque()
        self.is_reader_asleep = True
        self.overflow = Count()
        self.refused = Count()
        self._wake = wake
        self._is_closed = False
        self._limit = limit

    def put(self, item: Any) -> None:
        """Leaves an item."""
        items = self.items
        length = len(items)
        if length >= self._limit:
            self._overflow(item)
        else:
            items.append(item)
        if self.is_reader_asleep or length == self._limit >> 1:
            self._wake()

    def take(self, count_max: int) -> list[Any]:
        """The oldest items; one thread at a time may ask."""
        taken: list[Any] = []
        with contextlib.suppress(IndexError):  # a caller takes them out, too, when there are too many
            while len(taken) < count_max:
                taken.append(self.items.popleft())
        return taken

    def _overflow(self, item: Any) -> None:
        if not self._is_closed:
            self.items.append(item)
            try:
                self.items.popleft()
            except IndexError:  # the reader has just taken all
                return
        self.overflow.add()

    def set_limit(self, limit: int) -> None:
        """How many items may lie here."""
        self._limit = limit
        if self._is_closed:  # asked afterwards: it may be closed meanwhile
            self._limit = 0

    def close(self) -> None:
        """From now on, items are only counted."""
        self._is_closed = True
        self._limit = 0

    def refuse(self) -> None:
        """Counts an item that cannot be sent."""
        self.refused.add()
        if self.is_reader_asleep:
            self._wake()


class Alarm:
    """Wakes one thread. Unlike an Event, a SimpleQueue may be used from a signal handler that interrupts its use."""

    def __init__(self) -> None:
        self._rings: SimpleQueue[None] = SimpleQueue()

    def ring(self) -> None:
        """Wakes the thread, or keeps it from falling asleep."""
        self._rings.put(None)

    def wait(self, timeout_s: float | None) -> None:
        """Returns when it rings, at the latest after the time; what rang meanwhile counts once."""
        try:
            self._rings.get(timeout=timeout_s)
            while True:
                self._rings.get_nowait()
        except Empty:
            return
