"""Folds what batches add to tasks into the tasks' rows, and moves the tasks between windows accordingly."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from kit.database import lock_key
from services.collector.domain.evidence import Evaluation, mean_scores
from services.collector.domain.levels import MINUTES
from services.collector.domain.rollup import Windows
from services.collector.domain.task import NONE, TaskState, merged, task_windows
from services.collector.store import rollups
from services.collector.store.sql import transaction_if_free

# Rows that one transaction takes: half a second of work.
FOLD_ROWS_MAX = 20_000
# The lock that whoever changes tasks holds.
TASK_LOCK = lock_key("collector tasks")

_TAKE = (
    "DELETE FROM collector.task_pending WHERE pending_id IN (SELECT pending_id FROM collector.task_pending ORDER BY pending_id LIMIT $1) "
    "RETURNING project_id, task_id, call_count, cost_nanos, latency_us, revision_count, first_start_us, latest_start_us, latest_series_id, "
    "latest_outcome, receive_date"
)
_READ = (
    "SELECT project_id, task_id, t.call_count, t.cost_nanos, t.latency_us, t.revision_count, t.first_start_us, t.latest_start_us, "
    "t.latest_series_id, t.latest_outcome, t.first_receive_date, t.feedback_accepted, t.score_nanos "
    "FROM unnest($1::int[], $2::text[]) AS k(project_id, task_id) JOIN collector.task t USING (project_id, task_id)"
)
_WRITE = (
    "INSERT INTO collector.task (project_id, task_id, call_count, cost_nanos, latency_us, revision_count, first_start_us, latest_start_us, "
    "latest_series_id, latest_outcome, first_receive_date, feedback_accepted, score_nanos) "
    "SELECT * FROM unnest($1::int[], $2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::int[], $7::bigint[], $8::bigint[], $9::int[], "
    "$10::smallint[], $11::date[], $12::smallint[], $13::bigint[]) "
    "ON CONFLICT (project_id, task_id) DO UPDATE SET call_count = excluded.call_count, cost_nanos = excluded.cost_nanos, "
    "latency_us = excluded.latency_us, revision_count = excluded.revision_count, first_start_us = excluded.first_start_us, "
    "latest_start_us = excluded.latest_start_us, latest_series_id = excluded.latest_series_id, latest_outcome = excluded.latest_outcome, "
    "first_receive_date = excluded.first_receive_date, feedback_accepted = excluded.feedback_accepted, score_nanos = excluded.score_nanos"
)
_WAITED = (
    "UPDATE collector.evidence e SET is_waiting = false FROM unnest($1::int[], $2::text[]) AS k(project_id, task_id) "
    "WHERE e.is_waiting AND e.project_id = k.project_id AND e.task_id = k.task_id RETURNING e.project_id, e.task_id"
)
_ANY_WAITING = "SELECT EXISTS (SELECT FROM collector.evidence WHERE is_waiting AND task_id IS NOT NULL)"
_EVIDENCE = (
    "SELECT e.project_id, e.task_id, e.call_id IS NULL AS is_of_task, e.evaluator, e.observe_us, e.evidence_id, e.score_nanos, e.accepted "
    "FROM unnest($1::int[], $2::text[]) AS k(project_id, task_id) "
    "JOIN collector.evidence e ON e.project_id = k.project_id AND e.task_id = k.task_id ORDER BY e.observe_us, e.evidence_id"
)
_TOLD = (
    "SELECT s.project_id, s.task_id, s.score_nanos FROM unnest($1::int[], $2::text[]) AS k(project_id, task_id) "
    "JOIN collector.task_score s USING (project_id, task_id)"
)

TaskKey = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Folded:
    """How many rows were taken, and the windows that changed by it, by project."""

    row_count: int
    changed: Mapping[int, Windows]


class TaskFoldingStore:
    """Keeps collector.task up to date. One at a time in the cluster: the others wait for the lock."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def fold(self) -> Folded:
        """Takes the oldest rows that wait and folds them in. Nothing is taken when nothing waits, or somebody else is at it."""
        async with transaction_if_free(self._engine, TASK_LOCK) as connection:
            rows = await connection.fetch(_TAKE, FOLD_ROWS_MAX) if connection else []
            if not connection or not rows:
                return Folded(0, {})
            parts = await asyncio.to_thread(lambda: [TaskState(*row) for row in rows])
            touched = {part.key for part in parts if not part.call_count}
            added = await asyncio.to_thread(merged, parts)
            before = await _read(connection, added)
            after = await asyncio.to_thread(_grown, before, added)
            touched |= await _end_waiting(connection, after.keys())
            after |= await _judged(connection, [after[key] for key in sorted(touched & after.keys())])
            if after:
                await connection.execute(_WRITE, *await asyncio.to_thread(_columns, after.values()))
            return Folded(len(rows), await _add_windows(connection, before, after))


