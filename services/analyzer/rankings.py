"""Answers which candidate to choose, from memory: what was read of a project is refreshed behind the answers."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from assay.analyzer.v1.ranking_service_pb2 import RankProvidersResponse
from nats.aio.msg import Msg

from kit import logs, patience
from kit.bus import Bus
from kit.errors import AssayError, Kind
from services.analyzer import streams
from services.analyzer.domain.ranking.model import Prepared, prepare
from services.analyzer.domain.ranking.question import STALE_AFTER_S, Question
from services.analyzer.domain.ranking.rank import rank
from services.analyzer.evidence_reader import EvidenceReader, Past
from services.analyzer.messages.rankings import ranking_id, ranking_to_message

_log = logs.get_logger(__name__)

# Whoever was not asked about for so long is read anew when somebody asks.
IN_USE_S = 3_600.0
# A project of 40 candidates on 40 kinds of task takes 10 MB. The one that was not asked about for the longest time goes first.
PROJECTS_MAX = 100
# An answer with 40 candidates takes some 40 kB; the least recently asked question is answered anew.
ANSWERS_MAX = 512
# Between tries while the collector or the database is away.
RETRY_S = 5.0
# Between looks for what is due.
LOOK_S = 0.5


@dataclass(eq=False)
class _Held:
    """A project in use. `is_behind`: the last try to read it failed."""

    project: str
    asked_at: float
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    past: Past | None = None
    prepared: Prepared | None = None
    is_behind: bool = False
    due_at: float = float("-inf")


class Rankings:
    """The projects that are asked about, each as it was read last, and the answers that were given since."""

    def __init__(self, bus: Bus, reader: EvidenceReader, refresh_s: float) -> None:
        self._bus = bus
        self._reader = reader
        self._refresh_s = refresh_s
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._answers: OrderedDict[tuple[str, bytes], tuple[Prepared, asyncio.Task[RankProvidersResponse]]] = OrderedDict()
        self._clock: Callable[[], float] = time.monotonic
        self._wake = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Refreshes what is in use until asked to stop; at once where an anomaly has changed."""
        await self._bus.connected()
        async with self._bus.subscribed(f"{streams.ANOMALIES_SUBJECT}.*", self._on_message):
            while not stop.is_set():
                held = self._due()
                if held is not None:
                    await self._refresh(held)
                    continue
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), LOOK_S)
                self._wake.clear()

    async def answer(self, project: str, question: Question, key: bytes) -> RankProvidersResponse:
        """The ranking; `key` stands for the question. A project that nobody asked about lately is read first.

        Raises PROJECT_UNKNOWN, RANKING_UNAVAILABLE, and errors of the database.
        """
        held = await self._in_use(project)
        prepared = held.prepared
        assert prepared is not None  # noqa: S101 - a project in use has been read
        kept = self._answers.get((project, key))
        if kept is None or kept[0] is not prepared:
            kept = (prepared, asyncio.create_task(asyncio.to_thread(_answered, project, prepared, question, key)))
            self._answers[project, key] = kept
        self._answers.move_to_end((project, key))
        while len(self._answers) > ANSWERS_MAX:
            self._answers.popitem(last=False)
        response = RankProvidersResponse()
        response.CopyFrom(await asyncio.shield(kept[1]))
        response.is_stale = held.is_behind or time.time() - prepared.evidence.as_of_s > STALE_AFTER_S
        return response

    async def _on_message(self, message: Msg) -> None:
        held = self._held.get(message.subject.rpartition(".")[2])
        if held is not None:
            held.due_at = float("-inf")
            self._wake.set()

    async def _in_use(self, project: str) -> _Held:
        """The project, read."""
        held = self._held.get(project)
        if held is None:
            held = self._held[project] = _Held(project, self._clock())
            while len(self._held) > PROJECTS_MAX:
                self._drop(next(iter(self._held)))
        self._held.move_to_end(project)
        held.asked_at = self._clock()
        if held.prepared is None:
            async with held.lock:
                if held.prepared is None:
                    await self._read_first(held)
        return held

    async def _read_first(self, held: _Held) -> None:
        try:
            await self._read(held)
        except AssayError as error:
            self._drop(held.project)
            if error.kind is Kind.NOT_FOUND:
                raise
            _log.warning("a project cannot be read for its rankings", project=held.project, reason=error.reason, why=error.message)
            message = "what rankings rest on cannot be read right now"
            raise AssayError(Kind.UNAVAILABLE, "RANKING_UNAVAILABLE", message, retry_after_s=RETRY_S) from error
        except BaseException:
            self._drop(held.project)
            raise

    def _drop(self, project: str) -> None:
        self._held.pop(project, None)
        for key in [key for key in self._answers if key[0] == project]:
            del self._answers[key]

    def _due(self) -> _Held | None:
        """Whose turn it is to be read again; those that nobody asks about any more are dropped, unless nothing newer could be read."""
        now = self._clock()
        for held in [held for held in self._held.values() if now - held.asked_at > IN_USE_S and not held.is_behind]:
            self._drop(held.project)
        due = [held for held in self._held.values() if held.prepared is not None and held.due_at <= now]
        return min(due, key=lambda held: held.due_at, default=None)

    async def _refresh(self, held: _Held) -> None:
        """Reads a project again. Whatever is wrong with one must not hold up the others: then the last good answers are given."""
        try:
            await self._read(held)
        except Exception as error:  # noqa: BLE001 - told here, and tried again
            held.is_behind = True
            held.due_at = self._clock() + RETRY_S
            if patience.is_passing(error):
                _log.warning("rankings rest on old evidence for now", project=held.project, why=str(error) or repr(error))
            else:
                _log.error("rankings rest on old evidence", project=held.project, error=error)

    async def _read(self, held: _Held) -> None:
        held.due_at = self._clock() + self._refresh_s  # an anomaly that changes meanwhile makes it due again
        evidence, held.past = await self._reader.read(held.project, held.past)
        held.prepared = await asyncio.to_thread(prepare, evidence)
        held.is_behind = False


def _answered(project: str, prepared: Prepared, question: Question, key: bytes) -> RankProvidersResponse:
    return ranking_to_message(rank(prepared, question), ranking_id(project, key, prepared.evidence))
