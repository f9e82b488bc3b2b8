"""Rates and streams per project and key, through a real front: who is held back, what it is told, and that its retry succeeds."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc.aio
import pytest
import pytest_asyncio
from assay.access.v1 import access_service_pb2 as access
from assay.access.v1.access_service_pb2_grpc import AccessServiceStub
from assay.collector.v1 import collector_service_pb2 as contract
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub

from kit import rpc
from kit.access import Identity, Quota, Role
from kit.embedded.stack import Stack
from kit.errors import AssayError, Kind
from services.collector import quotas
from services.collector.access import keys
from services.collector.app.front import front
from services.collector.app.writer import writer
from services.collector.quotas import RateQuotas
from services.collector.settings import FrontSettings, WriterSettings
from tests.system.samples import call, evaluation, evidence_batch
from tests.system.suite import eventually

DEADLINE_S = 120.0
# Of a change until it holds; the promise is 5 s of the collector's own time, which on a busy machine passes more slowly.
CHANGED_DEADLINE_S = 60.0
S = 1_000_000_000


@dataclass(frozen=True)
class Site:
    """A front and a writer, and the secret of the installation's admin."""

    address: str
    admin: str

    def channel(self, secret: str) -> grpc.aio.Channel:
        return rpc.connect(self.address, secret=secret)

    async def ask(self, method: str, request: Any) -> Any:
        """An RPC of AccessService as the installation's admin."""
        async with self.channel(self.admin) as channel:
            return await getattr(AccessServiceStub(channel), method)(request, timeout=DEADLINE_S)

    async def project(self, **limits: Any) -> str:
        name = f"p-{secrets.token_hex(6)}"
        await self.ask("CreateProject", access.CreateProjectRequest(project=name, **limits))
        return name

    async def key(self, project: str, **limits: Any) -> str:
        request = access.CreateKeyRequest(project=project, roles=[access.ROLE_RECORD, access.ROLE_READ], **limits)
        return str((await self.ask("CreateKey", request)).secret)


@pytest_asyncio.fixture(scope="module")
async def site(stack: Stack, database_url: str) -> AsyncIterator[Site]:
    admin = keys.new_secret()
    shared: dict[str, Any] = {"database_url": database_url, "nats_url": stack.nats_url, "ops_listen": ""}
    async with (
        front(FrontSettings(**shared, listen="127.0.0.1:0", bootstrap_key=admin)) as address,
        writer(WriterSettings(**shared, writer_listen="127.0.0.1:0")),
    ):
        running = Site(address, admin)
        async with asyncio.timeout(DEADLINE_S):
            while not await answers(running):
                await asyncio.sleep(0.05)
        yield running


async def answers(site: Site) -> bool:
    try:
        await site.ask("ListProjects", access.ListProjectsRequest())
    except grpc.aio.AioRpcError:
        return False
    return True


def batch(count: int) -> contract.RecordCallsRequest:
    name = secrets.token_hex(8)
    return contract.RecordCallsRequest(batch_id=name, calls=[call(f"{name}-{number}") for number in range(count)])


@asynccontextmanager
async def recording(site: Site, secret: str) -> AsyncIterator[Callable[[Any], Awaitable[Any]]]:
    """What sends a batch, and raises the AssayError that it is refused with."""
    async with site.channel(secret) as channel:
        stub = CollectorServiceStub(channel)

        async def record(request: Any) -> Any:
            method = stub.RecordEvidence if isinstance(request, contract.RecordEvidenceRequest) else stub.RecordCalls
            try:
                return await method(request, timeout=DEADLINE_S)
            except grpc.aio.AioRpcError as error:
                raise rpc.error_of(error) from error

        yield record


async def ledger(site: Site, secret: str) -> contract.LedgerDay:
    """The sums of calls, when nothing is in flight."""
    async with site.channel(secret) as channel, asyncio.timeout(DEADLINE_S):
        while True:
            answer = await CollectorServiceStub(channel).GetLedger(contract.GetLedgerRequest(), timeout=DEADLINE_S)
            if not any(line.in_flight_count for line in answer.totals):
                return next(line for line in answer.totals if line.kind == contract.RECORD_KIND_CALL)
            await asyncio.sleep(0.05)


async def until_refused(record: Callable[[Any], Awaitable[Any]], new_batch: Callable[[], Any]) -> tuple[int, Any, AssayError]:
    """Records batches, each of which takes longer to be paid for than to be sent; how many went well, the one that did not, and why."""
    for taken_count in range(1_000):
        request = new_batch()
        try:
            await record(request)
        except AssayError as error:
            return taken_count, request, error
    raise AssertionError("nothing was refused")


