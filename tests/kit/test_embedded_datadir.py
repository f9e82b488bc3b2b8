"""The data directory: one user at a time, versions, secrets, and one clear line when it cannot be used."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.embedded.datadir import FREE_BYTES_MIN, DataDir, ProcessAddress, RunFile, open_data_dir, read_run
from kit.embedded.files import write_private
from kit.errors import AssayError
from kit.supervisor import RunAs
from kit.supervisor.child import launch_argv
from tests import unmeasured
from tests.kit.small_disk import small_disk

OPEN = """
import sys
from pathlib import Path
from kit.embedded.datadir import open_data_dir
with open_data_dir(Path(sys.argv[1])): pass
"""


def refused(path: Path, *, free_bytes_min: int = 0) -> AssayError:
    with pytest.raises(AssayError) as caught, open_data_dir(path, free_bytes_min=free_bytes_min):
        pass
    assert "\n" not in caught.value.message
    assert str(path) in caught.value.message
    return caught.value


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path, "128k") as disk:
        yield disk


def test_what_is_inside_is_for_its_owner_alone(tmp_path: Path) -> None:
    with open_data_dir(tmp_path / "new" / "data") as data:
        data.secret("one")
        modes = {path.name: path.stat().st_mode & 0o777 for path in data.path.iterdir()}
        assert data.path.stat().st_mode & 0o777 == (0o711 if os.geteuid() == 0 else 0o700)
        sockets = {"run": 0o700} if data.sockets.is_relative_to(data.path) else {}  # elsewhere where the path is too long for a socket
    assert modes == {"lock": 0o600, "version": 0o600, "secrets.json": 0o600, "nats": 0o700, "logs": 0o700, **sockets}


def test_secrets_are_random_and_stay(tmp_path: Path) -> None:
    with open_data_dir(tmp_path) as data:
        first, other = data.secret("one"), data.secret("two")
    with open_data_dir(tmp_path) as data:
        assert data.secret("one") == first != other
    assert len(first) == 32


def test_a_second_start_is_told_who_holds_the_directory(tmp_path: Path) -> None:
    with open_data_dir(tmp_path):
        error = refused(tmp_path)
    assert error.reason == "DATA_DIR_IN_USE"
    assert f"process {os.getpid()}:" in error.message
    with open_data_dir(tmp_path):
        pass


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    holder = context.Process(target=lambda: open_data_dir(tmp_path).__enter__() and os._exit(9))
    holder.start()
    holder.join()
    assert holder.exitcode == 9
    holder.close()
    with open_data_dir(tmp_path):
        pass


@pytest.mark.parametrize(("version", "reason"), [("2", "DATA_DIR_NEWER"), ("one", "DATA_DIR_FOREIGN")])
def test_a_layout_that_is_not_ours_is_refused(tmp_path: Path, version: str, reason: str) -> None:
    (tmp_path / "version").write_text(version)
    assert refused(tmp_path).reason == reason


def test_somebody_elses_directory_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    assert refused(tmp_path).reason == "DATA_DIR_FOREIGN"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "thesis.txt"]


def test_a_path_that_is_a_file_or_below_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert refused(tmp_path / "file").reason == "DATA_DIR_NOT_A_DIRECTORY"
    assert refused(tmp_path / "file" / "data").reason == "DATA_DIR_NOT_A_DIRECTORY"


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / ("x" * 300)).reason == "DATA_DIR_PATH_TOO_LONG"


def test_too_little_free_space_is_refused_before_anything_fails(tiny_disk: Path) -> None:
    error = refused(tiny_disk, free_bytes_min=FREE_BYTES_MIN)
    assert error.reason == "DISK_FULL"
    assert "has 0 MB free and 512 MB are needed" in error.message


def test_a_full_disk_is_told(tiny_disk: Path) -> None:
    (tiny_disk / "lock").touch()
    with pytest.raises(OSError, match="No space left"):
        (tiny_disk / "lost+found").write_bytes(b"x" * 1_000_000)
    assert refused(tiny_disk).reason == "DISK_FULL"


def test_a_read_only_disk_is_told(tiny_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", tiny_disk], check=True)
    assert refused(tiny_disk).reason == "DISK_READ_ONLY"
    assert refused(tiny_disk / "data").reason == "DISK_READ_ONLY"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_a_directory_of_somebody_else_is_told() -> None:
    nobody = RunAs(65534, 65534, reach_all=True)  # the interpreter may be below root's home
    command = launch_argv((sys.executable, "-c", OPEN, "/etc/assay"), signal.SIGTERM, nobody)
    done = subprocess.run(command, cwd="/", env=unmeasured.environment(), capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].startswith("kit.errors.AssayError: this user may not write to /etc/assay:")


def test_other_commands_find_the_suite_while_it_runs(tmp_path: Path) -> None:
    run = RunFile(os.getpid(), "http://127.0.0.1:8080", {"collector": ProcessAddress(7, "grpc://127.0.0.1:7001")}, otlp="127.0.0.1:4317")
    with open_data_dir(tmp_path) as data:
        data.write_run(run)
        assert read_run(tmp_path) == run
        assert (tmp_path / "run.json").stat().st_mode & 0o777 == 0o600
    with pytest.raises(AssayError, match="no suite runs on"):
        read_run(tmp_path)


def test_the_addresses_of_a_killed_suite_are_not_believed(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    (tmp_path / "run.json").write_text(json.dumps({"pid": child.pid, "url": "", "processes": {}}))
    with pytest.raises(AssayError) as caught:
        read_run(tmp_path)
    assert caught.value.reason == "NOT_RUNNING"


def test_a_long_path_gets_a_private_temporary_directory_for_its_socket(tmp_path: Path) -> None:
    with open_data_dir(tmp_path / ("x" * 100)) as data:
        assert data.sockets.parent == Path(tempfile.gettempdir())
        assert data.sockets.stat().st_mode & 0o777 == 0o700
        stale = Path(tempfile.mkdtemp(prefix=f"{data.mark}-"))  # as a killed suite leaves it
    assert not data.sockets.exists()
    assert not stale.exists()


def test_a_file_left_half_written_by_a_crash_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "file.partial").write_text("half")
    (tmp_path / "file.partial").chmod(0o644)
    write_private(tmp_path / "file", "whole")
    assert (tmp_path / "file").read_text() == "whole"
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "file.partial").exists()


def test_every_directory_has_a_mark_of_its_own(tmp_path: Path) -> None:
    assert DataDir(tmp_path / "a", tmp_path).mark != DataDir(tmp_path / "b", tmp_path).mark
