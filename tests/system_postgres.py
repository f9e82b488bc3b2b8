"""A PostgreSQL of the system's own packages, where there is one: unlike the embedded one it has TLS, and may be of an older version."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from cli.work.ports import pick
from kit.embedded.account import server_account
from kit.supervisor import ChildSpec, RunAs, Supervisor
from kit.supervisor.child import launch_argv
from kit.tls import ServerFiles

PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
START_TIMEOUT_S = 60.0
USER = "assay"
PASSWORD = "Pa55word"


@dataclass(frozen=True)
class SystemPostgres:
    """A running server; its user may make databases."""

    port: int

    def url(self, database: str = "postgres", host: str = "127.0.0.1") -> str:
        return f"postgresql+asyncpg://{USER}:{PASSWORD}@{host}:{self.port}/{database}"

    async def create_database(self, name: str) -> str:
        """Makes an empty database, over the socket of the loopback interface and without TLS."""
        connection = await asyncpg.connect(host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, database="postgres", ssl=False)
        try:
            await connection.execute(f"CREATE DATABASE {name}")
        finally:
            await connection.close()
        return self.url(name)


def find_binaries() -> Path | None:
    """The directory of the newest server that is installed."""
    found = [path for place in PLACES for path in Path("/").glob(place.lstrip("/")) if (path / "postgres").exists()]
    return max(found, key=lambda path: [int(number) for number in re.findall(r"\d+", str(path))], default=None)


def binaries() -> Path:
    """As above; skips the test where there is none."""
    found = find_binaries()
    if found is None:
        pytest.skip("no PostgreSQL of the system is installed (the embedded one has no TLS): apt-get install postgresql")
    return found


@asynccontextmanager
async def system_postgres(directory: Path, access: str, files: ServerFiles | None = None) -> AsyncIterator[SystemPostgres]:
    """Runs a server on the directory until the block is left. `access` are lines of pg_hba.conf."""
    programs, data = binaries(), directory / "postgres"
    data.mkdir(parents=True)
    run_as = server_account(data, (programs / "postgres", data))
    passwords = directory / "password"
    passwords.write_text(PASSWORD)
    _give(run_as, data, passwords)
    options = ("--auth=scram-sha-256", f"--username={USER}", f"--pwfile={passwords}", "--encoding=UTF8", "--locale=C", "--no-sync")
    initdb = launch_argv((str(programs / "initdb"), f"--pgdata={data}", *options), signal.SIGTERM, run_as)
    await asyncio.to_thread(subprocess.run, initdb, check=True, capture_output=True, env=_environment(), timeout=START_TIMEOUT_S)
    (data / "pg_hba.conf").write_text(access)
    server = SystemPostgres(pick("127.0.0.1"))
    settings = {"listen_addresses": "127.0.0.1", "port": str(server.port), "unix_socket_directories": "", "fsync": "off"}
    if files is not None:
        settings |= _tls_settings(files, data, run_as)
    arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    logs = directory / "logs"
    logs.mkdir()

    async def ready() -> bool:
        try:
            connection = await asyncpg.connect(host="127.0.0.1", port=server.port, user=USER, password=PASSWORD, database="postgres")
        except (OSError, asyncpg.CannotConnectNowError):
            return False
        except asyncpg.InvalidAuthorizationSpecificationError:
            return True  # the access lines want something that is not shown here
        await connection.close()
        return True

    spec = ChildSpec(
        "postgres",
        (str(programs / "postgres"), "-D", str(data), *arguments),
        _environment(),
        ready=ready,
        run_as=run_as,
        stop_signal=signal.SIGINT,
        ready_timeout_s=START_TIMEOUT_S,
    )
    async with Supervisor(logs) as supervisor:
        await supervisor.start(spec)
        yield server


def _tls_settings(files: ServerFiles, data: Path, run_as: RunAs | None) -> dict[str, str]:
    """PostgreSQL wants files of its own, which nobody else may read."""
    copies = {"ssl_cert_file": files.certificate, "ssl_key_file": files.key, "ssl_ca_file": files.client_ca}
    settings = {"ssl": "on"}
    for name, path in copies.items():
        if path is not None:
            copy = data / path.name
            shutil.copyfile(path, copy)
            copy.chmod(0o600)
            _give(run_as, copy)
            settings[name] = str(copy)
    return settings


def _give(run_as: RunAs | None, *paths: Path) -> None:
    if run_as is not None:
        for path in paths:
            os.chown(path, run_as.uid, run_as.gid)


def _environment() -> Mapping[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
