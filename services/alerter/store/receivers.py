"""The SQL of receivers. Their secrets are encrypted before they come here into a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit.errors import AssayError, Kind
from services.alerter.domain.notification.receiver import (
    CONFIG_TYPES,
    Config,
    MailSecurity,
    PayloadForm,
    Receiver,
    receiver_unknown,
    secret_names,
)
from services.alerter.domain.notification.stages.telling import Audience
from services.alerter.notification_tables import receiver_table
from services.alerter.secret_box import SecretBox
from services.alerter.store.audit import Change, note
from services.alerter.store.policies import look_soon

RECEIVERS_MAX = 500  # of a project
_receiver = receiver_table.c
_PLAIN = ("receiver_id", "display_name", "hears_end", "rate_per_min", "subject_template", "text_template")
_ENUMS: Mapping[str, type[Enum]] = {"security": MailSecurity, "form": PayloadForm}


@dataclass(frozen=True, slots=True)
class StoredReceiver:
    """A receiver, its secrets opened, and what became of its row."""

    receiver: Receiver
    create_time: datetime
    update_time: datetime
    updated_by: str
    version: int


class ReceiverStore:
    """Receivers of all projects. What changes them has the project's alerts looked at soon: some may have waited for a receiver."""

    def __init__(self, engine: AsyncEngine, box: SecretBox) -> None:
        self._engine = engine
        self._box = box

    async def create(self, project: str, receiver: Receiver, actor: str, now: datetime) -> StoredReceiver:
        """Makes a receiver, or finds the same one. Raises RECEIVER_EXISTS for another one of this id, TOO_MANY_RECEIVERS."""
        async with self._engine.begin() as connection:
            await look_soon(connection, project, now)
            found = await self._find(connection, project, receiver.receiver_id)
            if found is not None:
                if found.receiver == receiver:
                    return found
                raise AssayError(Kind.ALREADY_EXISTS, "RECEIVER_EXISTS", f"there is another receiver {receiver.receiver_id}")
            count = await connection.scalar(select(func.count()).select_from(receiver_table).where(_receiver.project == project))
            if (count or 0) >= RECEIVERS_MAX:
                raise AssayError(Kind.RESOURCE_EXHAUSTED, "TOO_MANY_RECEIVERS", f"a project has at most {RECEIVERS_MAX} receivers")
            row = {"project": project, "create_time": now, "update_time": now, "updated_by": actor, "version": 1, "paced_until": now}
            await connection.execute(insert(receiver_table).values(self._row(receiver) | row))
            await note(connection, Change(project, actor, now), "receiver.create", receiver.receiver_id, kind=receiver.kind)
        return StoredReceiver(receiver, now, now, actor, 1)

    async def update(self, project: str, receiver: Receiver, actor: str, expected_version: int, now: datetime) -> StoredReceiver:
        """Replaces a receiver; an expected version of 0 is any. Raises RECEIVER_UNKNOWN, RECEIVER_CHANGED."""
        async with self._engine.begin() as connection:
            await look_soon(connection, project, now)
            found = await self._find(connection, project, receiver.receiver_id, is_locked=True)
            if found is None:
                raise receiver_unknown(receiver.receiver_id)
            if expected_version not in {0, found.version}:
                message = f"the receiver is at version {found.version}: read it again"
                raise AssayError(Kind.FAILED_PRECONDITION, "RECEIVER_CHANGED", message)
            if found.receiver == receiver:
                return found
            values = self._row(receiver) | {"update_time": now, "updated_by": actor, "version": found.version + 1}
            await connection.execute(update(receiver_table).where(_this(project, receiver.receiver_id)).values(values))
            changed = _changed_fields(found.receiver, receiver)
            await note(connection, Change(project, actor, now), "receiver.update", receiver.receiver_id, changed=changed)
        return StoredReceiver(receiver, found.create_time, now, actor, found.version + 1)

    async def delete(self, project: str, receiver_id: str, actor: str, now: datetime) -> None:
        """Raises RECEIVER_UNKNOWN. What still waits for it is given up by the outbox."""
        async with self._engine.begin() as connection:
            if not (await connection.execute(delete(receiver_table).where(_this(project, receiver_id)))).rowcount:
                raise receiver_unknown(receiver_id)
            await note(connection, Change(project, actor, now), "receiver.delete", receiver_id)

    async def get(self, project: str, receiver_id: str) -> StoredReceiver:
        """Raises RECEIVER_UNKNOWN, SECRETS_UNREADABLE."""
        async with self._engine.connect() as connection:
            found = await self._find(connection, project, receiver_id)
        if found is None:
            raise receiver_unknown(receiver_id)
        return found

    async def list_receivers(self, project: str, after: str, limit: int) -> Sequence[StoredReceiver]:
        """Receivers by id, beginning behind `after`."""
        statement = select(receiver_table).where(_receiver.project == project, _receiver.receiver_id > after)
        async with self._engine.connect() as connection:
            return [self._stored(row) for row in await connection.execute(statement.order_by(_receiver.receiver_id).limit(limit))]

    async def ids(self, project: str) -> set[str]:
        """The ids of all of the project's receivers."""
        async with self._engine.connect() as connection:
            return set(await connection.scalars(select(_receiver.receiver_id).where(_receiver.project == project)))

    async def seal_anew(self) -> int:
        """Encrypts with the first key what is encrypted with another; returns how many there were."""
        count = 0
        async with self._engine.begin() as connection:
            statement = select(_receiver.project, _receiver.receiver_id, _receiver.secrets).where(func.length(_receiver.secrets) > 0)
            for project, receiver_id, sealed in await connection.execute(statement.with_for_update()):
                if not self._box.is_current(sealed):
                    renewed = self._box.seal(self._box.open(sealed))
                    await connection.execute(update(receiver_table).where(_this(project, receiver_id)).values(secrets=renewed))
                    count += 1
        return count

    def open_row(self, row: Any) -> Receiver:
        """The receiver in a row that has the columns of the table. Raises SECRETS_UNREADABLE."""
        made = CONFIG_TYPES[row.kind]
        values: dict[str, Any] = {**row.config, **self._box.open(row.secrets)}
        for name, value in values.items():
            values[name] = _ENUMS[name](value) if name in _ENUMS else tuple(value) if isinstance(value, list) else value
        return Receiver(config=made(**values), **{name: getattr(row, name) for name in _PLAIN})

    async def _find(self, connection: AsyncConnection, project: str, receiver_id: str, *, is_locked: bool = False) -> StoredReceiver | None:
        statement = select(receiver_table).where(_this(project, receiver_id))
        row = (await connection.execute(statement.with_for_update() if is_locked else statement)).one_or_none()
        return None if row is None else self._stored(row)

    def _stored(self, row: Row[*tuple[Any, ...]]) -> StoredReceiver:
        return StoredReceiver(self.open_row(row), row.create_time, row.update_time, row.updated_by, row.version)

    def _row(self, receiver: Receiver) -> dict[str, Any]:
        shown, secret = _parted(receiver.config)
        sealed: dict[str, Any] = {"kind": receiver.kind, "config": shown, "secrets": self._box.seal(secret)}
        sealed["hears_acknowledgement"] = receiver.audience.hears_acknowledgement
        return {name: getattr(receiver, name) for name in _PLAIN} | sealed


