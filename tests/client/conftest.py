"""Fixtures of the client's tests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from assay_client import Client

from tests.client.neighbour import Neighbour, Server, served

NewClient = Callable[..., Client]


@pytest.fixture
def neighbour() -> Neighbour:
    """What the server took."""
    return Neighbour()


@pytest.fixture
def server(neighbour: Neighbour) -> Iterator[Server]:
    """A collector for one test."""
    with served(neighbour) as running:
        yield running


@pytest.fixture
def new_client(neighbour: Neighbour) -> Iterator[NewClient]:
    """Makes clients of the neighbour that send at once, and ends them with the test."""
    with ExitStack() as stack:

        def make(**given: Any) -> Client:
            settings: dict[str, Any] = {
                "url": neighbour.address or "127.0.0.1:1",
                "key": "secret",
                "batch_age_s": 0.02,
                "flush_on_sigterm": False,
            } | given
            client = Client(**settings)
            stack.callback(client.close, 0.0)
            return client

        yield make
