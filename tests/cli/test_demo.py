"""`assay demo`: starts, fills, goes on, and leaves nothing running."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from cli.work.connection import ADMIN_KEY_FILE
from tests.cli.suite import ASSAY, READY, STOP_DEADLINE_S, Suite, eventually, total

pytestmark = pytest.mark.slow

LOAD_DEADLINE_S = 120.0
ANSWER_TIMEOUT_S = 20.0


@contextmanager
def demo(data_dir: Path) -> Iterator[Suite]:
    """A demo of three hours; it is interrupted, as by Ctrl-C, when the block is left."""
    command = [*ASSAY, "demo", "--data-dir", str(data_dir), "--port", "0", "--history", "3h", "--rate", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith(READY), process.communicate(timeout=STOP_DEADLINE_S)
            yield Suite(data_dir, process, line.removeprefix(READY).strip())
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=STOP_DEADLINE_S)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors


def calls_of_the_last_minutes(suite: Suite) -> int:
    """What the page would show of the present."""
    headers = {"authorization": f"Bearer {(suite.data_dir / ADMIN_KEY_FILE).read_text().strip()}"}
    url = f"{suite.run_file()['url']}/api/v1/metrics?start=-2m"
    answer = httpx.get(url, headers=headers, timeout=ANSWER_TIMEOUT_S, trust_env=False).raise_for_status().json()
    return sum(sum(window["call_count"] for window in series["windows"]) for series in answer["series"])


def test_it_is_full_at_once_goes_on_and_is_stopped_as_a_whole(tmp_path: Path) -> None:
    data_dir = tmp_path / "demo"
    with demo(data_dir) as running:
        pids = [running.process.pid, *(each["pid"] for each in running.run_file()["processes"].values())]
        eventually(lambda: calls_of_the_last_minutes(running) > 0, LOAD_DEADLINE_S)
        counts = total(running, "default")
        assert counts["received_count"] > 3_000
        assert counts["rejected_count"] == counts["duplicate_count"] == 0
        eventually(lambda: total(running, "default")["received_count"] > counts["received_count"], LOAD_DEADLINE_S)
        last_count = total(running, "default")["received_count"]
    assert not any(psutil.pid_exists(pid) for pid in pids)
    with demo(data_dir) as again:
        eventually(lambda: total(again, "default")["received_count"] > last_count, LOAD_DEADLINE_S)
        # The past is not recorded a second time.
        assert total(again, "default")["received_count"] < last_count + 1_000
