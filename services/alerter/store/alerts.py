"""The SQL of alerts, of what became of them, and of what the life cycle remembers of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, delete, insert, select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit.errors import AssayError, Kind
from services.alerter.domain.alert import Alert, AlertState, Severity
from services.alerter.domain.life_cycle import Course, Step, Transition
from services.alerter.store.rules import touch_project
from services.alerter.tables import alert_table, rule_state_table, transition_table

_alert = alert_table.c
_state = rule_state_table.c
_transition = transition_table.c
_ALERT_FIELDS = [each.name for each in fields(Alert)]
_ALERT_COLUMNS = [alert_table.c[name] for name in _ALERT_FIELDS]
_MEMORY_FIELDS = ("contrary_time", "unknown_time", "return_count", "is_held")
# asyncpg sends the columns of a statement one by one, of which the protocol allows 32,767.
ROWS_AT_ONCE = 1_000
TRANSITIONS_MAX = 1_000

Place: TypeAlias = tuple[str, str]
"""Rule and group."""
Make: TypeAlias = Callable[[Course], Step]
"""What a person does: the step that it makes of a course, without an alert where it changes nothing."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one observation or person changed of one group."""

    rule_id: str
    group_key: str
    step: Step


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts are listed; what is empty or None is any."""

    states: Sequence[AlertState] = ()
    severities: Sequence[Severity] = ()
    rule_id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    not_over_before: datetime | None = None
    begun_before: datetime | None = None


class AlertStore:
    """Alerts of all projects."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def courses(self, project: str) -> dict[Place, Course]:
        """What the life cycle remembers, by rule and group."""
        statement = select(_state.rule_id, _state.group_key, *(_state[name] for name in _MEMORY_FIELDS), *_ALERT_COLUMNS).join(
            alert_table, _alert.alert_id == _state.alert_id
        )
        async with self._engine.connect() as connection:
            rows = await connection.execute(statement.where(_state.project == project))
            first = 2 + len(_MEMORY_FIELDS)
            return {(row[0], row[1]): Course(_alert_of(row[first:]), *row[2:first]) for row in rows}

    async def get(self, project: str, alert_id: str) -> Alert:
        """Raises ALERT_UNKNOWN, also for another project's."""
        async with self._engine.connect() as connection:
            return await self._get(connection, project, alert_id)

    async def transitions(self, alert_id: str) -> list[Transition]:
        """What became of an alert, oldest first; the latest so many."""
        names = [each.name for each in fields(Transition)]
        statement = select(*(_transition[name] for name in names)).where(_transition.alert_id == alert_id)
        async with self._engine.connect() as connection:
            rows = await connection.execute(statement.order_by(_transition.version.desc()).limit(TRANSITIONS_MAX))
            return [_transition_of(row) for row in rows][::-1]

    async def list_alerts(self, project: str, wanted: AlertFilter, after: tuple[datetime, str] | None, limit: int) -> list[Alert]:
        """Alerts, the latest begun first; with `after`, those that sort behind that start and id."""
        statement = select(*_ALERT_COLUMNS).where(*_conditions(project, wanted))
        if after is not None:
            statement = statement.where(tuple_(_alert.start_time, _alert.alert_id) < tuple_(*after))
        statement = statement.order_by(_alert.start_time.desc(), _alert.alert_id.desc()).limit(limit)
        async with self._engine.connect() as connection:
            return [_alert_of(row) for row in await connection.execute(statement)]

    async def unresolved(self, project: str) -> list[Alert]:
        """All alerts that are not resolved."""
        statement = select(*_ALERT_COLUMNS).where(_alert.project == project, _alert.state != AlertState.RESOLVED.value)
        async with self._engine.connect() as connection:
            return [_alert_of(row) for row in await connection.execute(statement)]

    async def changed_since(self, project: str, since: datetime) -> list[Alert]:
        """Alerts that have changed since then."""
        statement = select(*_ALERT_COLUMNS).where(_alert.project == project, _alert.change_time >= since)
        async with self._engine.connect() as connection:
            return [_alert_of(row) for row in await connection.execute(statement)]

    async def change_by_hand(self, project: str, alert_id: str, make: Make, now: datetime) -> tuple[Alert, bool]:
        """Changes an alert as `make` says; returns it as it then is, and whether it changed. Raises ALERT_UNKNOWN."""
        async with self._engine.begin() as connection:
            await touch_project(connection, project)
            alert = await self._get(connection, project, alert_id)
            this = (_state.project == project) & (_state.alert_id == alert_id)
            columns = (_state.rule_id, _state.group_key, *(_state[name] for name in _MEMORY_FIELDS))
            row = (await connection.execute(select(*columns).where(this))).one_or_none()
            step = make(Course(alert) if row is None else Course(alert, *row[2:]))
            if step.alert is None:
                return alert, False
            rule_id, group_key = ("", "") if row is None else row[:2]
            await write(connection, project, [Change(rule_id, group_key, step)], now)
            return step.alert, True

    async def forget_before(self, moment: datetime, limit: int) -> int:
        """Deletes up to `limit` alerts that were resolved before then, and their transitions; returns how many."""
        async with self._engine.begin() as connection:
            old = select(_alert.alert_id).where(_alert.state == AlertState.RESOLVED.value, _alert.change_time < moment).limit(limit)
            ids = list(await connection.scalars(old))
            for table in (transition_table, rule_state_table, alert_table):
                await connection.execute(delete(table).where(table.c.alert_id.in_(ids)))
            return len(ids)

    async def _get(self, connection: AsyncConnection, project: str, alert_id: str) -> Alert:
        this = (_alert.project == project) & (_alert.alert_id == alert_id)
        row = (await connection.execute(select(*_ALERT_COLUMNS).where(this))).one_or_none()
        if row is None:
            raise AssayError(Kind.NOT_FOUND, "ALERT_UNKNOWN", "the project has no such alert", details={"alert_id": alert_id[:64]})
        return _alert_of(row)


