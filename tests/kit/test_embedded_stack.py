"""The embedded PostgreSQL and NATS: starting, stopping, being killed."""

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import nats
import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from kit.embedded.datadir import open_data_dir
from kit.embedded.leftovers import leftovers
from kit.embedded.postgres import Postgres
from kit.embedded.stack import Stack, embedded_stack, start_databases
from kit.errors import AssayError
from kit.supervisor import RunAs, Supervisor
from kit.supervisor.child import Child, launch_argv
from kit.supervisor.logs import OutputLog

DEADLINE_S = 120.0
NOBODY = 65534
AS_ROOT = os.geteuid() == 0

RUN_STACK = """
import asyncio, sys
from pathlib import Path
from kit.embedded.stack import embedded_stack
async def main():
    async with embedded_stack(Path(sys.argv[1])) as stack:
        print(stack.supervisor.pid("postgres"), stack.supervisor.pid("nats"), flush=True)
        await asyncio.to_thread(sys.stdin.readline)
asyncio.run(main())
"""


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that every account may pass through, unlike pytest's own."""
    directory = Path(tempfile.mkdtemp(prefix="assay-test-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


async def value(url: str, statement: str) -> object:
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            result = await connection.execute(text(statement))
            return result.scalar() if result.returns_rows else None
    finally:
        await engine.dispose()


async def publish(url: str) -> int:
    """Publishes one message to a stream and gives its sequence."""
    connection = await nats.connect(url)
    try:
        stream = connection.jetstream()
        await stream.add_stream(name="test", subjects=["test"])
        return (await stream.publish("test", b"kept")).seq
    finally:
        await connection.close()


async def gone(pids: list[int]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while any(psutil.pid_exists(pid) for pid in pids):
            await asyncio.sleep(0.02)


async def restarted(stack: Stack, name: str, old_pid: int) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while stack.supervisor.pid(name) in (None, old_pid):
            await asyncio.sleep(0.02)


async def test_what_was_stored_is_there_after_a_stop_and_another_start(tmp_path: Path) -> None:
    async with embedded_stack(tmp_path) as first:
        await value(first.database_url, "CREATE TABLE kept AS SELECT 42 AS number")
        assert await publish(first.nats_url) == 1
    made = database_identity(tmp_path)
    async with embedded_stack(tmp_path) as second:
        assert database_identity(tmp_path) == made  # what takes its time at the first start is not done again
        assert await value(second.database_url, "SELECT number FROM kept") == 42
        assert await publish(second.nats_url) == 2
    async with asyncio.timeout(DEADLINE_S):
        while leftovers("postgres", second.data.mark):
            await asyncio.sleep(0.02)


def database_identity(directory: Path) -> tuple[int, int]:
    """Of the file that is written once, when a database cluster is made."""
    status = (directory / "postgres" / "PG_VERSION").stat()
    return status.st_ino, status.st_mtime_ns


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("wal_compression", "pglz"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
    ],
)
async def test_postgres_is_durable_and_listens_on_its_socket_alone(stack: Stack, setting: str, expected: str) -> None:
    assert await value(stack.database_url, f"SHOW {setting}") == expected


async def test_the_services_are_no_superuser(stack: Stack) -> None:
    assert await value(stack.database_url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False


async def test_postgres_wants_the_password(stack: Stack) -> None:
    with pytest.raises(DBAPIError, match="password authentication failed"):
        await value(re.sub(r":[^:@]+@", ":wrong@", stack.database_url), "SELECT 1")


async def test_a_database_for_each_who_wants_one(stack: Stack) -> None:
    name = f"another_{uuid4().hex[:12]}"
    url = await stack.create_database(name)
    await value(url, "CREATE TABLE mine (id int)")
    assert await value(url, "SELECT current_database()") == name
    assert await value(stack.database_url, "SELECT to_regclass('mine')") is None


@pytest.mark.parametrize("name", ["", "Upper", 'a"b', "1st", "x" * 64])
async def test_a_database_name_is_checked(stack: Stack, name: str) -> None:
    with pytest.raises(AssayError, match="a database name is"):
        await stack.create_database(name)


async def test_nats_syncs_every_message_and_opens_one_port(stack: Stack) -> None:
    connection = await nats.connect(stack.nats_system_url)
    try:
        answer = json.loads((await connection.request("$SYS.REQ.SERVER.PING.JSZ", timeout=60)).data)
    finally:
        await connection.close()
    assert answer["data"]["config"]["sync_always"] is True
    assert 0 < answer["data"]["config"]["max_storage"] <= 8 * 1024**3
    listening = [c.laddr for c in psutil.Process(stack.supervisor.pid("nats")).net_connections() if c.status == "LISTEN"]
    assert [(address.ip, address.port) for address in listening] == [("127.0.0.1", stack.nats.port)]


@pytest.mark.parametrize("credentials", [{}, {"user": "assay", "pass": "wrong"}, {"user": "system", "pass": "wrong"}])
async def test_nats_wants_the_password(stack: Stack, credentials: dict[str, str]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.nats.port)
    writer.write(f"CONNECT {json.dumps(credentials)}\r\nPING\r\n".encode())
    async with asyncio.timeout(DEADLINE_S):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert b"-ERR 'Authorization Violation'" in answer
    assert b"PONG" not in answer


async def test_a_second_start_on_the_same_directory_is_refused(stack: Stack) -> None:
    with pytest.raises(AssayError, match=f"in use by process {os.getpid()}"):
        async with embedded_stack(stack.data.path):
            pass


async def test_killed_servers_are_restarted_at_the_same_address_with_all_they_had(tmp_path: Path) -> None:
    async with embedded_stack(tmp_path) as stack:
        addresses = (stack.database_url, stack.nats_url)
        await value(stack.database_url, "CREATE TABLE kept AS SELECT 42 AS number")
        await publish(stack.nats_url)
        busy = create_async_engine(stack.database_url)
        async with busy.connect() as connection:  # its backend outlives the server for a moment
            await connection.execute(text("SELECT 1"))
            for name in ("postgres", "nats"):
                pid = stack.supervisor.pid(name)
                assert pid is not None
                os.kill(pid, signal.SIGKILL)
                await restarted(stack, name, pid)
            await connection.invalidate()
        await busy.dispose()
        assert addresses == (stack.database_url, stack.nats_url)
        assert await eventually_stored(stack) == (42, 2)


async def test_a_server_that_ends_while_it_is_asked_is_not_ready(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ended(_: Postgres, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    assert await stack.postgres.child().ready()
    monkeypatch.setattr(Postgres, "_provide", ended)
    assert not await stack.postgres.child().ready()


async def eventually_stored(stack: Stack) -> tuple[object, int]:
    """The stored number and the next sequence, once both servers answer again."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                return await value(stack.database_url, "SELECT number FROM kept"), await publish(stack.nats_url)
            except (OSError, DBAPIError, nats.errors.Error):
                await asyncio.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
async def test_servers_end_with_a_suite_that_is_killed_and_start_again(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RUN_STACK, str(tmp_path)), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    pids = [int(pid) for pid in (await process.stdout.readline()).split()]
    assert [psutil.pid_exists(pid) for pid in pids] == [True, True]
    process.kill()
    await process.communicate()
    await gone(pids)
    async with embedded_stack(tmp_path) as stack:
        assert await value(stack.database_url, "SELECT 1") == 1


async def test_a_server_that_outlived_its_suite_is_ended_first(tmp_path: Path) -> None:
    with open_data_dir(tmp_path) as data:
        postgres = Postgres(data)
        await postgres.prepare()
        child = Child(postgres.child(), OutputLog(data.logs / "postgres.log"))
        orphan = await child.spawn()
        async with asyncio.timeout(DEADLINE_S):
            while not (data.postgres / "postmaster.pid").exists():
                await asyncio.sleep(0.02)
    async with embedded_stack(tmp_path) as stack:
        assert orphan.done()
        assert await value(stack.database_url, "SELECT 1") == 1
    child.log.close()


async def test_a_first_start_that_was_cut_short_begins_again(tmp_path: Path) -> None:
    with open_data_dir(tmp_path) as data:
        (data.path / "postgres.partial").mkdir()
        (data.path / "postgres.partial" / "half").touch()
        (data.path / "postgres.password").write_text("old")
    async with embedded_stack(tmp_path) as stack:
        assert await value(stack.database_url, "SELECT 1") == 1
        assert not (tmp_path / "postgres.partial").exists()
        assert not (tmp_path / "postgres.password").exists()


async def test_a_path_too_long_for_a_socket_works_all_the_same(tmp_path: Path) -> None:
    async with embedded_stack(tmp_path / ("x" * 100)) as stack:
        assert await value(stack.database_url, "SELECT 1") == 1
        assert not stack.data.sockets.is_relative_to(stack.data.path)
    assert not stack.data.sockets.exists()


async def test_postgres_listens_on_tcp_if_asked(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with open_data_dir(tmp_path) as data:
        async with Supervisor(data.logs) as supervisor:
            stack = await start_databases(supervisor, data, postgres_port=port)
            assert await value(stack.database_url, "SELECT 1") == 1
            over_tcp = re.sub(r"@/assay\?.*", f"@127.0.0.1:{port}/assay", stack.database_url)
            assert await value(over_tcp, "SELECT 1") == 1


def capabilities(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"^CapEff:\s*([0-9a-f]+)$", status, re.MULTILINE)[0], 16)


@pytest.mark.skipif(not AS_ROOT, reason="only root has to give PostgreSQL another account")
@pytest.mark.parametrize("mode", [0o755, 0o700])
async def test_for_root_postgres_is_an_ordinary_user_that_passes_closed_parents(open_directory: Path, mode: int) -> None:
    os.chmod(open_directory, mode)  # noqa: PTH101 - one call, and nothing else waits
    async with embedded_stack(open_directory / "data") as stack:
        pid = stack.supervisor.pid("postgres")
        assert pid is not None
        assert psutil.Process(pid).uids().effective == stack.data.postgres.stat().st_uid != 0
        assert bool(capabilities(pid)) is (mode == 0o700)
        assert await value(stack.database_url, "SELECT 1") == 1
    assert os.stat(open_directory).st_mode & 0o777 == mode  # noqa: PTH116 - likewise


@pytest.mark.skipif(not AS_ROOT, reason="the other tests show it already")
def test_it_works_as_an_ordinary_user_and_then_as_root(open_directory: Path) -> None:
    shutil.chown(open_directory, NOBODY, NOBODY)
    command = (sys.executable, "-c", RUN_STACK, str(open_directory / "data"))
    for account in (RunAs(NOBODY, NOBODY, reach_all=True), None):  # the interpreter may be below root's home
        arguments = launch_argv(command, signal.SIGTERM, account)
        done = subprocess.run(arguments, cwd="/", input="\n", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.split()) == 2
        assert (open_directory / "data" / "postgres").stat().st_uid == NOBODY
