"""Databases for the tests of the collector."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from kit.embedded.stack import embedded_stack


@pytest_asyncio.fixture(scope="module")
async def database_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with embedded_stack(tmp_path_factory.mktemp("stack")) as stack:
        yield stack.database_url
