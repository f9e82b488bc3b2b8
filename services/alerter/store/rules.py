"""The SQL of rules, and of the projects that they belong to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit.errors import AssayError, Kind
from services.alerter.store.audit import Change, changed_fields, note
from services.alerter.tables import project_table, rule_table

_project = project_table.c
_rule = rule_table.c
# Evaluated every few seconds each; more are mistakes of a program.
RULES_MAX = 1_000


@dataclass(frozen=True, slots=True)
class StoredRule:
    """A rule as it is kept: its definition is the contract's JSON form."""

    rule_id: str
    definition: Mapping[str, Any]
    create_time: datetime
    update_time: datetime
    updated_by: str
    version: int


_COLUMNS = [rule_table.c[name] for name in StoredRule.__dataclass_fields__]


class RuleStore:
    """Rules by project and id. What changes them tells the project's owner by its generation."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def ensure_project(self, project: str, defaults: Mapping[str, Mapping[str, Any]], now: datetime) -> bool:
        """Makes the project known, with these rules by id, unless it is known; returns whether it was made."""
        async with self._engine.begin() as connection:
            row = {"project": project, "generation": 1, "owner": "", "lease_end_time": now}
            made = await connection.execute(upsert(project_table).values(row).on_conflict_do_nothing().returning(_project.project))
            if made.one_or_none() is None:
                return False
            rules = [_row(project, rule_id, definition, now, "") for rule_id, definition in defaults.items()]
            if rules:
                await connection.execute(insert(rule_table), rules)
            return True

    async def has_project(self, project: str) -> bool:
        """Whether the project is known here."""
        async with self._engine.connect() as connection:
            return await connection.scalar(select(_project.project).where(_project.project == project)) is not None

    async def require_project(self, project: str) -> None:
        """Raises PROJECT_UNKNOWN for a project that is not known here."""
        if not await self.has_project(project):
            raise _project_unknown(project)

    async def create(self, project: str, rule_id: str, definition: Mapping[str, Any], actor: str, now: datetime) -> StoredRule:
        """Makes a rule, or finds the same one. Raises RULE_EXISTS for another one of this id, TOO_MANY_RULES."""
        async with self._engine.begin() as connection:
            await touch_project(connection, project)
            found = await self._get(connection, project, rule_id)
            if found is None:
                return await self._insert(connection, _row(project, rule_id, definition, now, actor))
        if found.definition != definition:
            raise AssayError(Kind.ALREADY_EXISTS, "RULE_EXISTS", f"there is another rule {rule_id}")
        return found

    async def update(
        self,
        project: str,
        rule_id: str,
        definition: Mapping[str, Any],
        actor: str,
        now: datetime,
        *,
        expected_version: int = 0,
        allow_missing: bool = False,
    ) -> StoredRule:
        """Replaces a rule; one that is the same already is left as it is. Raises RULE_UNKNOWN, RULE_CHANGED, TOO_MANY_RULES."""
        async with self._engine.begin() as connection:
            await touch_project(connection, project)
            found = await self._get(connection, project, rule_id)
            if found is None:
                if not allow_missing:
                    raise rule_unknown(rule_id)
                return await self._insert(connection, _row(project, rule_id, definition, now, actor))
            if found.definition == definition:
                return found
            if expected_version not in {0, found.version}:
                raise AssayError(Kind.FAILED_PRECONDITION, "RULE_CHANGED", f"rule {rule_id} is at version {found.version}: read it again")
            changes = {"definition": dict(definition), "update_time": now, "updated_by": actor, "version": found.version + 1}
            this = (_rule.project == project) & (_rule.rule_id == rule_id)
            row = await connection.execute(update(rule_table).where(this).values(changes).returning(*_COLUMNS))
            changed = changed_fields(found.definition, definition)
            await note(connection, Change(project, actor, now), "rule.update", rule_id, changed=changed)
            return StoredRule(*row.one())

    async def delete(self, project: str, rule_id: str, actor: str, now: datetime) -> None:
        """Raises RULE_UNKNOWN."""
        async with self._engine.begin() as connection:
            await touch_project(connection, project)
            this = (_rule.project == project) & (_rule.rule_id == rule_id)
            if not (await connection.execute(delete(rule_table).where(this))).rowcount:
                raise rule_unknown(rule_id)
            await note(connection, Change(project, actor, now), "rule.delete", rule_id)

    async def get(self, project: str, rule_id: str) -> StoredRule:
        """Raises RULE_UNKNOWN."""
        async with self._engine.connect() as connection:
            found = await self._get(connection, project, rule_id)
        if found is None:
            raise rule_unknown(rule_id)
        return found

    async def list_rules(self, project: str, after: str, limit: int) -> Sequence[StoredRule]:
        """Rules by id, beginning behind `after`."""
        statement = select(*_COLUMNS).where(_rule.project == project, _rule.rule_id > after).order_by(_rule.rule_id).limit(limit)
        async with self._engine.connect() as connection:
            return [StoredRule(*row) for row in await connection.execute(statement)]

    async def _get(self, connection: AsyncConnection, project: str, rule_id: str) -> StoredRule | None:
        this = (_rule.project == project) & (_rule.rule_id == rule_id)
        row = (await connection.execute(select(*_COLUMNS).where(this))).one_or_none()
        return None if row is None else StoredRule(*row)

    async def _insert(self, connection: AsyncConnection, row: Mapping[str, Any]) -> StoredRule:
        count = await connection.scalar(select(func.count()).select_from(rule_table).where(_rule.project == row["project"]))
        if (count or 0) >= RULES_MAX:
            raise AssayError(Kind.RESOURCE_EXHAUSTED, "TOO_MANY_RULES", f"a project has at most {RULES_MAX} rules")
        change = Change(row["project"], row["updated_by"], row["create_time"])
        await note(connection, change, "rule.create", row["rule_id"])
        return StoredRule(*(await connection.execute(insert(rule_table).values(row).returning(*_COLUMNS))).one())


async def touch_project(connection: AsyncConnection, project: str) -> None:
    """Takes the project's row until the transaction's end, and tells its owner that something changes. Raises PROJECT_UNKNOWN."""
    this = update(project_table).where(_project.project == project).values(generation=_project.generation + 1)
    if not (await connection.execute(this)).rowcount:
        raise _project_unknown(project)


def rule_unknown(rule_id: str) -> AssayError:
    """The refusal of a rule that the project has not."""
    return AssayError(Kind.NOT_FOUND, "RULE_UNKNOWN", "the project has no such rule", details={"rule_id": rule_id[:64]})


def _project_unknown(project: str) -> AssayError:
    message = "there is no such project; a new one is noticed within seconds"
    return AssayError(Kind.NOT_FOUND, "PROJECT_UNKNOWN", message, details={"project": project[:32]})


def _row(project: str, rule_id: str, definition: Mapping[str, Any], now: datetime, actor: str) -> dict[str, Any]:
    return {
        "project": project,
        "rule_id": rule_id,
        "definition": dict(definition),
        "create_time": now,
        "update_time": now,
        "updated_by": actor,
        "version": 1,
    }
