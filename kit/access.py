"""Who a caller is and what it may do: roles, identities, and the guard that every service puts before its handlers."""

import asyncio
import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Protocol

import grpc
import grpc.aio
from assay.access.v1 import access_service_pb2, access_service_pb2_grpc

from kit.errors import AssayError, Kind

DEFAULT_PROJECT = "default"
PROJECT_PATTERN = re.compile(r"[a-z0-9-]{1,32}")
SECRET_LENGTH_MAX = 256  # ours have 62 characters; anything much longer is refused before it is hashed or looked up
MEMORY_AGE_MAX_S = 5.0  # the promise: a revoked key stops working everywhere within this time
MEMORY_AGE_S = 3.0  # leaves two seconds of the promise for the question and for what is under way
MEMORY_SIZE_MAX = 10_000  # answers remembered, about 3 MB; past it the least recently used one is asked anew
CHECK_TIMEOUT_S = 2.0  # a check is one indexed look-up; one that takes longer is better tried again
CHECK_RETRY_S = 1.0


class Role(Enum):
    """What a key may do; the same list as in the contract."""

    RECORD = "RECORD"
    READ = "READ"
    OPERATE = "OPERATE"
    ADMIN = "ADMIN"
    INSTALLATION_ADMIN = "INSTALLATION_ADMIN"


_INCLUDED = {
    Role.RECORD: frozenset({Role.RECORD}),
    Role.READ: frozenset({Role.READ}),
    Role.OPERATE: frozenset({Role.READ, Role.OPERATE}),
    Role.ADMIN: frozenset({Role.RECORD, Role.READ, Role.OPERATE, Role.ADMIN}),
    Role.INSTALLATION_ADMIN: frozenset(Role),
}
_ROLE_BY_NUMBER = {int(access_service_pb2.Role.Value(f"ROLE_{role.name}")): role for role in Role}


@dataclass(frozen=True, slots=True)
class Quota:
    """What a key or a project may take of one process. 0: no limit, and for `calls_burst` what is usual for its rate."""

    calls_per_s: int = 0
    calls_burst: int = 0
    open_streams: int = 0


NO_QUOTA = Quota()


@dataclass(frozen=True)
class Identity:
    """Whose a key is and what it may do. `project` None means the installation: every project."""

    key_id: str
    project: str | None
    roles: frozenset[Role]
    expires_at: datetime | None
    quota: Quota = NO_QUOTA

    def allows(self, role: Role) -> bool:
        """Whether one of the key's roles is, or includes, the given one."""
        return any(role in _INCLUDED[held] for held in self.roles)

    def require(self, role: Role) -> None:
        """Raises PERMISSION_DENIED ROLE_MISSING unless the key allows the role."""
        if not self.allows(role):
            raise AssayError(
                Kind.PERMISSION_DENIED,
                "ROLE_MISSING",
                f"this needs a key with the role {role.name}",
                details={"role": role.name},
            )

    def project_for(self, requested: str) -> str:
        """The project that a request is about; empty means the key's own, and `default` for a key of the installation.

        Raises PERMISSION_DENIED PROJECT_FORBIDDEN for another's project, whether or not there is such a one, and
        NOT_FOUND PROJECT_UNKNOWN for a name that no project can have.
        """
        if self.project is not None:
            if requested in {"", self.project}:
                return self.project
            raise AssayError(Kind.PERMISSION_DENIED, "PROJECT_FORBIDDEN", "the key belongs to another project")
        if requested and not PROJECT_PATTERN.fullmatch(requested):
            raise project_unknown(requested)
        return requested or DEFAULT_PROJECT


def project_unknown(project: str) -> AssayError:
    """The refusal of a project that does not exist; a long name is cut, since errors travel in small headers."""
    return AssayError(Kind.NOT_FOUND, "PROJECT_UNKNOWN", "there is no such project", details={"project": project[:32]})


def key_missing() -> AssayError:
    """The refusal of a request without a key."""
    return AssayError(Kind.UNAUTHENTICATED, "KEY_MISSING", "send a key as `authorization: Bearer <key>`")


