"""Whatever a program does wrong, it hears nothing of it but a line in the log; the account has it."""

import logging
import threading
from collections.abc import Callable
from typing import Any, cast

import pytest
from assay.telemetry.v1.evidence_pb2 import CodeEvidence, Evaluation
from assay_client import Client, Stats

from tests.client.conftest import NewClient
from tests.client.neighbour import Neighbour, Server
from tests.client.support import DEADLINE_S, assert_balanced, record

FIELDS: dict[str, Any] = {"provider": "openai", "model": "gpt-5", "task_type": "planning"}


class Hostile:
    """Raises whatever is asked of it."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError(name)


WRONG: dict[str, Callable[[Any], None]] = {
    "a name that is none": lambda client: client.record(**FIELDS | {"provider": 3}),
    "no name": lambda client: client.record(**FIELDS | {"model": None}),
    "text for a number": lambda client: client.record(**FIELDS, latency_s="1.5"),
    "not a number": lambda client: client.record(**FIELDS, latency_s=float("nan")),
    "an endless time": lambda client: client.record(**FIELDS, latency_s=float("inf"), start_unix_s=1.0),
    "labels that are a text": lambda client: client.record(**FIELDS, labels="a=b"),
    "labels with numbers": lambda client: client.record(**FIELDS, labels={"a": 1}),
    "too few counts": lambda client: client.record(**FIELDS, usage=(1, 2)),
    "a text that is not Unicode": lambda client: client.record(**FIELDS, agent="\ud800"),
    "an outcome that is none": lambda client: client.record(**FIELDS, outcome="SUCCEEDED"),
    "a call that is far too large": lambda client: client.record(**FIELDS, prompt_name="x" * 100_000),
    "a number out of range": lambda client: client.record(**FIELDS, cost_usd_nanos=1 << 80),
}


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("name", WRONG)
def test_a_call_that_cannot_be_sent_is_counted_and_told_once(
    name: str, new_client: NewClient, neighbour: Neighbour, caplog: pytest.LogCaptureFixture
) -> None:
    client = new_client()
    with caplog.at_level(logging.INFO, "assay_client"):
        for _ in range(3):
            WRONG[name](client)
            record(client)
            assert client.flush(DEADLINE_S)
    assert client.stats() == Stats(recorded=6, sent=3, rejected=3)
    assert len(neighbour.calls) == 3
    assert len([each for each in caplog.records if "told once" in each.getMessage()]) == 1


@pytest.mark.usefixtures("server")
def test_an_argument_that_there_is_not_is_told_and_the_rest_recorded(
    new_client: NewClient, neighbour: Neighbour, caplog: pytest.LogCaptureFixture
) -> None:
    client = cast("Any", new_client())
    with caplog.at_level(logging.INFO, "assay_client"):
        client.record(**FIELDS, color="red")
        with client.call(**FIELDS, colour="red") as call:
            call.usage(tokens=3)
        client.feedback(task_id="t-1", accepted=True, stars=5)
        client.evidence(Evaluation(evaluator="judge"), task_id="t-1", weight=2)
        assert client.flush(DEADLINE_S)
    assert (len(neighbour.calls), len(neighbour.evidence)) == (2, 2)
    assert [each.getMessage().split(" (")[0] for each in caplog.records] == [
        "client.record has no color",
        "client.call has no colour",
        "call.usage has no tokens",
        "client.feedback has no stars",
        "client.evidence has no weight",
    ]


@pytest.mark.usefixtures("server")
def test_evidence_that_cannot_be_sent_is_counted(new_client: NewClient, neighbour: Neighbour) -> None:
    client = cast("Any", new_client())
    client.feedback(call_id=3)
    client.feedback(call_id="c-1", rating_ratio="good")
    client.evidence("it was good", call_id="c-1")
    client.evidence(CodeEvidence(content=b"x" * 6_000_000), call_id="c-1")
    assert client.flush(DEADLINE_S)
    assert client.evidence_stats() == Stats(recorded=4, rejected=4) and not neighbour.evidence


@pytest.mark.usefixtures("server")
def test_a_block_outlives_whatever_it_is_told(new_client: NewClient, neighbour: Neighbour) -> None:
    client = new_client()
    with client.call(**FIELDS) as call:
        call.usage(Hostile())
        call.usage({"usage": Hostile()})
        call.outcome(cast("Any", "well"))
    with client.call(**FIELDS):
        pass
    assert client.flush(DEADLINE_S)
    assert client.stats() == Stats(recorded=2, sent=1, rejected=1)
    assert len(neighbour.calls) == 1


def test_after_the_end_calls_are_counted_as_dropped(new_client: NewClient, neighbour: Neighbour, server: Server) -> None:
    client = new_client()
    record(client, 3)
    assert client.close(DEADLINE_S) and client.close(DEADLINE_S)
    record(client, 2)
    client.feedback(call_id="c-1", accepted=True)
    assert client.stats() == Stats(recorded=5, sent=3, dropped=2)
    assert client.evidence_stats() == Stats(recorded=1, dropped=1)
    assert len(neighbour.calls) == 3 and server.is_running


def test_what_cannot_be_sent_before_the_end_is_dropped_and_told(new_client: NewClient, caplog: pytest.LogCaptureFixture) -> None:
    client = new_client()
    record(client, 7)
    with caplog.at_level(logging.INFO, "assay_client"):
        assert not client.close(0.1)
    assert client.stats() == Stats(recorded=7, dropped=7)
    assert "7 calls or pieces of evidence could not be sent to 127.0.0.1:1 and are lost" in caplog.text


def test_a_client_that_was_never_used_ends_at_once(new_client: NewClient) -> None:
    assert new_client().close(DEADLINE_S) and new_client().flush(DEADLINE_S)


def test_no_thread_is_there_before_the_first_call_and_after_the_end(new_client: NewClient) -> None:
    def names() -> set[str]:
        return {thread.name for thread in threading.enumerate() if thread.name.startswith("assay-client")}

    client = new_client()
    assert not names()
    record(client)
    assert names() == {"assay-client-encoder", "assay-client-sender"}
    client.close(0.0)
    assert not names()


@pytest.mark.usefixtures("server")
def test_a_thread_that_fails_is_replaced_and_nothing_is_lost(
    new_client: NewClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = new_client()
    from assay_client.encoder import Encoder

    fail_once = [True]
    collect = client._engine._store.collect

    def failing() -> int:
        if fail_once.pop() if fail_once else False:
            raise RuntimeError("a bug")
        return collect()

    monkeypatch.setattr(client._engine._store, "collect", failing)
    record(client)
    encoder = client._engine._encoder
    assert isinstance(encoder, Encoder)
    encoder.join(DEADLINE_S)
    assert "a thread of assay-client failed" in caplog.text
    record(client)
    assert client.flush(DEADLINE_S)
    assert_balanced(client.stats(), 2)
    assert client.stats().sent == 2


def test_recording_inside_of_recording_does_not_stop(new_client: NewClient) -> None:
    client = new_client()

    class Labels(dict[str, str]):
        """Records a call while it is being copied, as a finalizer or a signal handler may."""

        def keys(self) -> Any:
            record(client)
            return super().keys()

    for _ in range(100):
        record(client, labels=Labels(a="b"))
    assert_balanced(client.stats())
    assert client.stats().recorded >= 100


def test_the_constructor_says_what_is_wrong() -> None:
    for settings in ({"url": "http://x"}, {"url": "example.org:7001"}, {"bytes_max": 10}, {"batch_age_s": -1}, {"key": "ä"}):
        with pytest.raises(ValueError, match="ASSAY_"):
            Client(**settings)