async def test_a_project_above_its_rate_is_told_when_to_send_again_and_then_succeeds(site: Site) -> None:
    secret = await site.key(await site.project(calls_per_s_limit=500, calls_burst_limit=10))
    async with recording(site, secret) as record:
        taken_count, late, error = await until_refused(record, lambda: batch(1_000))
        assert taken_count >= 1
        assert (error.kind, error.reason) == (Kind.RESOURCE_EXHAUSTED, "QUOTA_RATE_EXCEEDED")
        assert error.details == {"limit": "calls_per_s_limit", "holder": "project", "calls_per_s": "500", "calls_burst": "10"}
        assert error.retry_after_s is not None
        assert 0 < error.retry_after_s <= 2
        await asyncio.sleep(error.retry_after_s)
        assert (await record(late)).accepted_count == 1_000
    account = await ledger(site, secret)
    recorded_count = 1_000 * (taken_count + 1)
    assert (account.received_count, account.stored_count, account.rejected_count) == (recorded_count, recorded_count, 0)


async def test_a_batch_larger_than_the_burst_is_admitted_and_paid_for_afterwards(site: Site) -> None:
    async with recording(site, await site.key(await site.project(calls_per_s_limit=100, calls_burst_limit=10))) as record:
        assert (await record(batch(5_000))).accepted_count == 5_000
        with pytest.raises(AssayError) as refused:
            await record(batch(1))
        assert refused.value.retry_after_s is not None
        assert 5 < refused.value.retry_after_s <= 50


async def test_one_projects_quota_leaves_another_alone(site: Site) -> None:
    slow, free = await site.project(calls_per_s_limit=1, calls_burst_limit=1), await site.project()
    async with recording(site, await site.key(slow)) as record_slow, recording(site, await site.key(free)) as record_free:
        await record_slow(batch(1_000))
        for _ in range(5):
            with pytest.raises(AssayError):
                await record_slow(batch(1))
            await record_free(batch(100))


async def test_a_keys_quota_leaves_the_other_keys_of_its_project_alone(site: Site) -> None:
    project = await site.project()
    limited, other = await site.key(project, calls_per_s_limit=1, calls_burst_limit=1), await site.key(project)
    async with recording(site, limited) as record, recording(site, other) as record_other:
        await record(batch(100))
        with pytest.raises(AssayError) as refused:
            await record(batch(1))
        assert refused.value.details["holder"] == "key"
        assert (await record_other(batch(100))).accepted_count == 100


async def test_evidence_counts_too(site: Site) -> None:
    async with recording(site, await site.key(await site.project(calls_per_s_limit=1, calls_burst_limit=2))) as record:
        await record(evidence_batch("first", [evaluation(f"e{number}", "c", 0.5) for number in range(50)]))
        with pytest.raises(AssayError) as refused:
            await record(evidence_batch("second", [evaluation("e", "c", 0.5)]))
        assert refused.value.reason == "QUOTA_RATE_EXCEEDED"
        with pytest.raises(AssayError):
            await record(batch(1))


async def test_a_stream_ends_with_what_its_batch_is_refused_with_and_what_was_answered_is_kept(site: Site) -> None:
    secret = await site.key(await site.project(calls_per_s_limit=1, calls_burst_limit=5))
    async with site.channel(secret) as channel:
        stream = CollectorServiceStub(channel).StreamCalls()
        await stream.write(contract.StreamCallsRequest(batch=batch(100)))
        first = await stream.read()
        assert isinstance(first, contract.StreamCallsResponse)
        assert first.result.accepted_count == 100
        await stream.write(contract.StreamCallsRequest(batch=batch(1)))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stream.read()
    assert rpc.error_of(refused.value).reason == "QUOTA_RATE_EXCEEDED"


@pytest.mark.parametrize("holder", ["project", "key"])
async def test_streams_above_the_limit_are_refused_until_one_ends(site: Site, holder: str) -> None:
    project = await site.project(open_streams_limit=2 if holder == "project" else 0)
    secret = await site.key(project, open_streams_limit=2 if holder == "key" else 0)
    async with site.channel(secret) as channel:
        stub = CollectorServiceStub(channel)

        async def opened() -> Any:
            stream = stub.StreamCalls()
            await stream.write(contract.StreamCallsRequest(batch=batch(1)))
            assert isinstance(await stream.read(), contract.StreamCallsResponse)
            return stream

        streams = [await opened(), await opened()]
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await opened()
        error = rpc.error_of(refused.value)
        assert (error.kind, error.reason, error.details["holder"]) == (Kind.RESOURCE_EXHAUSTED, "QUOTA_STREAMS_EXCEEDED", holder)
        assert error.retry_after_s is not None
        streams.pop().cancel()
        async with asyncio.timeout(DEADLINE_S):
            while True:
                try:
                    streams.append(await opened())
                    break
                except grpc.aio.AioRpcError:
                    await asyncio.sleep(0.05)
        for stream in streams:
            stream.cancel()


