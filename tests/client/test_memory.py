"""The room that a client is given is what it takes, whatever is recorded while the collector is away."""

import tracemalloc

import pytest

from tests.client.conftest import NewClient
from tests.client.support import assert_balanced, await_encoded, record

ROOM_BYTES = 2 * 1024 * 1024
SHAPES = {
    "small calls": ({}, 26_000),
    "calls with labels": ({"labels": {"branch": "main", "commit": "0123456789abcdef" * 20}}, 10_000),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_memory_stays_within_the_room(shape: str, new_client: NewClient) -> None:
    fields, count = SHAPES[shape]
    client = new_client(bytes_max=ROOM_BYTES)
    record(client, 100)
    await_encoded(client)
    tracemalloc.start()
    try:
        most_bytes = 0
        for number in range(count // 100):
            record(client, 100, task_id=f"task-{number}", **fields)
            await_encoded(client)
            most_bytes = max(most_bytes, tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    stats = client.stats()
    assert_balanced(stats, count + 100)
    assert stats.dropped > 0
    assert 0.7 * ROOM_BYTES < most_bytes < 1.1 * ROOM_BYTES
