"""A collector for each module, and impatient analyzers."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from kit.bus import Bus
from kit.embedded.stack import Stack
from services.analyzer import projects, worker
from tests.analyzer.service.site import Analyzer, Site, analyzing, collecting


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "GATHER_S", 0.2)
        patch.setattr(worker, "TICK_S", 1.0)
        patch.setattr(worker, "QUIET_S", 1.0)
        patch.setattr(projects, "ROUND_S", 0.2)
        patch.setattr(projects, "LIST_EVERY_S", 0.5)
        patch.setattr(projects, "RETRY_S", 1.0)
        yield


@pytest_asyncio.fixture(scope="module")
async def site(stack: Stack, database_url: str, bus: Bus) -> AsyncIterator[Site]:
    """A collector with an empty database and empty streams."""
    assert bus.is_connected
    async with collecting(database_url, stack.nats_url) as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def analyzer(site: Site) -> AsyncIterator[Analyzer]:
    """One analyzer that several tests share."""
    async with analyzing(site) as running:
        yield running
