"""The SQL of schedules."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, literal, select, tuple_, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit.errors import AssayError, Kind
from services.reporter.domain.period import Length
from services.reporter.domain.timing import Timing, check_timing
from services.reporter.tables import schedule_table

SCHEDULES_MAX = 100  # of a project; each may be due every hour
UNREADABLE = "SCHEDULE_UNREADABLE"
_schedule = schedule_table.c
_DUE_ORDER = (_schedule.next_time, _schedule.project, _schedule.schedule_id)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Which report is made when, and who gets it."""

    schedule_id: str
    display_name: str
    period: Length
    timing: Timing
    receiver_ids: tuple[str, ...]
    is_paused: bool


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """A schedule as it is kept. `next_time`: None while it rests."""

    schedule: Schedule
    next_time: datetime | None
    create_time: datetime
    update_time: datetime
    updated_by: str
    version: int


@dataclass(frozen=True, slots=True)
class DuePage:
    """Schedules that are due, with their projects; those that cannot be read, by project and id; and where the next page begins, if any."""

    schedules: list[tuple[str, StoredSchedule]]
    unreadable: list[tuple[str, str]]
    last: tuple[datetime, str, str] | None


class ScheduleStore:
    """Schedules of all projects. One that another version of Assay wrote may not be readable: then it is left alone."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def create(self, project: str, schedule: Schedule, next_time: datetime | None, actor: str, now: datetime) -> StoredSchedule:
        """Makes a schedule, or finds the same one.

        Raises SCHEDULE_EXISTS for another of this id, SCHEDULE_UNREADABLE, TOO_MANY_SCHEDULES.
        """
        made = StoredSchedule(schedule, next_time, create_time=now, update_time=now, updated_by=actor, version=1)
        async with self._engine.begin() as connection:
            await connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"reporter schedules {project}"))))
            found = await _find(connection, project, schedule.schedule_id)
            if found is not None:
                if found.schedule == schedule:
                    return found
                raise AssayError(Kind.ALREADY_EXISTS, "SCHEDULE_EXISTS", "there is another schedule of this id")
            count = await connection.scalar(select(func.count()).select_from(schedule_table).where(_schedule.project == project))
            if (count or 0) >= SCHEDULES_MAX:
                raise AssayError(Kind.RESOURCE_EXHAUSTED, "TOO_MANY_SCHEDULES", f"a project has at most {SCHEDULES_MAX} schedules")
            await connection.execute(plain_insert(schedule_table).values(project=project, **_values(made)))
        return made

    async def get(self, project: str, schedule_id: str) -> StoredSchedule:
        """Raises SCHEDULE_UNKNOWN, SCHEDULE_UNREADABLE."""
        async with self._engine.connect() as connection:
            found = await _find(connection, project, schedule_id)
        if found is None:
            raise schedule_unknown()
        return found

    async def list_schedules(self, project: str, after: str, limit: int) -> Sequence[StoredSchedule]:
        """Schedules by id, beginning behind `after`; those that cannot be read are left out."""
        statement = select(schedule_table).where(_schedule.project == project, _schedule.schedule_id > after)
        async with self._engine.connect() as connection:
            rows = await connection.execute(statement.order_by(_schedule.schedule_id))  # SCHEDULES_MAX of them
            found = [_readable(row) for row in rows]
        return [stored for stored in found if stored is not None][:limit]

    async def update(
        self, project: str, schedule: Schedule, next_time: datetime | None, actor: str, *, expected_version: int, now: datetime
    ) -> StoredSchedule:
        """Replaces a schedule. Raises SCHEDULE_UNKNOWN, SCHEDULE_UNREADABLE, SCHEDULE_CHANGED unless it has the version, 0 being any."""
        async with self._engine.begin() as connection:
            found = await _find(connection, project, schedule.schedule_id, is_held=True)
            if found is None:
                raise schedule_unknown()
            if expected_version not in {0, found.version}:
                raise AssayError(Kind.FAILED_PRECONDITION, "SCHEDULE_CHANGED", "somebody has changed the schedule: read it again")
            if found.schedule == schedule:
                return found
            is_timed_alike = (found.schedule.timing, found.schedule.is_paused) == (schedule.timing, schedule.is_paused)
            changed = replace(
                found,
                schedule=schedule,
                # What is due at this moment is not lost by a change of, say, the receivers.
                next_time=found.next_time if is_timed_alike else next_time,
                update_time=now,
                updated_by=actor,
                version=found.version + 1,
            )
            await connection.execute(update(schedule_table).where(_this(project, schedule.schedule_id)).values(_values(changed)))
        return changed

    async def delete(self, project: str, schedule_id: str) -> None:
        """Ends a schedule and forgets its runs. Raises SCHEDULE_UNKNOWN."""
        async with self._engine.begin() as connection:
            if not (await connection.execute(delete(schedule_table).where(_this(project, schedule_id)))).rowcount:
                raise schedule_unknown()


async def due_schedules(connection: AsyncConnection, now: datetime, after: tuple[datetime, str, str] | None, limit: int) -> DuePage:
    """The next schedules behind `after` that are due, held by the caller's transaction; those that another replica holds are left out."""
    statement = select(schedule_table).where(_schedule.next_time <= now)
    if after is not None:
        statement = statement.where(tuple_(*_DUE_ORDER) > tuple_(*map(literal, after)))
    rows = (await connection.execute(statement.order_by(*_DUE_ORDER).limit(limit).with_for_update(skip_locked=True))).all()
    found = [(row, _readable(row)) for row in rows]
    return DuePage(
        schedules=[(row.project, stored) for row, stored in found if stored is not None],
        unreadable=[(row.project, row.schedule_id) for row, stored in found if stored is None],
        last=(rows[-1].next_time, rows[-1].project, rows[-1].schedule_id) if len(rows) == limit else None,
    )


