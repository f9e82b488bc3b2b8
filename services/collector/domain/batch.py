"""What the writer stores in one transaction: the calls of many messages, as columns."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import IntEnum

import numpy as np

from services.collector.domain.arrays import Bools, Ints, run_starts
from services.collector.domain.call_body import Number
from services.collector.domain.rollup import CallColumns


class RecordKind(IntEnum):
    """What a message carries, numbered as in the contract."""

    CALL = 1
    EVIDENCE = 2


@dataclass(frozen=True, slots=True)
class MessageInfo:
    """One message of the ingest stream, without its records. `stream_id` numbers the stream and `sequence` is its place in it."""

    stream_id: int
    sequence: int
    project_id: int
    batch_id: str
    part: int
    part_count: int
    receive_time: datetime
    kind: RecordKind
    rejected_count: int
    client_dropped_count: int

    @property
    def place(self) -> tuple[int, int]:
        """What no two messages share, also when a stream is made anew and counts from 1 again."""
        return self.stream_id, self.sequence

    @property
    def receive_date(self) -> date:
        """The UTC day of receipt, which decides the partition and the ledger's line."""
        return self.receive_time.date()


@dataclass(frozen=True, eq=False)
class CallBatch:
    """Calls, one element of every column (or row of `numbers`) each.

    `message` indexes the messages that the calls came in; `task` indexes `tasks`, -1 for none; `extras` is JSON or empty.
    `numbers` has shape (calls, NUMBER_COUNT).
    """

    message: Ints
    project_id: Ints
    series_id: Ints
    start_us: Ints
    outcome: Ints
    numbers: Ints
    call_id: list[str]
    task: Ints
    agent: list[str]
    error_type: list[str]
    extras: list[str]
    tasks: Sequence[tuple[int, str]]

    def __len__(self) -> int:
        """The number of calls."""
        return len(self.call_id)

    def keep(self, kept: Bools) -> "CallBatch":
        """The calls where `kept` is true."""
        if kept.all():
            return self
        rows = np.flatnonzero(kept)
        picked = rows.tolist()
        return replace(
            self,
            message=self.message[rows],
            project_id=self.project_id[rows],
            series_id=self.series_id[rows],
            start_us=self.start_us[rows],
            outcome=self.outcome[rows],
            numbers=self.numbers[rows],
            task=self.task[rows],
            call_id=[self.call_id[row] for row in picked],
            agent=[self.agent[row] for row in picked],
            error_type=[self.error_type[row] for row in picked],
            extras=[self.extras[row] for row in picked],
        )

    def task_ids(self) -> list[str]:
        """The task of each call, empty for none."""
        names = [task_id for _, task_id in self.tasks]
        names.append("")  # -1 is the last
        return [names[task] for task in self.task.tolist()]

    def rollup_columns(self) -> CallColumns:
        """What the roll-ups need of the calls."""
        return rollup_columns(self.series_id, self.start_us, self.outcome, self.numbers)


def rollup_columns(series_id: Ints, start_us: Ints, outcome: Ints, numbers: Ints) -> CallColumns:
    """What the roll-ups need of calls with these numbers, shape (calls, NUMBER_COUNT). Unknown tokens count as none."""
    known = np.maximum(numbers, 0)
    return CallColumns(
        series_id=series_id,
        start_us=start_us,
        outcome=outcome,
        latency_us=known[:, Number.LATENCY_US],
        first_token_us=numbers[:, Number.FIRST_TOKEN_US],
        input_tokens=known[:, Number.INPUT_TOKENS],
        output_tokens=known[:, Number.OUTPUT_TOKENS],
        cache_read_tokens=known[:, Number.CACHE_READ_TOKENS],
        cache_write_tokens=known[:, Number.CACHE_WRITE_TOKENS],
        reasoning_tokens=known[:, Number.REASONING_TOKENS],
        cost_nanos=known[:, Number.COST_NANOS],
        cost_known=numbers[:, Number.COST_NANOS] >= 0,
    )


def first_of_each(project_id: Ints, call_ids: Sequence[str], among: Bools) -> Bools:
    """Which calls are, of those in `among`, the first of their id within their project; the others repeat one that stands before them."""
    kept = among.copy()
    if len(set(call_ids)) == len(call_ids):
        return kept
    seen: set[tuple[int, str]] = set()
    owner = project_id.tolist()
    for row in np.flatnonzero(among).tolist():
        key = owner[row], call_ids[row]
        kept[row] = key not in seen
        seen.add(key)
    return kept


@dataclass(frozen=True, eq=False)
class TaskSums:
    """What a batch adds to each of its tasks, one element a task: sums, greatest and earliest values, and the latest-started call.

    `task` indexes the batch's tasks. Calls that started at the same time are ordered by series and outcome, so that the latest is the same
    in whatever order they arrive.
    """

    task: Ints
    call_count: Ints
    cost_nanos: Ints
    latency_us: Ints
    revision_count: Ints
    first_start_us: Ints
    latest_start_us: Ints
    latest_series_id: Ints
    latest_outcome: Ints


def sum_tasks(batch: CallBatch) -> TaskSums:
    """Adds up the batch's calls by task; calls without a task are left out."""
    rows = np.flatnonzero(batch.task >= 0)
    order = rows[np.lexsort((batch.outcome[rows], batch.series_id[rows], batch.start_us[rows], batch.task[rows]))]
    task = batch.task[order]
    first = np.flatnonzero(run_starts(task))
    last = np.append(first[1:], task.size) - 1
    known = np.maximum(batch.numbers[order], 0)

    def add(column: Ints) -> Ints:
        return np.add.reduceat(column, first) if first.size else column

    return TaskSums(
        task=task[first],
        call_count=np.diff(np.append(first, task.size)),
        cost_nanos=add(known[:, Number.COST_NANOS]),
        latency_us=add(known[:, Number.LATENCY_US]),
        revision_count=np.maximum.reduceat(known[:, Number.REVISION_COUNT], first) if first.size else task,
        first_start_us=batch.start_us[order[first]] if first.size else task,
        latest_start_us=batch.start_us[order[last]] if first.size else task,
        latest_series_id=batch.series_id[order[last]] if first.size else task,
        latest_outcome=batch.outcome[order[last]] if first.size else task,
    )
