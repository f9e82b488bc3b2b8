"""The thread that turns what callers left into pieces of requests, in steps so short that no caller notices."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from assay_client.encode import encode_calls
from assay_client.intake import ITEMS_MIN, Alarm, Intake
from assay_client.lane import Batch, Kind
from assay_client.notices import Notices
from assay_client.store import Store

# How long calls gather before they are encoded: 20 wake-ups a second at most, whatever is recorded.
TICK_S = 0.05
# Calls encoded before the interpreter is given to others: 0.1 ms, 0.3 on a busy machine. Python would let this thread run for 5.
STEP_ITEMS = 16
# Where more is recorded than such steps carry off, they grow: to 4 ms, which is still less than Python's own.
STEP_ITEMS_MAX = 500
STEP_PER_BACKLOG = 50
# Long enough that a thread that waits for the interpreter gets it; a sleep of 0 would mostly take it back at once.
PAUSE_S = 0.000_2
# A recorded call as a tuple, with numbers and a task id of its own; its other texts are mostly shared.
CALL_BYTES_MIN = 700
# As objects, texts and labels take about so many times what they take encoded.
OBJECT_BYTES_PER_ENCODED = 4
# Evidence may be a comment or a report; how large it is shows when some has come.
EVIDENCE_BYTES_MIN = 64 * 1024


class Encoder(threading.Thread):
    """Empties the intakes into the store until it is told to stop."""

    def __init__(
        self, intakes: Mapping[Kind, Intake], store: Store, alarm: Alarm, notices: Notices, keep: Callable[[Batch], bool] | None
    ) -> None:
        super().__init__(name="assay-client-encoder", daemon=True)
        self._intakes = intakes
        self._store = store
        self._alarm = alarm
        self._notices = notices
        self._keep = keep
        self._call_bytes: float = CALL_BYTES_MIN
        self._evidence_bytes = EVIDENCE_BYTES_MIN
        self.is_stopping = False

    def run(self) -> None:
        """Encodes; sleeps while there is nothing."""
        try:
            while not self.is_stopping:
                self._work()
        except Exception:  # noqa: BLE001 - a bug, told; the next call starts another thread
            self._notices.failed()
        finally:
            self._set_asleep(asleep=True)

    def drain(self) -> None:
        """Encodes all there is in the thread that asks, when this one does not run."""
        while self._step():
            continue

    def _work(self) -> None:
        while self._step() and not self.is_stopping:
            time.sleep(PAUSE_S)
        self._set_asleep(asleep=True)
        if not self.is_stopping and not self._has_work():  # else it came before the flag was seen
            self._alarm.wait(None)
        self._set_asleep(asleep=False)
        if not self.is_stopping and not self._store.is_hurried:
            self._alarm.wait(TICK_S)

    def _set_asleep(self, *, asleep: bool) -> None:
        for intake in self._intakes.values():
            intake.is_reader_asleep = asleep

    def _has_work(self) -> bool:
        return any(intake.items for intake in self._intakes.values())

    def _step(self) -> bool:
        """Encodes some; whether there may be more."""
        overflow = self._store.collect()
        backlog = len(self._intakes[Kind.CALLS].items)
        recorded = self._store.take(Kind.CALLS, min(STEP_ITEMS_MAX, STEP_ITEMS + backlog // STEP_PER_BACKLOG))
        if recorded:
            self._add_calls(recorded)
        for content in self._store.take(Kind.EVIDENCE, STEP_ITEMS):
            self._store.add(Kind.EVIDENCE, content, 1)
            self._evidence_bytes = max(EVIDENCE_BYTES_MIN, len(content))
        dropped = overflow + self._store.trim(self._keep)
        if dropped:
            self._notices.dropped(dropped)
        self._set_limits()
        return self._has_work()

    def _add_calls(self, recorded: list[Any]) -> None:
        content, count, refusals = encode_calls(recorded)
        if count:
            self._store.add(Kind.CALLS, content, count)
            self._call_bytes = max(CALL_BYTES_MIN, OBJECT_BYTES_PER_ENCODED * len(content) / count)
        if refusals:
            self._store.refuse(Kind.CALLS, len(refusals))
            for words in refusals:
                self._notices.complain(f"a call cannot be sent: {words}")

    def _set_limits(self) -> None:
        """Callers may leave what there is room for, at the size that it has lately."""
        room_bytes = self._store.intake_bytes
        self._intakes[Kind.CALLS].set_limit(max(ITEMS_MIN, int(room_bytes / self._call_bytes)))
        self._intakes[Kind.EVIDENCE].set_limit(max(1, int(room_bytes / self._evidence_bytes)))
