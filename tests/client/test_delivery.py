"""From the caller to the collector: batches, repeats, refusals, and the account of it all."""

import logging
import time

import pytest
from assay.telemetry.v1.evidence_pb2 import Evaluation
from assay_client import Stats, new_id

from kit.errors import AssayError, Kind
from tests.client.conftest import NewClient
from tests.client.neighbour import REJECTED_MODEL, Neighbour, Server
from tests.client.support import DEADLINE_S, assert_balanced, await_encoded, eventually, record

AWAY = AssayError(Kind.UNAVAILABLE, "BUS_UNAVAILABLE", "the bus is away")


@pytest.mark.usefixtures("server")
def test_what_is_recorded_arrives_with_every_field(new_client: NewClient, neighbour: Neighbour) -> None:
    client = new_client(project="team")
    call_id = new_id()
    record(
        client,
        call_id=call_id,
        start_unix_s=1_700_000_000.25,
        latency_s=0.0,
        time_to_first_token_s=0.125,
        outcome=2,
        error_type="overloaded_error",
        usage=(10, 20, 3, 4, 5),
        task_id="t-1",
        agent="implementer",
        prompt_name="main",
        prompt_version="v1",
        revision_count=0,
        cost_usd_nanos=0,
        labels={"branch": "main"},
        ranking_id="r-1",
        selection_ratio=0.5,
    )
    assert client.flush(DEADLINE_S)
    (request,) = neighbour.requests
    (call,) = request.calls
    assert request.project == "team" and neighbour.keys == ["Bearer secret"]
    assert (call.call_id, call.task_id, call.agent, call.prompt_name, call.prompt_version) == (call_id, "t-1", "implementer", "main", "v1")
    assert (call.provider, call.model, call.task_type) == ("anthropic", "claude-sonnet-4-5", "code_review")
    assert (call.start_time.ToMicroseconds(), call.time_to_first_token.ToMicroseconds()) == (1_700_000_000_250_000, 125_000)
    assert call.HasField("latency") and call.latency.ToMicroseconds() == 0
    assert (call.outcome, call.error_type) == (2, "overloaded_error")
    usage = call.usage
    assert (usage.input_token_count, usage.output_token_count, usage.reasoning_token_count) == (10, 20, 5)
    assert (usage.cache_read_token_count, usage.cache_write_token_count) == (3, 4)
    assert call.HasField("revision_count") and call.HasField("cost_usd_nanos") and call.selection_ratio == 0.5
    assert dict(call.labels) == {"branch": "main"} and call.ranking_id == "r-1"


@pytest.mark.usefixtures("server")
def test_what_is_not_said_is_not_set(new_client: NewClient, neighbour: Neighbour) -> None:
    client = new_client()
    began_s = time.time()
    record(client, latency_s=2.0)
    assert client.flush(DEADLINE_S)
    (call,) = neighbour.calls
    assert len(call.call_id) == 15
    assert began_s - 2.1 < call.start_time.ToMicroseconds() / 1e6 < time.time()
    for field in ("time_to_first_token", "usage", "cost_usd_nanos", "revision_count", "selection_ratio"):
        assert not call.HasField(field)


@pytest.mark.usefixtures("server")
def test_calls_travel_in_batches_and_none_twice(new_client: NewClient, neighbour: Neighbour) -> None:
    client = new_client(batch_age_s=60.0)
    record(client, 5_000)
    assert client.flush(DEADLINE_S)
    assert len(neighbour.calls) == 5_000
    assert all(len(request.calls) <= 2_000 for request in neighbour.requests) and len(neighbour.requests) <= 10
    neighbour.assert_nothing_twice()
    assert client.stats() == Stats(recorded=5_000, sent=5_000)


@pytest.mark.usefixtures("server")
def test_a_batch_keeps_its_id_and_content_until_it_is_answered(new_client: NewClient, neighbour: Neighbour) -> None:
    neighbour.refusals.extend([AWAY, AWAY])
    neighbour.loses_answers = 1
    client = new_client()
    record(client, 10)
    assert client.flush(DEADLINE_S)
    assert len(neighbour.attempts) >= 4 and len(set(neighbour.attempts[:4])) == 1
    assert client.stats() == Stats(recorded=10, sent=10)
    assert len(neighbour.calls) == 10


@pytest.mark.usefixtures("server")
def test_a_collector_that_names_a_time_is_asked_after_it(new_client: NewClient, neighbour: Neighbour) -> None:
    neighbour.refusals.append(AssayError(Kind.RESOURCE_EXHAUSTED, "QUOTA_EXCEEDED", "slower", retry_after_s=0.8))
    client = new_client()
    record(client)
    eventually(lambda: neighbour.attempts)
    began_s = time.monotonic()
    eventually(lambda: client.stats().sent == 1)
    assert time.monotonic() - began_s > 0.7