async def write(connection: AsyncConnection, project: str, changes: Iterable[Change], now: datetime) -> None:
    """Writes changes in the caller's transaction: states, alerts and transitions together."""
    made = list(changes)
    for first in range(0, len(made), ROWS_AT_ONCE):
        await _write(connection, project, made[first : first + ROWS_AT_ONCE], now)


async def _write(connection: AsyncConnection, project: str, changes: Sequence[Change], now: datetime) -> None:
    alerts = [_alert_row(change.step.alert, now) for change in changes if change.step.alert is not None]
    if alerts:
        statement = upsert(alert_table)
        replaced = {name: statement.excluded[name] for name in alerts[0] if name != "alert_id"}
        await connection.execute(statement.on_conflict_do_update(index_elements=["alert_id"], set_=replaced), alerts)
    transitions = [change.step.transition for change in changes if change.step.transition is not None]
    kept = [_transition_row(transition) for transition in transitions if transition.to_state is not None]
    if kept:
        await connection.execute(insert(transition_table), kept)
    forgotten = [transition.alert_id for transition in transitions if transition.to_state is None]
    if forgotten:
        for table in (transition_table, alert_table):
            await connection.execute(delete(table).where(table.c.alert_id.in_(forgotten)))
    await _write_states(connection, project, [change for change in changes if change.rule_id])


async def _write_states(connection: AsyncConnection, project: str, changes: Sequence[Change]) -> None:
    """Keeps the courses that there are, and deletes those of groups that have become inactive."""
    kept = [_state_row(project, change, change.step.course) for change in changes if change.step.course is not None]
    if kept:
        statement = upsert(rule_state_table)
        replaced = {name: statement.excluded[name] for name in ("alert_id", *_MEMORY_FIELDS)}
        await connection.execute(statement.on_conflict_do_update(index_elements=["project", "rule_id", "group_key"], set_=replaced), kept)
    gone = [(change.rule_id, change.group_key) for change in changes if change.step.course is None]
    if gone:
        which = (_state.project == project) & tuple_(_state.rule_id, _state.group_key).in_(gone)
        await connection.execute(delete(rule_state_table).where(which))


def _conditions(project: str, wanted: AlertFilter) -> list[ColumnElement[bool]]:
    made = [_alert.project == project]
    if wanted.states:
        made.append(_alert.state.in_([state.value for state in wanted.states]))
    if wanted.severities:
        made.append(_alert.severity.in_([severity.value for severity in wanted.severities]))
    if wanted.rule_id:
        made.append(_alert.rule_id == wanted.rule_id)
    if wanted.labels:
        made.append(_alert.labels.contains(dict(wanted.labels)))
    if wanted.not_over_before is not None:
        made.append(_alert.resolve_time.is_(None) | (_alert.resolve_time >= wanted.not_over_before))
    if wanted.begun_before is not None:
        made.append(_alert.start_time < wanted.begun_before)
    return made


def _alert_of(row: Sequence[Any]) -> Alert:
    values = dict(zip(_ALERT_FIELDS, row, strict=True))
    return Alert(**{**values, "state": AlertState(values["state"]), "severity": Severity(values["severity"])})


def _alert_row(alert: Alert, now: datetime) -> dict[str, Any]:
    row = {name: getattr(alert, name) for name in _ALERT_FIELDS}
    return {**row, "labels": dict(alert.labels), "state": alert.state.value, "severity": alert.severity.value, "change_time": now}


def _state_row(project: str, change: Change, course: Course) -> dict[str, Any]:
    memory = {name: getattr(course, name) for name in _MEMORY_FIELDS}
    return {"project": project, "rule_id": change.rule_id, "group_key": change.group_key, "alert_id": course.alert.alert_id, **memory}


def _transition_row(transition: Transition) -> dict[str, Any]:
    return {
        "alert_id": transition.alert_id,
        "version": transition.version,
        "time": transition.time,
        "from_state": None if transition.from_state is None else transition.from_state.value,
        "to_state": None if transition.to_state is None else transition.to_state.value,
        "cause": transition.cause,
        "actor": transition.actor,
        "observed": transition.observed,
    }


def _transition_of(row: Any) -> Transition:
    from_state = None if row.from_state is None else AlertState(row.from_state)
    return Transition(row.alert_id, row.version, row.time, from_state, AlertState(row.to_state), row.cause, row.actor, row.observed)
