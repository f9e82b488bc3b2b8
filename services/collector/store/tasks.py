"""Tasks: what batches add to them waits in task_pending until it is folded in."""

from collections.abc import Sequence
from datetime import date

import asyncpg
import numpy as np

from services.collector.domain.batch import CallBatch, TaskSums
from services.collector.domain.copy_rows import Integers, binary_rows, days_of, texts
from services.collector.store.sql import copy

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
    numbers = [
        Integers(sums.cost_nanos, 8),
        Integers(sums.latency_us, 8),
        Integers(sums.first_start_us, 8),
        Integers(sums.latest_start_us, 8),
        Integers(sums.latest_series_id, 4),
        Integers(sums.call_count, 4),
        Integers(sums.revision_count, 4),
        Integers(days_of([receive_date] * len(tasks)), 4),
        Integers(sums.latest_outcome, 2),
    ]
    await _copy(connection, tasks, numbers)


async def touch(connection: asyncpg.Connection, tasks: Sequence[tuple[int, str]], receive_date: date) -> None:
    """Has tasks looked at again, since something else than their calls has changed (evidence)."""
    none = np.zeros(len(tasks), np.int64)
    sums = [Integers(none, size) for size in (8, 8, 8, 8, 4, 4, 4)]
    await _copy(connection, tasks, [*sums, Integers(days_of([receive_date] * len(tasks)), 4), Integers(none, 2)])


async def _copy(connection: asyncpg.Connection, tasks: Sequence[tuple[int, str]], numbers: Sequence[Integers]) -> None:
    project_id = np.array([project_id for project_id, _ in tasks], np.int64)
    task_id = texts([task_id for _, task_id in tasks])
    await copy(connection, "task_pending", _COLUMNS, binary_rows([*numbers, Integers(project_id, 4), task_id]))
