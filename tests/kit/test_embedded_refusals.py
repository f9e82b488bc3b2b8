"""One clear line when the embedded PostgreSQL or NATS cannot start."""

import socket
from pathlib import Path

import pytest

from kit.embedded.datadir import open_data_dir
from kit.embedded.stack import embedded_stack, start_databases
from kit.errors import AssayError
from kit.supervisor import Supervisor
from tests.kit.small_disk import small_disk


async def refused(directory: Path, *, postgres_port: int = 0, nats_port: int = 0) -> AssayError:
    with pytest.raises(AssayError) as caught, open_data_dir(directory, free_bytes_min=0) as data:
        async with Supervisor(data.logs) as supervisor:
            await start_databases(supervisor, data, postgres_port=postgres_port, nats_port=nats_port)
    assert "\n" not in caught.value.message
    return caught.value


@pytest.mark.parametrize("server", ["PostgreSQL", "NATS"])
async def test_a_port_that_is_taken_is_told(tmp_path: Path, server: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = (port, 0) if server == "PostgreSQL" else (0, port)
        error = await refused(tmp_path, postgres_port=ports[0], nats_port=ports[1])
    assert error.reason == "CHILD_FAILED"
    assert error.message.startswith(f"port {port} for {server} is taken: choose another")


@pytest.mark.parametrize(("version", "reason"), [("99", "DATA_DIR_NEWER"), ("9", "DATA_DIR_OLDER")])
async def test_another_version_of_postgres_is_told(tmp_path: Path, version: str, reason: str) -> None:
    with open_data_dir(tmp_path) as data:
        data.postgres.mkdir()
        (data.postgres / "PG_VERSION").write_text(f"{version}\n")
    assert (await refused(tmp_path)).reason == reason


async def test_lost_passwords_are_told(tmp_path: Path) -> None:
    async with embedded_stack(tmp_path):
        pass
    (tmp_path / "secrets.json").unlink()
    assert (await refused(tmp_path)).reason == "DATABASE_PASSWORD_REFUSED"


async def test_a_disk_that_fills_up_during_the_first_start_is_told(tmp_path: Path) -> None:
    with small_disk(tmp_path, "8m") as disk:
        assert (await refused(disk)).reason == "DISK_FULL"
