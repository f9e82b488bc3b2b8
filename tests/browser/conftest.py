"""What the browser tests stand on: the built dashboard, and a server with made-up numbers that move."""

import fcntl
import json
import subprocess
from collections.abc import Iterator

import pytest

from npm import npm
from tests.browser.driver import DASHBOARD, HERE, Browser, Drive, Target, node


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
            assert is_built() or npm(DASHBOARD, "run", "build") == 0
            built.touch()


def is_built() -> bool:
    """Whether what is built is of the sources as they are, as `make setup` leaves it."""
    built = DASHBOARD / "dist" / "index.html"
    folders = (DASHBOARD / "src", DASHBOARD / "public")
    sources = [*DASHBOARD.glob("*.*"), *(path for folder in folders for path in folder.rglob("*"))]
    return built.exists() and built.stat().st_mtime > max(path.stat().st_mtime for path in sources)


@pytest.fixture(scope="session")
def drive(built_dashboard: None) -> Iterator[Drive]:
    """What plays scenarios, in one browser for all tests."""
    browser = Browser()
    yield browser.drive
    browser.close()


@pytest.fixture
def mock_assay(built_dashboard: None) -> Iterator[Target]:
    """Pages in isolation, with numbers that move by themselves."""
    with subprocess.Popen([node(), str(HERE / "mock_server.mjs")], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield Target(**json.loads(server.stdout.readline()))
        server.terminate()
