"""The SQL of the audit log. An event is written in the transaction of its change, and holds no secret."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.alerter.tables import audit_event_table

_event = audit_event_table.c


@dataclass(frozen=True, slots=True)
class Change:
    """Who changes something of a project, and when; `actor` is the key's id, empty where somebody uses a link."""

    project: str
    actor: str
    time: datetime


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One change as it is kept."""

    audit_event_id: int
    time: datetime
    actor_key_id: str
    action: str
    subject: str
    details: Mapping[str, str]


_COLUMNS = [audit_event_table.c[name] for name in AuditEvent.__dataclass_fields__]


class AuditStore:
    """Reads the log."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def list_events(self, project: str, *, before: int | None, limit: int) -> list[AuditEvent]:
        """Events of a project, the latest first; with `before`, only those with a smaller id."""
        statement = select(*_COLUMNS).where(_event.project == project)
        if before is not None:
            statement = statement.where(_event.audit_event_id < before)
        async with self._engine.connect() as connection:
            rows = await connection.execute(statement.order_by(_event.audit_event_id.desc()).limit(limit))
            return [AuditEvent(*row) for row in rows]


async def note(connection: AsyncConnection, change: Change, action: str, subject: str, **details: str) -> None:
    """Adds an event, such as "rule.update" of a rule's id, in the caller's transaction."""
    event = {
        "project": change.project,
        "time": change.time,
        "actor_key_id": change.actor,
        "action": action,
        "subject": subject,
        "details": details,
    }
    await connection.execute(insert(audit_event_table).values(event))


def changed_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The names of the fields in which two definitions differ, in order."""
    return ", ".join(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)))
