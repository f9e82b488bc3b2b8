"""The SQL of groups of alerts, and of what was told of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.alerter.domain.alert import Alert, AlertState, Severity
from services.alerter.domain.notification.escalation import Progress
from services.alerter.domain.notification.group import Group, Told
from services.alerter.notification_tables import notification_group_table
from services.alerter.tables import alert_table

_group = notification_group_table.c
_PLAIN = ("group_id", "route_id", "open_time", "level", "told_time", "repeat_count", "message_count")
_COLUMNS = [
    notification_group_table.c[name] for name in (*_PLAIN, "labels", "members", "receivers", "next_step", "round_count", "step_time")
]
_ID_BYTES = 16
IDS_AT_ONCE = 10_000


async def groups_of(connection: AsyncConnection, project: str) -> list[Group]:
    """The project's open groups."""
    rows = await connection.execute(select(*_COLUMNS).where(_group.project == project).order_by(_group.group_id))
    return [_group_of(row) for row in rows]


async def group_of(engine: AsyncEngine, project: str, group_id: str) -> Group | None:
    """One open group of the project."""
    async with engine.connect() as connection:
        statement = select(*_COLUMNS).where(_group.project == project, _group.group_id == group_id)
        row = (await connection.execute(statement)).one_or_none()
    return None if row is None else _group_of(row)


async def write_groups(connection: AsyncConnection, project: str, groups: Iterable[Group], closed: Sequence[str]) -> None:
    """Adds or replaces groups, and deletes those that are closed."""
    rows = [_row(project, group) for group in groups]
    if rows:
        statement = upsert(notification_group_table)
        replaced = {name: statement.excluded[name] for name in rows[0] if name not in {"group_id", "project"}}
        await connection.execute(statement.on_conflict_do_update(index_elements=["group_id"], set_=replaced), rows)
    if closed:
        await connection.execute(delete(notification_group_table).where(_group.group_id.in_(closed)))


async def told_alerts(connection: AsyncConnection, project: str, groups: Iterable[Group]) -> list[Alert]:
    """The project's alerts that are firing or acknowledged, and those others that are members of the groups."""
    names = list(Alert.__dataclass_fields__)
    statement = select(*(alert_table.c[name] for name in names)).where(alert_table.c.project == project)
    found = [_alert_of(row) for row in await connection.execute(statement.where(alert_table.c.state.in_((2, 3))))]
    known = {alert.alert_id for alert in found}
    others = sorted({alert_id for group in groups for alert_id in group.members} - known)
    for first in range(0, len(others), IDS_AT_ONCE):
        some = others[first : first + IDS_AT_ONCE]
        found += [_alert_of(row) for row in await connection.execute(statement.where(alert_table.c.alert_id.in_(some)))]
    return found


def _alert_of(row: Any) -> Alert:
    values = dict(row._mapping)  # noqa: SLF001 - the documented way to read a row by column
    return Alert(**values | {"state": AlertState(values["state"]), "severity": Severity(values["severity"])})


def packed_members(members: Mapping[str, Told]) -> bytes:
    """Members as the table has them: in a storm there are thousands, and the row is written often."""
    return b"".join(bytes.fromhex(alert_id) + bytes((told,)) for alert_id, told in members.items())


def unpacked_members(packed: bytes) -> dict[str, Told]:
    """The members in their order."""
    step = _ID_BYTES + 1
    return {packed[at : at + _ID_BYTES].hex(): Told(packed[at + _ID_BYTES]) for at in range(0, len(packed), step)}


def _group_of(row: Any) -> Group:
    plain = {name: getattr(row, name) for name in _PLAIN}
    return Group(
        **plain,
        labels=tuple((name, value) for name, value in row.labels),
        members=unpacked_members(row.members),
        receivers=tuple(row.receivers),
        escalation=None if row.step_time is None else Progress(row.next_step, row.round_count, row.step_time),
    )


def _row(project: str, group: Group) -> dict[str, Any]:
    progress = group.escalation
    return {name: getattr(group, name) for name in _PLAIN} | {
        "project": project,
        "labels": [list(pair) for pair in group.labels],
        "members": packed_members(group.members),
        "receivers": list(group.receivers),
        "next_step": None if progress is None else progress.next_step,
        "round_count": None if progress is None else progress.round_count,
        "step_time": None if progress is None else progress.step_time,
    }
