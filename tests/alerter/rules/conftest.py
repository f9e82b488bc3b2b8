"""One collector for all tests of rules with real processes; each test has a project of its own."""

from collections.abc import AsyncIterator

import pytest_asyncio

from kit.embedded.stack import Stack
from tests.alerter.rules.installation import Alerter, Installation, installation, running


@pytest_asyncio.fixture(scope="session")
async def made(stack: Stack) -> AsyncIterator[Installation]:
    """A collector."""
    async with installation(stack) as running_one:
        yield running_one


@pytest_asyncio.fixture(scope="session")
async def live(made: Installation) -> AsyncIterator[Alerter]:
    """An alerter."""
    async with running(made) as one:
        yield one