@pytest.mark.usefixtures("server")
def test_a_wrong_key_is_told_once_and_the_calls_are_kept(
    new_client: NewClient, neighbour: Neighbour, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = AssayError(Kind.UNAUTHENTICATED, "KEY_INVALID", "no such key")
    neighbour.refusals.extend([refusal] * 2)
    client = new_client()
    with caplog.at_level(logging.INFO, "assay_client"):
        record(client, 5)
        eventually(lambda: len(neighbour.attempts) == 1)
        eventually(lambda: not client.flush(0.01) and len(neighbour.attempts) == 2)
        assert_balanced(client.stats(), 5)
        assert client.stats().buffered == 5
        assert client.flush(DEADLINE_S)
    told = [each.getMessage() for each in caplog.records]
    assert [each for each in told if "KEY_INVALID" in each] == [told[0]]
    assert "takes calls again" in told[-1]
    assert client.stats() == Stats(recorded=5, sent=5)


@pytest.mark.usefixtures("server")
def test_refused_calls_are_counted_and_told_once(new_client: NewClient, neighbour: Neighbour, caplog: pytest.LogCaptureFixture) -> None:
    client = new_client()
    with caplog.at_level(logging.INFO, "assay_client"):
        for _ in range(3):
            record(client, 2, model=REJECTED_MODEL)
            record(client)
            assert client.flush(DEADLINE_S)
    assert client.stats() == Stats(recorded=9, sent=3, rejected=6)
    assert [each.getMessage() for each in caplog.records] == [
        "the collector refuses calls or evidence: model: is not to be (told once, counted always)"
    ]
    assert len(neighbour.calls) == 9


@pytest.mark.usefixtures("server")
def test_a_batch_that_is_too_large_goes_in_parts(new_client: NewClient, neighbour: Neighbour) -> None:
    too_large = AssayError(Kind.INVALID_ARGUMENT, "BATCH_TOO_LARGE", "split it")
    neighbour.refusals.extend([too_large, too_large])
    client = new_client(batch_age_s=60.0)
    record(client, 1_000)
    assert client.flush(DEADLINE_S)
    assert client.stats() == Stats(recorded=1_000, sent=1_000)
    assert max(len(request.calls) for request in neighbour.requests) <= 300
    neighbour.assert_nothing_twice()


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("reason", ["BATCH_ID_INVALID", "BATCH_TOO_LARGE"])
def test_a_batch_that_can_never_be_taken_does_not_hold_up_others(new_client: NewClient, neighbour: Neighbour, reason: str) -> None:
    neighbour.refusals.append(AssayError(Kind.INVALID_ARGUMENT, reason, "no"))
    client = new_client()
    record(client)
    assert client.flush(DEADLINE_S)
    record(client)
    assert client.flush(DEADLINE_S)
    assert client.stats() == Stats(recorded=2, sent=1, rejected=1)


def test_a_collector_may_come_late_and_be_restarted(
    new_client: NewClient, neighbour: Neighbour, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.stop()
    client = new_client()
    with caplog.at_level(logging.INFO, "assay_client"):
        record(client, 100)
        eventually(lambda: "does not take calls" in caplog.text)
        for _ in range(2):
            server.start()
            eventually(lambda: client.stats().buffered == 0)
            server.stop()
            record(client, 100)
        server.start()
        assert client.flush(DEADLINE_S)
    assert client.stats() == Stats(recorded=300, sent=300)
    assert len(neighbour.calls) == 300
    neighbour.assert_nothing_twice()
    assert len(caplog.records) <= 8  # a line for each change


def test_the_oldest_are_dropped_when_there_is_no_room_and_the_collector_hears_how_many(
    new_client: NewClient, neighbour: Neighbour, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.stop()
    client = new_client(bytes_max=2 * 1024 * 1024)
    with caplog.at_level(logging.INFO, "assay_client"):
        for batch in range(30):
            for _ in range(8):
                record(client, 125, labels={"number": str(batch)})
                await_encoded(client)
            assert_balanced(client.stats(), (batch + 1) * 1_000)
        stats = client.stats()
        assert stats.dropped > 10_000
        server.start()
        assert client.flush(DEADLINE_S) and client.close(DEADLINE_S)
    stats = client.stats()
    assert_balanced(stats, 30_000)
    assert (stats.buffered, len(neighbour.calls), neighbour.dropped_count) == (0, stats.sent, stats.dropped)
    assert {call.labels["number"] for call in neighbour.calls[-1_000:]} == {"29"}
    assert len([each for each in caplog.records if "no more room" in each.getMessage()]) == 1


@pytest.mark.usefixtures("server")
def test_drops_are_told_even_when_nothing_else_is_left_to_send(new_client: NewClient, neighbour: Neighbour) -> None:
    client = new_client()
    record(client)
    assert client.flush(DEADLINE_S)
    client._engine.calls.overflow.add()
    assert client.close(DEADLINE_S)
    assert neighbour.dropped_count == 1 and client.stats().dropped == 1


@pytest.mark.usefixtures("server")
def test_evidence_and_feedback_arrive(new_client: NewClient, neighbour: Neighbour) -> None:
    client = new_client()
    client.feedback(call_id="c-1", rating_ratio=0.0, accepted=False, comment="no", rater="ann")
    client.evidence(Evaluation(evaluator="judge", score_ratio=0.75), task_id="t-1", evidence_id="e-1", observe_unix_s=1_700_000_000.0)
    assert client.flush(DEADLINE_S)
    said, judged = neighbour.evidence
    assert said.call_id == "c-1" and said.feedback.HasField("rating_ratio") and said.feedback.HasField("accepted")
    assert (said.feedback.comment, said.feedback.rater, len(said.evidence_id)) == ("no", "ann", 15)
    assert abs(said.observe_time.ToMicroseconds() / 1e6 - time.time()) < DEADLINE_S
    assert (judged.task_id, judged.evidence_id, judged.evaluation.score_ratio) == ("t-1", "e-1", 0.75)
    assert judged.observe_time.seconds == 1_700_000_000
    assert client.evidence_stats() == Stats(recorded=2, sent=2) and client.stats() == Stats()