async def audiences(connection: AsyncConnection, project: str) -> dict[str, Audience]:
    """What each of the project's receivers wants to hear. No secret is opened for it."""
    columns = (_receiver.receiver_id, _receiver.hears_end, _receiver.hears_acknowledgement)
    rows = await connection.execute(select(*columns).where(_receiver.project == project))
    return {row.receiver_id: Audience(row.hears_end, row.hears_acknowledgement) for row in rows}


async def pace(connection: AsyncConnection, project: str, receiver_id: str, until: datetime) -> None:
    """Keeps when the receiver's rate lets the next message through."""
    await connection.execute(update(receiver_table).where(_this(project, receiver_id)).values(paced_until=until))


def paced(before: datetime, now: datetime, rate_per_min: int) -> datetime:
    """When the next message may follow one that is sent now."""
    return max(before, now) + timedelta(seconds=60.0 / rate_per_min)


def _changed_fields(before: Receiver, after: Receiver) -> str:
    """The names of what differs, in order; of a secret its name as well, and no more."""
    names = [name for name in _PLAIN if getattr(before, name) != getattr(after, name)]
    if before.kind != after.kind:
        return ", ".join(sorted([*names, "kind"]))
    names += [each.name for each in fields(after.config) if getattr(before.config, each.name) != getattr(after.config, each.name)]
    return ", ".join(sorted(names))


def _parted(config: Config) -> tuple[dict[str, Any], dict[str, Any]]:
    """What of a config may be shown, and what must be kept secret."""
    secrets = secret_names(type(config))
    shown: dict[str, Any] = {}
    secret: dict[str, Any] = {}
    for each in fields(config):
        value = getattr(config, each.name)
        plain = value.value if isinstance(value, Enum) else list(value) if isinstance(value, tuple) else value
        if each.name in secrets:
            if plain:
                secret[each.name] = plain
        else:
            shown[each.name] = plain
    return shown, secret


def _this(project: str, receiver_id: str) -> Any:
    return (_receiver.project == project) & (_receiver.receiver_id == receiver_id)
