"""TLS to NATS: the server is checked before it is told a password, and renewed files are taken up."""

import asyncio
from pathlib import Path

from kit import bus
from kit.errors import AssayError
from kit.tls import ClientFiles
from tests.certificates import Authority
from tests.tls_nats import PASSWORD, TlsNats, nats_server

IN_TIME_S = 30.0
REFUSED_WITHIN_S = 2.0


async def trouble(url: str, files: ClientFiles | None) -> str:
    """Why the bus cannot be used, "" where it can."""
    async with bus.connect(url, "test", files) as connected:
        try:
            await connected.connected(timeout_s=REFUSED_WITHIN_S)
        except AssayError as error:
            return f"{error.reason}: {error.message}"
    return ""


async def test_with_a_client_ca_the_bus_is_reached_with_a_certificate_alone(tmp_path: Path) -> None:
    ours = Authority(tmp_path, "ours")
    own = ours.pair("own", "collector")
    async with nats_server(tmp_path, ours.server_files(client_ca=ours)) as url:
        async with bus.connect(url, "test", ours.client_files(own)) as connected:
            await connected.connected(timeout_s=IN_TIME_S)
            assert connected.is_connected
        stranger = Authority(tmp_path, "theirs").pair("stranger", "collector")
        for files in (ours.client_files(), ours.client_files(stranger)):
            assert (await trouble(url, files)).startswith("BUS_UNAVAILABLE: ")


async def test_a_server_that_is_not_to_be_trusted_is_told_with_the_reason(tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    async with nats_server(tmp_path, ours.server_files(hosts=("localhost",))) as url:
        assert "certificate verify failed" in await trouble(url, theirs.client_files())
        assert "IP address mismatch" in await trouble(url, ours.client_files())
        assert await trouble(url.replace("127.0.0.1", "localhost"), ours.client_files()) == ""


async def test_a_server_without_tls_is_not_told_the_password(tmp_path: Path) -> None:
    told: list[bytes] = []

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id":"x","version":"2.12.0","max_payload":1048576,"auth_required":true}\r\n')
        told.append(await reader.read(1_000))
        writer.close()

    impostor = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = impostor.sockets[0].getsockname()[1]
    async with impostor:
        url = f"nats://assay:{PASSWORD}@127.0.0.1:{port}"
        assert "does not ask for TLS" in await trouble(url, Authority(tmp_path, "ours").client_files())
        assert told and PASSWORD.encode() not in b"".join(told)
        await trouble(url, None)  # without files for TLS it is the server that says
        assert PASSWORD.encode() in b"".join(told)


async def test_a_renewed_certificate_is_shown_when_the_bus_connects_again(tmp_path: Path) -> None:
    """The authority behind the client's certificate changes while the server is away, so that the one before is of no use any more."""
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    own = theirs.pair("own", "collector")
    files = ours.server_files(client_ca=theirs)
    server = TlsNats(tmp_path, files)
    port = await server.start()
    try:
        async with bus.connect(f"tls://assay:{PASSWORD}@127.0.0.1:{port}", "test", ours.client_files(own)) as connected:
            await connected.connected(timeout_s=IN_TIME_S)
            await server.stop()
            Authority(tmp_path, "theirs").pair("own", "collector")
            again = tmp_path / "again"
            again.mkdir()
            server = TlsNats(again, files)
            (again / "nats.conf").write_text((again / "nats.conf").read_text().replace("port: -1", f"port: {port}"))
            await server.start()
            async with asyncio.timeout(IN_TIME_S):
                while connected.connection_count == 0 or not connected.is_connected:
                    await asyncio.sleep(0.02)
    finally:
        await server.stop()
