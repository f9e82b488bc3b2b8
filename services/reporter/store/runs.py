"""The SQL of schedules' runs: who does which, once, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

from sqlalchemy import Row, delete, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from services.reporter.domain.timing import Missed, missed
from services.reporter.store.schedules import StoredSchedule, due_schedules, set_next_time
from services.reporter.tables import run_table

# Looked at in one transaction.
DUE_AT_ONCE_MAX = 100

_run = run_table.c
# A run whose lease has ended was begun by a process that is gone.
_CLAIM = text(
    """
    UPDATE reporter.schedule_run SET attempt_count = attempt_count + 1, start_time = :now, lease_end_time = :lease_end_time,
        is_late = is_late OR (attempt_count = 0 AND due_time < :late_before)
    WHERE (project, schedule_id, due_time) IN (
        SELECT project, schedule_id, due_time FROM reporter.schedule_run
        WHERE state = 1 AND retry_time <= :now AND (lease_end_time IS NULL OR lease_end_time < :now)
        ORDER BY retry_time FOR UPDATE SKIP LOCKED LIMIT 1
    )
    RETURNING *
    """
)


class RunState(IntEnum):
    """Where a run is; the same numbers as in the contract."""

    WAITING = 1
    DONE = 2
    FAILED = 3
    SKIPPED = 4


@dataclass(frozen=True, slots=True)
class Run:
    """A time at which a schedule was due."""

    project: str
    schedule_id: str
    due_time: datetime
    state: RunState
    start_time: datetime | None
    end_time: datetime | None
    attempt_count: int
    is_late: bool
    report_id: str
    detail: str
    retry_time: datetime


_FIELDS = tuple(Run.__dataclass_fields__)
_COLUMNS = [run_table.c[name] for name in _FIELDS]


class RunStore:
    """Runs of all projects. Several replicas work on it at once."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def note_due(self, now: datetime) -> set[tuple[str, str]]:
        """Notes a run for each time that schedules are due by now, and when they are due next.

        Returns those that cannot be read and are left to another version of Assay, by project and id.
        """
        unreadable: set[tuple[str, str]] = set()
        after = None
        while True:
            async with self._engine.begin() as connection:
                page = await due_schedules(connection, now, after, DUE_AT_ONCE_MAX)
                for project, stored in page.schedules:
                    found = missed(stored.schedule.timing, stored.next_time or now, now)  # what is due has a time
                    rows = _rows(project, stored, found, now)
                    await connection.execute(insert(run_table).values(rows).on_conflict_do_nothing())
                    await set_next_time(connection, project, stored.schedule.schedule_id, found.next_time)
            unreadable.update(page.unreadable)
            after = page.last
            if after is None:
                return unreadable

    async def claim(self, now: datetime, lease: timedelta, late_after: timedelta) -> Run | None:
        """A run that is due, which is the caller's until the lease ends; None where there is none."""
        times = {"now": now, "lease_end_time": now + lease, "late_before": now - late_after}
        async with self._engine.begin() as connection:
            row = (await connection.execute(_CLAIM, times)).one_or_none()
        return None if row is None else Run(**{name: getattr(row, name) for name in _FIELDS} | {"state": RunState(row.state)})

    async def end(self, run: Run, state: RunState, report_id: str, detail: str, now: datetime) -> None:
        """Says what became of a try that was claimed, unless another one has begun since."""
        await self._set(run, {"state": state.value, "report_id": report_id, "detail": detail, "end_time": now, "lease_end_time": None})

    async def retry(self, run: Run, report_id: str, detail: str, retry_time: datetime) -> None:
        """Has it tried again at that time, unless another try has begun since."""
        await self._set(run, {"report_id": report_id, "detail": detail, "retry_time": retry_time, "lease_end_time": None})

    async def list_runs(self, project: str, schedule_id: str, before: datetime | None, limit: int) -> Sequence[Run]:
        """Runs of a schedule, the latest first, due before that; without those whose state another version of Assay alone knows."""
        statement = select(*_COLUMNS).where(_run.project == project, _run.schedule_id == schedule_id, _run.state.in_(list(RunState)))
        if before is not None:
            statement = statement.where(_run.due_time < before)
        async with self._engine.connect() as connection:
            return [_run_of(row) for row in await connection.execute(statement.order_by(_run.due_time.desc()).limit(limit))]

    async def forget_before(self, moment: datetime, limit: int) -> int:
        """Deletes runs that were due before then, at most `limit`; returns how many."""
        keys = (_run.project, _run.schedule_id, _run.due_time)
        old = select(*keys).where(_run.due_time < moment, _run.state != RunState.WAITING.value).limit(limit)
        async with self._engine.begin() as connection:
            return (await connection.execute(delete(run_table).where(tuple_(*keys).in_(old)))).rowcount

    async def _set(self, run: Run, values: dict[str, Any]) -> None:
        this = (_run.project == run.project) & (_run.schedule_id == run.schedule_id) & (_run.due_time == run.due_time)
        still_ours = (_run.attempt_count == run.attempt_count) & (_run.state == RunState.WAITING.value)
        async with self._engine.begin() as connection:
            await connection.execute(update(run_table).where(this, still_ours).values(values))


def _rows(project: str, stored: StoredSchedule, found: Missed, now: datetime) -> list[dict[str, Any]]:
    """Rows of what is due, and one for all that is skipped."""
    common = {
        "project": project,
        "schedule_id": stored.schedule.schedule_id,
        "attempt_count": 0,
        "is_late": False,
        "report_id": "",
        "retry_time": now,
    }
    rows: list[dict[str, Any]] = [
        {**common, "due_time": due, "state": RunState.WAITING.value, "detail": "", "end_time": None} for due in found.due
    ]
    if found.last_skipped is not None:
        earlier = f", as were {found.skipped_count - 1} before it" if found.skipped_count > 1 else ""
        detail = f"skipped, since two later ones were due already{earlier}"
        rows.append(
            {**common, "due_time": found.last_skipped, "state": RunState.SKIPPED.value, "detail": detail, "end_time": now, "is_late": True}
        )
    return rows


def _run_of(row: Row[Any]) -> Run:
    values = dict(zip(_FIELDS, row, strict=True))
    return Run(**values | {"state": RunState(values["state"])})
