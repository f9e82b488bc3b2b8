"""The thread that sends batches, one at a time, and sends each until it is known what became of it."""

import random
import threading

from assay_client.connection import Answer, Connection, Verdict
from assay_client.lane import Batch, Kind
from assay_client.notices import Notices
from assay_client.spill import Spill
from assay_client.store import Store

RETRY_FIRST_S = 0.25
RETRY_MAX_S = 15.0
# A wrong key is mended by a person.
UNWELCOME_RETRY_S = 30.0
# While somebody waits for all to be sent, a collector that comes back is noticed soon.
HURRIED_RETRY_MAX_S = 0.25
_random = random.SystemRandom()  # the global generator belongs to the application


class Sender(threading.Thread):
    """Empties the store, and the spill files after it, until it is told to stop."""

    def __init__(self, store: Store, connection: Connection, notices: Notices, spill: "Spill | None") -> None:
        super().__init__(name="assay-client-sender", daemon=True)
        self._store = store
        self._connection = connection
        self._notices = notices
        self._spill = spill
        self._failures = dict.fromkeys(Kind, 0)
        self.is_stopping = False

    def run(self) -> None:
        """Sends; sleeps while nothing is due."""
        try:
            while not self.is_stopping:
                if not self._send_due():
                    self._sleep()
        except Exception:  # noqa: BLE001 - a bug, told; the next call starts another thread
            self._notices.failed()
        finally:
            self._connection.close()

    def _send_due(self) -> bool:
        """Sends what is due, a batch of each kind at most; whether there was any."""
        due = [batch for kind in Kind if (batch := self._store.next_batch(kind)) is not None]
        if not due and (spilled := self._read_spilled()) is not None:
            due = [spilled]
        for batch in due:
            if not self.is_stopping:
                self._send(batch)
        return bool(due)

    def _read_spilled(self) -> Batch | None:
        """A batch out of a file, when the collector takes batches and nothing else waits for it."""
        if self._spill is None or any(self._failures.values()):
            return None
        read = self._spill.read()
        if read is None:
            return None
        batch, is_own = read
        self._store.recover(batch, is_own=is_own)
        return batch

    def _sleep(self) -> None:
        with self._store.condition:
            if not self.is_stopping:
                self._store.condition.wait(self._store.wait_s())

    def _send(self, batch: Batch) -> None:
        answer = self._connection.send(batch)
        if self.is_stopping and answer.verdict is Verdict.AWAY:
            return  # our own doing: the connection was closed under it
        match answer.verdict:
            case Verdict.TAKEN:
                self._store.settle(batch, len(answer.rejections))
                self._notices.rejected(answer.rejections)
            case Verdict.TOO_LARGE if self._store.split(batch):
                return
            case Verdict.TOO_LARGE | Verdict.REFUSED:
                self._store.reject(batch)
                self._notices.complain(f"the collector refuses a batch of {batch.count}: {answer.words}")
            case _:
                self._postpone(batch.kind, answer)
                return
        if batch.is_spilled and self._spill is not None:
            self._spill.strike_out()
        self._failures[batch.kind] = 0
        self._notices.answered()

    def _postpone(self, kind: Kind, answer: Answer) -> None:
        """Waits before the same batch is sent again: as long as the collector says, else a random part of a doubling time."""
        self._failures[kind] += 1
        if answer.retry_after_s is not None:
            delay_s = answer.retry_after_s * _random.uniform(1.0, 1.25)  # not all clients at the same moment
        elif answer.verdict is Verdict.UNWELCOME:
            delay_s = UNWELCOME_RETRY_S * _random.uniform(0.5, 1.5)
        else:
            longest_s = HURRIED_RETRY_MAX_S if self._store.is_hurried else RETRY_MAX_S
            delay_s = _random.uniform(0.0, min(longest_s, RETRY_FIRST_S * 2 ** min(self._failures[kind], 10)))
        self._store.postpone(kind, delay_s)
        self._notices.unanswered(answer.verdict, answer.words)
