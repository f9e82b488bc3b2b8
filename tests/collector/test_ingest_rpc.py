"""Recording over gRPC: who may, what is answered, and what ends a stream."""

import asyncio
import gc
import json
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc.aio
import pytest
from assay.collector.v1 import collector_service_pb2 as contract
from assay.collector.v1 import collector_service_pb2_grpc
from assay.events.v1 import ingest_pb2

from kit import bus, rpc
from kit.access import Guard, Identity, Role, key_invalid
from kit.embedded import nats as embedded_nats
from kit.errors import AssayError, Kind
from kit.health import Readiness
from services.collector import streams
from services.collector.ingest import Ingest, Publisher, require_payload
from services.collector.prices import PriceBook
from services.collector.rpc_ingest import STREAM_BATCHES_MAX, IngestServicer
from services.collector.store.projects import ProjectInfo
from tests.collector.ingest_samples import NOW_US, KeptMessages, call, calls_request, evidence

SERVICE = "/assay.collector.v1.CollectorService"
IN_TIME_S = 60.0
LOOK_S = 0.01
if TYPE_CHECKING:
    Stub: TypeAlias = collector_service_pb2_grpc.CollectorServiceAsyncStub
KEYS = {
    "writer": Identity("writer", "p", frozenset({Role.RECORD}), None),
    "reader": Identity("reader", "p", frozenset({Role.READ}), None),
    "admin": Identity("admin", None, frozenset({Role.INSTALLATION_ADMIN}), None),
}


class Keys:
    """The keys of an installation with one project."""

    async def check(self, secret: str) -> Identity:
        """Whose a key is."""
        if secret not in KEYS:
            raise key_invalid()
        return KEYS[secret]

    async def find(self, project: str) -> ProjectInfo | None:
        """The project, if it is that one."""
        return ProjectInfo(1, "p", "UTC", 10_000) if project == "p" else None


class Gate(KeptMessages):
    """A bus whose acknowledgements wait until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.waiting_count = 0

    async def publish(self, subject: str, payload: bytes, headers: Any) -> bool:
        """Keeps a message once the gate is open."""
        self.waiting_count += 1
        await self.is_open.wait()
        self.waiting_count -= 1
        return await super().publish(subject, payload, headers)


@asynccontextmanager
async def serve(publisher: Publisher) -> AsyncIterator[str]:
    """Serves the recording RPCs on a port of their own."""
    ingest = Ingest(publisher, PriceBook(), now_unix_us=lambda: NOW_US)
    servicer = IngestServicer(Guard(Keys()), Keys(), ingest)  # type: ignore[abstract]  # the queries are not there

    def add(server: grpc.aio.Server) -> None:
        collector_service_pb2_grpc.add_CollectorServiceServicer_to_server(servicer, server)

    async with rpc.serve("127.0.0.1:0", [add], service_names=["assay.collector.v1.CollectorService"], readiness=Readiness()) as address:
        yield address


@pytest.fixture
async def gate() -> Gate:
    """The bus of the test."""
    return Gate()


@pytest.fixture
async def address(gate: Gate) -> AsyncIterator[str]:
    """Where the front listens."""
    async with serve(gate) as bound:
        yield bound


@asynccontextmanager
async def client(address: str, secret: str | None = "writer") -> AsyncIterator["Stub"]:
    """A client with a key."""
    async with rpc.connect(address, secret=secret) as channel:
        yield collector_service_pb2_grpc.CollectorServiceStub(channel)


async def refusal(answer: Any) -> tuple[Kind, str]:
    """What an RPC was refused with."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await answer
    error = rpc.error_of(raised.value)
    return error.kind, error.reason


def raw(channel: grpc.aio.Channel, method: str) -> Any:
    """An RPC that takes and gives bytes."""
    return channel.unary_unary(f"{SERVICE}/{method}")


def batch(*calls: Any, **fields: Any) -> contract.RecordCallsRequest:
    """A request of these calls."""
    return contract.RecordCallsRequest.FromString(calls_request(*calls, **fields))


