"""gRPC and HTTP with TLS: who is let in, what those are told who are not, and certificates that are renewed on disk."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import grpc
import grpc.aio
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kit import ops_http, rpc
from kit.errors import AssayError
from kit.health import Readiness
from kit.tls import FILE_BYTES_MAX, ClientFiles, ServerFiles, client_context
from tests.certificates import Authority, Pair, served_serial

IN_TIME_S = 30.0
Server: TypeAlias = Callable[[ServerFiles], AbstractAsyncContextManager[str]]


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ours")


@pytest.fixture
def theirs(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "theirs")


@asynccontextmanager
async def grpc_server(files: ServerFiles | None, listen: str = "127.0.0.1:0") -> AsyncIterator[str]:
    async with rpc.serve(listen, [], service_names=[], readiness=Readiness(), files=files) as address:
        yield address


@asynccontextmanager
async def http_server(files: ServerFiles | None, listen: str = "127.0.0.1:0") -> AsyncIterator[str]:
    async with ops_http.serve(listen, Readiness(), files=files) as address:
        yield address


async def ask_grpc(address: str, files: ClientFiles | None) -> str | None:
    """None for an answer, else what is wrong with the connection."""
    async with rpc.connect(address, tls=files) as channel:
        return await ask(channel)


async def ask(channel: grpc.aio.Channel) -> str | None:
    try:
        await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=IN_TIME_S)
    except grpc.aio.AioRpcError as error:
        return rpc.connection_trouble(error.details() or "") or repr(error)
    return None


async def ask_http(address: str, files: ClientFiles) -> int:
    async with httpx.AsyncClient(verify=client_context(files), trust_env=False, timeout=IN_TIME_S) as client:
        return (await client.get(f"https://{address}/healthz")).status_code


async def test_grpc_is_served_with_tls(ours: Authority) -> None:
    async with grpc_server(ours.server_files()) as address:
        assert await ask_grpc(address, ours.client_files()) is None


async def test_with_a_client_ca_a_client_without_a_certificate_is_refused(ours: Authority, theirs: Authority) -> None:
    own, stranger = ours.pair("own", "agent"), theirs.pair("stranger", "agent")
    refused = "it ends the connection, as one does that wants TLS, or a certificate from its clients"
    async with grpc_server(ours.server_files(client_ca=ours)) as address:
        assert await ask_grpc(address, ours.client_files(own)) is None
        assert await ask_grpc(address, ours.client_files()) == refused
        assert await ask_grpc(address, ours.client_files(stranger)) == refused
        assert await ask_grpc(address, None) == refused


async def test_a_server_that_is_not_to_be_trusted_is_told_with_the_reason(ours: Authority, theirs: Authority) -> None:
    async with grpc_server(ours.server_files(hosts=("collector.example.com",))) as address:
        untrusted = await ask_grpc(address, theirs.client_files())
        assert untrusted is not None
        assert untrusted.startswith("its certificate is not to be trusted (")
        assert await ask_grpc(address, ours.client_files()) == "its certificate is for another name"
        assert await ask_grpc(address, ours.client_files(server_name="collector.example.com")) is None
    async with grpc_server(None) as plain:
        assert await ask_grpc(plain, ours.client_files()) == "it does not speak TLS"


async def test_http_is_served_with_tls_and_with_a_client_ca_to_those_who_show_a_certificate(ours: Authority, theirs: Authority) -> None:
    own = ours.pair("own", "agent")
    async with http_server(ours.server_files()) as address:
        assert await ask_http(address, ours.client_files()) == 200
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            await ask_http(address, theirs.client_files())
        async with httpx.AsyncClient(trust_env=False) as client:
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get(f"http://{address}/healthz")
    async with http_server(ours.server_files(client_ca=ours)) as address:
        assert await ask_http(address, ours.client_files(own)) == 200
        for files in (ours.client_files(), ours.client_files(theirs.pair("stranger", "agent"))):
            with pytest.raises((httpx.ReadError, httpx.ConnectError)):
                await ask_http(address, files)


@pytest.mark.parametrize("server", [grpc_server, http_server])
async def test_with_tls_all_interfaces_may_be_listened_on(server: Callable[..., AbstractAsyncContextManager[str]], ours: Authority) -> None:
    async with server(ours.server_files(), "0.0.0.0:0") as address:
        assert address.startswith("0.0.0.0:")
    with pytest.raises(AssayError, match="ASSAY_TLS_CERTIFICATE") as refused:
        async with server(None, "0.0.0.0:0"):
            pass
    assert refused.value.reason == "LISTEN_INSECURE"


@pytest.mark.parametrize("server", [grpc_server, http_server])
async def test_a_renewed_certificate_is_shown_to_the_next_connection(server: Server, ours: Authority) -> None:
    files = ours.server_files()
    async with server(files) as address:
        before = await asyncio.to_thread(served_serial, address)
        renewed = ours.pair("server").serial
        assert await asyncio.to_thread(served_serial, address) == renewed != before


@pytest.mark.parametrize("server", [grpc_server, http_server])
async def test_a_renewed_client_ca_counts_for_the_next_connection(server: Server, ours: Authority, theirs: Authority) -> None:
    files = ours.server_files(client_ca=theirs)
    own = theirs.pair("own", "agent")
    ask = ask_grpc if server is grpc_server else ask_http

    async def is_let_in(shown: Pair) -> bool:
        try:
            return await ask(address, ours.client_files(shown)) in (None, 200)
        except httpx.HTTPError:
            return False

    async with server(files) as address:
        assert await is_let_in(own)
        later = Authority(theirs.path.parent, "theirs")  # in the place of the other one
        assert await is_let_in(later.pair("later", "agent"))
        assert not await is_let_in(own)


@pytest.mark.parametrize("server", [grpc_server, http_server])
async def test_a_broken_renewal_leaves_the_certificate_that_was_there(
    server: Server, ours: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    files = ours.server_files()
    async with server(files) as address:
        before = await asyncio.to_thread(served_serial, address)
        key = files.key.read_bytes()
        for content in (key[: len(key) // 2], b""):
            files.key.write_bytes(content)
            assert await asyncio.to_thread(served_serial, address) == before
        ours.pair("server").key.write_bytes(key)  # of another certificate
        assert await asyncio.to_thread(served_serial, address) == before
        assert [record.levelname for record in caplog.records].count("WARNING") == 1
        assert await asyncio.to_thread(served_serial, address) == before
        assert await asyncio.to_thread(served_serial, address) == before
        renewed = ours.pair("server").serial
        assert await asyncio.to_thread(served_serial, address) == renewed


async def test_a_channel_calls_with_the_newest_certificate_while_its_open_streams_go_on(ours: Authority, theirs: Authority) -> None:
    """The authority behind the client's certificate is changed on both sides, so that the one before is of no use any more."""
    files = ours.server_files(client_ca=theirs)
    own = theirs.pair("own", "agent")
    async with grpc_server(files) as address, rpc.connect(address, tls=ours.client_files(own), secret="s3cret") as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(service="elsewhere"))
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
        Authority(theirs.path.parent, "theirs").pair("own", "agent")
        assert await ask(channel) is None
        assert not watch.done()
        await stub.Check(health_pb2.HealthCheckRequest(), timeout=IN_TIME_S)  # of a stub that was made before
        watch.cancel()
    assert channel.get_state() is grpc.ChannelConnectivity.SHUTDOWN


