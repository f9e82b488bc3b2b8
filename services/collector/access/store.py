"""Projects, keys, logins and the audit log in PostgreSQL. Whoever calls the store has checked that the caller may."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from sqlalchemy import select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit.access import DEFAULT_PROJECT, Identity, Role, access_unavailable, key_invalid, project_unknown
from kit.database import cannot_answer_yet
from kit.errors import AssayError, Kind
from services.collector.access import audit, keys, rows
from services.collector.access.records import AuditEvent, Key, Project
from services.collector.access.rules import QUOTA_MAX, SERIES_LIMIT_DEFAULT
from services.collector.access.tables import access_key_table
from services.collector.tables import project_table

BOOTSTRAP_NAME = "bootstrap key"
SERVICE_NAME = "service key"
SESSION_NAME = "browser session"
NO_LIMITS: Mapping[str, int] = MappingProxyType({})

_project = project_table.c
_key = access_key_table.c


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class AccessStore:
    """Every method is one transaction, and raises UNAVAILABLE ACCESS_UNAVAILABLE while the database is away.

    A `project` of None is the installation. An `actor` is the id of the key that asks.
    """

    def __init__(self, engine: AsyncEngine, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._engine = engine
        self._clock = clock

    async def ensure_defaults(self) -> None:
        """Makes the project `default`, with days in UTC, unless it is there."""
        async with self._transaction() as connection:
            await self._add_project(connection, None, DEFAULT_PROJECT, {"time_zone": "UTC", "series_limit": SERIES_LIMIT_DEFAULT})

    async def ensure_bootstrap_key(self, secret: str) -> Key:
        """Makes a secret that was chosen beforehand a key of the installation's admin, unless it is one already.

        A key that was revoked stays so: see the answer's `revoke_time`. Raises FAILED_PRECONDITION
        BOOTSTRAP_KEY_INVALID when the secret has not the form of one, or when another secret has its key id.
        """
        return await self._ensure_key(secret, BOOTSTRAP_NAME, Role.INSTALLATION_ADMIN, "BOOTSTRAP_KEY_INVALID")

    async def ensure_service_key(self, secret: str) -> Key:
        """Likewise, for the key by which services ask each other: it may read and operate in every project, and no more.

        Raises FAILED_PRECONDITION SERVICE_KEY_INVALID.
        """
        return await self._ensure_key(secret, SERVICE_NAME, Role.OPERATE, "SERVICE_KEY_INVALID")

    async def _ensure_key(self, secret: str, name: str, role: Role, refusal: str) -> Key:
        try:
            credential = keys.parse(secret)
        except ValueError as error:
            raise _key_unusable(refusal, name, str(error)) from error
        key = Key(credential.key_id, None, name, frozenset({role}), None, self._clock(), None, None)
        async with self._transaction() as connection:
            if await rows.add_key(connection, key, credential.secret_hash):
                await self._note_key(connection, None, "key.create", key)
                return key
            known = await rows.proved_key(connection, credential, None)
            if known is not None and known.display_name == name and role not in known.roles:
                known = await rows.set_roles(connection, key)  # an earlier version made it with less
                await self._note_key(connection, None, "key.update", key)
        if known is None:
            raise _key_unusable(refusal, name, "another secret has its key id")
        return known

    async def create_project(
        self, actor: str, project: str, time_zone: str, series_limit: int, quota: Mapping[str, int] = NO_LIMITS
    ) -> Project:
        """`quota` are limits by their columns' names. Raises ALREADY_EXISTS PROJECT_EXISTS."""
        settings: dict[str, str | int] = {"time_zone": time_zone, "series_limit": series_limit}
        settings |= {name: limit for name, limit in quota.items() if limit}
        async with self._transaction() as connection:
            made = await self._add_project(connection, actor, project, settings)
        if made is None:
            raise AssayError(Kind.ALREADY_EXISTS, "PROJECT_EXISTS", f"there is a project {project} already")
        return made

    async def update_project(
        self,
        actor: str,
        project: str,
        *,
        time_zone: str | None = None,
        series_limit: int | None = None,
        quota: Mapping[str, int] = NO_LIMITS,
    ) -> Project:
        """Changes what is not None, and the limits in `quota`. Raises NOT_FOUND PROJECT_UNKNOWN."""
        this = _project.project == project
        async with self._transaction() as connection:
            row = (await connection.execute(select(*rows.PROJECT_COLUMNS).where(this).with_for_update())).one_or_none()
            if row is None:
                raise project_unknown(project)
            before = Project(*row)
            wanted = {"time_zone": time_zone, "series_limit": series_limit, **quota}
            changes = {name: value for name, value in wanted.items() if value not in (None, getattr(before, name))}
            if not changes:
                return before
            await connection.execute(update(project_table).where(this).values(changes))
            details = {name: f"{getattr(before, name)} -> {value}" for name, value in changes.items()}
            await audit.note(
                connection,
                time=self._clock(),
                project=project,
                actor=actor,
                action="project.update",
                subject=project,
                details=details,
            )
            return replace(before, **changes)  # type: ignore[arg-type]  # by the columns' names

    async def list_projects(self, *, only: str | None, after: str, limit: int) -> list[Project]:
        """Projects by id, beginning behind `after`; with `only`, that one at most."""
        statement = select(*rows.PROJECT_COLUMNS).where(_project.project > after)
        if only is not None:
            statement = statement.where(_project.project == only)
        async with self._transaction() as connection:
            found = await connection.execute(statement.order_by(_project.project).limit(limit))
            return [Project(*row) for row in found]

    async def create_key(
        self,
        actor: str,
        project: str | None,
        display_name: str,
        roles: frozenset[Role],
        lifetime: timedelta | None,
        *,
        quota: Mapping[str, int] = NO_LIMITS,
    ) -> tuple[str, Key]:
        """Returns the secret, which is kept nowhere, and the key. Raises NOT_FOUND PROJECT_UNKNOWN."""
        secret, now = keys.new_secret(), self._clock()
        credential = keys.parse(secret)
        end = None if lifetime is None else now + lifetime
        key = Key(credential.key_id, project, display_name, roles, None, now, end, None, **quota)
        async with self._transaction() as connection:
            await rows.require_project(connection, project)
            await rows.add_key(connection, key, credential.secret_hash)
            await self._note_key(connection, actor, "key.create", key)
        return secret, key

    async def list_keys(self, project: str | None, *, before: tuple[datetime, str] | None, limit: int) -> list[Key]:
        """Keys of one project, the newest first; with `before`, those that sort behind that time of creation and id."""
        statement = select(*rows.KEY_COLUMNS).where(_key.project.is_not_distinct_from(project))
        if before is not None:
            statement = statement.where(tuple_(_key.create_time, _key.key_id) < tuple_(*before))
        statement = statement.order_by(_key.create_time.desc(), _key.key_id.desc()).limit(limit)
        async with self._transaction() as connection:
            await rows.require_project(connection, project)
            return [rows.key_from(row) for row in await connection.execute(statement)]

    async def get_key(self, project: str | None, key_id: str) -> Key:
        """Raises NOT_FOUND KEY_UNKNOWN, also for another project's key."""
        async with self._transaction() as connection:
            key = await rows.find_key(connection, key_id)
        if key is None or key.project != project:
            raise key_unknown()
        return key

    async def revoke_key(self, actor: str, key: Key) -> Key:
        """Ends a key, and with it the sessions that came from it. Doing it again changes nothing."""
        this = (_key.key_id == key.key_id) & _key.revoke_time.is_(None)
        revoke = update(access_key_table).where(this).values(revoke_time=self._clock()).returning(*rows.KEY_COLUMNS)
        async with self._transaction() as connection:
            row = (await connection.execute(revoke)).one_or_none()
            if row is not None:
                await self._note_key(connection, actor, "key.revoke", key)
                return rows.key_from(row)
            known = await rows.find_key(connection, key.key_id)
        if known is None:  # a session that ended long ago and was forgotten just now
            raise key_unknown()
        return known

    async def identity_of(self, credential: keys.Credential) -> Identity | None:
        """Whose key it is; None when it is unknown, not proved, expired or revoked, or its parent is."""
        async with self._transaction() as connection:
            key = await rows.proved_key(connection, credential, self._clock())
        return None if key is None else Identity(key.key_id, key.project, key.roles, key.expire_time, key.quota)

    async def create_login_token(self, actor: str) -> tuple[str, datetime]:
        """A token for one login with the actor's rights, and when it ends. Raises ROLE_MISSING for a session's key."""
        token, now = keys.new_login_token(), self._clock()
        async with self._transaction() as connection:
            key = await rows.find_key(connection, actor)
            if key is None:
                raise key_invalid()
            if key.parent_key_id is not None:
                raise _session_in_session()
            await rows.forget_ended_logins(connection, now)
            expire_time = keys.capped(now + keys.LOGIN_TOKEN_LIFETIME, key.expire_time)
            await rows.add_login_token(connection, keys.login_token_hash(token), actor, expire_time)
            await self._note_key(connection, actor, "login.token", key)
        return token, expire_time

    async def exchange_login_token(self, token: str) -> tuple[str, Key]:
        """Uses a token up. Returns the secret of a session's key, and the key. Raises UNAUTHENTICATED TOKEN_INVALID."""
        try:
            token_hash = keys.login_token_hash(token)
        except ValueError as error:
            raise token_invalid() from error
        secret, now = keys.new_secret(), self._clock()
        credential = keys.parse(secret)
        async with self._transaction() as connection:
            key_id = await rows.use_login_token(connection, token_hash, now)
            parent = None if key_id is None else await rows.find_key(connection, key_id)
            if parent is None or not keys.holds(parent.expire_time, parent.revoke_time, now):
                raise token_invalid()
            end = keys.capped(now + keys.SESSION_LIFETIME, parent.expire_time)
            limits = (parent.calls_per_s_limit, parent.calls_burst_limit, parent.open_streams_limit)
            session = Key(credential.key_id, parent.project, SESSION_NAME, parent.roles, key_id, now, end, None, *limits)
            await rows.add_key(connection, session, credential.secret_hash)
            await self._note_key(connection, parent.key_id, "login.exchange", session)
        return secret, session

    async def list_audit_events(self, project: str | None, *, before: int | None, limit: int) -> list[AuditEvent]:
        """One project's events, or the installation's, the latest first; with `before`, those with a smaller id."""
        async with self._transaction() as connection:
            await rows.require_project(connection, project)
            return await audit.read(connection, project, before=before, limit=limit)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._engine.begin() as connection:
                yield connection
        except Exception as error:
            if cannot_answer_yet(error):
                raise access_unavailable() from error
            raise

    async def _add_project(
        self, connection: AsyncConnection, actor: str | None, project: str, settings: Mapping[str, str | int]
    ) -> Project | None:
        made = await rows.add_project(connection, {"project": project, **settings, "create_time": self._clock()})
        if made is not None:
            await audit.note(
                connection,
                time=made.create_time,
                project=None,  # what makes a project is the installation's affair
                actor=actor,
                action="project.create",
                subject=project,
                details={name: str(value) for name, value in settings.items()},
            )
        return made

    async def _note_key(self, connection: AsyncConnection, actor: str | None, action: str, key: Key) -> None:
        details = {"display_name": key.display_name, "roles": ", ".join(sorted(role.name for role in key.roles))}
        details |= {name: str(limit) for name in QUOTA_MAX if (limit := getattr(key, name))}
        await audit.note(
            connection,
            time=self._clock(),
            project=key.project,
            actor=actor,
            action=action,
            subject=key.key_id,
            details=details,
        )


def key_unknown() -> AssayError:
    """The refusal of a key id that the project has not."""
    return AssayError(Kind.NOT_FOUND, "KEY_UNKNOWN", "the project has no such key")


def token_invalid() -> AssayError:
    """The one refusal of every login token that does not work."""
    return AssayError(Kind.UNAUTHENTICATED, "TOKEN_INVALID", "the login is unknown, used or expired: make a new one")


def _session_in_session() -> AssayError:
    # It would go on when the session that started it is revoked.
    message = "a browser session cannot start another one: use the key that it came from"
    return AssayError(Kind.PERMISSION_DENIED, "ROLE_MISSING", message)


def _key_unusable(reason: str, name: str, why: str) -> AssayError:
    """The refusal of a secret that was chosen beforehand."""
    return AssayError(Kind.FAILED_PRECONDITION, reason, f"the {name} cannot be used: {why}")