def _grown(before: Mapping[TaskKey, TaskState], added: Mapping[TaskKey, TaskState]) -> dict[TaskKey, TaskState]:
    """The tasks with what is added to them, without those that have no calls yet."""
    after = merged([*before.values(), *added.values()])
    return {key: task for key, task in after.items() if task.call_count}


async def _end_waiting(connection: asyncpg.Connection, keys: Iterable[TaskKey]) -> set[TaskKey]:
    """Ends the waiting of evidence for these tasks, and returns those that had some."""
    if not await connection.fetchval(_ANY_WAITING):
        return set()
    return {(row[0], row[1]) for row in await connection.fetch(_WAITED, *_key_columns(keys))}


def _key_columns(keys: Iterable[TaskKey]) -> tuple[list[int], list[str]]:
    ordered = sorted(keys)
    return [project_id for project_id, _ in ordered], [task_id for _, task_id in ordered]


async def _read(connection: asyncpg.Connection, keys: Iterable[TaskKey]) -> dict[TaskKey, TaskState]:
    tasks = [TaskState(*row) for row in await connection.fetch(_READ, *_key_columns(keys))]
    return {task.key: task for task in tasks}


def _columns(tasks: Iterable[TaskState]) -> list[list[object]]:
    """The tasks as the columns of _WRITE, ordered by key, so that rows are always locked in the same order."""
    rows = [
        (
            task.project_id,
            task.task_id,
            task.call_count,
            task.cost_nanos,
            task.latency_us,
            task.revision_count,
            task.first_start_us,
            task.latest_start_us,
            task.latest_series_id,
            task.latest_outcome,
            task.first_receive_date,
            task.feedback_accepted,
            task.score_nanos,
        )
        for task in sorted(tasks, key=lambda task: task.key)
    ]
    return [list(column) for column in zip(*rows, strict=True)]


async def _judged(connection: asyncpg.Connection, tasks: Sequence[TaskState]) -> dict[TaskKey, TaskState]:
    """The tasks with feedback as their evidence has it now, and the score that the analyzer told, else the mean of their evaluations."""
    if not tasks:
        return {}
    rows = await connection.fetch(_EVIDENCE, *_key_columns(task.key for task in tasks))
    accepted: dict[TaskKey, int] = {}
    evaluations: dict[int, list[Evaluation]] = {}
    for project_id, task_id, is_of_task, evaluator, observe_us, evidence_id, score_nanos, word in rows:
        if word is not None:
            accepted[project_id, task_id] = word
        if is_of_task and score_nanos is not None:
            evaluations.setdefault(project_id, []).append(Evaluation(task_id, evaluator, observe_us, evidence_id, score_nanos))
    scores = {(project_id, task_id): score for project_id, given in evaluations.items() for task_id, score in mean_scores(given).items()}
    told = await connection.fetch(_TOLD, *_key_columns(task.key for task in tasks))
    scores |= {(project_id, task_id): score for project_id, task_id, score in told}
    return {task.key: task.judged(feedback_accepted=accepted.get(task.key, NONE), score_nanos=scores.get(task.key, NONE)) for task in tasks}


async def _add_windows(
    connection: asyncpg.Connection, before: Mapping[TaskKey, TaskState], after: Mapping[TaskKey, TaskState]
) -> dict[int, Windows]:
    """Notes what changes in the windows of each project, and returns it."""
    changed = [key for key, task in after.items() if before.get(key) != task]
    by_project: dict[int, Windows] = {}
    for project_id in sorted({project for project, _ in changed}):
        mine = [key for key in changed if key[0] == project_id]
        left, entered = [before[key] for key in mine if key in before], [after[key] for key in mine]
        windows = await asyncio.to_thread(task_windows, left, entered)
        # No calls are in it: tasks are rebuilt from their rows, also when their calls are gone.
        await rollups.add_pending(connection, project_id, MINUTES, windows, datetime.now(UTC).date())
        if len(windows):
            by_project[project_id] = windows
    return by_project


async def forget_before(connection: asyncpg.Connection, start_us: int) -> None:
    """Removes the tasks whose latest call started before that instant."""
    await connection.execute(
        "WITH gone AS (DELETE FROM collector.task WHERE latest_start_us < $1 RETURNING project_id, task_id) "
        "DELETE FROM collector.task_score s USING gone g WHERE s.project_id = g.project_id AND s.task_id = g.task_id",
        start_us,
    )