async def test_a_changed_limit_holds_soon(site: Site) -> None:
    project = await site.project()
    async with recording(site, await site.key(project)) as record:
        await record(batch(100))
        await site.ask("UpdateProject", access.UpdateProjectRequest(project=project, calls_per_s_limit=1, calls_burst_limit=1))

        async def is_refused() -> bool:
            try:
                await record(batch(10))
            except AssayError as error:
                return error.reason == "QUOTA_RATE_EXCEEDED"
            return False

        await eventually(is_refused, CHANGED_DEADLINE_S, "the new limit")
        await site.ask("UpdateProject", access.UpdateProjectRequest(project=project, calls_per_s_limit=0))

        async def is_free() -> bool:
            return not await is_refused()

        await eventually(is_free, CHANGED_DEADLINE_S, "no limit any more")
        await record(batch(1_000))


async def test_limits_are_shown_changed_by_the_installations_admin_alone_and_noted(site: Site) -> None:
    project = await site.project(calls_per_s_limit=5)
    request = access.CreateKeyRequest(project=project, roles=[access.ROLE_ADMIN], open_streams_limit=3)
    made = await site.ask("CreateKey", request)
    assert made.key.open_streams_limit == 3
    change = access.UpdateProjectRequest(project=project, calls_per_s_limit=7, open_streams_limit=2)
    async with site.channel(made.secret) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await AccessServiceStub(channel).UpdateProject(change, timeout=DEADLINE_S)
        assert rpc.error_of(refused.value).reason == "ROLE_MISSING"
        await AccessServiceStub(channel).UpdateProject(access.UpdateProjectRequest(series_limit=50), timeout=DEADLINE_S)
    changed = (await site.ask("UpdateProject", change)).project
    assert (changed.calls_per_s_limit, changed.calls_burst_limit, changed.open_streams_limit, changed.series_limit) == (7, 0, 2, 50)
    events = (await site.ask("ListAuditEvents", access.ListAuditEventsRequest(project=project))).events
    assert [dict(event.details) for event in events if event.action == "project.update"] == [
        {"calls_per_s_limit": "5 -> 7", "open_streams_limit": "0 -> 2"},
        {"series_limit": "10000 -> 50"},
    ]
    assert [event.details["open_streams_limit"] for event in events if event.action == "key.create"] == ["3"]


@pytest.mark.parametrize(("field", "limit"), [("calls_per_s_limit", -1), ("calls_burst_limit", 1_000_000_001), ("open_streams_limit", 301)])
async def test_limits_out_of_range_are_refused_by_name(site: Site, field: str, limit: int) -> None:
    limits: dict[str, Any] = {field: limit}
    for method, request in {
        "CreateProject": access.CreateProjectRequest(project="never", **limits),
        "UpdateProject": access.UpdateProjectRequest(project="default", **limits),
        "CreateKey": access.CreateKeyRequest(project="default", roles=[access.ROLE_READ], **limits),
    }.items():
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await site.ask(method, request)
        error = rpc.error_of(refused.value)
        assert (error.reason, error.details["field"]) == ("FIELD_INVALID", field)


class Clock:
    """A clock that is put forward."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def caller(key_id: str, calls_per_s: int = 0, calls_burst: int = 0) -> Identity:
    return Identity(key_id, "p", frozenset({Role.RECORD}), None, Quota(calls_per_s, calls_burst))


def test_a_batch_that_one_limit_refuses_is_counted_by_none() -> None:
    clock = Clock()
    rates = RateQuotas(clock)
    project, key = Quota(10, 10), caller("k", 1, 5)
    rates.admit(key, "p", project, 5)
    for _ in range(3):
        with pytest.raises(AssayError) as refused:
            rates.admit(key, "p", project, 1)
        assert refused.value.details["holder"] == "key"
    rates.admit(caller("other"), "p", project, 5)


def test_the_longer_wait_is_told() -> None:
    rates = RateQuotas(Clock())
    key = caller("k", 1, 5)
    rates.admit(key, "p", Quota(100, 5), 5)
    with pytest.raises(AssayError) as refused:
        rates.admit(key, "p", Quota(100, 5), 2)
    assert (refused.value.details["holder"], refused.value.retry_after_s) == ("key", 2.0)


def test_buckets_that_are_full_are_forgotten_and_the_others_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "BUCKETS_MAX", 10)
    clock = Clock()
    rates = RateQuotas(clock)
    rates.admit(caller("busy", 1, 1_000_000), "p", Quota(), 1_000_000)
    for number in range(100):
        clock.now_ns += 2 * S
        rates.admit(caller(f"k{number}", 1, 1), "p", Quota(), 1)
    assert len(rates._buckets) <= 10
    with pytest.raises(AssayError):
        rates.admit(caller("busy", 1, 1_000_000), "p", Quota(), 1_000_000)
