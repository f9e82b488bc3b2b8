"""One collector for all tests of a module; each test has a project of its own."""

from collections.abc import AsyncIterator

import pytest_asyncio

from kit.bus import Bus
from kit.embedded.stack import Stack
from tests.alerter.rules.installation import Alerter, Installation, installation, running


@pytest_asyncio.fixture(scope="module")
async def made(stack: Stack, bus: Bus) -> AsyncIterator[Installation]:
    """A collector with empty streams."""
    assert bus.is_connected
    async with installation(stack) as running_one:
        yield running_one


@pytest_asyncio.fixture(scope="module")
async def live(made: Installation) -> AsyncIterator[Alerter]:
    """An alerter."""
    async with running(made) as one:
        yield one
