"""A client's threads and what they share: started by the first call, stopped before a fork and at the end."""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from assay_client.connection import Connection
from assay_client.encoder import Encoder
from assay_client.intake import ITEMS_MIN, Alarm, Intake
from assay_client.lane import Kind, Stats
from assay_client.notices import Notices
from assay_client.sender import Sender
from assay_client.settings import Settings
from assay_client.store import Store

if TYPE_CHECKING:
    from assay_client.spill import Spill

# Stopping takes some milliseconds; a thread that is stuck is left behind.
STOP_TIMEOUT_S = 1.0
_STOP_POLL_S = 0.05
# Before anything is known of the size of its calls, an application may leave as many as this at once.
_FIRST_ITEM_BYTES = 1024


class Engine:
    """What a client is behind its methods. `calls` and `evidence` are where those are left."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.notices = Notices(settings.url)
        self.on_first_start: Callable[[], None] | None = None
        self._make_parts()

    def _make_parts(self) -> None:
        """Everything that holds state, empty and without threads: at first, and again in a forked child."""
        settings = self.settings
        limit = max(ITEMS_MIN, settings.bytes_max // _FIRST_ITEM_BYTES)
        self.calls = Intake(self._wake, limit)
        self.evidence = Intake(self._wake, limit)
        self.intakes = {Kind.CALLS: self.calls, Kind.EVIDENCE: self.evidence}
        self._alarm = Alarm()
        self._store = Store(self.intakes, settings.bytes_max, settings.batch_age_s, settings.project)
        self._connection = Connection(settings)
        self._spill = self._new_spill()
        self._start_lock = threading.Lock()
        self._encoder: Encoder | None = None
        self._sender: Sender | None = None
        self._is_closed = False

    def _new_spill(self) -> "Spill | None":
        if self.settings.spill_dir is None:
            return None
        from assay_client.spill import Spill  # noqa: PLC0415 - needs file locks as Unix has them, which others need not have

        return Spill(self.settings.spill_dir, self.settings.spill_bytes_max)

    def stats(self, kind: Kind) -> Stats:
        """The account at this moment."""
        return self._store.stats(kind)

    def flush(self, timeout_s: float) -> bool:
        """Waits until what was recorded before is settled, at most so long; whether it is."""
        deadline_s = time.monotonic() + timeout_s
        store = self._store
        targets = {kind: self.stats(kind).recorded for kind in Kind}
        store.hurry()
        try:
            self._start()
            if not self.is_running:  # the interpreter is ending, and starts no threads any more
                return False
            self._alarm.ring()
            with store.condition:
                return store.condition.wait_for(
                    lambda: all(lane.settled >= targets[kind] for kind, lane in store.lanes.items()), deadline_s - time.monotonic()
                )
        finally:
            store.relax()

    def close(self, timeout_s: float) -> bool:
        """Takes no more, sends what there is for so long at most, and ends the threads; whether all was sent.

        What is left goes to the spill file, if there is one, and is lost otherwise. Closing again does nothing.
        """
        if self._is_closed:
            return True
        self._is_closed = True
        for intake in self.intakes.values():
            intake.close()
        deadline_s = time.monotonic() + timeout_s
        is_sent = not self._has_left() or (self.flush(timeout_s) and self._report_drops(deadline_s))
        if self.stop():
            self._keep_rest()
        return is_sent

    @property
    def is_running(self) -> bool:
        """Whether there are threads."""
        return any(thread is not None and thread.is_alive() for thread in (self._encoder, self._sender))

    @property
    def thread_ids(self) -> list[int]:
        """What the system calls its threads."""
        threads = (self._encoder, self._sender)
        return [thread.native_id for thread in threads if thread is not None and thread.native_id is not None]

    def stop(self) -> bool:
        """Ends the threads and the connection; whether they have ended. What is buffered stays, and a call starts them anew."""
        encoder, sender = self._encoder, self._sender
        if encoder is None or sender is None:
            return True
        deadline_s = time.monotonic() + STOP_TIMEOUT_S
        encoder.is_stopping = sender.is_stopping = True
        while (encoder.is_alive() or sender.is_alive()) and time.monotonic() < deadline_s:
            self._alarm.ring()
            with self._store.condition:
                self._store.condition.notify_all()
            self._connection.close()
            encoder.join(_STOP_POLL_S)
            sender.join(_STOP_POLL_S)
        return not (encoder.is_alive() or sender.is_alive())

    def resume(self) -> None:
        """Starts the threads again, if there is something to do."""
        if self._has_left():
            self._start()

    def reset(self) -> None:
        """In a forked child: an empty engine of its own. What was buffered is the parent's to send."""
        is_closed = self._is_closed
        if self._spill is not None:
            self._spill.forget()
        self._make_parts()
        if is_closed:
            self.close(0.0)

    def _wake(self) -> None:
        """Called by whoever leaves a call while the encoder sleeps; takes no lock that is held while it may be called."""
        encoder, sender = self._encoder, self._sender
        if encoder is not None and sender is not None and encoder.is_alive() and sender.is_alive():
            self._alarm.ring()
        elif not self._is_closed:
            self._start()

    def _start(self) -> None:
        """Starts the threads that are missing, unless somebody does so already or the interpreter is ending."""
        if not self._start_lock.acquire(blocking=False):
            return
        try:
            if self._encoder is None and self.on_first_start is not None:
                self.on_first_start()
            with contextlib.suppress(RuntimeError):
                if self._sender is None or not self._sender.is_alive():
                    self._sender = Sender(self._store, self._connection, self.notices, self._spill)
                    self._sender.start()
                if self._encoder is None or not self._encoder.is_alive():
                    self._encoder = self._new_encoder()
                    self._encoder.start()
        finally:
            self._start_lock.release()

    def _has_left(self) -> bool:
        """Whether there is anything that the collector should hear."""
        return any(self.stats(kind).buffered for kind in Kind) or self._store.lanes[Kind.CALLS].dropped_unreported > 0

    def _new_encoder(self) -> Encoder:
        keep = None if self._spill is None else self._spill.append
        return Encoder(self.intakes, self._store, self._alarm, self.notices, keep)

    def _report_drops(self, deadline_s: float) -> bool:
        """Waits until the collector has heard how many calls were dropped."""
        store = self._store
        store.hurry()
        try:
            with store.condition:
                calls = store.lanes[Kind.CALLS]
                return store.condition.wait_for(
                    lambda: calls.in_flight is None and not calls.dropped_unreported, deadline_s - time.monotonic()
                )
        finally:
            store.relax()

    def _keep_rest(self) -> None:
        """What could not be sent goes to the file, or is dropped."""
        self._new_encoder().drain()
        kept, lost = 0, 0
        for batch in self._store.take_out():
            is_kept = self._spill is not None and self._spill.append(batch)
            self._store.book(batch, is_kept=is_kept)
            kept += batch.count if is_kept else 0
            lost += 0 if is_kept else batch.count
        if self._spill is not None:
            self._spill.close()
        if kept:
            self.notices.kept(kept, self.settings.spill_dir)
        if lost:
            self.notices.lost(lost)
