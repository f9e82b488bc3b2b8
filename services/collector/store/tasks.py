"""Tasks: what batches add to them waits in task_pending until it is folded in."""

from collections.abc import Iterable, Sequence
from datetime import date

import asyncpg

from services.collector.domain.batch import CallBatch, TaskSums

_COLUMNS = (
    "cost_nanos",
    "latency_us",
    "first_start_us",
    "latest_start_us",
    "latest_series_id",
    "call_count",
    "revision_count",
    "receive_date",
    "latest_outcome",
    "project_id",
    "task_id",
)


async def add_pending(connection: asyncpg.Connection, batch: CallBatch, sums: TaskSums, receive_date: date) -> None:
    """Notes what the batch adds to its tasks."""
    tasks = [batch.tasks[task] for task in sums.task.tolist()]
    await _copy(
        connection,
        zip(
            sums.cost_nanos.tolist(),
            sums.latency_us.tolist(),
            sums.first_start_us.tolist(),
            sums.latest_start_us.tolist(),
            sums.latest_series_id.tolist(),
            sums.call_count.tolist(),
            sums.revision_count.tolist(),
            [receive_date] * len(tasks),
            sums.latest_outcome.tolist(),
            [project_id for project_id, _ in tasks],
            [task_id for _, task_id in tasks],
            strict=True,
        ),
    )


async def touch(connection: asyncpg.Connection, tasks: Sequence[tuple[int, str]], receive_date: date) -> None:
    """Has tasks looked at again, since something else than their calls has changed (evidence)."""
    await _copy(connection, ((0, 0, 0, 0, 0, 0, 0, receive_date, 0, project_id, task_id) for project_id, task_id in tasks))


async def _copy(connection: asyncpg.Connection, rows: Iterable[tuple[object, ...]]) -> None:
    await connection.copy_records_to_table("task_pending", schema_name="collector", columns=_COLUMNS, records=rows)