async def set_next_time(connection: AsyncConnection, project: str, schedule_id: str, next_time: datetime | None) -> None:
    """Says when a schedule is due next, in the caller's transaction."""
    await connection.execute(update(schedule_table).where(_this(project, schedule_id)).values(next_time=next_time))


def schedule_unknown() -> AssayError:
    """The refusal of a schedule that the project has not."""
    return AssayError(Kind.NOT_FOUND, "SCHEDULE_UNKNOWN", "the project has no such schedule")


def _this(project: str, schedule_id: str) -> Any:
    return (_schedule.project == project) & (_schedule.schedule_id == schedule_id)


async def _find(connection: AsyncConnection, project: str, schedule_id: str, *, is_held: bool = False) -> StoredSchedule | None:
    statement = select(schedule_table).where(_this(project, schedule_id))
    row = (await connection.execute(statement.with_for_update() if is_held else statement)).one_or_none()
    return None if row is None else _schedule_of(row)


def _values(stored: StoredSchedule) -> dict[str, Any]:
    schedule, timing = stored.schedule, stored.schedule.timing
    return {
        "schedule_id": schedule.schedule_id,
        "display_name": schedule.display_name,
        "period": schedule.period.value,
        "cron": timing.cron,
        "weekday": timing.weekday,
        "minute_of_day": None if timing.cron else timing.minute_of_day,
        "time_zone": timing.zone,
        "receiver_ids": list(schedule.receiver_ids),
        "is_paused": schedule.is_paused,
        "next_time": stored.next_time,
        "create_time": stored.create_time,
        "update_time": stored.update_time,
        "updated_by": stored.updated_by,
        "version": stored.version,
    }


def _readable(row: Row[Any]) -> StoredSchedule | None:
    """The schedule, None where it cannot be read."""
    try:
        return _schedule_of(row)
    except AssayError:
        return None


def _schedule_of(row: Row[Any]) -> StoredSchedule:
    """Raises SCHEDULE_UNREADABLE for a period, a timing or a zone that this version does not know; a replica of another one may."""
    try:
        timing = check_timing(Timing(row.time_zone, row.cron, row.weekday, row.minute_of_day or 0), row.update_time)
        schedule = Schedule(
            schedule_id=row.schedule_id,
            display_name=row.display_name,
            period=Length(row.period),
            timing=timing,
            receiver_ids=tuple(row.receiver_ids),
            is_paused=row.is_paused,
        )
    except (AssayError, ValueError) as error:
        message = "another version of Assay wrote the schedule, which this one cannot read"
        raise AssayError(Kind.UNAVAILABLE, UNREADABLE, message) from error
    return StoredSchedule(schedule, row.next_time, row.create_time, row.update_time, row.updated_by, row.version)
