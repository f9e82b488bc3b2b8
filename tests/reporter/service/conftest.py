"""One collector, alerter and reporter for all tests of a module; each test has a project of its own."""

from collections.abc import AsyncIterator

import pytest_asyncio

from kit.bus import Bus
from kit.embedded.stack import Stack
from tests.reporter.service.desk import Desk, Reporter, desk


@pytest_asyncio.fixture(scope="module")
async def office(stack: Stack, bus: Bus) -> AsyncIterator[Desk]:
    """All but a reporter, on empty streams."""
    assert bus.is_connected
    async with desk(stack) as made:
        yield made


@pytest_asyncio.fixture(scope="module")
async def one(office: Desk) -> AsyncIterator[Reporter]:
    """A reporter."""
    async with office.reporter() as running:
        yield running
