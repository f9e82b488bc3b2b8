"""Roles, identities, what checkers remember, and the guard before a served handler."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import grpc.aio
import pytest
import pytest_asyncio
from assay.access.v1 import access_service_pb2 as contract
from assay.access.v1 import access_service_pb2_grpc
from hypothesis import given
from hypothesis import strategies as st

from kit import access, rpc
from kit.access import CachedKeyChecker, Guard, Identity, RemoteKeyChecker, Role
from kit.errors import AssayError, Kind
from kit.health import Readiness

SERVICE = "assay.access.v1.AccessService"
END = datetime(2030, 1, 1, tzinfo=UTC)
READER = Identity("reader", "shop", frozenset({Role.READ}), END)
OWNER = Identity("owner", None, frozenset({Role.INSTALLATION_ADMIN}), None)


def identity(*roles: Role, project: str | None = "shop") -> Identity:
    return Identity("k", project, frozenset(roles), None)


def answer_or_reason(call: Callable[[], str]) -> str:
    try:
        return call()
    except AssayError as refused:
        return refused.reason


@pytest.mark.parametrize(
    ("held", "allowed"),
    [
        (Role.RECORD, {Role.RECORD}),
        (Role.READ, {Role.READ}),
        (Role.OPERATE, {Role.READ, Role.OPERATE}),
        (Role.ADMIN, {Role.RECORD, Role.READ, Role.OPERATE, Role.ADMIN}),
        (Role.INSTALLATION_ADMIN, set(Role)),
    ],
)
def test_each_role_allows_what_it_includes(held: Role, allowed: set[Role]) -> None:
    assert {role for role in Role if identity(held).allows(role)} == allowed


@given(st.frozensets(st.sampled_from(Role)))
def test_a_key_allows_what_any_of_its_roles_does(held: frozenset[Role]) -> None:
    for role in Role:
        assert identity(*held).allows(role) == any(identity(one).allows(role) for one in held)


def test_a_role_that_is_missing_is_named() -> None:
    identity(Role.OPERATE).require(Role.READ)
    with pytest.raises(AssayError) as refused:
        identity(Role.OPERATE).require(Role.ADMIN)
    assert (refused.value.kind, refused.value.reason) == (Kind.PERMISSION_DENIED, "ROLE_MISSING")
    assert refused.value.details == {"role": "ADMIN"}


@pytest.mark.parametrize(
    ("project", "requested", "expected"),
    [
        ("shop", "", "shop"),
        ("shop", "shop", "shop"),
        (None, "", "default"),
        (None, "shop", "shop"),
        ("shop", "default", "PROJECT_FORBIDDEN"),
        ("shop", "NOT A PROJECT", "PROJECT_FORBIDDEN"),
        (None, "NOT A PROJECT", "PROJECT_UNKNOWN"),
        (None, "a\x00b", "PROJECT_UNKNOWN"),
        (None, "x" * 10_000, "PROJECT_UNKNOWN"),
    ],
)
def test_a_request_is_about_the_keys_project_or_any_for_the_installation(project: str | None, requested: str, expected: str) -> None:
    caller = identity(Role.ADMIN, project=project)
    assert answer_or_reason(lambda: caller.project_for(requested)) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Bearer abc", "abc"),
        ("bearer   abc ", "abc"),
        ("", "KEY_MISSING"),
        ("  ", "KEY_MISSING"),
        ("Bearer", "KEY_INVALID"),
        ("Bearer  ", "KEY_INVALID"),
        ("Basic abc", "KEY_INVALID"),
        ("abc", "KEY_INVALID"),
        ("Bearer é", "KEY_INVALID"),
        ("Bearer a\x00b", "KEY_INVALID"),
        ("Bearer " + "x" * 257, "KEY_INVALID"),
    ],
)
def test_a_secret_is_read_from_its_header(header: str, expected: str) -> None:
    assert answer_or_reason(lambda: access.secret_from_header(header)) == expected


class Keys:
    """A checker whose keys the test holds, and which counts what it is asked."""

    def __init__(self, **known: Identity) -> None:
        self.known = known
        self.asked: list[str] = []
        self.failure: AssayError | None = None
        self.is_asked = asyncio.Event()
        self.delay = asyncio.Event()
        self.delay.set()

    async def check(self, secret: str) -> Identity:
        self.asked.append(secret)
        self.is_asked.set()
        answer = self.known.get(secret)
        await self.delay.wait()
        if self.failure is not None:
            raise self.failure
        if answer is None:
            raise access.key_invalid()
        return answer


class Seconds:
    """A monotonic clock that the test moves."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


