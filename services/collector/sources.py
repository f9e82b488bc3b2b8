"""Who sends calls and which of their fields they fill in: looked at by the front beside its work, and written down now and then."""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from kit import logs
from kit.patience import is_passing, pause
from services.collector.domain.received import ReceivedCalls
from services.collector.domain.source import SourceTally, tally
from services.collector.store.sources import SourceKey, SourceStore

# Of each source one batch is looked at so often: fields are filled by code, so that a few calls say what all do.
LOOK_EVERY = timedelta(seconds=1)
WRITE_EVERY_S = 10.0
# Sources of one front between two writes; the others are looked at after the next one. Who changes its name with each batch gains nothing.
SOURCES_MAX = 1_000
# Names and versions as programs have them; the rest is cut.
NAME_LENGTH_MAX = 128
VERSION_LENGTH_MAX = 32
NO_SENDER = "unknown"

_ODD = re.compile(r"[^\x20-\x7e]")
_log = logs.get_logger(__name__)


class SourceBook:
    """Tallies of sources, until they are written down. What a front that is killed had not written is lost: nothing is counted by it."""

    def __init__(self, store: SourceStore, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._now = now
        self._waiting: dict[SourceKey, SourceTally] = {}
        self._next_look: dict[SourceKey, datetime] = {}

    def look(self, project: str, key_id: str, sender: str, calls: ReceivedCalls) -> None:
        """Looks at a batch, unless one of the same source was looked at just now. `sender` is a name, a slash and a version, or less."""
        name, slash, version = sender.rpartition("/")
        if not slash:
            name, version = sender, ""
        source = SourceKey(project, key_id, _clean(name, NAME_LENGTH_MAX) or NO_SENDER)
        now = self._now()
        due = self._next_look.get(source)
        if (due is not None and now < due) or (due is None and len(self._next_look) >= SOURCES_MAX) or not len(calls):
            return
        self._next_look[source] = now + LOOK_EVERY
        seen = tally(calls, _clean(version, VERSION_LENGTH_MAX), now)
        before = self._waiting.get(source)
        self._waiting[source] = before.then(seen) if before else seen

    async def run(self, stop: asyncio.Event) -> None:
        """Writes down what waits, every WRITE_EVERY_S and in the end."""
        while True:
            await pause(stop, WRITE_EVERY_S)
            await self.write()
            if stop.is_set():
                return

    async def write(self) -> None:
        """Writes down what waits; what the database does not take now is tried again."""
        waiting, self._waiting, self._next_look = self._waiting, {}, {}
        if not waiting:
            return
        try:
            await self._store.add(waiting)
        except Exception as error:
            if not is_passing(error):
                raise
            _log.warning("sources cannot be written down now", why=str(error))
            for source, seen in waiting.items():
                later = self._waiting.get(source)
                self._waiting[source] = seen.then(later) if later else seen


def _clean(text: str, length_max: int) -> str:
    return _ODD.sub("", text)[:length_max].strip()
