"""A nats-server of its own configuration, with TLS, as an operator runs one."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from kit.embedded import nats
from kit.embedded.nats import PAYLOAD_BYTES_MAX
from kit.tls import ServerFiles

START_TIMEOUT_S = 120.0
PASSWORD = "Pa55word"


class TlsNats:
    """A nats-server with TLS that writes what it does into a log."""

    def __init__(self, directory: Path, files: ServerFiles | None) -> None:
        self._configuration = directory / "nats.conf"
        self._ports = directory / "ports"
        self._ports.mkdir()
        listen = 'host: "127.0.0.1"\nport: -1\n'
        store = f'jetstream {{ store_dir: "{directory}" }}\nmax_payload: {PAYLOAD_BYTES_MAX}\n'
        user = f'authorization {{ user: assay, password: "{PASSWORD}" }}\n'
        self._configuration.write_text(f'{listen}{store}{user}ports_file_dir: "{self._ports}"\n{_tls(files)}')
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> int:
        """Starts it and gives its port."""
        self._process = await asyncio.create_subprocess_exec(
            str(nats.binary()), "--config", str(self._configuration), stderr=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(START_TIMEOUT_S):
            while True:
                for file in self._ports.glob("*.ports"):
                    content = file.read_text()
                    if content.endswith("}"):
                        return int(json.loads(content)["nats"][0].rpartition(":")[2])
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        assert self._process is not None
        self._process.kill()
        await self._process.wait()


def _tls(files: ServerFiles | None) -> str:
    if files is None:
        return ""
    asked = "" if files.client_ca is None else f', ca_file: "{files.client_ca}", verify: true'
    return f'tls {{ cert_file: "{files.certificate}", key_file: "{files.key}"{asked} }}\n'


@asynccontextmanager
async def nats_server(directory: Path, files: ServerFiles | None) -> AsyncIterator[str]:
    """A running server; gives its address, with the password in it."""
    server = TlsNats(directory, files)
    try:
        yield f"tls://assay:{PASSWORD}@127.0.0.1:{await server.start()}"
    finally:
        await server.stop()
