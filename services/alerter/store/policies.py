"""The SQL of how projects are told of their alerts, and of when that is to be looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit.errors import AssayError, Kind
from services.alerter.notification_tables import notification_policy_table
from services.alerter.store.audit import Change, changed_fields, note

_policy = notification_policy_table.c


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """A project's routes and what they name, in the contract's JSON form; empty for what is usual. Version 0: never set."""

    definition: Mapping[str, Any]
    update_time: datetime | None
    updated_by: str
    version: int


USUAL = StoredPolicy({}, None, "", 0)
_COLUMNS = [notification_policy_table.c[name] for name in StoredPolicy.__dataclass_fields__]


class PolicyStore:
    """Policies of all projects."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def get(self, project: str) -> StoredPolicy:
        """The policy, the usual one for a project that has none of its own."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(*_COLUMNS).where(_policy.project == project))).one_or_none()
        return USUAL if row is None else StoredPolicy(*row)

    async def put(self, project: str, definition: Mapping[str, Any], actor: str, expected_version: int, now: datetime) -> StoredPolicy:
        """Replaces the policy; an expected version of 0 is any. Raises POLICY_CHANGED."""
        async with self._engine.begin() as connection:
            await look_soon(connection, project, now)
            statement = select(*_COLUMNS).where(_policy.project == project).with_for_update()
            found = StoredPolicy(*(await connection.execute(statement)).one())
            if expected_version not in {0, found.version}:
                raise AssayError(Kind.FAILED_PRECONDITION, "POLICY_CHANGED", f"the policy is at version {found.version}: read it again")
            if found.version and found.definition == definition:
                return found
            values = {"definition": dict(definition), "update_time": now, "updated_by": actor, "version": found.version + 1}
            changed = update(notification_policy_table).where(_policy.project == project).values(values).returning(*_COLUMNS)
            names = changed_fields(found.definition, definition)
            await note(connection, Change(project, actor, now), "notification_policy.update", project, changed=names)
            return StoredPolicy(*(await connection.execute(changed)).one())


async def look_soon(connection: AsyncConnection, project: str, now: datetime) -> None:
    """Has the project's alerts looked at, once the transaction is done."""
    row = {"project": project, "definition": {}, "update_time": now, "updated_by": "", "version": 0, "look_time": now, "seen": ""}
    statement = upsert(notification_policy_table).values(row)
    await connection.execute(statement.on_conflict_do_update(index_elements=["project"], set_={"look_time": now}))


_ADD_MISSING = text(
    """
    INSERT INTO alerter.notification_policy (project, definition, update_time, updated_by, version, look_time, seen)
    SELECT project, '{}', :now, '', 0, :now, '' FROM alerter.project
    WHERE project NOT IN (SELECT project FROM alerter.notification_policy)
    ON CONFLICT DO NOTHING
    """
)


async def add_missing(connection: AsyncConnection, now: datetime) -> None:
    """Makes a row for each project that has none yet."""
    await connection.execute(_ADD_MISSING, {"now": now})


# What the open alerts are like, in a few bytes: whatever changes one, adds one or ends one changes it. Those that ended are counted for an
# hour, by when each has long been seen.
_ALERTS_SEEN = """
    SELECT concat_ws('/', count(*), sum(version), extract(epoch FROM max(change_time))) FROM alerter.alert
    WHERE alert.project = {project} AND (state <> 4 OR change_time > :recent)
"""
_SEEN = text(_ALERTS_SEEN.format(project=":project"))
_DUE = text(
    f"""
    SELECT project FROM alerter.notification_policy AS policy
    WHERE look_time <= :now OR seen <> ({_ALERTS_SEEN.format(project="policy.project")})
    ORDER BY project
    """
)
_TAKE = text(
    """
    SELECT definition, seen, look_time FROM alerter.notification_policy WHERE project = :project FOR UPDATE SKIP LOCKED
    """
)
_NOTE = text("UPDATE alerter.notification_policy SET look_time = :look_time, seen = :seen WHERE project = :project")


async def due_projects(connection: AsyncConnection, now: datetime, recent: datetime) -> list[str]:
    """The projects, by name, whose time has come or whose alerts are not as they were seen last."""
    return list(await connection.scalars(_DUE, {"now": now, "recent": recent}))


async def seen_now(connection: AsyncConnection, project: str, recent: datetime) -> str:
    """What the project's alerts are like now."""
    return str(await connection.scalar(_SEEN, {"project": project, "recent": recent}))


async def take(connection: AsyncConnection, project: str) -> tuple[Mapping[str, Any], str, datetime | None] | None:
    """The project's policy, how its alerts were seen last, and when they are to be looked at; None if somebody else is at it.

    Whoever takes it has it until the transaction ends.
    """
    row = (await connection.execute(_TAKE, {"project": project})).one_or_none()
    return None if row is None else (row[0], row[1], row[2])


async def note_look(connection: AsyncConnection, project: str, seen: str, look_time: datetime | None) -> None:
    """Keeps how the alerts were seen, and when they are to be looked at next."""
    await connection.execute(_NOTE, {"project": project, "seen": seen, "look_time": look_time})
