"""A collector and an analyzer for each module, and impatient scoring."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from kit.bus import Bus
from kit.embedded.stack import Stack
from services.analyzer import projects, scoring
from services.collector import score_writer, upkeep
from tests.analyzer.quality_service.site import Scored
from tests.analyzer.service.site import Site, analyzing, collecting


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(projects, "ROUND_S", 0.2)
        patch.setattr(projects, "LIST_EVERY_S", 0.5)
        patch.setattr(scoring, "LOOK_EVERY_S", 0.5)
        patch.setattr(scoring, "WAITING_LOOK_S", 0.2)
        patch.setattr(scoring, "EMPTY_LOOK_EVERY_S", 0.5)
        patch.setattr(score_writer, "STREAM_WAIT_S", 0.2)
        patch.setattr(upkeep, "TASKS_EVERY_S", 0.3)
        yield


@pytest_asyncio.fixture(scope="module")
async def site(stack: Stack, database_url: str, bus: Bus) -> AsyncIterator[Site]:
    """A collector with an empty database and empty streams."""
    assert bus.is_connected
    async with collecting(database_url, stack.nats_url) as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def quality(site: Site) -> AsyncIterator[Scored]:
    """An analyzer beside it."""
    async with analyzing(site) as running:
        yield Scored(site, running)
