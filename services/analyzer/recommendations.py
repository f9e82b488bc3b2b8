"""Remembers what was recommended, and keeps it when it becomes another: what did we recommend last Tuesday, and why."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

from assay.analyzer.v1.ranking_service_pb2 import RankProvidersRequest, RankProvidersResponse

from kit import logs, patience
from services.analyzer.messages.kept_rankings import is_alike, ranking_id
from services.analyzer.store.kept_rankings import KeptRankingStore
from services.analyzer.store.records import KeptRanking

_log = logs.get_logger(__name__)

# Questions whose last recommendation is remembered; the least recently answered is forgotten, and kept again when it is answered anew.
QUESTIONS_MAX = 2_000
# Of one project. A recommendation of 40 candidates takes some 40 kB, and programs ask a few questions again and again.
KEPT_PER_HOUR_MAX = 600
KEPT_PER_PROJECT_MAX = 50_000
# Waiting for the database; the oldest are lost when it is away for longer.
WAITING_MAX = 1_000
ROWS_AT_ONCE = 50
STORE_EVERY_S = 0.5
FORGET_EVERY_S = 3_600.0


Announce = Callable[[Sequence[KeptRanking]], Awaitable[None]]


class Recommendations:
    """The last recommendation of each question, and those that wait to be stored. One that stays alike keeps its id."""

    def __init__(
        self, store: KeptRankingStore, announce: Announce, kept: timedelta, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """`announce` is told what has been stored, and raises nothing."""
        self._store = store
        self._announce = announce
        self._kept = kept
        self._now = now
        self._last: OrderedDict[tuple[str, bytes], RankProvidersResponse] = OrderedDict()
        self._waiting: deque[KeptRanking] = deque(maxlen=WAITING_MAX)
        self._counts: Counter[str] = Counter()
        self._hour = now()
        self._forgotten = datetime.min.replace(tzinfo=UTC)

    def settle(self, question: RankProvidersRequest, key: bytes, ranking: RankProvidersResponse) -> None:
        """Gives a new ranking its id: that of the one before, if it recommends the same; else its own, and it is kept.

        `question` names the project, and `key` stands for the rest of it.
        """
        place = question.project, key
        last = self._last.get(place)
        if last is not None and is_alike(last, ranking):
            ranking.ranking_id = last.ranking_id
        else:
            ranking.ranking_id = ranking_id(question.project, ranking)
            self._last[place] = ranking
            self._keep(question, ranking)
        self._last.move_to_end(place)
        while len(self._last) > QUESTIONS_MAX:
            self._last.popitem(last=False)

    async def run(self, stop: asyncio.Event) -> None:
        """Stores what waits until asked to stop, and drops what is too old."""
        while True:
            try:
                await self._store_waiting()
                await self._forget()
            except Exception as error:
                if not patience.is_passing(error):
                    raise
                _log.warning("rankings wait to be kept", waiting_count=len(self._waiting), why=str(error) or repr(error))
            if stop.is_set():
                return
            await patience.pause(stop, STORE_EVERY_S)

    def _keep(self, question: RankProvidersRequest, ranking: RankProvidersResponse) -> None:
        now = self._now()
        if now - self._hour >= timedelta(hours=1):
            self._hour = now
            self._counts.clear()
        self._counts[question.project] += 1
        over = self._counts[question.project] - KEPT_PER_HOUR_MAX
        if over == 1:
            _log.warning("no more rankings are kept this hour", project=question.project, limit=KEPT_PER_HOUR_MAX)
        if over <= 0:
            body = ranking.SerializeToString()
            row = KeptRanking(question.project, ranking.ranking_id, now, question.task_type, question.SerializeToString(), body)
            self._waiting.append(row)

    async def _store_waiting(self) -> None:
        while self._waiting:
            rows = [self._waiting.popleft() for _ in range(min(ROWS_AT_ONCE, len(self._waiting)))]
            try:
                await self._store.add(rows)
            except Exception:
                self._waiting.extendleft(reversed(rows[: WAITING_MAX - len(self._waiting)]))
                raise
            await self._announce(rows)

    async def _forget(self) -> None:
        if self._now() - self._forgotten >= timedelta(seconds=FORGET_EVERY_S):
            await self._store.forget(self._now() - self._kept, KEPT_PER_PROJECT_MAX)
            self._forgotten = self._now()
