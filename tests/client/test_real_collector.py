"""The client and the collector as they are: what the client counts is what the ledger says, whoever is killed."""

import json
import os
import signal
import threading
from collections.abc import Iterator

import pytest
from assay.telemetry.v1.evidence_pb2 import Evaluation
from assay_client import Client, Outcome

from tests.client.support import DEADLINE_S, assert_balanced, eventually, record
from tests.system.suite import Suite, running_suite

pytestmark = pytest.mark.slow
CALLS, EVIDENCE = 1, 2
KILLS = 3


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """The suite, as `assay up` runs it."""
    with running_suite(tmp_path_factory.mktemp("suite") / "data") as running:
        yield running


async def test_what_the_client_counts_is_what_the_ledger_says(suite: Suite, caplog: pytest.LogCaptureFixture) -> None:
    project = await suite.new_project()
    secret, _ = await suite.new_key(project, "RECORD")
    async with Client(suite.collector, secret) as client:
        for number in range(50):
            async with client.call(provider="openai", model="gpt-5", task_type="planning", task_id=f"t-{number}") as call:
                call.first_token()
                call.usage({"usage": {"prompt_tokens": 10, "completion_tokens": 5}})
                call.outcome(Outcome.SUCCEEDED)
            client.feedback(call_id=call.call_id, rating_ratio=0.5)
            client.evidence(Evaluation(evaluator="judge", score_ratio=1.0), task_id=f"t-{number}")
        record(client, 3, provider="")
        record(client, 2, agent="x" * 200)
        client._engine.calls.overflow.add()
        assert await client.aflush(DEADLINE_S)
    stats, evidence = client.stats(), client.evidence_stats()
    assert (stats.sent, stats.rejected, stats.dropped, stats.buffered) == (50, 5, 1, 0)
    assert (evidence.sent, evidence.rejected, evidence.dropped, evidence.buffered) == (100, 0, 0, 0)
    assert "provider" in caplog.text and "agent" in caplog.text
    ledger = await suite.ledger(project)
    calls = ledger[CALLS]
    assert (calls.received_count, calls.stored_count, calls.rejected_count, calls.client_dropped_count) == (55, 50, 5, 1)
    assert (ledger[EVIDENCE].received_count, ledger[EVIDENCE].rejected_count) == (100, 0)


async def test_a_collector_that_is_killed_again_and_again_loses_nothing_and_counts_nothing_twice(suite: Suite) -> None:
    project = await suite.new_project()
    secret, _ = await suite.new_key(project, "RECORD")
    client = Client(suite.collector, secret, batch_age_s=0.02)
    is_over = threading.Event()
    recorder = threading.Thread(target=_record, args=(client, is_over))
    recorder.start()
    try:
        killed: list[int] = []
        for _ in range(KILLS):
            sent = client.stats().sent
            eventually(lambda sent=sent: client.stats().sent > sent, "calls are taken")  # type: ignore[misc]
            # An answer to the one before may have been counted late.
            eventually(lambda: _front(suite) not in killed, "the next collector is there")
            killed.append(_front(suite))
            os.kill(killed[-1], signal.SIGKILL)
        eventually(lambda: _front(suite) not in killed, "the last collector is there")
    finally:
        is_over.set()
        recorder.join()
    assert client.flush(DEADLINE_S) and client.close(DEADLINE_S)
    stats = client.stats()
    assert_balanced(stats)
    assert (stats.dropped, stats.rejected, stats.buffered) == (0, 0, 0)
    assert (await suite.ledger(project))[CALLS].stored_count == stats.sent == stats.recorded > 0


async def test_a_key_that_may_not_record_is_told_with_its_reason(suite: Suite, caplog: pytest.LogCaptureFixture) -> None:
    reader, _ = await suite.new_key(await suite.new_project(), "READ")
    for secret, reason in ((reader, "ROLE_MISSING"), ("assay_nobody", "KEY_INVALID"), ("", "KEY_MISSING")):
        client = Client(suite.collector, secret, batch_age_s=0.0)
        record(client)
        eventually(lambda reason=reason: reason in caplog.text, reason)  # type: ignore[misc]
        assert client.stats().buffered == 1
        assert not client.close(0.0)


def _record(client: Client, is_over: threading.Event) -> None:
    while not is_over.wait(0.005):
        record(client, 5)


def _front(suite: Suite) -> int:
    """The process that takes calls; it comes back on its address, as another process."""
    return int(json.loads((suite.data_dir / "run.json").read_text())["processes"]["collector"]["pid"])
