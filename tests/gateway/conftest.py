"""Fixtures of the gateway's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.event_reader import change
from tests.gateway.neighbour import Neighbour
from tests.gateway.site import Site, running


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dashboard as Vite would build it."""
    directory = tmp_path_factory.mktemp("dist")
    (directory / "index.html").write_text("<!doctype html><title>Assay</title>")
    (directory / "favicon.svg").write_text("<svg/>")
    (directory / "assets").mkdir()
    (directory / "assets" / "index-1a2b.js").write_text("export {}")
    return directory


@pytest.fixture(scope="session")
async def shared_site(dist: Path) -> AsyncIterator[Site]:
    async with running(Neighbour(), dist) as site:
        yield site


@pytest.fixture
def site(shared_site: Site) -> Site:
    """The gateway that most tests share, with a neighbour as new."""
    shared_site.neighbour.reset()
    shared_site.http.cookies.clear()
    return shared_site


@pytest.fixture
async def live(dist: Path) -> AsyncIterator[Site]:
    """A gateway whose neighbour answers watches with one window of three calls."""
    neighbour = Neighbour()
    neighbour.watched = change(3, is_snapshot=True)
    async with running(neighbour, dist) as site:
        yield site
