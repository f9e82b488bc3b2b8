"""What several of these tests do: record calls, wait, and check the account."""

import time
from collections.abc import Callable

from assay_client import Client, Stats

DEADLINE_S = 60.0


def record(client: Client, count: int = 1, **fields: object) -> None:
    """Records calls that have all that is needed."""
    for _ in range(count):
        client.record(**({"provider": "anthropic", "model": "claude-sonnet-4-5", "task_type": "code_review", "latency_s": 1.5} | fields))  # type: ignore[arg-type]


def eventually(condition: Callable[[], object], what: str = "it") -> None:
    """Waits until the condition holds."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s, f"not in time: {what}"
        time.sleep(0.01)


def await_encoded(client: Client) -> None:
    """Waits until the client's thread has taken all that was left for it, at once instead of at its next tick."""
    engine = client._engine
    eventually(lambda: engine._alarm.ring() is None and not engine.calls.items)  # type: ignore[func-returns-value]


def assert_balanced(stats: Stats, recorded: int | None = None) -> None:
    """Every call is accounted for, once."""
    assert stats.recorded + stats.recovered == stats.sent + stats.rejected + stats.dropped + stats.buffered, stats
    assert recorded is None or stats.recorded == recorded, stats