async def reason_of(checker: access.KeyChecker, secret: str) -> str:
    try:
        return (await checker.check(secret)).key_id
    except AssayError as refused:
        return refused.reason


async def test_answers_are_remembered_for_their_age_good_and_bad_ones() -> None:
    keys, clock = Keys(a=READER), Seconds()
    cached = CachedKeyChecker(keys, age_s=3.0, clock=clock)
    for _ in range(3):
        assert await reason_of(cached, "a") == "reader"
        assert await reason_of(cached, "b") == "KEY_INVALID"
    assert keys.asked == ["a", "b"]
    del keys.known["a"]
    clock.now_s += 2.999
    assert await reason_of(cached, "a") == "reader"
    clock.now_s += 0.001
    assert await reason_of(cached, "a") == "KEY_INVALID"


async def test_an_answers_age_counts_from_the_question() -> None:
    keys, clock = Keys(a=READER), Seconds()
    cached = CachedKeyChecker(keys, age_s=3.0, clock=clock)
    keys.delay.clear()
    slow = asyncio.create_task(cached.check("a"))
    await keys.is_asked.wait()
    del keys.known["a"]
    clock.now_s += 4.0
    keys.delay.set()
    assert await slow == READER
    assert await reason_of(cached, "a") == "KEY_INVALID"


async def test_not_being_able_to_tell_is_not_remembered() -> None:
    keys = Keys(a=READER)
    cached = CachedKeyChecker(keys, clock=Seconds())
    keys.failure = access.access_unavailable()
    assert await reason_of(cached, "a") == "ACCESS_UNAVAILABLE"
    keys.failure = None
    assert await reason_of(cached, "a") == "reader"


async def test_through_an_outage_a_key_that_worked_is_believed_for_as_long_as_is_said() -> None:
    expired = Identity("old", "shop", frozenset({Role.RECORD}), datetime(2020, 1, 1, tzinfo=UTC))
    keys, clock = Keys(a=READER, old=expired), Seconds()
    cached = CachedKeyChecker(keys, age_s=3.0, outage_s=60.0, clock=clock)
    assert [await reason_of(cached, secret) for secret in ("a", "bad", "old")] == ["reader", "KEY_INVALID", "old"]
    keys.failure = access.access_unavailable()
    clock.now_s += 59.0
    assert await reason_of(cached, "a") == "reader"
    asked = len(keys.asked)
    assert await reason_of(cached, "a") == "reader"
    assert len(keys.asked) == asked, "whoever is away is not asked for each request"
    for never_believed in ("bad", "old", "unknown"):
        assert await reason_of(cached, never_believed) == "ACCESS_UNAVAILABLE"
    clock.now_s += 1.0
    assert await reason_of(cached, "a") == "ACCESS_UNAVAILABLE"
    keys.failure = None
    del keys.known["a"]
    assert await reason_of(cached, "a") == "KEY_INVALID"


async def test_the_least_recently_used_answers_are_forgotten_first() -> None:
    keys = Keys(a=READER)
    cached = CachedKeyChecker(keys, size_max=3, clock=Seconds())
    for number in range(10):  # someone guesses while the good key is in use
        await reason_of(cached, "a")
        await reason_of(cached, f"guess {number}")
    assert keys.asked.count("a") == 1
    await reason_of(cached, "guess 0")
    assert keys.asked.count("guess 0") == 2


async def test_no_secret_is_remembered_itself() -> None:
    cached = CachedKeyChecker(Keys(hunter2=READER))
    await cached.check("hunter2")
    assert "hunter2" not in repr(vars(cached)["_answers"])
    assert hashlib.sha256(b"hunter2").digest() in vars(cached)["_answers"]


@pytest.mark.parametrize("age_s", [0.0, -1.0, 5.01, float("nan")])
def test_a_memory_that_breaks_the_promise_is_refused(age_s: float) -> None:
    with pytest.raises(ValueError, match="age_s"):
        CachedKeyChecker(Keys(), age_s=age_s)


