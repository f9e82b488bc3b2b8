"""Tells those who watch a project that scores have been made, on every replica: by what the project's owner counts in the database."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from kit import logs, patience
from services.analyzer.store.quality_queries import QualityReader
from services.analyzer.store.quality_records import ScoresMade

# One look for all watches; it reads a row a project.
LOOK_EVERY_S = 1.0

_log = logs.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class QualityNews:
    """How many scores were made since the news before, and when the latest of all. The first news is of none."""

    is_first: bool
    score_count: int
    score_us: int


class QualityWatches:
    """Every watch of this process."""

    def __init__(self, reader: QualityReader) -> None:
        self._reader = reader
        self._watch_counts: Counter[str] = Counter()
        self._made: dict[str, ScoresMade] = {}
        self._looked = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Looks for what is watched until asked to stop."""
        while not stop.is_set():
            if self._watch_counts:
                await self._look()
            await patience.pause(stop, LOOK_EVERY_S)

    async def watch(self, project: str) -> AsyncGenerator[QualityNews, None]:
        """News of a project, for ever."""
        self._watch_counts[project] += 1
        try:
            known = (await self._reader.made([project])).get(project, ScoresMade())
            yield QualityNews(is_first=True, score_count=0, score_us=known.score_us)
            while True:
                await self._looked.wait()
                made = self._made.get(project, known)
                if made.score_count != known.score_count:
                    yield QualityNews(is_first=False, score_count=made.score_count - known.score_count, score_us=made.score_us)
                    known = made
        finally:
            self._watch_counts -= Counter([project])

    async def _look(self) -> None:
        try:
            self._made = await self._reader.made(list(self._watch_counts))
        except Exception as error:
            if not patience.is_passing(error):
                raise
            _log.warning("new scores cannot be looked for", why=str(error) or repr(error))
            return
        looked, self._looked = self._looked, asyncio.Event()
        looked.set()
