"""What the browser tests stand on: the built dashboard, and a server with made-up numbers that move."""

import fcntl
import json
import subprocess
from collections.abc import Iterator

import pytest

from npm import npm
from tests.browser.driver import DASHBOARD, HERE, Target, node


@pytest.fixture(scope="session")
def built_dashboard(tmp_path_factory: pytest.TempPathFactory, testrun_uid: str) -> None:
    """The dashboard's files, from the sources as they are, and a Chromium.

    One worker of a run builds for all: a build begins by emptying the folder, which others may be serving from.
    """
    built = tmp_path_factory.getbasetemp().parent / f"dashboard-{testrun_uid}"
    with built.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            assert npm(HERE, "ls") == 0
            assert npm(DASHBOARD, "run", "build") == 0
            built.touch()


@pytest.fixture
def mock_assay(built_dashboard: None) -> Iterator[Target]:
    """Pages in isolation, with numbers that move by themselves."""
    with subprocess.Popen([node(), str(HERE / "mock_server.mjs")], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield Target(**json.loads(server.stdout.readline()))
        server.terminate()
