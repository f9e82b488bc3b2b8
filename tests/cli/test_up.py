"""Starting, stopping, and what keeps the suite from starting."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import httpx
import psutil
import pytest

from cli.work import ports
from cli.work.connection import ADMIN_KEY_FILE
from kit.embedded.stack import Stack
from tests.cli.samples import call, write_lines
from tests.cli.suite import ASSAY, START_DEADLINE_S, eventually, started


def refused(*arguments: str, **environment: str) -> str:
    """What `assay up` says when it cannot start."""
    answer = subprocess.run(
        (*ASSAY, "up", *arguments), capture_output=True, text=True, timeout=START_DEADLINE_S, check=False, env={**os.environ, **environment}
    )
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "Traceback" not in answer.stderr
    return answer.stderr


def test_what_was_recorded_is_there_after_a_stop_and_another_start(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with started(data_dir, os.environ) as first:
        key = (data_dir / ADMIN_KEY_FILE).read_text()
        file = write_lines(tmp_path / "calls.jsonl", (call(f"kept-{number}") for number in range(100)))
        assert first.assay("replay", file, "--json").json["accepted"] == 100
        pids = [process["pid"] for process in first.run_file()["processes"].values()]
        (line,) = refused("--data-dir", str(data_dir), "--port", "0").splitlines()
        assert f"is in use by process {first.process.pid}" in line
        first.stop(signal.SIGTERM)
        eventually(lambda: not any(psutil.pid_exists(pid) for pid in pids))
        assert not (data_dir / "run.json").exists()
    with started(data_dir) as second:
        assert (data_dir / ADMIN_KEY_FILE).read_text() == key
        assert second.assay("ledger", "--json").json["totals"]["call"]["stored_count"] == 100
        assert second.assay("replay", file, "--json").json["duplicates"] == 100
        second.stop(signal.SIGINT)


@pytest.mark.usefixtures("bus")
def test_existing_servers_are_used_where_settings_name_them(
    tmp_path: Path, stack: Stack, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_DATABASE_URL", database_url)
    monkeypatch.setenv("ASSAY_NATS_URL", stack.nats_url)
    with started(tmp_path / "data") as suite:
        assert set(suite.run_file()["processes"]) == {"gateway", "collector", "writer", "analyzer", "alerter", "reporter"}
        assert not (tmp_path / "data" / "postgres").exists()
        file = write_lines(tmp_path / "calls.jsonl", [call("elsewhere")])
        assert suite.assay("replay", file, "--json").json["accepted"] == 1
        assert suite.assay("db", "status").exit_code == 0
        with pytest.MonkeyPatch.context() as environment:
            environment.delenv("ASSAY_DATABASE_URL")
            answer = suite.assay("db", "status")
        assert (answer.exit_code, answer.stderr) == (1, "this suite uses a database elsewhere: set ASSAY_DATABASE_URL as for `assay up`\n")
        suite.stop()


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        (line,) = refused("--data-dir", str(tmp_path / "data"), "--port", str(port)).splitlines()
    assert line.startswith(f"port {port} on 127.0.0.1 cannot be used (Address already in use)")
    assert line.endswith("choose another one with --port")


def test_a_directory_of_a_newer_version_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "version").write_text("999\n")
    (line,) = refused("--data-dir", str(tmp_path), "--port", "0").splitlines()
    assert "newer version" in line


def test_a_process_that_cannot_start_ends_the_whole_with_its_last_lines(tmp_path: Path) -> None:
    said = refused("--data-dir", str(tmp_path), "--port", "0", ASSAY_COLLECTOR_CALLS_KEPT_DAYS="nonsense")
    assert "ended with exit code 2 before it was ready" in said
    assert "ASSAY_COLLECTOR_CALLS_KEPT_DAYS" in said


def test_one_process_runs_in_the_foreground_on_the_environments_settings() -> None:
    address = f"127.0.0.1:{ports.pick('127.0.0.1')}"
    environment = {**os.environ, "ASSAY_GATEWAY_LISTEN": address, "ASSAY_GATEWAY_COLLECTOR_ADDRESS": "127.0.0.1:1"}
    with subprocess.Popen((*ASSAY, "up", "gateway"), env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            eventually(lambda: _is_alive(address))
        finally:
            process.terminate()
    assert process.returncode == 0


def _is_alive(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
