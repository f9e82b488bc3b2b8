"""A network that hangs, cuts and delays: nothing acknowledged is lost or counted twice, and callers never wait."""

import random
import threading
import time
from collections.abc import Iterator

import pytest
from assay_client import Client, connection

from tests.client.conftest import NewClient
from tests.client.neighbour import Neighbour, Server
from tests.client.proxy import Proxy, proxied
from tests.client.support import DEADLINE_S, assert_balanced, eventually, record

CHAOS_S = 4.0


@pytest.fixture
def proxy(neighbour: Neighbour, server: Server) -> Iterator[Proxy]:
    """A network to the neighbour."""
    assert server.is_running
    with proxied(neighbour.address) as running:
        yield running


def test_a_network_that_hangs_holds_up_nobody(
    new_client: NewClient, neighbour: Neighbour, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RPC_TIMEOUT_S", 0.5)
    client = new_client(url=proxy.address)
    record(client)
    assert client.flush(DEADLINE_S)
    proxy.hangs = True
    record(client, 10)
    assert not client.flush(0.7)
    slowest_s = 0.0
    for _ in range(1_000):
        began_s = time.thread_time()
        record(client)
        slowest_s = max(slowest_s, time.thread_time() - began_s)
    assert slowest_s < 0.1
    assert_balanced(client.stats(), 1_011)
    proxy.hangs = False
    assert client.flush(DEADLINE_S)
    assert client.stats().sent == len(neighbour.calls) == 1_011
    neighbour.assert_nothing_twice()


def test_the_end_does_not_wait_for_a_network_that_hangs(new_client: NewClient, proxy: Proxy) -> None:
    client = new_client(url=proxy.address)
    record(client)
    assert client.flush(DEADLINE_S)
    proxy.hangs = True
    record(client, 5)
    began_s = time.monotonic()
    assert not client.close(0.3)
    assert time.monotonic() - began_s < connection.RPC_TIMEOUT_S  # which the call under way would have taken
    assert_balanced(client.stats(), 6)


def test_whatever_the_network_and_the_collector_do_the_account_is_exact(
    new_client: NewClient, neighbour: Neighbour, server: Server, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "RPC_TIMEOUT_S", 0.3)
    seed = random.SystemRandom().randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    client = new_client(url=proxy.address, batch_age_s=0.01, bytes_max=1024 * 1024)
    is_over = threading.Event()
    recorders = [_Recorder(client, is_over) for _ in range(3)]
    end_s = time.monotonic() + CHAOS_S
    while time.monotonic() < end_s:
        _disturb(chance, proxy, server, neighbour)
        time.sleep(chance.uniform(0.0, 0.2))
        assert_balanced(client.stats())
    is_over.set()
    for recorder in recorders:
        recorder.join()
    proxy.hangs, proxy.refuses, proxy.delay_s = False, False, 0.0
    if not server.is_running:
        server.start()
    assert client.flush(DEADLINE_S) and client.close(DEADLINE_S)
    stats = client.stats()
    assert_balanced(stats, sum(recorder.count for recorder in recorders))
    assert (stats.buffered, stats.rejected) == (0, 0)
    assert stats.sent == len(neighbour.calls) and stats.dropped == neighbour.dropped_count
    neighbour.assert_nothing_twice()


class _Recorder(threading.Thread):
    """Records until it is over, and knows how much."""

    def __init__(self, client: Client, is_over: threading.Event) -> None:
        super().__init__()
        self._client = client
        self._is_over = is_over
        self.count = 0
        self.start()

    def run(self) -> None:
        while not self._is_over.wait(0.001):
            record(self._client, 3)
            self.count += 3


def _disturb(chance: random.Random, proxy: Proxy, server: Server, neighbour: Neighbour) -> None:
    match chance.randrange(7):
        case 0:
            proxy.hangs = not proxy.hangs
        case 1:
            proxy.cut()
        case 2:
            proxy.delay_s = chance.choice((0.0, 0.0, 0.05))
        case 3:
            proxy.refuses = not proxy.refuses
        case 4:
            neighbour.loses_answers += 1
        case 5 if server.is_running:
            server.stop()
        case _ if not server.is_running:
            server.start()


def test_a_collector_that_vanishes_in_the_middle_is_found_again(new_client: NewClient, neighbour: Neighbour, proxy: Proxy) -> None:
    client = new_client(url=proxy.address)
    for _ in range(5):
        record(client, 50)
        proxy.cut()
        eventually(lambda: client.stats().buffered == 0)
    assert client.stats().sent == len(neighbour.calls) == 250
    neighbour.assert_nothing_twice()
