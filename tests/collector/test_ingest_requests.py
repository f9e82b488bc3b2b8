"""Requests from bytes: one unreadable or invalid call is refused alone, and nothing that is sent breaks the front."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from assay.collector.v1 import collector_service_pb2 as contract
from assay.telemetry.v1 import call_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.errors import AssayError, Kind
from services.collector.domain import limits
from services.collector.domain.check import check_calls
from services.collector.domain.refusals import Fault, Reason, Refusal
from services.collector.ingest import Ingest
from services.collector.messages.call_columns import read_calls
from services.collector.messages.requests import (
    calls_response,
    evidence_response,
    parse_calls,
    parse_evidence,
    parse_stream_calls,
)
from services.collector.prices import PriceBook
from tests.collector.ingest_samples import (
    NOW_US,
    KeptMessages,
    call,
    calls_request,
    evidence,
    evidence_request,
    received,
)

CALL_FIELDS = call_pb2.Call.DESCRIPTOR.fields_by_name
TEXT_FIELDS = [field.name for field in call_pb2.Call.DESCRIPTOR.fields if field.type == field.TYPE_STRING and not field.is_repeated]
PRICES = PriceBook()


def field_bytes(number: int, content: bytes) -> bytes:
    """A length-delimited field on the wire; contents below 128 bytes."""
    tag = number << 3 | 2
    return bytes([tag] if tag < 128 else [tag & 0x7F | 0x80, tag >> 7]) + bytes([len(content)]) + content


def request_of(*calls: bytes) -> bytes:
    """A request of calls that are bytes already."""
    return field_bytes(2, b"b-1") + b"".join(b"\x1a" + bytes([len(one) & 0x7F | 0x80, len(one) >> 7]) + one for one in calls)


def refusals(data: bytes) -> list[tuple[int, str, Reason]]:
    """Which calls of a request are refused."""
    found = check_calls(received(data), NOW_US).refusals()
    return [(refusal.index, refusal.fault.field, refusal.fault.reason) for refusal in found]


GOOD = call().SerializeToString()


@pytest.mark.parametrize("field", TEXT_FIELDS)
@pytest.mark.parametrize("text", [b"\xff", b"\xc3", b"a\xed\xa0\x80", b"\xf8\x88\x80\x80\x80"])
def test_a_text_that_is_not_utf8_refuses_its_call_alone(field: str, text: bytes) -> None:
    bad = GOOD + field_bytes(CALL_FIELDS[field].number, text)
    assert refusals(request_of(GOOD, bad, GOOD)) == [(1, field, Reason.INVALID_TEXT)]


@pytest.mark.parametrize("entry", [field_bytes(1, b"\xff") + field_bytes(2, b"x"), field_bytes(1, b"x") + field_bytes(2, b"\xff")])
def test_a_label_that_is_not_utf8_refuses_its_call_alone(entry: bytes) -> None:
    assert refusals(request_of(GOOD, GOOD + field_bytes(17, entry))) == [(1, "labels", Reason.INVALID_TEXT)]


def test_a_call_that_cannot_be_read_is_refused_alone() -> None:
    bad_time = GOOD + field_bytes(3, b"\x08")
    assert refusals(request_of(GOOD, b"\xff\xff", GOOD, bad_time)) == [
        (1, "calls", Reason.MALFORMED),
        (3, "calls", Reason.MALFORMED),
    ]


def test_unknown_fields_of_a_newer_client_are_passed_over() -> None:
    assert refusals(request_of(GOOD + field_bytes(900, b"\xff"))) == []


def test_a_call_in_a_stream_is_refused_alone() -> None:
    batch = request_of(GOOD, b"\xff\xff", GOOD)
    stream_request = b"\x0a" + bytes([len(batch) & 0x7F | 0x80, len(batch) >> 7]) + batch
    parsed = parse_stream_calls(stream_request)
    assert (parsed.batch_id, len(parsed.items), read_calls(parsed.items).unreadable) == (b"b-1", 3, [1])
    whole = contract.StreamCallsRequest(batch=contract.RecordCallsRequest.FromString(request_of(GOOD)))
    assert len(parse_stream_calls(whole.SerializeToString()).items) == 1
    assert parse_stream_calls(b"").items == []


@pytest.mark.parametrize("parse", [parse_calls, parse_stream_calls, parse_evidence])
@pytest.mark.parametrize("data", [b"\xff", b"\x0a\x05a", b"\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"])
def test_what_is_no_request_at_all_is_malformed(parse: Any, data: bytes) -> None:
    with pytest.raises(AssayError) as raised:
        parse(data)
    assert (raised.value.kind, raised.value.reason) == (Kind.INVALID_ARGUMENT, "MESSAGE_MALFORMED")


def empty_items(count: int) -> bytes:
    """A request of empty items; calls and evidence have the same field number."""
    return b"\x1a\x00" * count


@pytest.mark.parametrize("parse", [parse_calls, parse_evidence])
@pytest.mark.parametrize("data", [empty_items(5_001), empty_items(200_000), bytes(limits.BATCH_BYTES_MAX + 1)])
def test_a_batch_that_is_too_large_is_to_be_split(parse: Any, data: bytes) -> None:
    with pytest.raises(AssayError, match="split it") as raised:
        parse(data)
    assert (raised.value.kind, raised.value.reason) == (Kind.INVALID_ARGUMENT, "BATCH_TOO_LARGE")


def test_a_stream_batch_that_is_too_large_is_to_be_split() -> None:
    batch = contract.RecordCallsRequest(calls=[call_pb2.Call()] * 100_000)
    with pytest.raises(AssayError, match="split it"):
        parse_stream_calls(contract.StreamCallsRequest(batch=batch).SerializeToString())


def test_the_largest_batch_is_taken() -> None:
    assert len(parse_calls(empty_items(5_000)).items) == 5_000
    large = calls_request(*[call(labels={"x": "y" * 900})] * 5_000)
    assert len(parse_calls(large).items) == 5_000


def test_evidence_that_cannot_be_read_or_has_an_invalid_text_is_refused_alone() -> None:
    good = evidence().SerializeToString()
    data = request_of(good, b"\xff\xff", good + field_bytes(1, b"\xff"), good + field_bytes(11, field_bytes(1, b"\xff")))
    bus = KeptMessages()
    ingest = Ingest(bus, PRICES, now_unix_us=lambda: NOW_US)
    batch = parse_evidence(data)
    recorded = asyncio.run(ingest.record_evidence("p", batch.batch_id, batch.items))
    assert recorded.accepted_count == 1
    assert [(one.index, one.fault.field, one.fault.reason) for one in recorded.refusals] == [
        (1, "evidence", Reason.MALFORMED),
        (2, "evidence_id", Reason.INVALID_TEXT),
        (3, "evaluation.evaluator", Reason.INVALID_TEXT),
    ]


def test_evidence_with_an_invalid_text_that_was_overridden_is_taken() -> None:
    good = evidence(task_id="t-1", call_id=None).SerializeToString()
    batch = parse_evidence(request_of(field_bytes(2, b"\xff") + good))
    recorded = asyncio.run(Ingest(KeptMessages(), PRICES, now_unix_us=lambda: NOW_US).record_evidence("p", b"b", batch.items))
    assert recorded.accepted_count == 1


def test_answers_name_index_field_and_reason() -> None:
    refused = [Refusal(3, Fault("usage.input_token_count", Reason.OUT_OF_RANGE, "must be less"))]
    expected = contract.Rejection(
        index=3,
        field="usage.input_token_count",
        reason=contract.REJECTION_REASON_OUT_OF_RANGE,
        message="must be less",
    )
    assert calls_response(2, refused) == contract.RecordCallsResponse(accepted_count=2, rejections=[expected])
    assert evidence_response(1, refused) == contract.RecordEvidenceResponse(accepted_count=1, rejections=[expected])


def test_every_reason_is_in_the_contract() -> None:
    for reason in Reason:
        contract.RejectionReason.Value(f"REJECTION_REASON_{reason.name}")


def record(data: bytes) -> int:
    """Sends a request of calls all the way; how many items it accounted for."""
    batch = parse_calls(data)
    ingest = Ingest(KeptMessages(), PRICES, now_unix_us=lambda: NOW_US)
    recorded = asyncio.run(ingest.record_calls("p", batch.batch_id, received(data), batch.client_dropped_count))
    calls_response(recorded.accepted_count, recorded.refusals)
    return recorded.accepted_count + len(recorded.refusals)


def record_evidence(data: bytes) -> int:
    """The same for evidence."""
    batch = parse_evidence(data)
    ingest = Ingest(KeptMessages(), PRICES, now_unix_us=lambda: NOW_US)
    recorded = asyncio.run(ingest.record_evidence("p", batch.batch_id, batch.items))
    evidence_response(recorded.accepted_count, recorded.refusals)
    return recorded.accepted_count + len(recorded.refusals)


def outcome(send: Callable[[bytes], int], data: bytes) -> int | Kind:
    """How many items were accounted for, or the kind of the error."""
    try:
        return send(data)
    except AssayError as error:
        return error.kind


def mutated(data: bytes, changes: list[tuple[int, int]]) -> bytes:
    """The bytes with some of them replaced."""
    changed = bytearray(data)
    for place, value in changes:
        changed[place % len(changed)] = value
    return bytes(changed)


CHANGES = st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8)


@settings(max_examples=300)
@given(st.binary(max_size=200) | st.builds(mutated, st.just(calls_request(call(), call(labels={"a": "b"}))), CHANGES))
def test_no_bytes_break_the_recording_of_calls(data: bytes) -> None:
    told = outcome(record, data)
    assert told is Kind.INVALID_ARGUMENT or told == len(parse_calls(data).items)


@settings(max_examples=300)
@given(
    st.binary(max_size=200)
    | st.builds(
        mutated,
        st.just(evidence_request(evidence(), evidence(evaluation=None, tests={"counts": {"passed_count": 3}}))),
        CHANGES,
    )
)
def test_no_bytes_break_the_recording_of_evidence(data: bytes) -> None:
    told = outcome(record_evidence, data)
    assert told is Kind.INVALID_ARGUMENT or told == len(parse_evidence(data).items)


@given(
    st.lists(
        st.dictionaries(st.sampled_from(TEXT_FIELDS), st.binary(max_size=4) | st.text(max_size=3).map(str.encode), max_size=4),
        max_size=4,
    )
)
def test_any_texts_are_taken_or_refused_with_their_field(texts_of_calls: list[dict[str, bytes]]) -> None:
    calls = [GOOD + b"".join(field_bytes(CALL_FIELDS[name].number, text) for name, text in texts.items()) for texts in texts_of_calls]
    assert record(request_of(*calls)) == len(calls)
    for index, field, _ in refusals(request_of(*calls)):
        assert field in texts_of_calls[index]
