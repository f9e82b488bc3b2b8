"""What the tests of several areas share: embedded servers, databases and a bus on them."""

import os
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings
from nats.js.errors import NotFoundError

from kit import bus as kit_bus
from kit.bus import Bus
from kit.embedded.stack import Stack, embedded_stack

# How long an example takes says something of the machine, and nothing of what is tested.
settings.register_profile("unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> None:
    for name in [name for name in os.environ if name.startswith("ASSAY_")]:
        del os.environ[name]


@pytest_asyncio.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """PostgreSQL and NATS for the whole run; under pytest-xdist each worker has its own."""
    async with embedded_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def database_url(stack: Stack) -> str:
    """An empty database for each module."""
    return await stack.create_database(f"test_{uuid4().hex[:12]}")


@pytest_asyncio.fixture(scope="module")
async def bus(stack: Stack) -> AsyncIterator[Bus]:
    """A connected bus without streams: their names are fixed, so that each module begins by deleting those of the one before."""
    async with kit_bus.connect(stack.nats_url, "test") as connected:
        await connected.connected()
        for stream in await connected.jetstream.streams_info():
            await delete_stream(connected, str(stream.config.name))
        yield connected


async def delete_stream(connected: Bus, name: str) -> None:
    """Deletes a stream, if it is there."""
    try:
        await connected.jetstream.delete_stream(name)
    except NotFoundError:
        return
