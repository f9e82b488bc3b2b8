"""What the browser tests stand on: the built dashboard, and a server with made-up numbers that move."""

import json
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.browser.driver import DASHBOARD, HERE, Target, node


@pytest.fixture(scope="session")
def built_dashboard() -> None:
    """The dashboard's files, from the sources as they are."""
    if not (DASHBOARD / "node_modules").is_dir():
        pytest.skip("the dashboard's packages are not installed: run `make setup`")
    npm = shutil.which("npm")
    command = [npm, "run", "build"] if npm else [node(), "node_modules/vite/bin/vite.js", "build"]
    subprocess.run(command, cwd=DASHBOARD, check=True, capture_output=True)


@pytest.fixture
def mock_assay(built_dashboard: None) -> Iterator[Target]:
    """Pages in isolation, with numbers that move by themselves."""
    with subprocess.Popen([node(), str(HERE / "mock_server.mjs")], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield Target(**json.loads(server.stdout.readline()))
        server.terminate()
