"""Takes over what the analyzer makes of evidence: scores off the bus, each counted exactly once."""

import asyncio
from collections.abc import Mapping, Sequence

import nats.errors
from nats.aio.msg import Msg
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import logs
from kit.bus import Bus
from kit.errors import AssayError
from kit.patience import RETRY_S, StoppedError, is_passing, patiently, pause
from services.collector import streams
from services.collector.announce import announce_windows
from services.collector.domain.evidence import SubjectScores
from services.collector.messages.score_messages import scores_of
from services.collector.store.projects import ProjectReader
from services.collector.store.scores import ScoreStore

_log = logs.get_logger(__name__)

# Messages of one transaction: at most 500 scores each.
FETCH_MAX = 20
FETCH_WAIT_S = 1.0
# The analyzer makes the stream: where there is none yet, there is nothing to hurry for.
STREAM_WAIT_S = 5.0


class ScoreWriter:
    """Needs no claims: a score says which version it is, and an older one changes nothing."""

    def __init__(self, engine: AsyncEngine, bus: Bus) -> None:
        self._bus = bus
        self._consumer = bus.consumer(streams.SCORES, streams.SCORE_WRITER)
        self._projects = ProjectReader(engine)
        self._store = ScoreStore(engine)
        self._is_stream_there = False

    async def run(self, stop: asyncio.Event) -> None:
        """Takes scores until asked to stop."""
        try:
            while not stop.is_set():
                messages = await self._fetched(stop)
                if messages:
                    await self._take_over(messages, stop)
        finally:
            await self._consumer.close()

    async def _fetched(self, stop: asyncio.Event) -> list[Msg]:
        """What there is. While the bus is away, or the stream not made yet, nothing, after some waiting."""
        try:
            if self._is_stream_there or await self._bus.has_stream(streams.SCORES):
                self._is_stream_there = True
                return await self._consumer.fetch(FETCH_MAX, FETCH_WAIT_S)
            await pause(stop, STREAM_WAIT_S)
        except AssayError as error:
            if not is_passing(error):
                raise
            self._is_stream_there = False
            await pause(stop, RETRY_S)
        return []

    async def _take_over(self, messages: Sequence[Msg], stop: asyncio.Event) -> None:
        try:
            await patiently(lambda: self._store_all(messages), stop)
        except StoppedError:
            return  # they come again, to whoever asks
        await _acknowledge(messages)

    async def _store_all(self, messages: Sequence[Msg]) -> None:
        changes = await self._store.take(await self._sorted(messages))
        projects = await self._projects.numbered(change.project_id for change in changes)
        for change in changes:
            await announce_windows(self._bus, projects[change.project_id].project, change.series_id, change.start_min, 0)

    async def _sorted(self, messages: Sequence[Msg]) -> Mapping[int, SubjectScores]:
        """The scores by project. A message that says nothing we know is told of and passed over: its sender is one of us."""
        payloads: dict[str, list[bytes]] = {}
        for message in messages:
            payloads.setdefault(streams.project_of(message.subject), []).append(message.data)
        scores: dict[int, SubjectScores] = {}
        for name, some in payloads.items():
            project = await self._projects.find(name)
            if project is None:
                _log.error("scores of a project that there is not", project=name)
                continue
            scores[project.project_id] = scores_of([payload for payload in some if _is_readable(payload, name)])
        return scores


def _is_readable(payload: bytes, project: str) -> bool:
    try:
        scores_of([payload])
    except ValueError as error:
        _log.error("scores cannot be read", project=project, error=error)
        return False
    return True


async def _acknowledge(messages: Sequence[Msg]) -> None:
    """Says that these are stored; if that is lost they come again, and change nothing."""
    try:
        for message in messages:
            await message.ack()
    except nats.errors.Error as error:
        _log.warning("scores cannot be acknowledged now", why=repr(error))
