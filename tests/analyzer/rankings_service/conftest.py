"""A collector for each module, and an analyzer that looks anew twice a second."""

from collections.abc import AsyncIterator

import pytest_asyncio

from kit.bus import Bus
from kit.embedded.stack import Stack
from tests.analyzer.rankings_service.fleet import Fleet, fleet_of
from tests.analyzer.service.site import Analyzer, Site, analyzing, collecting


@pytest_asyncio.fixture(scope="module")
async def site(stack: Stack, database_url: str, bus: Bus) -> AsyncIterator[Site]:
    """A collector with an empty database and empty streams."""
    assert bus.is_connected
    async with collecting(database_url, stack.nats_url) as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def analyzer(site: Site) -> AsyncIterator[Analyzer]:
    """One analyzer that several tests share."""
    async with analyzing(site, ranking_refresh_s=0.5) as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def fleet(site: Site, analyzer: Analyzer) -> Fleet:
    """A project with three providers that differ, and an analyzer that has seen all of it."""
    return await fleet_of(site, analyzer)
