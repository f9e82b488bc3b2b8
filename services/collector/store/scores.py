"""Scores that the analyzer tells: kept where they are newer, and counted by their difference."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

import asyncpg
import numpy as np
from sqlalchemy.ext.asyncio import AsyncEngine

from services.collector.domain.evidence import SubjectScores, ToldScore
from services.collector.domain.levels import MINUTES
from services.collector.domain.rollup import US_PER_MIN
from services.collector.store import rollups, tasks
from services.collector.store.calls import Place
from services.collector.store.evidence import ScoreChange
from services.collector.store.joining import located_calls, score_windows
from services.collector.store.series import SeriesStore
from services.collector.store.sql import locked_transaction
from services.collector.store.writing import Change, project_lock

_CALL_SCORES = "SELECT call_id, score_nanos, version FROM collector.score WHERE project_id = $1 AND call_id = ANY($2::text[])"
_SET_CALL_SCORES = (
    "INSERT INTO collector.score (project_id, call_id, score_nanos, version) "
    "SELECT $1, s.* FROM unnest($2::text[], $3::bigint[], $4::bigint[]) s "
    "ON CONFLICT (project_id, call_id) DO UPDATE SET score_nanos = excluded.score_nanos, version = excluded.version"
)
_SET_TASK_SCORES = (
    "INSERT INTO collector.task_score (project_id, task_id, score_nanos, version) "
    "SELECT $1, s.* FROM unnest($2::text[], $3::bigint[], $4::bigint[]) s "
    "ON CONFLICT (project_id, task_id) DO UPDATE SET score_nanos = excluded.score_nanos, version = excluded.version "
    "WHERE task_score.version < excluded.version RETURNING task_id"
)


# Calls are found by their ids, never by reading a day of them from end to end.
_BY_INDEX = "SET LOCAL enable_seqscan = off"


class ScoreStore:
    """Takes scores over."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._series = SeriesStore(engine)

    async def take(self, scores: Mapping[int, SubjectScores]) -> list[Change]:
        """Takes over what is newer, in one transaction; the same again changes nothing, in whatever order it comes.

        Returns the windows of all calls that scores were told of, newer or not: who took them before may not have got so far as to tell.
        """
        changes: list[Change] = []
        async with locked_transaction(self._engine, map(project_lock, scores)) as connection:
            await connection.execute(_BY_INDEX)
            for project_id in sorted(scores):
                told = scores[project_id]
                # Calls that are gone with their day are left out: the windows that they counted in stay as they are.
                places = await located_calls(connection, self._series, project_id, sorted(told.calls))
                if places:
                    await _count(connection, project_id, await _take_calls(connection, project_id, told.calls, places))
                    changes.append(_change(project_id, places.values()))
                if told.tasks:
                    await _take_tasks(connection, project_id, told.tasks)
        return changes


async def _take_calls(
    connection: asyncpg.Connection, project_id: int, scores: Mapping[str, ToldScore], places: Mapping[str, Place]
) -> list[ScoreChange]:
    known = await connection.fetch(_CALL_SCORES, project_id, sorted(places))
    before: dict[str, int] = {row[0]: row[1] for row in known}
    versions: dict[str, int] = {row[0]: row[2] for row in known}
    newer = {call_id: scores[call_id] for call_id in sorted(places) if scores[call_id].version > versions.get(call_id, 0)}
    if newer:
        columns = [score.score_nanos for score in newer.values()], [score.version for score in newer.values()]
        await connection.execute(_SET_CALL_SCORES, project_id, list(newer), *columns)
    return [
        ScoreChange(
            places[call_id].series_id,
            places[call_id].start_us,
            score.score_nanos - before.get(call_id, 0),
            int(call_id not in before),
        )
        for call_id, score in newer.items()
    ]


async def _count(connection: asyncpg.Connection, project_id: int, changes: Sequence[ScoreChange]) -> None:
    """Adds to the roll-ups what the scores change."""
    if changes:
        # No calls come with it, so that it makes no chunk older than it is.
        await rollups.add_pending(connection, project_id, MINUTES, score_windows(changes), datetime.now(UTC).date())


async def _take_tasks(connection: asyncpg.Connection, project_id: int, scores: Mapping[str, ToldScore]) -> None:
    """Tasks with newer scores are looked at again by whoever folds them, and counted there."""
    names = sorted(scores)
    columns = names, [scores[name].score_nanos for name in names], [scores[name].version for name in names]
    newer = sorted(row[0] for row in await connection.fetch(_SET_TASK_SCORES, project_id, *columns))
    if newer:
        await tasks.touch(connection, [(project_id, task_id) for task_id in newer], datetime.now(UTC).date())


def _change(project_id: int, places: Collection[Place]) -> Change:
    series_id = np.array([place.series_id for place in places], np.int64)
    return Change(project_id, series_id, np.array([place.start_us // US_PER_MIN for place in places], np.int64))
