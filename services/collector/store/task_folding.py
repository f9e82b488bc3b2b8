"""Folds what batches add to tasks into the tasks' rows, and moves the tasks between windows accordingly."""

from collections.abc import Iterable, Sequence
from datetime import date

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from kit.database import lock_key
from services.collector.domain.evidence import Evaluation, mean_scores
from services.collector.domain.rollup import Windows
from services.collector.domain.task import NONE, TaskState, merged, task_windows
from services.collector.store import rollups
from services.collector.store.sql import locked_transaction

# Rows that one transaction takes: half a second of work.
FOLD_ROWS_MAX = 20_000
_MINUTE_LEVEL = 0
_LOCK = lock_key("collector tasks")

_STATE = "project_id, task_id, call_count, cost_nanos, latency_us, revision_count, first_start_us, latest_start_us, latest_series_id, latest_outcome"
_TAKE = (
    "DELETE FROM collector.task_pending WHERE pending_id IN (SELECT pending_id FROM collector.task_pending ORDER BY pending_id LIMIT $1) "
    f"RETURNING {_STATE}, receive_date"
)
_READ = (
    f"SELECT {', '.join(f't.{name}' for name in _STATE.split(', '))}, t.first_receive_date, t.feedback_accepted, t.score_nanos "
    "FROM unnest($1::int[], $2::text[]) AS k(project_id, task_id) "
    "JOIN collector.task t ON t.project_id = k.project_id AND t.task_id = k.task_id"
)
_WRITE = (
    f"INSERT INTO collector.task ({_STATE}, first_receive_date, feedback_accepted, score_nanos) SELECT * FROM unnest($1::int[], $2::text[], "
    "$3::int[], $4::bigint[], $5::bigint[], $6::int[], $7::bigint[], $8::bigint[], $9::int[], $10::smallint[], $11::date[], $12::smallint[], "
    "$13::bigint[]) ON CONFLICT (project_id, task_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in [*_STATE.split(", ")[2:], "first_receive_date", "feedback_accepted", "score_nanos"])
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

TaskKey = tuple[int, str]


class TaskFoldingStore:
    """Keeps collector.task up to date. One at a time in the cluster: the others wait for the lock."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def fold(self) -> dict[int, Windows]:
        """Takes the oldest rows that wait and folds them in: the windows that changed, by project. Empty when nothing waits."""
        async with locked_transaction(self._engine, [_LOCK]) as connection:
            parts = [TaskState(*row) for row in await connection.fetch(_TAKE, FOLD_ROWS_MAX)]
            if not parts:
                return {}
            touched = {part.key for part in parts if not part.call_count}
            added = merged(parts)
            before = {task.key: task for task in await _read(connection, added)}
            after = merged([*before.values(), *added.values()])
            after = {key: task for key, task in after.items() if task.call_count}
            touched |= await self._waited(connection, after.keys())
            after |= await _with_evidence(connection, [after[key] for key in sorted(touched & after.keys())])
            await connection.execute(_WRITE, *_columns(after.values()))
            return await _add_windows(connection, before, after)

    async def _waited(self, connection: asyncpg.Connection, keys: Iterable[TaskKey]) -> set[TaskKey]:
        """Ends the waiting of evidence for these tasks, and returns those that had some."""
        if not await connection.fetchval(_ANY_WAITING):
            return set()
        return {(row[0], row[1]) for row in await connection.fetch(_WAITED, *_key_columns(keys))}


def _key_columns(keys: Iterable[TaskKey]) -> tuple[list[int], list[str]]:
    ordered = sorted(keys)
    return [project_id for project_id, _ in ordered], [task_id for _, task_id in ordered]


async def _read(connection: asyncpg.Connection, keys: Iterable[TaskKey]) -> list[TaskState]:
    return [TaskState(*row) for row in await connection.fetch(_READ, *_key_columns(keys))]


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
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(13)]


async def _with_evidence(connection: asyncpg.Connection, tasks: Sequence[TaskState]) -> dict[TaskKey, TaskState]:
    """The tasks with feedback and score as their evidence has them now."""
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
    return {task.key: task.judged(feedback_accepted=accepted.get(task.key, NONE), score_nanos=scores.get(task.key, NONE)) for task in tasks}


async def _add_windows(
    connection: asyncpg.Connection, before: dict[TaskKey, TaskState], after: dict[TaskKey, TaskState]
) -> dict[int, Windows]:
    """Notes what changes in the windows of each project."""
    changed = [key for key, task in after.items() if before.get(key) != task]
    by_project: dict[int, Windows] = {}
    for project_id in sorted({project for project, _ in changed}):
        mine = [key for key in changed if key[0] == project_id]
        windows = task_windows([before[key] for key in mine if key in before], [after[key] for key in mine])
        oldest: date = min(after[key].first_receive_date for key in mine)
        await rollups.add_pending(connection, project_id, _MINUTE_LEVEL, windows, oldest)
        if len(windows):
            by_project[project_id] = windows
    return by_project
