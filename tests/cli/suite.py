"""A running suite, as an operator has it, and the command, run in this process."""

import contextlib
import io
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from cli.__main__ import main
from cli.work.ledger import unaccounted_count
from tests import unmeasured

READY = "Assay is ready: "
START_DEADLINE_S = 600.0
STOP_DEADLINE_S = 120.0
DEADLINE_S = 120.0
ASSAY = (sys.executable, "-m", "cli")


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit code."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The one line of JSON on standard output of a command that went well."""
        assert self.exit_code == 0, self
        (line,) = self.stdout.splitlines()
        return json.loads(line)


def assay(*arguments: object) -> Answer:
    """Runs the command in this process, with everything that `main` does around it."""
    stdout, stderr = io.StringIO(), io.StringIO()
    before = signal.getsignal(signal.SIGINT)
    exit_code: Any = None
    with (
        patch.object(sys, "argv", ["assay", *map(str, arguments)]),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
    ):
        try:
            main()
        except SystemExit as end:
            exit_code = end.code
        finally:
            signal.signal(signal.SIGINT, before)
    return Answer(int(exit_code or 0), stdout.getvalue(), stderr.getvalue())


@dataclass(frozen=True)
class Suite:
    """`assay up` on a directory in a process of its own. `link` is what it printed when it was ready."""

    data_dir: Path
    process: "subprocess.Popen[str]"
    link: str

    def assay(self, *arguments: object) -> Answer:
        """A command that finds the suite by its data directory."""
        return assay(*arguments, "--data-dir", self.data_dir)

    def run_file(self) -> Any:
        """What other commands find the processes by."""
        return json.loads((self.data_dir / "run.json").read_text())

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Asks to stop, and checks that it went well and that nothing else was printed."""
        self.process.send_signal(number)
        rest, errors = self.process.communicate(timeout=STOP_DEADLINE_S)
        assert (self.process.returncode, rest, errors) == (0, "", "")


@contextmanager
def started(data_dir: Path, environment: Mapping[str, str] | None = None) -> Iterator[Suite]:
    """Starts a suite on picked ports, unmeasured unless an environment is given; it is stopped in the end, if it was not before."""
    command = (*ASSAY, "up", "--data-dir", str(data_dir), "--port", "0")
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment or unmeasured.environment()
    )
    watchdog = threading.Timer(START_DEADLINE_S, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        watchdog.cancel()
        assert line.startswith(READY), process.communicate(timeout=STOP_DEADLINE_S)
        yield Suite(data_dir, process, line.removeprefix(READY).strip())
    finally:
        watchdog.cancel()
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=STOP_DEADLINE_S)


def eventually(condition: Any, deadline_s: float = DEADLINE_S) -> None:
    """Waits until the condition holds."""
    end_s = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end_s, "it never came true"
        time.sleep(0.05)


def new_project(suite: Suite, project: str) -> str:
    """A project of a test's own, so that its counts are."""
    assert suite.assay("projects", "create", project, "--json").json["project"] == project
    return project


def total(suite: Suite, project: str, kind: str = "call") -> dict[str, int]:
    """The ledger's sum, which balances."""
    account = suite.assay("ledger", "--project", project, "--json").json
    assert all(unaccounted_count(counts) == 0 for counts in (*account["days"], *account["totals"].values()))
    counts: dict[str, int] = account["totals"][kind]
    return counts


def summed(sent: int, *, accepted: int = 0, rejected: int = 0, duplicates: int = 0) -> dict[str, int]:
    assert sent == accepted + rejected + duplicates
    return {"sent": sent, "accepted": accepted, "rejected": rejected, "duplicates": duplicates}
