"""The SQL of the audit log. An event is written in the transaction of its change, and holds no secret."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.collector.access.records import AuditEvent
from services.collector.access.tables import audit_event_table

_COLUMNS = [audit_event_table.c[name] for name in AuditEvent.__dataclass_fields__]


async def note(
    connection: AsyncConnection,
    *,
    time: datetime,
    project: str | None,
    actor: str | None,
    action: str,
    subject: str,
    details: Mapping[str, str],
) -> None:
    """Adds an event to a project's log, or to the installation's; `actor` None means Assay itself."""
    event = {
        "project": project,
        "time": time,
        "actor_key_id": actor,
        "action": action,
        "subject": subject,
        "details": dict(details),
    }
    await connection.execute(insert(audit_event_table).values(event))


async def read(connection: AsyncConnection, project: str | None, *, before: int | None, limit: int) -> list[AuditEvent]:
    """Events of one log, the latest first; with `before`, only those with a smaller id."""
    statement = select(*_COLUMNS).where(audit_event_table.c.project.is_not_distinct_from(project))
    if before is not None:
        statement = statement.where(audit_event_table.c.audit_event_id < before)
    rows = await connection.execute(statement.order_by(audit_event_table.c.audit_event_id.desc()).limit(limit))
    return [AuditEvent(*row) for row in rows]
