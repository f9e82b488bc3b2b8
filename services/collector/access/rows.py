"""The statements that the store's transactions are made of: rows of projects, keys and login tokens, read and added."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from kit.access import Role, project_unknown
from services.collector.access import keys
from services.collector.access.records import Key, Project
from services.collector.access.tables import access_key_table, login_token_table
from services.collector.tables import project_table

ENDED_SESSION_KEPT = timedelta(days=7)  # so that the list of keys still explains the last days' audit events

PROJECT_COLUMNS = [project_table.c[name] for name in Project.__dataclass_fields__]
KEY_COLUMNS = [access_key_table.c[name] for name in Key.__dataclass_fields__]

_key = access_key_table.c
_parent = access_key_table.alias("parent")
# All that it takes to check a key: one row by its primary key, and its parent's by the same.
_CHECK = select(
    *KEY_COLUMNS,
    _key.secret_hash,
    _parent.c.expire_time.label("parent_expire_time"),
    _parent.c.revoke_time.label("parent_revoke_time"),
).outerjoin_from(access_key_table, _parent, _parent.c.key_id == _key.parent_key_id)


def key_from(row: Row[*tuple[Any, ...]]) -> Key:
    """The key in a row that begins with KEY_COLUMNS."""
    values = row._mapping  # noqa: SLF001 - the documented way to read a row by column
    return Key(**{column.name: values[column] for column in KEY_COLUMNS} | {"roles": frozenset(map(Role, row.roles))})


async def proved_key(connection: AsyncConnection, credential: keys.Credential, now: datetime | None) -> Key | None:
    """The key of a secret if it is the right one and, unless `now` is None, the key and its parent work then."""
    row = (await connection.execute(_CHECK.where(_key.key_id == credential.key_id))).one_or_none()
    if row is None or not keys.proves(credential, row.secret_hash):
        return None
    works = now is None or (
        keys.holds(row.expire_time, row.revoke_time, now) and keys.holds(row.parent_expire_time, row.parent_revoke_time, now)
    )
    return key_from(row) if works else None


async def find_key(connection: AsyncConnection, key_id: str) -> Key | None:
    """The key of this id, whatever its project."""
    row = (await connection.execute(select(*KEY_COLUMNS).where(_key.key_id == key_id))).one_or_none()
    return None if row is None else key_from(row)


async def add_key(connection: AsyncConnection, key: Key, secret_hash: bytes) -> bool:
    """Adds a key; False if there is one with its id already."""
    values = {name: getattr(key, name) for name in Key.__dataclass_fields__}
    values |= {"roles": sorted(role.value for role in key.roles), "secret_hash": secret_hash}
    statement = insert(access_key_table).values(values).on_conflict_do_nothing().returning(_key.key_id)
    return (await connection.execute(statement)).one_or_none() is not None


async def set_roles(connection: AsyncConnection, key: Key) -> Key:
    """Gives a key that is there the roles of this one."""
    roles = sorted(role.value for role in key.roles)
    row = await connection.execute(update(access_key_table).where(_key.key_id == key.key_id).values(roles=roles).returning(*KEY_COLUMNS))
    return key_from(row.one())


async def add_project(connection: AsyncConnection, values: Mapping[str, object]) -> Project | None:
    """Adds a project of these columns; None if there is one with its id already."""
    statement = insert(project_table).values(dict(values)).on_conflict_do_nothing().returning(*PROJECT_COLUMNS)
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else Project(*row)


async def require_project(connection: AsyncConnection, project: str | None) -> None:
    """Raises NOT_FOUND PROJECT_UNKNOWN; None, the installation, is always there."""
    if project is None:
        return
    statement = select(project_table.c.project_id).where(project_table.c.project == project)
    if (await connection.execute(statement)).one_or_none() is None:
        raise project_unknown(project)


async def add_login_token(connection: AsyncConnection, token_hash: bytes, key_id: str, expire_time: datetime) -> None:
    """Adds a token for one login as the given key."""
    values = {"token_hash": token_hash, "key_id": key_id, "expire_time": expire_time}
    await connection.execute(insert(login_token_table).values(values))


async def use_login_token(connection: AsyncConnection, token_hash: bytes, now: datetime) -> str | None:
    """Deletes a token and returns its key's id; None if it is gone or too old. Of several that try, one succeeds."""
    token = login_token_table.c
    statement = delete(login_token_table).where(token.token_hash == token_hash, token.expire_time > now)
    key_id: str | None = (await connection.execute(statement.returning(token.key_id))).scalar_one_or_none()
    return key_id


async def forget_ended_logins(connection: AsyncConnection, now: datetime) -> None:
    """Deletes tokens that are too old, and sessions that ended some days ago, so that logins do not pile up."""
    await connection.execute(delete(login_token_table).where(login_token_table.c.expire_time <= now))
    ended = (_key.parent_key_id.is_not(None)) & (_key.expire_time < now - ENDED_SESSION_KEPT)
    await connection.execute(delete(access_key_table).where(ended))