async def test_a_batch_is_recorded_and_its_bad_calls_are_named(address: str, gate: Gate) -> None:
    async with client(address) as stub:
        answer = await stub.RecordCalls(batch(call(), call(provider=None)))
    assert answer.accepted_count == 1
    (rejection,) = answer.rejections
    assert (rejection.index, rejection.field, rejection.reason) == (1, "provider", contract.REJECTION_REASON_MISSING)
    assert [subject for subject, _, _ in gate.messages] == ["assay.calls.p"]


async def test_a_call_with_an_invalid_text_is_refused_alone_on_the_wire(address: str) -> None:
    bad = b"\x32\x01\xff"  # provider
    data = calls_request(call()) + b"\x1a" + bytes([len(bad)]) + bad
    async with rpc.connect(address, secret="writer") as channel:
        answer = contract.RecordCallsResponse.FromString(await raw(channel, "RecordCalls")(data))
    assert answer.accepted_count == 1
    assert [rejection.index for rejection in answer.rejections] == [1]


async def test_evidence_is_recorded(address: str, gate: Gate) -> None:
    request = contract.RecordEvidenceRequest(batch_id="b-1", evidence=[evidence(), evidence(evaluation=None)])
    async with client(address) as stub:
        answer = await stub.RecordEvidence(request)
    assert answer.accepted_count == 1
    assert [(one.index, one.field) for one in answer.rejections] == [(1, "kind")]
    assert [subject for subject, _, _ in gate.messages] == ["assay.evidence.p"]


@pytest.mark.parametrize(
    ("secret", "project", "refused"),
    [
        (None, "", (Kind.UNAUTHENTICATED, "KEY_MISSING")),
        ("wrong", "", (Kind.UNAUTHENTICATED, "KEY_INVALID")),
        ("reader", "", (Kind.PERMISSION_DENIED, "ROLE_MISSING")),
        ("writer", "q", (Kind.PERMISSION_DENIED, "PROJECT_FORBIDDEN")),
        ("admin", "q", (Kind.NOT_FOUND, "PROJECT_UNKNOWN")),
        ("admin", "", (Kind.NOT_FOUND, "PROJECT_UNKNOWN")),  # its default project is not there
    ],
)
async def test_only_those_who_may_record_do(address: str, gate: Gate, secret: str | None, project: str, refused: tuple[Kind, str]) -> None:
    async with client(address, secret) as stub:
        request = batch(call(), project=project)
        assert await refusal(stub.RecordCalls(request)) == refused
        pieces = contract.RecordEvidenceRequest(batch_id="b-1", project=project, evidence=[evidence()])
        assert await refusal(stub.RecordEvidence(pieces)) == refused
        stream = stub.StreamCalls(iter([contract.StreamCallsRequest(batch=request)]))
        assert await refusal(stream.read()) == refused
    assert gate.messages == []


async def test_the_installation_may_record_in_any_project(address: str, gate: Gate) -> None:
    async with client(address, "admin") as stub:
        await stub.RecordCalls(batch(call(), project="p"))
    assert len(gate.messages) == 1


async def test_bytes_that_are_no_request_are_malformed(address: str) -> None:
    async with rpc.connect(address, secret="writer") as channel:
        for method in ("RecordCalls", "RecordEvidence"):
            told = await refusal(raw(channel, method)(b"\xff"))
            assert told == (Kind.INVALID_ARGUMENT, "MESSAGE_MALFORMED")


async def test_strangers_are_turned_away_before_their_bytes_are_looked_at(address: str) -> None:
    async with rpc.connect(address) as channel:
        told = await refusal(raw(channel, "RecordCalls")(b"\xff"))
    assert told == (Kind.UNAUTHENTICATED, "KEY_MISSING")


async def test_a_stream_answers_each_batch_before_the_next_one_is_sent(address: str) -> None:
    async with client(address) as stub:
        stream = stub.StreamCalls()
        for number in range(3):
            await stream.write(contract.StreamCallsRequest(batch=batch(call(), batch_id=f"b-{number}")))
            answer = await asyncio.wait_for(stream.read(), IN_TIME_S)
            assert isinstance(answer, contract.StreamCallsResponse)
            assert (answer.batch_id, answer.result.accepted_count) == (f"b-{number}", 1)
        await stream.done_writing()
        assert await stream.read() == grpc.aio.EOF


async def until(condition: Any) -> None:
    """Waits until something holds."""
    async with asyncio.timeout(IN_TIME_S):
        while not condition():
            await asyncio.sleep(LOOK_S)