async def test_closing_a_channel_ends_the_streams_of_before_a_renewal(ours: Authority) -> None:
    async with grpc_server(ours.server_files()) as address:
        async with rpc.connect(address, tls=ours.client_files(ours.pair("own", "agent"))) as channel:
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            await watch.read()
            ours.pair("own", "agent")
            assert await ask(channel) is None
        assert watch.done()


@pytest.mark.parametrize(
    ("address", "is_refused"),
    [("collector:7001", True), ("192.0.2.1:7001", True), ("[2001:db8::1]:1", True), ("localhost:1", False), ("[::1]:1", False)],
)
async def test_a_key_is_sent_beyond_this_machine_by_tls_alone_unless_that_is_allowed(
    address: str, is_refused: bool, ours: Authority
) -> None:
    for secret in (None, "s3cret"):
        if is_refused:
            with pytest.raises(AssayError, match="ASSAY_INSECURE_CONNECT=true") as refused:
                rpc.connect(address, secret=secret)
            assert refused.value.reason == "CONNECT_INSECURE"
        else:
            await rpc.connect(address, secret=secret).close()
        await rpc.connect(address, secret=secret, allow_insecure=True).close()
        await rpc.connect(address, secret=secret, tls=ours.client_files()).close()


@pytest.mark.parametrize("damage", ["missing", "empty", "of another certificate", "encrypted"])
@pytest.mark.parametrize("server", [grpc_server, http_server])
async def test_files_that_cannot_be_used_are_told_at_the_start(server: Server, ours: Authority, damage: str) -> None:
    files = ours.server_files()
    other = ours.pair("other")
    match damage:
        case "missing":
            files.key.unlink()
        case "empty":
            files.key.write_bytes(b"")
        case "of another certificate":
            other.key.replace(files.key)
        case "encrypted":
            files.key.write_bytes(encrypted(files.key.read_bytes()))
    message = "the key is encrypted" if damage == "encrypted" else r"server\.key"
    with pytest.raises(AssayError, match=message) as refused:
        async with server(files):
            pass
    assert refused.value.reason == "TLS_FILES_UNUSABLE"


async def test_a_file_that_is_too_large_to_be_a_key_is_not_read_whole(ours: Authority) -> None:
    files = ours.server_files()
    files.key.write_bytes(files.key.read_bytes() + b"\n" * FILE_BYTES_MAX)
    with pytest.raises(AssayError, match=r"has more than 4,194,304 bytes"):
        async with grpc_server(files):
            pass


def encrypted(key: bytes) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    )
