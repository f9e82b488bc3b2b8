"""POST /api/v1/calls and /evidence: protobuf JSON in, one by one."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from assay.collector.v1.collector_service_pb2 import RecordCallsRequest
from assay.telemetry.v1 import call_pb2
from hypothesis import given
from hypothesis import strategies as st

from gateway import models, recording
from kit.errors import AssayError, Kind
from tests.gateway.neighbour import Neighbour
from tests.gateway.site import AS_READER, DEADLINE_S, Site, eventually, running

CAMEL = {
    "callId": "c1",
    "startTime": "2026-01-01T00:00:00Z",
    "latency": "1.5s",
    "provider": "anthropic",
    "model": "m",
    "taskType": "review",
    "outcome": "CALL_OUTCOME_SUCCEEDED",
    "usage": {"inputTokenCount": "10"},
    "labels": {"a": "b"},
}
SNAKE = {
    "call_id": "c2",
    "start_time": "2026-01-01T00:00:00Z",
    "latency": "1.5s",
    "provider": "anthropic",
    "model": "m",
    "task_type": "review",
    "outcome": 1,
    "usage": {"input_token_count": 10},
    "labels": {"a": "b"},
}


async def test_both_spellings_are_taken(site: Site) -> None:
    answer = await site.send("POST", "/calls", json={"batchId": "b1", "calls": [CAMEL, SNAKE], "clientDroppedCount": 3})

    assert (answer.status_code, answer.json()) == (200, {"accepted_count": 2, "rejections": []})
    (batch,) = site.neighbour.questions("RecordCalls")
    assert (batch.batch_id, batch.client_dropped_count) == ("b1", 3)
    first, second = batch.calls
    assert (first.call_id, second.call_id) == ("c1", "c2")
    second.call_id = "c1"
    assert first == second
    assert first.latency.ToMicroseconds() == 1_500_000


async def test_a_batch_without_an_id_gets_one(site: Site) -> None:
    for _ in range(2):
        await site.send("POST", "/calls", json={"calls": [CAMEL]})

    first, second = (batch.batch_id for batch in site.neighbour.questions("RecordCalls"))
    assert first != second
    assert len(first) == 32


@pytest.mark.parametrize(
    ("call", "field", "word"),
    [
        ({**CAMEL, "latency": "fast"}, "latency", '"s"'),
        ({**CAMEL, "outcome": "NICE"}, "outcome", "NICE"),
        ({**CAMEL, "usage": {"inputTokenCount": "many"}}, "usage.input_token_count", "many"),
        ({**CAMEL, "usage": {"output_token_count": 1.5}}, "usage.output_token_count", "1.5"),
        ({**CAMEL, "colour": "red"}, "colour", "no such field"),
        ({**CAMEL, "usage": {"colour": 1}}, "usage.colour", "no such field"),
        ({**CAMEL, "provider": 3}, "provider", "string"),
        ("call", "", "object"),
        (None, "", "object"),
        ([], "", "object"),
    ],
)
async def test_a_call_that_cannot_be_read_is_refused_alone(site: Site, call: Any, field: str, word: str) -> None:
    answer = await site.send("POST", "/calls", json={"calls": [CAMEL, call, {}, SNAKE]})

    content = answer.json()
    assert answer.status_code == 200
    assert content["accepted_count"] == 2
    unreadable, empty = content["rejections"]
    assert (unreadable["index"], unreadable["field"], unreadable["reason"]) == (1, field, "MALFORMED")
    assert word in unreadable["message"]
    assert empty == {"index": 2, "field": "call_id", "reason": "MISSING", "message": "is missing"}
    models.Recorded.model_validate(content)
    (batch,) = site.neighbour.questions("RecordCalls")
    assert [call.call_id for call in batch.calls] == ["c1", "", "", "c2"]
    assert batch.calls[1] == call_pb2.Call()


@pytest.mark.parametrize(
    ("body", "reason", "field"),
    [
        (b"", "JSON_INVALID", None),
        (b"[]", "JSON_INVALID", None),
        (b'{"calls": [}', "JSON_INVALID", None),
        (b'{"calls": [{"selectionRatio": NaN}]}', "JSON_INVALID", None),
        (b'{"calls": [' + b"[" * 100_000, "JSON_INVALID", None),
        (b'{"calls": "\xff"}', "JSON_INVALID", None),
        (b'{"calls": {}, "x": 1}', "FIELD_INVALID", "calls"),
        (b'{"calls": [], "colour": 1}', "FIELD_INVALID", "colour"),
        (b'{"clientDroppedCount": "x"}', "FIELD_INVALID", "client_dropped_count"),
        (b'{"project": "another"}', "FIELD_INVALID", "project"),
        (json.dumps({"calls": [{}] * 5_001}).encode(), "BATCH_TOO_LARGE", None),
    ],
)
async def test_a_batch_that_is_no_good_as_a_whole_is_a_problem(site: Site, body: bytes, reason: str, field: str | None) -> None:
    answer = await site.send("POST", "/calls?project=default", content=body)

    assert (answer.status_code, answer.json()["reason"], answer.json().get("field")) == (400, reason, field)
    assert not site.neighbour.questions("RecordCalls")


@pytest.mark.parametrize(("query", "body"), [("", "p1"), ("p1", ""), ("p1", "p1")])
async def test_the_project_may_stand_in_the_query_or_in_the_body(site: Site, query: str, body: str) -> None:
    await site.send("POST", f"/calls?project={query}", json={"project": body, "calls": []})

    (batch,) = site.neighbour.questions("RecordCalls")
    assert batch.project == "p1"


async def test_what_the_collector_refuses_as_a_whole_is_a_problem(site: Site) -> None:
    refusal = AssayError(Kind.RESOURCE_EXHAUSTED, "STREAM_FULL", "the stream is full", retry_after_s=5)
    site.neighbour.refusals["RecordCalls"] = refusal

    answer = await site.send("POST", "/calls", json={"calls": [CAMEL]})

    assert (answer.status_code, answer.json()["reason"]) == (429, "STREAM_FULL")
    assert answer.headers["retry-after"] == "5"


async def test_evidence_is_recorded_likewise(site: Site) -> None:
    good = {"evidenceId": "e1", "call_id": "c1", "evaluation": {"evaluator": "judge", "scoreRatio": 0.5}}
    bad = {"evidenceId": "e2", "evaluation": {"scoreRatio": "high"}}

    answer = await site.send("POST", "/evidence", json={"evidence": [bad, good]})

    assert answer.json()["accepted_count"] == 1
    assert [(each["index"], each["field"]) for each in answer.json()["rejections"]] == [(0, "evaluation.score_ratio")]
    (batch,) = site.neighbour.questions("RecordEvidence")
    assert batch.evidence[1].evaluation.score_ratio == 0.5


async def test_no_byte_of_a_body_is_read_before_the_key_is_known(site: Site) -> None:
    host, port = site.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = "POST /api/v1/calls HTTP/1.1\r\nhost: x\r\nauthorization: Bearer nobodys\r\ncontent-length: 9\r\n\r\n"
    writer.write(head.encode())

    status_line = await asyncio.wait_for(reader.readline(), DEADLINE_S)

    writer.close()
    assert status_line.startswith(b"HTTP/1.1 401")


async def test_only_so_many_batches_are_read_at_once(dist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.recording_slots.WAIT_MAX_S", 0.05)
    neighbour = Neighbour()
    neighbour.silent.add("RecordCalls")
    async with running(neighbour, dist, recordings_max=1, deadline_s=60) as site:
        first = asyncio.create_task(site.send("POST", "/calls", json={"calls": [CAMEL]}))
        await eventually(lambda: bool(neighbour.questions("RecordCalls")))
        second = await site.send("POST", "/calls", json={"calls": [CAMEL]})

        assert (second.status_code, second.json()["reason"]) == (429, "RECORDINGS_EXHAUSTED")
        neighbour.silent.clear()
        assert (await first).status_code == 200
        assert (await site.send("POST", "/calls", json={"calls": [CAMEL]})).status_code == 200


async def test_a_body_that_does_not_arrive_is_not_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.routes.recording.BODY_WAIT_MAX_S", 0.1)
    host, port = site.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    key = AS_READER["authorization"]
    writer.write(f"POST /api/v1/calls HTTP/1.1\r\nhost: x\r\nauthorization: {key}\r\ncontent-length: 9\r\n\r\n".encode())

    status_line = await asyncio.wait_for(reader.readline(), DEADLINE_S)

    writer.close()
    assert status_line.startswith(b"HTTP/1.1 504")


NAMES = [name for field in call_pb2.Call.DESCRIPTOR.fields for name in (field.json_name, field.name)]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4) | JSON, max_size=4))
def test_whatever_is_sent_each_item_is_read_or_refused_in_its_place(items: list[Any]) -> None:
    request = RecordCallsRequest()

    rejections = recording.parse(json.dumps({"calls": items}).encode(), request, "calls", "")

    assert len(request.calls) == len(items)
    assert [each.index for each in rejections] == sorted({each.index for each in rejections})
    assert all(request.calls[each.index] == call_pb2.Call() for each in rejections)
