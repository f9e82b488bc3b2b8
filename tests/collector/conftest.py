"""A collector to feed, for the tests that want one of their own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from kit import patience
from kit.bus import Bus
from kit.embedded.stack import Stack
from services.collector import writer
from tests.collector.feeding import Feeder
from tests.collector.writing_support import collector


@pytest_asyncio.fixture
async def feeder(stack: Stack, bus: Bus) -> AsyncIterator[Feeder]:
    """An empty database with two projects, and empty streams."""
    async with collector(stack, bus) as fed:
        yield fed


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has to be tried again is tried again soon."""
    for module in (patience, writer):
        monkeypatch.setattr(module, "RETRY_S", 0.05)
