"""Answers which candidate to choose, from memory: what was read of a project is refreshed behind the answers."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from assay.analyzer.v1.ranking_service_pb2 import RankProvidersRequest, RankProvidersResponse
from nats.aio.msg import Msg

from kit import logs, patience
from kit.bus import Bus
from kit.errors import AssayError, Kind
from services.analyzer import streams
from services.analyzer.domain.ranking.model import Prepared, prepare
from services.analyzer.domain.ranking.question import STALE_AFTER_S, Question
from services.analyzer.domain.ranking.rank import rank
from services.analyzer.evidence_reader import Basis, EvidenceReader, Read
from services.analyzer.messages.rankings import (
    half_life_from_message,
    prompt_from_message,
    question_from_message,
    question_key,
    ranking_to_message,
)
from services.analyzer.recommendations import Recommendations

_log = logs.get_logger(__name__)

DAY_S = 86_400.0
# Whoever was not asked about for so long is read anew when somebody asks.
IN_USE_S = 3_600.0
# A project (or a prompt of one) with 40 candidates on 40 kinds of task takes 10 MB and more by the half-life. The one that was not asked
# about for the longest time goes first.
PROJECTS_MAX = 100
HALF_LIVES_MAX = 4
# An answer with 40 candidates takes some 40 kB; the least recently asked question is answered anew.
ANSWERS_MAX = 512
# After what they rest on was read again, answers are worked out anew one by one. Whoever asks meanwhile gets the one before, for so long.
RENEWED_WITHIN_S = 3.0
# Between tries while the collector or the database is away.
RETRY_S = 5.0
# Between looks for what is due.
LOOK_S = 0.5
# A watched question is looked at so often at least: it may have become stale, or its project may have been dropped meanwhile.
WATCH_LOOK_S = 15.0
# Behind an answer's bytes, it makes them those of the same answer, marked: a field that comes again counts as it came last.
_STALE = RankProvidersResponse(is_stale=True).SerializeToString()


class Asked(NamedTuple):
    """A question as it was sent, with the project filled in, and what it comes to. `key` stands for it, but for the project."""

    request: RankProvidersRequest
    question: Question
    basis: Basis
    half_life_s: float | None
    key: bytes


def asked_from(project: str, request: RankProvidersRequest) -> Asked:
    """What is asked of a project. Raises FIELD_INVALID."""
    return _asked(project, request.SerializeToString(deterministic=True))


@lru_cache(ANSWERS_MAX)
def _asked(project: str, body: bytes) -> Asked:
    """The same question comes again and again."""
    request = RankProvidersRequest.FromString(body)
    whole = RankProvidersRequest.FromString(body)
    whole.project = project
    days = half_life_from_message(request)
    basis = Basis(project, prompt_from_message(request))
    return Asked(whole, question_from_message(request), basis, None if days is None else days * DAY_S, question_key(request))


@dataclass(eq=False)
class _Held:
    """What is in use. `prepared` by half-life, the one that was asked for last at the end. `is_behind`: the last try to read it failed.

    `changed` is set after each try to read it, and then replaced.
    """

    basis: Basis
    asked_at: float
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    read: Read | None = None
    read_at: float = float("-inf")
    prepared: OrderedDict[float, asyncio.Task[Prepared]] = field(default_factory=OrderedDict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    is_behind: bool = False
    due_at: float = float("-inf")

    def tell(self, *, is_behind: bool) -> None:
        """Wakes whoever watches: there is something new, or there is nothing newer for now."""
        self.is_behind = is_behind
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()


@dataclass(eq=False)
class _Answer:
    """An answer, serialised, and what it rests on. `is_wanted`: it was asked for since what it rests on was read."""

    asked: Asked
    read: Read
    body: asyncio.Task[bytes]
    is_wanted: bool = True


class Rankings:
    """The projects that are asked about, each as it was read last, and the answers that were given since."""

    def __init__(self, bus: Bus, reader: EvidenceReader, recommendations: Recommendations, *, refresh_s: float, half_life_s: float) -> None:
        self._bus = bus
        self._reader = reader
        self._recommendations = recommendations
        self._refresh_s = refresh_s
        self._half_life_s = half_life_s
        self._held: OrderedDict[Basis, _Held] = OrderedDict()
        self._answers: OrderedDict[tuple[Basis, bytes], _Answer] = OrderedDict()
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

    async def answer(self, asked: Asked) -> bytes:
        """The ranking, serialised: to do that for each who asks would take most of the time. A project that nobody asked about lately is
        read first.

        Raises PROJECT_UNKNOWN, RANKING_UNAVAILABLE, and errors of the database.
        """
        held = await self._in_use(asked.basis)
        place = asked.basis, asked.key
        kept = self._answers.get(place)
        if kept is None or (kept.read is not held.read and self._clock() - held.read_at > RENEWED_WITHIN_S):
            kept = self._answers[place] = self._begun(held, asked)
        kept.is_wanted = True
        self._answers.move_to_end(place)
        while len(self._answers) > ANSWERS_MAX:
            self._answers.popitem(last=False)
        body = kept.body.result() if kept.body.done() else await asyncio.shield(kept.body)
        is_stale = held.is_behind or time.time() - kept.read.as_of_s > STALE_AFTER_S
        return body + _STALE if is_stale else body

    async def watch(self, asked: Asked) -> AsyncGenerator[RankProvidersResponse, None]:
        """The ranking, and again whenever another choice is recommended or it becomes or ceases to be stale. Raises as `answer`."""
        told: RankProvidersResponse | None = None
        while True:
            changed = (await self._in_use(asked.basis)).changed
            found = RankProvidersResponse.FromString(await self.answer(asked))
            if told is None or (found.ranking_id, found.is_stale) != (told.ranking_id, told.is_stale):
                yield found
                told = found
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), WATCH_LOOK_S)

    def _begun(self, held: _Held, asked: Asked) -> _Answer:
        """An answer that is being worked out."""
        assert held.read is not None  # noqa: S101 - what is in use has been read
        prepared = self._prepared(held, asked.half_life_s or self._half_life_s)
        return _Answer(asked, held.read, asyncio.create_task(self._answered(asked, prepared)))

    async def _answered(self, asked: Asked, preparing: asyncio.Task[Prepared]) -> bytes:
        prepared = await asyncio.shield(preparing)
        response = await asyncio.to_thread(lambda: ranking_to_message(rank(prepared, asked.question)))
        self._recommendations.settle(asked.request, asked.key, response)
        return response.SerializeToString()

    async def _renew(self, held: _Held) -> None:
        """Works out anew what was asked for lately, and forgets the rest: each answer holds what it rests on, which is large.

        Until its turn comes, an answer is given as it was: whoever asks need not wait for a hundred others.
        """
        for place in [place for place in reversed(self._answers) if place[0] == held.basis]:
            kept = self._answers.get(place)
            if kept is None or kept.read is held.read:
                continue
            if not kept.is_wanted:
                del self._answers[place]
                continue
            fresh = self._begun(held, kept.asked)
            fresh.is_wanted = False
            await asyncio.shield(fresh.body)
            if place in self._answers:
                self._answers[place] = fresh

    def _prepared(self, held: _Held, half_life_s: float) -> asyncio.Task[Prepared]:
        """What was read, prepared with that half-life."""
        assert held.read is not None  # noqa: S101 - what is in use has been read
        task = held.prepared.get(half_life_s)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = held.prepared[half_life_s] = asyncio.create_task(asyncio.to_thread(_prepare, held.read, half_life_s))
        held.prepared.move_to_end(half_life_s)
        while len(held.prepared) > HALF_LIVES_MAX:
            held.prepared.popitem(last=False)
        return task

    async def _on_message(self, message: Msg) -> None:
        project = message.subject.rpartition(".")[2]
        for held in self._held.values():
            if held.basis.project == project:
                held.due_at = float("-inf")
                self._wake.set()

    async def _in_use(self, basis: Basis) -> _Held:
        """The project, read."""
        held = self._held.get(basis)
        if held is None:
            held = self._held[basis] = _Held(basis, self._clock())
            while len(self._held) > PROJECTS_MAX:
                self._drop(next(iter(self._held)))
        self._held.move_to_end(basis)
        held.asked_at = self._clock()
        if held.read is None:
            async with held.lock:
                if held.read is None:
                    await self._read_first(held)
        return held

    async def _read_first(self, held: _Held) -> None:
        try:
            await self._read(held)
        except AssayError as error:
            self._drop(held.basis)
            if error.kind is Kind.NOT_FOUND:
                raise
            _log.warning("a project cannot be read for its rankings", project=held.basis.project, reason=error.reason, why=error.message)
            message = "what rankings rest on cannot be read right now"
            raise AssayError(Kind.UNAVAILABLE, "RANKING_UNAVAILABLE", message, retry_after_s=RETRY_S) from error
        except BaseException:
            self._drop(held.basis)
            raise

    def _drop(self, basis: Basis) -> None:
        self._held.pop(basis, None)
        for place in [place for place in self._answers if place[0] == basis]:
            del self._answers[place]

    def _due(self) -> _Held | None:
        """Whose turn it is to be read again; those that nobody asks about any more are dropped, unless nothing newer could be read."""
        now = self._clock()
        for held in [held for held in self._held.values() if now - held.asked_at > IN_USE_S and not held.is_behind]:
            self._drop(held.basis)
        due = [held for held in self._held.values() if held.read is not None and held.due_at <= now]
        return min(due, key=lambda held: held.due_at, default=None)

    async def _refresh(self, held: _Held) -> None:
        """Reads a project again. Whatever is wrong with one must not hold up the others: then the last good answers are given."""
        try:
            await self._read(held)
            await self._renew(held)
            held.tell(is_behind=False)
        except Exception as error:  # noqa: BLE001 - told here, and tried again
            held.tell(is_behind=True)
            held.due_at = self._clock() + RETRY_S
            if patience.is_passing(error):
                _log.warning("rankings rest on old evidence for now", project=held.basis.project, why=str(error) or repr(error))
            else:
                _log.error("rankings rest on old evidence", project=held.basis.project, error=error)

    async def _read(self, held: _Held) -> None:
        """Reads a project, and prepares it as it was asked for last; questions with other half-lives prepare it themselves."""
        held.due_at = self._clock() + self._refresh_s  # an anomaly that changes meanwhile makes it due again
        read = await self._reader.read(held.basis, held.read.past if held.read else None)
        half_life_s = next(reversed(held.prepared), self._half_life_s)
        prepared = asyncio.create_task(asyncio.to_thread(_prepare, read, half_life_s))
        await asyncio.shield(prepared)
        held.read, held.prepared, held.read_at = read, OrderedDict({half_life_s: prepared}), self._clock()
        held.is_behind = False


def _prepare(read: Read, half_life_s: float) -> Prepared:
    return prepare(read.evidence(half_life_s))