async def test_a_stream_has_few_batches_on_their_way_and_answers_in_order(address: str, gate: Gate) -> None:
    gate.is_open.clear()
    names = [f"b-{number}" for number in range(20)]
    async with client(address) as stub:
        stream = stub.StreamCalls(iter([contract.StreamCallsRequest(batch=batch(call(), batch_id=name)) for name in names]))
        await until(lambda: gate.waiting_count > 1)
        assert gate.waiting_count <= STREAM_BATCHES_MAX + 2  # one is being answered, one waits to be queued
        gate.is_open.set()
        assert [answer.batch_id async for answer in stream] == names


async def test_an_error_ends_a_stream_and_what_was_answered_is_kept(address: str, gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    requests = [contract.StreamCallsRequest(batch=batch(call(), batch_id=name)) for name in ("b-1", "not ok", "b-3", "nor this")]
    async with client(address) as stub:
        stream = stub.StreamCalls(iter(requests))
        answer = await stream.read()
        assert isinstance(answer, contract.StreamCallsResponse)
        assert answer.batch_id == "b-1"
        assert await refusal(stream.read()) == (Kind.INVALID_ARGUMENT, "BATCH_ID_INVALID")
    assert gate.messages
    gc.collect()
    assert [record for record in caplog.records if record.name == "asyncio"] == []


async def test_a_client_that_goes_away_leaves_nothing_behind(address: str, gate: Gate) -> None:
    gate.is_open.clear()
    async with client(address) as stub:
        stream = stub.StreamCalls()
        for number in range(3):
            await stream.write(contract.StreamCallsRequest(batch=batch(call(), batch_id=f"b-{number}")))
        await until(lambda: gate.waiting_count == 3)
        tasks_before = len(asyncio.all_tasks())
        stream.cancel()
        await until(lambda: len(asyncio.all_tasks()) <= tasks_before - 4)  # three batches and the reader


def ports_of(folder: str) -> list[str]:
    """Where a server listens, once it has said so."""
    texts = [file.read_text() for file in Path(folder).glob("*.ports")]
    return [json.loads(text)["nats"][0] for text in texts if text.endswith("}")]


@asynccontextmanager
async def nats_server() -> AsyncIterator[str]:
    """A NATS server with JetStream in a directory of its own."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = [str(embedded_nats.binary()), "-js", "-sd", folder, "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", folder]
        process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)  # noqa: ASYNC220  starts at once
        try:
            await until(lambda: ports_of(folder))
            yield ports_of(folder)[0]
        finally:
            process.terminate()
            process.wait()


async def test_what_was_answered_is_in_the_stream_once_and_a_full_stream_says_so() -> None:
    async with nats_server() as url, bus.connect(url, "test") as connection:
        await asyncio.wait_for(connection.connected(), IN_TIME_S)
        require_payload(connection.max_payload_bytes)
        await connection.ensure_stream(streams.ingest_stream(byte_limit=1_000_000, replica_count=1))
        async with serve(connection) as address, client(address) as stub:
            large = batch(*[call(call_id=f"c-{number}") for number in range(1_500)])
            await stub.RecordCalls(large)
            await stub.RecordCalls(large)
            state = await connection.stream_state(streams.INGEST)
            assert state.message_count == 2
            first = await connection.message(streams.INGEST, 1)
            assert first is not None
            assert len(ingest_pb2.IngestMessage.FromString(first.data or b"").calls.call_ids) == 1_000

            async def fill() -> None:
                for number in range(100):
                    await stub.RecordCalls(batch(*large.calls, batch_id=f"more-{number}"))

            assert await refusal(fill()) == (Kind.RESOURCE_EXHAUSTED, "STREAM_FULL")


async def test_without_a_bus_the_answer_is_to_try_again() -> None:
    async with bus.connect("nats://127.0.0.1:1", "test") as connection, serve(connection) as address, client(address) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.RecordCalls(batch(call()))
    error = rpc.error_of(raised.value)
    assert isinstance(error, AssayError)
    assert (error.kind, error.reason) == (Kind.UNAVAILABLE, "BUS_UNAVAILABLE")
    assert error.retry_after_s
