"""Erases records: the one place that deletes from all tables of a project. Roll-ups lose exactly what the records had added to them."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from services.collector.domain.erasure import has_label, label_text
from services.collector.domain.levels import MINUTES
from services.collector.domain.rollup import Windows, merge
from services.collector.domain.stored_calls import CallRow, taken_away, windows_of_calls
from services.collector.domain.task import TaskState, task_windows
from services.collector.store import rollups
from services.collector.store.rollups import fold_lock
from services.collector.store.sql import locked_transaction
from services.collector.store.task_folding import TASK_LOCK
from services.collector.store.writing import project_lock

# Calls or tasks of one transaction, for which the writer of the project waits: some 50 ms.
AT_ONCE = 1_000

_OF_PROJECT = "FROM collector.call c JOIN collector.series s USING (series_id) WHERE s.project_id = $1"
_WITH_LABEL = f"SELECT c.call_id, c.task_id, c.extras {_OF_PROJECT} AND strpos(c.extras, $2) > 0"
_CALLS_OF_TASKS = f"SELECT c.call_id {_OF_PROJECT} AND c.task_id = ANY($2::text[])"
_CALLS = f"SELECT c.call_id {_OF_PROJECT}"
_TASKS = (
    "SELECT task_id FROM collector.task WHERE project_id = $1 "
    "UNION SELECT task_id FROM collector.task_pending WHERE project_id = $1 "
    "UNION SELECT task_id FROM collector.evidence WHERE project_id = $1 AND task_id IS NOT NULL"
)
_DROP_CALLS = (
    "DELETE FROM collector.call c USING collector.series s WHERE s.series_id = c.series_id AND s.project_id = $1 "
    "AND c.call_id = ANY($2::text[]) RETURNING c.call_id, c.series_id, c.start_us, c.outcome, c.receive_date, c.body"
)
_DROP_SCORES = "DELETE FROM collector.score WHERE project_id = $1 AND call_id = ANY($2::text[]) RETURNING call_id, score_nanos"
_DROP_EVIDENCE = "DELETE FROM collector.evidence WHERE project_id = $1 AND {subject} = ANY($2::text[]) RETURNING payload"
_DROP_TASKS = (
    "DELETE FROM collector.task WHERE project_id = $1 AND task_id = ANY($2::text[]) RETURNING project_id, task_id, call_count, cost_nanos, "
    "latency_us, revision_count, first_start_us, latest_start_us, latest_series_id, latest_outcome, first_receive_date, feedback_accepted, "
    "score_nanos"
)
_DROP_PENDING = "DELETE FROM collector.task_pending WHERE project_id = $1 AND task_id = ANY($2::text[]) RETURNING task_id, call_count"
_DROP_TASK_SCORES = "DELETE FROM collector.task_score WHERE project_id = $1 AND task_id = ANY($2::text[])"
# What is left of a project when its calls and tasks are gone. Numbers of series that writers remember must go on meaning the same.
_DROP_REST = (
    "DELETE FROM collector.evidence WHERE project_id = $1",
    "DELETE FROM collector.rollup r USING collector.series s WHERE s.series_id = r.series_id AND s.project_id = $1",
    "DELETE FROM collector.rollup_pending WHERE project_id = $1",
    "DELETE FROM collector.counter c USING collector.series s WHERE s.series_id = c.series_id AND s.project_id = $1",
    "DELETE FROM collector.window_change WHERE project_id = $1",
    "DELETE FROM collector.source WHERE project_id = $1",
    "DELETE FROM collector.score WHERE project_id = $1",
    "DELETE FROM collector.task_score WHERE project_id = $1",
)
_DROP_LETTERS = (
    "DELETE FROM collector.dead_letter WHERE subject = ANY($1::text[]) "
    "AND NOT EXISTS (SELECT FROM unnest($2::bytea[]) t WHERE position(t IN payload) = 0)"
)
# Calls are found by their ids, never by reading a day of them from end to end.
_BY_INDEX = "SET LOCAL enable_seqscan = off"
_COUNT = (
    "UPDATE collector.erasure SET call_count = call_count + $3, task_count = task_count + $4, evidence_count = evidence_count + $5 "
    "WHERE project_id = $1 AND erasure_id = $2"
)


@dataclass(frozen=True)
class Erased:
    """What one transaction leaves to be done about: payloads of evidence that is gone, and windows that changed."""

    evidence: Sequence[bytes]
    windows: Windows


class ErasingStore:
    """Finds and erases records. An erasure is given by its project and id, under which what is erased is counted."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def with_label(self, project_id: int, key: str, value: str) -> AsyncIterator[tuple[set[str], list[str]]]:
        """The tasks with a call that has the label, and the calls that have it and belong to no task, some at a time."""
        async for rows in self._pages(_WITH_LABEL, project_id, label_text(key, value)):
            found = [row for row in rows if has_label(row[2], key, value)]
            yield {row[1] for row in found if row[1]}, [row[0] for row in found if not row[1]]

    async def calls_of(self, project_id: int, task_ids: Sequence[str] | None) -> AsyncIterator[list[str]]:
        """The calls of these tasks, or of the whole project for None, some at a time. Days of calls are read from end to end."""
        pages = self._pages(_CALLS, project_id) if task_ids is None else self._pages(_CALLS_OF_TASKS, project_id, task_ids)
        async for rows in pages:
            yield [row[0] for row in rows]

    async def tasks_of_project(self, project_id: int) -> AsyncIterator[list[str]]:
        """All tasks that anything is known of, some at a time."""
        async for rows in self._pages(_TASKS, project_id):
            yield [row[0] for row in rows]

    async def erase_calls(self, erasure: tuple[int, str], call_ids: Sequence[str]) -> Erased:
        """Erases calls with their scores and evidence, and takes them out of the roll-ups."""
        project_id = erasure[0]
        async with locked_transaction(self._engine, [project_lock(project_id)]) as connection:
            await connection.execute(_BY_INDEX)
            rows = await connection.fetch(_DROP_CALLS, project_id, call_ids)
            scores: dict[str, int] = dict(map(tuple, await connection.fetch(_DROP_SCORES, project_id, call_ids)))
            evidence = await _drop_evidence(connection, "call_id", project_id, call_ids)
            windows = merge([])
            if rows:
                windows = taken_away(windows_of_calls(_with_scores(rows, scores)))
                await rollups.add_pending(connection, project_id, MINUTES, windows, min(row["receive_date"] for row in rows))
            await connection.execute(_COUNT, *erasure, len(rows), 0, len(evidence))
        return Erased(evidence, windows)

    async def erase_tasks(self, erasure: tuple[int, str], task_ids: Sequence[str]) -> Erased:
        """Erases tasks whose calls are gone, with their scores and evidence, and takes them out of the roll-ups."""
        project_id = erasure[0]
        async with locked_transaction(self._engine, [project_lock(project_id), TASK_LOCK]) as connection:
            tasks = [TaskState(*row) for row in await connection.fetch(_DROP_TASKS, project_id, task_ids)]
            waiting = await connection.fetch(_DROP_PENDING, project_id, task_ids)
            await connection.execute(_DROP_TASK_SCORES, project_id, task_ids)
            evidence = await _drop_evidence(connection, "task_id", project_id, task_ids)
            windows = task_windows(tasks, [])
            await rollups.add_pending(connection, project_id, MINUTES, windows, datetime.now(UTC).date())
            task_count = len({task.task_id for task in tasks} | {row["task_id"] for row in waiting if row["call_count"]})
            await connection.execute(_COUNT, *erasure, 0, task_count, len(evidence))
        return Erased(evidence, windows)

    async def erase_rest(self, project_id: int) -> None:
        """Erases what is left of a project without calls and tasks: roll-ups, which are kept for longer, and evidence that waits."""
        locks = [project_lock(project_id), fold_lock(project_id), TASK_LOCK]
        async with locked_transaction(self._engine, locks) as connection:
            for statement in _DROP_REST:
                await connection.execute(statement, project_id)

    async def erase_dead_letters(self, subjects: Sequence[str], texts: Sequence[str]) -> None:
        """Erases messages of these subjects of the bus that were kept aside and have all of the texts in them."""
        async with locked_transaction(self._engine, []) as connection:
            await connection.execute(_DROP_LETTERS, subjects, [text.encode() for text in texts])

    async def _pages(self, statement: str, *parameters: object) -> AsyncIterator[list[asyncpg.Record]]:
        """What a statement finds, as it is when the first page is asked for."""
        async with locked_transaction(self._engine, []) as connection:
            cursor = await connection.cursor(statement, *parameters)
            while rows := await cursor.fetch(AT_ONCE):
                yield rows


async def _drop_evidence(connection: asyncpg.Connection, subject: str, project_id: int, ids: Sequence[str]) -> list[bytes]:
    return [row[0] for row in await connection.fetch(_DROP_EVIDENCE.format(subject=subject), project_id, ids)]


def _with_scores(rows: Sequence[asyncpg.Record], scores: dict[str, int]) -> list[CallRow]:
    """The calls with their scores. Of rows that share an id, the first that was received has it."""
    left = dict(scores)
    ordered = sorted(rows, key=lambda row: row["receive_date"])
    return [
        (row["series_id"], row["start_us"], row["outcome"], row["receive_date"], row["body"], left.pop(row["call_id"], None))
        for row in ordered
    ]