class Guarded(access_service_pb2_grpc.AccessServiceServicer):
    """Admits readers, and tells the project that they were admitted to; says whose key it was shown."""

    def __init__(self, keys: Keys) -> None:
        self._guard = Guard(keys)

    async def ListKeys(self, request: contract.ListKeysRequest, context: Any) -> contract.ListKeysResponse:
        return contract.ListKeysResponse(next_page_token=await self._guard.admit(context, Role.READ, request.project))

    async def CheckKey(self, _request: contract.CheckKeyRequest, context: Any) -> contract.CheckKeyResponse:
        who = await self._guard.identity(context)
        key = contract.Key(key_id=who.key_id, project=who.project or "", roles=access.roles_to_message(who.roles))
        key.roles.append(99)  # type: ignore[arg-type]  # a role of a newer version
        if who.expires_at is not None:
            key.expire_time.FromDatetime(who.expires_at)
        return contract.CheckKeyResponse(key=key)


@pytest.fixture
def keys() -> Keys:
    return Keys(reader=READER, owner=OWNER, recorder=identity(Role.RECORD))


@pytest_asyncio.fixture
async def channel(keys: Keys) -> AsyncIterator[grpc.aio.Channel]:
    def add(server: grpc.aio.Server) -> None:
        access_service_pb2_grpc.add_AccessServiceServicer_to_server(Guarded(keys), server)  # type: ignore[abstract]  # two of its RPCs do

    async with (
        rpc.serve("127.0.0.1:0", [add], service_names=[SERVICE], readiness=Readiness()) as address,
        rpc.connect(address) as connected,
    ):
        yield connected


@pytest.mark.parametrize(
    ("headers", "project", "expected"),
    [
        (["Bearer reader"], "", "shop"),
        (["Bearer reader"], "shop", "shop"),
        (["Bearer owner"], "", "default"),
        (["Bearer owner"], "shop", "shop"),
        ([], "", "UNAUTHENTICATED KEY_MISSING"),
        (["Bearer nobody"], "", "UNAUTHENTICATED KEY_INVALID"),
        (["Basic reader"], "", "UNAUTHENTICATED KEY_INVALID"),
        (["Bearer owner", "Bearer reader"], "", "UNAUTHENTICATED KEY_INVALID"),
        (["Bearer recorder"], "", "PERMISSION_DENIED ROLE_MISSING"),
        (["Bearer reader"], "other", "PERMISSION_DENIED PROJECT_FORBIDDEN"),
        (["Bearer owner"], "NOT VALID", "NOT_FOUND PROJECT_UNKNOWN"),
    ],
)
async def test_the_guard_admits_to_a_project_or_says_why_not(
    channel: grpc.aio.Channel, headers: list[str], project: str, expected: str
) -> None:
    metadata = tuple(("authorization", header) for header in headers)
    stub = access_service_pb2_grpc.AccessServiceStub(channel)
    try:
        response = await stub.ListKeys(contract.ListKeysRequest(project=project), metadata=metadata, timeout=60)
        answer = response.next_page_token
    except grpc.aio.AioRpcError as error:
        answer = f"{error.code().name} {rpc.error_of(error).reason}"
    assert answer == expected


async def test_a_remote_checker_gets_the_identity_and_ignores_roles_it_does_not_know(channel: grpc.aio.Channel) -> None:
    checker = RemoteKeyChecker(channel)
    assert await checker.check("reader") == READER
    assert await checker.check("owner") == OWNER
    assert await reason_of(checker, "nobody") == "KEY_INVALID"


async def test_a_remote_checker_that_gets_no_answer_says_try_again(
    channel: grpc.aio.Channel, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    checker = RemoteKeyChecker(channel)
    keys.failure = access.access_unavailable()
    with pytest.raises(AssayError) as refused:
        await checker.check("reader")
    assert (refused.value.kind, refused.value.reason) == (Kind.UNAVAILABLE, "ACCESS_UNAVAILABLE")
    assert refused.value.retry_after_s == 1.0
    keys.failure = None
    monkeypatch.setattr(access, "CHECK_TIMEOUT_S", 0.05)
    keys.delay.clear()
    assert await reason_of(checker, "reader") == "ACCESS_UNAVAILABLE"
    keys.delay.set()


def test_roles_travel_and_unknown_ones_are_refused() -> None:
    assert access.roles_from_message(access.roles_to_message(Role)) == frozenset(Role)
    for unknown in (contract.ROLE_UNSPECIFIED, 99):
        with pytest.raises(KeyError):
            access.roles_from_message([contract.ROLE_READ, unknown])