def key_invalid() -> AssayError:
    """The one refusal of every key that does not work, so that nothing is learnt about which keys exist."""
    return AssayError(Kind.UNAUTHENTICATED, "KEY_INVALID", "the key is unknown, expired or revoked")


def secret_from_header(value: str) -> str:
    """The secret in an `authorization` header's value. Raises KEY_MISSING or KEY_INVALID where there is none."""
    scheme, _, secret = value.strip().partition(" ")
    secret = secret.strip()
    if not value.strip():
        raise key_missing()
    if scheme.lower() != "bearer" or not 0 < len(secret) <= SECRET_LENGTH_MAX:
        raise key_invalid()
    if not (secret.isascii() and secret.isprintable()):  # nothing else can travel in gRPC's metadata
        raise key_invalid()
    return secret


class KeyChecker(Protocol):
    """Answers whose a secret is."""

    async def check(self, secret: str) -> Identity:
        """Raises UNAUTHENTICATED KEY_INVALID for a key that does not work, UNAVAILABLE when nobody can tell."""
        ...


class CachedKeyChecker:
    """Remembers another checker's answers, the refusals too, for a few seconds.

    An answer's age counts from when it was asked for, so a slow answer is not believed for longer. Hashes of secrets
    are remembered, not secrets. Never put one behind another: their ages would add up past the promise of 5 s.

    With `outage_s`, a key that worked is believed for so long while nobody can tell, unless it has expired: who can tell is also who
    revokes, so that no key can have been revoked meanwhile.
    """

    def __init__(
        self,
        checker: KeyChecker,
        *,
        age_s: float = MEMORY_AGE_S,
        outage_s: float = 0.0,
        size_max: int = MEMORY_SIZE_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 0 < age_s <= MEMORY_AGE_MAX_S:
            raise ValueError(f"age_s must be above 0 and at most {MEMORY_AGE_MAX_S}")
        self._checker = checker
        self._age_s = age_s
        self._outage_s = outage_s
        self._away_until = float("-inf")
        self._size_max = size_max
        self._clock = clock
        self._answers: OrderedDict[bytes, tuple[float, Identity | None]] = OrderedDict()
        self._asking: dict[bytes, asyncio.Future[Identity | None]] = {}

    async def check(self, secret: str) -> Identity:
        """The remembered answer, or a new one. Raises as the checker behind does; UNAVAILABLE is not remembered."""
        digest = hashlib.sha256(secret.encode()).digest()
        asked_at = self._clock()
        remembered = self._answers.get(digest)
        if remembered is not None and asked_at - remembered[0] < self._age_s:
            self._answers.move_to_end(digest)
            identity = remembered[1]
        else:
            identity = await self._asked_once(secret, digest, asked_at)
        if identity is None:
            raise key_invalid()
        return identity

    async def _asked_once(self, secret: str, digest: bytes, asked_at: float) -> Identity | None:
        """A new answer, of which all who want it at the same time share one: a caller may have many streams open."""
        asking = self._asking.get(digest)
        if asking is None:
            asking = self._asking[digest] = asyncio.ensure_future(self._renewed(secret, digest, asked_at))
            asking.add_done_callback(lambda _: self._asking.pop(digest))
        return await asyncio.shield(asking)  # whoever gives up waiting leaves it to the others

    async def _renewed(self, secret: str, digest: bytes, asked_at: float) -> Identity | None:
        """A new answer, or the old one while nobody can tell."""
        believed = self._believed(digest, asked_at)
        if believed is not None and asked_at < self._away_until:
            return believed
        try:
            identity = await self._ask(secret)
        except AssayError:
            if believed is None:
                raise
            self._away_until = asked_at + CHECK_RETRY_S  # not every request is to wait for whoever is away
            return believed
        self._remember(digest, asked_at, identity)
        return identity

    def _believed(self, digest: bytes, now: float) -> Identity | None:
        """The remembered identity, if it is good enough while nobody can tell."""
        answered_at, identity = self._answers.get(digest, (float("-inf"), None))
        if identity is None or now - answered_at >= self._outage_s:
            return None
        return identity if identity.expires_at is None or identity.expires_at > datetime.now(UTC) else None

    async def _ask(self, secret: str) -> Identity | None:
        try:
            return await self._checker.check(secret)
        except AssayError as error:
            if error.kind is not Kind.UNAUTHENTICATED:
                raise
            return None

    def _remember(self, digest: bytes, asked_at: float, identity: Identity | None) -> None:
        self._answers[digest] = (asked_at, identity)
        self._answers.move_to_end(digest)
        if len(self._answers) > self._size_max:
            self._answers.popitem(last=False)


class RemoteKeyChecker:
    """Asks the collector's AccessService, for services that keep no keys themselves."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        """`channel` must add no key of its own, since the one to be checked is sent."""
        self._stub = access_service_pb2_grpc.AccessServiceStub(channel)

    async def check(self, secret: str) -> Identity:
        """Raises KEY_INVALID, or UNAVAILABLE ACCESS_UNAVAILABLE when the collector does not answer in time."""
        try:
            response = await self._stub.CheckKey(
                access_service_pb2.CheckKeyRequest(),
                metadata=(("authorization", f"Bearer {secret}"),),
                timeout=CHECK_TIMEOUT_S,
            )
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNAUTHENTICATED:
                raise key_invalid() from error
            raise access_unavailable() from error
        return identity_from_message(response.key)


def access_unavailable() -> AssayError:
    """The refusal while keys cannot be checked; letting callers in unchecked is no alternative."""
    return AssayError(Kind.UNAVAILABLE, "ACCESS_UNAVAILABLE", "keys cannot be checked right now", retry_after_s=CHECK_RETRY_S)


class Guard:
    """Stands before a handler: reads the caller's key and refuses what it does not allow."""

    def __init__(self, checker: KeyChecker) -> None:
        self._checker = checker

    async def identity(self, context: grpc.aio.ServicerContext[Any, Any]) -> Identity:
        """Who calls. Raises UNAUTHENTICATED KEY_MISSING or KEY_INVALID."""
        values = [value for name, value in context.invocation_metadata() or () if name == "authorization"]
        if not values:
            raise key_missing()
        if len(values) > 1:  # which one counts must not depend on who reads them
            raise key_invalid()
        return await self._checker.check(secret_from_header(str(values[0])))

    async def admit(self, context: grpc.aio.ServicerContext[Any, Any], role: Role, project: str = "") -> str:
        """The name of the project that the caller may use in this role; `project` empty means its own.

        Raises KEY_MISSING, KEY_INVALID, ROLE_MISSING, PROJECT_FORBIDDEN or PROJECT_UNKNOWN. A handler that streams
        calls it again every second or so, or a revoked key would keep what it has opened.
        """
        identity = await self.identity(context)
        identity.require(role)
        return identity.project_for(project)


def roles_to_message(roles: Iterable[Role]) -> list[access_service_pb2.Role.ValueType]:
    """The contract's roles, the weakest first."""
    return sorted(access_service_pb2.Role.Value(f"ROLE_{role.name}") for role in roles)


def roles_from_message(values: Iterable[int]) -> frozenset[Role]:
    """Our roles; raises KeyError for an unspecified or unknown one."""
    return frozenset(_ROLE_BY_NUMBER[value] for value in values)


def identity_from_message(key: access_service_pb2.Key) -> Identity:
    """An answer of CheckKey. A role that this version does not know yet gives nothing."""
    return Identity(
        key_id=key.key_id,
        project=key.project or None,
        roles=roles_from_message(value for value in key.roles if value in _ROLE_BY_NUMBER),
        expires_at=key.expire_time.ToDatetime(UTC) if key.HasField("expire_time") else None,
        quota=Quota(key.calls_per_s_limit, key.calls_burst_limit, key.open_streams_limit),
    )
