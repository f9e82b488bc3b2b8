"""Minutes to InfluxDB: those that folds changed, with the numbers that a metric query then answers.

A minute that changes again, as by a late call, is written again in the place of what was written before.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy.ext.asyncio import AsyncEngine

from services.collector.domain.answer import Answered
from services.collector.domain.line_protocol import lines
from services.collector.domain.rollup import US_PER_MIN
from services.collector.domain.windows import MINUTES_PER_DAY
from services.collector.export.http import Http, Verdict
from services.collector.export.sender import TroubleError
from services.collector.export.targets import Target
from services.collector.query import MetricsQueries
from services.collector.store.exports import Change, ExportStore, Progress
from services.collector.store.metrics import DIMENSIONS, Question
from services.collector.store.projects import ProjectInfo, ProjectReader
from services.collector.store.read_series import SeriesFilter

# As InfluxDB recommends.
LINES_AT_ONCE = 5_000
# Minutes and series of one question: late calls are mostly of the same hour, and an answer has 150,000 windows at most.
QUESTION_MIN = 60
QUESTION_SERIES = 2_000
_HEADERS = {"Content-Type": "text/plain; charset=utf-8"}


@dataclass(frozen=True)
class _Wanted:
    """Minutes of a project within one stretch of QUESTION_MIN."""

    project_id: int
    series_ids: frozenset[int]
    start_mins: frozenset[int]


class WindowSender:
    """Reads minutes anew when they are sent, so that what is sent is what holds."""

    def __init__(
        self,
        engine: AsyncEngine,
        http: Http,
        target: Target,
        *,
        store: ExportStore,
        queries: MetricsQueries,
        minute_days: int,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._projects = ProjectReader(engine)
        self._http = http
        self._target = target
        self._store = store
        self._queries = queries
        self._kept_min = minute_days * MINUTES_PER_DAY
        self._now_s = now_s

    @property
    def waiting_count(self) -> int:
        """Not known: changes wait in the database."""
        return 0

    async def look(self, position: int) -> None:
        """Nothing is to be taken down: folds note what changes."""

    async def step(self, position: int) -> Progress | None:
        """Sends the minutes of the next changes. The position moves when all of them were taken."""
        changes = await self._store.changes(position)
        if not changes:
            return None
        made: list[str] = []
        for wanted in self._wanted(changes):
            (project,) = (await self._projects.numbered([wanted.project_id])).values()
            if self._target.wants(project.project):
                answered = await self._queries.answer(_question(project, wanted))
                made += await asyncio.to_thread(_changed_lines, project.project, answered, wanted)
        sent_count, refused_count, trouble = 0, 0, ""
        for begin in range(0, len(made), LINES_AT_ONCE):
            some = made[begin : begin + LINES_AT_ONCE]
            answer = await self._http.post(self._target.url, "\n".join(some).encode(), {**_HEADERS, "Authorization": self._target.header()})
            if answer.verdict is Verdict.AGAIN:
                raise TroubleError(answer.detail, answer.after_s)
            is_taken = answer.verdict is Verdict.TAKEN
            sent_count += len(some) if is_taken else 0
            refused_count += 0 if is_taken else len(some)
            trouble = trouble or answer.detail
        return Progress(changes[-1].change_id, sent_count, refused_count, 0, trouble)

    def _wanted(self, changes: Sequence[Change]) -> list[_Wanted]:
        """What to ask for: each minute once, but for those that are no longer kept."""
        # Whole hours, since the oldest one may be dropped at any moment.
        kept_from = int(self._now_s()) // 60 - self._kept_min + QUESTION_MIN
        series: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
        minutes: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
        for change in changes:
            for series_id, start_min in zip(change.series_ids, change.start_mins, strict=True):
                if start_min >= kept_from:
                    key = change.project_id, start_min // QUESTION_MIN
                    series[key].add(series_id)
                    minutes[key].add(start_min)
        return [
            _Wanted(key[0], frozenset(some), frozenset(minutes[key]))
            for key in sorted(series)
            for some in _slices(sorted(series[key]), QUESTION_SERIES)
        ]


def _slices(numbers: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (numbers[begin : begin + size] for begin in range(0, len(numbers), size))


def _question(project: ProjectInfo, wanted: _Wanted) -> Question:
    """Every minute between the first and the last that changed, of the series that changed."""
    return Question(
        project=project,
        start_us=min(wanted.start_mins) * US_PER_MIN,
        end_us=(max(wanted.start_mins) + 1) * US_PER_MIN,
        step_min=1,
        time_zone="UTC",
        group_by=DIMENSIONS,
        chosen=SeriesFilter(),
        only_series=sorted(wanted.series_ids),
    )


def _changed_lines(project: str, answered: Answered, wanted: _Wanted) -> list[str]:
    """The lines of minutes that changed; of a series that did not change in one of them, the same is written again."""
    is_changed = np.isin(answered.answer.start_unix_s // 60, sorted(wanted.start_mins))
    written = lines(project, DIMENSIONS, answered)
    return [line for line, is_kept in zip(written, is_changed.tolist(), strict=True) if is_kept]
