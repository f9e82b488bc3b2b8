"""What callers see when a handler refuses, fails, or is sent something that is no message."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from assay.access.v1 import access_service_pb2 as access
from assay.access.v1 import access_service_pb2_grpc as access_grpc
from assay.collector.v1 import collector_service_pb2 as collector
from assay.collector.v1 import collector_service_pb2_grpc as collector_grpc
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status
from hypothesis import given, settings
from hypothesis import strategies as st

from kit import metrics, rpc
from kit.errors import AssayError, Kind, invalid
from kit.health import Readiness
from kit.rpc.status import status_of

ACCESS = "assay.access.v1.AccessService"
COLLECTOR = "assay.collector.v1.CollectorService"
TRAILERS_BYTES_MAX = 8_192
Act = Callable[[], Awaitable[None]]


class Access(access_grpc.AccessServiceServicer):
    """Does in CheckKey what the test says; ListKeys returns what is no message; CreateKey wants the bytes."""

    def __init__(self) -> None:
        self.act: Act = nothing
        self.received: object = None

    async def CheckKey(self, _request: Any, _context: Any) -> access.CheckKeyResponse:
        await self.act()
        return access.CheckKeyResponse(key=access.Key(key_id="k1"))

    async def ListKeys(self, _request: Any, _context: Any) -> Any:
        return None

    async def ExchangeLoginToken(self, request: Any, _context: Any) -> access.ExchangeLoginTokenResponse:
        self.received = request
        return access.ExchangeLoginTokenResponse(secret=request.token)

    @rpc.raw_request
    async def CreateKey(self, request: Any, _context: Any) -> access.CreateKeyResponse:
        self.received = request
        return access.CreateKeyResponse(secret="s")

    async def ListProjects(self, _request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        await context.abort(grpc.StatusCode.DATA_LOSS, "by hand")


class Collector(collector_grpc.CollectorServiceServicer):
    """Answers each batch; refuses the one called `bad` and fails at the one called `bug`."""

    async def StreamCalls(
        self, requests: AsyncIterator[collector.StreamCallsRequest], _context: Any
    ) -> AsyncIterator[collector.StreamCallsResponse]:
        async for request in requests:
            if request.batch.batch_id == "bad":
                raise AssayError(Kind.RESOURCE_EXHAUSTED, "STREAM_FULL", "full", retry_after_s=5)
            if request.batch.batch_id == "bug":
                raise ZeroDivisionError("secret detail")
            yield collector.StreamCallsResponse(batch_id=request.batch.batch_id)


def new_access() -> Access:
    return Access()  # type: ignore[abstract]  # the rest stays unimplemented


async def nothing() -> None:
    return None


def raising(error: BaseException) -> Act:
    async def act() -> None:
        raise error

    return act


@asynccontextmanager
async def serving(servicer: Access | None = None) -> AsyncIterator[grpc.aio.Channel]:
    servicer = servicer or new_access()
    collector_servicer = Collector()  # type: ignore[abstract]  # the rest stays unimplemented
    services = [
        lambda server: access_grpc.add_AccessServiceServicer_to_server(servicer, server),
        lambda server: collector_grpc.add_CollectorServiceServicer_to_server(collector_servicer, server),
    ]
    names = [ACCESS, COLLECTOR]
    async with rpc.serve("127.0.0.1:0", services, service_names=names, readiness=Readiness()) as address:
        channel = rpc.connect(address)
        try:
            yield channel
        finally:
            await channel.close()


async def refusal(channel: grpc.aio.Channel, method: str = "CheckKey") -> grpc.aio.AioRpcError:
    requests = {"CheckKey": access.CheckKeyRequest(), "ListKeys": access.ListKeysRequest()}
    request = requests.get(method) or getattr(access, f"{method}Request")()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await getattr(access_grpc.AccessServiceStub(channel), method)(request, timeout=60)
    return caught.value


@pytest.mark.parametrize("kind", Kind)
async def test_each_kind_of_error_comes_back_as_it_was_raised(kind: Kind) -> None:
    servicer = new_access()
    error = AssayError(kind, "SOME_REASON", "what to do: größer", details={"limit": "5"}, retry_after_s=1.5)
    servicer.act = raising(error)
    async with serving(servicer) as channel:
        caught = await refusal(channel)
    back = rpc.error_of(caught)
    assert caught.code() is grpc.StatusCode[kind.name]
    assert (back.kind, back.reason, back.message, dict(back.details), back.retry_after_s) == (
        kind,
        "SOME_REASON",
        "what to do: größer",
        {"limit": "5"},
        1.5,
    )


async def test_a_field_at_fault_is_named_for_tools_that_know_google_rpc_alone() -> None:
    servicer = new_access()
    servicer.act = raising(invalid("page_size", "must not be negative"))
    async with serving(servicer) as channel:
        caught = await refusal(channel)
    status = Status.FromString(dict(caught.trailing_metadata() or ())["grpc-status-details-bin"])
    info, bad_request = ErrorInfo(), BadRequest()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(bad_request)
    assert len(status.details) == 2
    assert (info.domain, info.reason, dict(info.metadata)) == ("assay", "FIELD_INVALID", {"field": "page_size"})
    assert bad_request.field_violations[0].field == "page_size"


async def test_a_bug_travels_without_its_details_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    servicer = new_access()
    servicer.act = raising(ZeroDivisionError("secret detail"))
    async with serving(servicer) as channel:
        with caplog.at_level(logging.ERROR):
            caught = await refusal(channel)
    assert caught.code() is grpc.StatusCode.INTERNAL
    assert caught.details() == "internal error"
    assert "secret" not in repr(caught.trailing_metadata())
    assert rpc.error_of(caught).kind is Kind.UNAVAILABLE
    assert rpc.error_of(caught).reason == "INTERNAL"
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert errors[0].__dict__["fields"]["method"] == f"{ACCESS}/CheckKey"


async def test_an_answer_that_cannot_be_serialised_is_a_bug_like_any_other() -> None:
    async with serving() as channel:
        caught = await refusal(channel, "ListKeys")
    assert (caught.code(), caught.details()) == (grpc.StatusCode.INTERNAL, "internal error")


async def test_a_method_that_nobody_wrote_is_unimplemented() -> None:
    async with serving() as channel:
        caught = await refusal(channel, "RevokeKey")
    assert caught.code() is grpc.StatusCode.UNIMPLEMENTED
    assert rpc.error_of(caught).kind is Kind.FAILED_PRECONDITION


async def test_a_handler_may_still_abort_by_itself() -> None:
    async with serving() as channel:
        caught = await refusal(channel, "ListProjects")
    assert (caught.code(), caught.details()) == (grpc.StatusCode.DATA_LOSS, "by hand")


MALFORMED = [
    pytest.param(b"\x0a\xff", id="a length beyond the end"),
    pytest.param(b"\x0a\x02\xff\xfe", id="a string that is not UTF-8"),
    pytest.param(b"\x07", id="an unknown wire type"),
    pytest.param(b"\x80" * 20, id="an endless number"),
]


@pytest.mark.parametrize("content", MALFORMED)
async def test_what_is_no_message_is_the_callers_mistake(content: bytes) -> None:
    async with serving() as channel:
        call: Any = channel.unary_unary(f"/{ACCESS}/ExchangeLoginToken")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(content, timeout=60)
    back = rpc.error_of(caught.value)
    assert (back.kind, back.reason) == (Kind.INVALID_ARGUMENT, "MESSAGE_MALFORMED")


@pytest.mark.parametrize("content", MALFORMED)
async def test_what_is_no_message_ends_a_stream_as_the_callers_mistake(content: bytes) -> None:
    async with serving() as channel:
        call: Any = channel.stream_stream(f"/{COLLECTOR}/StreamCalls")()
        await call.write(b"")
        assert collector.StreamCallsResponse.FromString(await call.read()).batch_id == ""
        await call.write(b"\x0a" + bytes([len(content)]) + content)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
    assert rpc.error_of(caught.value).reason == "MESSAGE_MALFORMED"


async def test_a_method_that_wants_bytes_is_given_them_as_sent() -> None:
    servicer = new_access()
    async with serving(servicer) as channel:
        call: Any = channel.unary_unary(f"/{ACCESS}/CreateKey")
        await call(b"\xff\xff no message", timeout=60)
    assert servicer.received == b"\xff\xff no message"


async def test_a_request_that_is_too_large_is_refused_by_grpc_itself() -> None:
    async with serving() as channel:
        call: Any = channel.unary_unary(f"/{ACCESS}/CreateKey")
        await call(bytes(rpc.REQUEST_BYTES_MAX), timeout=60)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(bytes(rpc.REQUEST_BYTES_MAX + 1), timeout=60)
    back = rpc.error_of(caught.value)
    assert (back.kind, back.reason) == (Kind.RESOURCE_EXHAUSTED, "RESOURCE_EXHAUSTED")


@pytest.mark.parametrize(
    ("batch_id", "kind", "reason"),
    [("bad", Kind.RESOURCE_EXHAUSTED, "STREAM_FULL"), ("bug", Kind.UNAVAILABLE, "INTERNAL")],
)
async def test_an_error_ends_a_stream_and_what_was_answered_is_kept(batch_id: str, kind: Kind, reason: str) -> None:
    async with serving() as channel:
        call = collector_grpc.CollectorServiceStub(channel).StreamCalls()
        await call.write(collector.StreamCallsRequest(batch=collector.RecordCallsRequest(batch_id="b1")))
        answer = await call.read()
        assert isinstance(answer, collector.StreamCallsResponse)
        assert answer.batch_id == "b1"
        await call.write(collector.StreamCallsRequest(batch=collector.RecordCallsRequest(batch_id=batch_id)))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
    back = rpc.error_of(caught.value)
    assert (back.kind, back.reason) == (kind, reason)


async def test_a_deadline_is_no_bug_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    servicer = new_access()
    is_cancelled = asyncio.Event()

    async def wait_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            is_cancelled.set()

    servicer.act = wait_for_ever
    async with serving(servicer) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await access_grpc.AccessServiceStub(channel).CheckKey(access.CheckKeyRequest(), timeout=1)
        async with asyncio.timeout(60):
            await is_cancelled.wait()
    assert rpc.error_of(caught.value).kind is Kind.DEADLINE_EXCEEDED
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_rpcs_are_counted_by_method_and_code() -> None:
    def count(code: str) -> float:
        labels = {"method": f"{ACCESS}/CheckKey", "code": code}
        return metrics.REGISTRY.get_sample_value("assay_rpc_requests_total", labels) or 0.0

    servicer = new_access()
    before = (count("OK"), count("NOT_FOUND"))
    async with serving(servicer) as channel:
        await access_grpc.AccessServiceStub(channel).CheckKey(access.CheckKeyRequest())
        servicer.act = raising(AssayError(Kind.NOT_FOUND, "KEY_UNKNOWN", "no"))
        await refusal(channel)
    assert (count("OK"), count("NOT_FOUND")) == (before[0] + 1, before[1] + 1)


async def test_nobody_listening_is_unavailable() -> None:
    async with serving() as _:
        pass
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        back = rpc.error_of(await refusal(channel))
    assert (back.kind, back.reason) == (Kind.UNAVAILABLE, "UNAVAILABLE")


@pytest.mark.parametrize("code", grpc.StatusCode)
def test_every_code_has_a_kind(code: grpc.StatusCode) -> None:
    back = rpc.error_of(grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata()))
    assert back.reason == code.name
    assert back.message == code.name


@pytest.mark.parametrize(
    ("trailers", "details", "retry_after_s"),
    [
        (b"\xff", {}, None),
        (Status().SerializeToString(), {}, None),
        ([BadRequest(field_violations=[BadRequest.FieldViolation(field="day")])], {"field": "day"}, None),
        ([ErrorInfo(domain="elsewhere.example", reason="X")], {}, None),
        ([RetryInfo()], {}, 0.0),
    ],
)
def test_details_of_others_are_read_as_far_as_they_are_known(trailers: Any, details: dict[str, str], retry_after_s: float | None) -> None:
    if isinstance(trailers, list):
        status = Status()
        for detail in trailers:
            status.details.add().Pack(detail)
        trailers = status.SerializeToString()
    metadata = grpc.aio.Metadata(("other", "x"), ("grpc-status-details-bin", trailers))
    code = grpc.StatusCode.FAILED_PRECONDITION
    back = rpc.error_of(grpc.aio.AioRpcError(code, grpc.aio.Metadata(), metadata, "why"))
    assert (back.reason, back.message) == ("FAILED_PRECONDITION", "why")
    assert (dict(back.details), back.retry_after_s) == (details, retry_after_s)


@settings(max_examples=200)
@given(
    message=st.text(st.characters(codec=None), max_size=2_000),
    details=st.dictionaries(st.text(max_size=300), st.text(st.characters(codec=None), max_size=500), max_size=20),
    retry_after_s=st.none() | st.floats(0, 86_400),
)
def test_no_error_is_too_long_for_trailers(message: str, details: dict[str, str], retry_after_s: float | None) -> None:
    error = AssayError(Kind.INVALID_ARGUMENT, "R" * 40, message, details=details, retry_after_s=retry_after_s)
    status = status_of(error)
    percent_encoded = 3 * len(status.message.encode())
    base64_encoded = 4 * (len(status.SerializeToString()) + 2) // 3
    assert percent_encoded + base64_encoded < TRAILERS_BYTES_MAX


async def test_grpc_status_reads_what_is_sent() -> None:
    servicer = new_access()
    servicer.act = raising(AssayError(Kind.NOT_FOUND, "KEY_UNKNOWN", "m" * 600))
    async with serving(servicer) as channel:
        call = access_grpc.AccessServiceStub(channel).CheckKey(access.CheckKeyRequest())
        with pytest.raises(grpc.aio.AioRpcError):
            await call
        status = await rpc_status.aio.from_call(call)
    assert status.code == grpc.StatusCode.NOT_FOUND.value[0]
