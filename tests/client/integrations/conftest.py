"""Providers that answer, and a collector that takes what integrations record: one of each for the tests of a module."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from assay.telemetry.v1.call_pb2 import Call
from assay_client import Client

from tests.client.integrations.providers import Providers, providing
from tests.client.neighbour import Neighbour, served
from tests.client.support import DEADLINE_S

COUNT_NAMES = ("input", "output", "cache_read", "cache_write", "reasoning")


@dataclass
class Recorder:
    """A client, and what arrived of what it recorded."""

    client: Client
    neighbour: Neighbour

    def calls(self) -> list[Call]:
        """What was recorded since the last time, by start."""
        assert self.client.flush(DEADLINE_S)
        calls = self.neighbour.calls
        self.neighbour.requests.clear()
        return sorted(calls, key=lambda call: call.start_time.ToNanoseconds())

    def call(self) -> Call:
        """The one that was recorded."""
        (call,) = self.calls()
        return call


def counts(call: Call) -> tuple[int, ...]:
    """The tokens, in the order of `assay_client.usage.TokenCounts`."""
    return tuple(getattr(call.usage, f"{name}_token_count") for name in COUNT_NAMES)


def told(call: Call, *names: str) -> tuple[Any, ...]:
    """These fields of a call."""
    return tuple(getattr(call, name) for name in names)


@pytest.fixture(scope="module")
def _recorder() -> Iterator[Recorder]:
    neighbour = Neighbour()
    with served(neighbour), Client(neighbour.address, "secret", batch_age_s=0.0, flush_on_sigterm=False) as client:
        yield Recorder(client, neighbour)


@pytest.fixture
def recorder(_recorder: Recorder) -> Iterator[Recorder]:
    """Nothing is recorded yet, and at the end nothing is left that nobody looked at."""
    yield _recorder
    assert _recorder.calls() == []


@pytest.fixture(scope="module")
def _providers() -> Iterator[Providers]:
    with providing() as providers:
        yield providers


@pytest.fixture
def providers(_providers: Providers) -> Providers:
    """Both providers, in good order."""
    _providers.requests.clear()
    _providers.troubles.clear()
    _providers.release.clear()
    _providers.first_token_s = 0.0
    return _providers
