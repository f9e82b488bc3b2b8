"""What the client says in the log: a line when something changes, never one for each call."""

import logging
from collections.abc import Sequence

from assay.collector.v1.collector_service_pb2 import Rejection

from assay_client.connection import Verdict

# Different complaints that are told; a caller that finds more ways to be wrong has heard enough.
COMPLAINTS_MAX = 32
_log = logging.getLogger("assay_client")


class Notices:
    """Remembers what it said last. Used by both threads of a client and by its callers."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._state = Verdict.TAKEN
        self._words = ""
        self._dropped = 0
        self._complaints: set[str] = set()

    def answered(self) -> None:
        """The collector takes batches."""
        if self._state is not Verdict.TAKEN:
            _log.info("the collector at %s takes calls again", self._url)
            self._state, self._words = Verdict.TAKEN, ""
        if self._dropped:
            _log.warning("%d calls or pieces of evidence were dropped meanwhile", self._dropped)
            self._dropped = 0

    def unanswered(self, verdict: Verdict, words: str) -> None:
        """It does not, and why; told when the kind of trouble changes, or the reason of one that a person must mend."""
        is_new = verdict is not self._state or (verdict is Verdict.UNWELCOME and words != self._words)
        self._state, self._words = verdict, words
        if is_new and verdict is Verdict.UNWELCOME:
            _log.error("the collector at %s refuses this client: %s. Calls are kept while there is room.", self._url, words)
        elif is_new:
            _log.warning("the collector at %s does not take calls: %s. They are kept while there is room.", self._url, words)

    def dropped(self, count: int) -> None:
        """There was no room for so many."""
        if not self._dropped:
            _log.warning("there is no more room: the oldest calls are dropped until the collector at %s takes them", self._url)
        self._dropped += count

    def rejected(self, rejections: Sequence[Rejection]) -> None:
        """The collector refused items of a batch."""
        for each in rejections:
            self.complain(f"the collector refuses calls or evidence: {each.field}: {each.message}")

    def complain(self, words: str) -> None:
        """Something that a program does wrong, told once."""
        if words not in self._complaints and len(self._complaints) < COMPLAINTS_MAX:
            self._complaints.add(words)
            _log.warning("%s (told once, counted always)", words)

    def lost(self, count: int) -> None:
        """The end has come before all could be sent."""
        _log.warning("%d calls or pieces of evidence could not be sent to %s and are lost", count, self._url)

    def kept(self, count: int, folder: object) -> None:
        """The same, but they are in a file."""
        _log.info("%d calls or pieces of evidence are kept in %s until a process sends them", count, folder)

    def failed(self) -> None:
        """A bug; to be called where it is caught."""
        _log.exception("a thread of assay-client failed; it starts again with the next call")
