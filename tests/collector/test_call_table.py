"""The table of a batch's calls is what protobuf reads, to the last value, or is left to protobuf."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from assay.telemetry.v1 import call_pb2
from google.protobuf import duration_pb2, timestamp_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain.received import ReceivedCalls, Terms, Times
from services.collector.messages import call_table
from services.collector.messages.call_columns import TABLE_CALLS_MIN, read_call_messages, read_calls
from services.collector.messages.call_table import read_call_table
from tests.collector.ingest_samples import call

VARINT, FIXED64, BYTES = 0, 1, 2
_TOO_LARGE_FOR_8_BYTES = 2**60


def plain(value: Any) -> Any:
    """A column in plain values, which compare."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Terms | Times):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return list(value) if isinstance(value, tuple | list) else value


def columns(calls: ReceivedCalls | None) -> dict[str, Any]:
    """Every column of a batch; a test fails where there is none."""
    assert calls is not None
    return {field.name: plain(getattr(calls, field.name)) for field in fields(calls)}


def assert_same_columns(items: list[bytes]) -> None:
    """The table has what protobuf reads."""
    assert columns(read_call_table(items)) == columns(read_call_messages(items))


def tag_of(message: Descriptor, name: str) -> bytes:
    """What stands before a field on the wire."""
    field = message.fields_by_name[name]
    is_bytes = field.type in {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_MESSAGE}
    tag = field.number << 3 | (BYTES if is_bytes else VARINT)
    return bytes([tag]) if tag < 128 else bytes([tag & 0x7F | 0x80, tag >> 7])


def test_the_tags_are_those_of_the_contract() -> None:
    of_call = {
        "call_id": call_table.CALL_ID,
        "task_id": call_table.TASK_ID,
        "start_time": call_table.START_TIME,
        "latency": call_table.LATENCY,
        "time_to_first_token": call_table.FIRST_TOKEN,
        **dict(zip(("provider", "model", "task_type", "agent", "prompt_name", "prompt_version"), call_table.NAMES, strict=True)),
        "outcome": call_table.OUTCOME,
        "error_type": call_table.ERROR_TYPE,
        "usage": call_table.USAGE,
        "cost_usd_nanos": call_table.COST,
    }
    message = call_pb2.Call.DESCRIPTOR
    assert {name: tag_of(message, name) for name in of_call} == {name: bytes([tag]) for name, tag in of_call.items()}
    assert tag_of(message, "revision_count") == call_table.REVISION_COUNT.to_bytes(2, "little")
    assert set(message.fields_by_name) == {*of_call, "revision_count", *call_table.REST_FIELDS}
    usage = call_pb2.TokenUsage.DESCRIPTOR
    assert b"".join(tag_of(usage, field.name) for field in usage.fields) == call_table.TOKENS
    for time in (timestamp_pb2.Timestamp.DESCRIPTOR, duration_pb2.Duration.DESCRIPTOR):
        assert [tag_of(time, "seconds"), tag_of(time, "nanos")] == [bytes([call_table.SECONDS]), bytes([call_table.NANOS])]


SHORT = st.text(max_size=20)
COUNT = st.integers(0, 2**31 - 1)
TIME: st.SearchStrategy[dict[str, int]] = st.builds(dict, seconds=st.integers(0, 2**50), nanos=COUNT)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


CALLS = st.builds(
    call,
    call_id=st.text(min_size=1, max_size=20),
    task_id=SHORT,
    provider=st.sampled_from(["openai", "anthropic", ""]),
    model=SHORT,
    task_type=SHORT,
    agent=SHORT,
    prompt_name=SHORT,
    prompt_version=SHORT,
    error_type=SHORT,
    start_time=maybe(TIME),
    latency=maybe(TIME),
    time_to_first_token=maybe(TIME),
    outcome=COUNT,
    usage=maybe(st.fixed_dictionaries({}, optional={field.name: COUNT for field in call_pb2.TokenUsage.DESCRIPTOR.fields})),
    cost_usd_nanos=maybe(st.integers(0, 2**56 - 1)),
    revision_count=maybe(COUNT),
    labels=st.dictionaries(SHORT, SHORT, max_size=3),
    ranking_id=SHORT,
    selection_ratio=maybe(st.floats(allow_nan=False)),
)


@given(st.lists(CALLS, min_size=1, max_size=4))
def test_the_table_of_any_calls_is_what_protobuf_reads(calls: list[call_pb2.Call]) -> None:
    assert_same_columns([one.SerializeToString(deterministic=True) for one in calls])


@given(st.lists(st.binary(max_size=60) | CALLS.map(lambda one: one.SerializeToString()), min_size=1, max_size=5))
def test_bytes_of_any_kind_are_read_alike_or_left_to_protobuf(items: list[bytes]) -> None:
    if read_call_table(items) is not None:
        assert_same_columns(items)


@given(CALLS.map(lambda one: one.SerializeToString()), st.integers(0, 200), st.binary(min_size=1, max_size=2))
def test_a_damaged_call_is_read_alike_or_left_to_protobuf(item: bytes, place: int, damage: bytes) -> None:
    items = [item, item[:place] + damage + item[place + len(damage) :], item]
    if read_call_table(items) is not None:
        assert_same_columns(items)


GOOD = call().SerializeToString()
LEFT_TO_PROTOBUF: dict[str, bytes] = {
    "nothing of a message": b"\xff\xff",
    "a text longer than a byte can say": call(model="m" * 128).SerializeToString(),
    "a field of before at the end": GOOD + tag_of(call_pb2.Call.DESCRIPTOR, "model") + b"\x01m",
    "a negative number": call(revision_count=-1).SerializeToString(),
    "a number of more than 56 bits": call(cost_usd_nanos=_TOO_LARGE_FOR_8_BYTES).SerializeToString(),
    "an outcome beyond 32 bits": call(outcome=None).SerializeToString() + bytes([call_table.OUTCOME]) + b"\x81\x80\x80\x80\x10",
    "time before 1970": call(start_time={"seconds": -1}).SerializeToString(),
    "a time with a field that is not known": b"\x1a\x02\x18\x01",
    "a usage whose fields come in another order": b"\x72\x04\x10\x01\x08\x01",
    "a text that ends after its call": b"\x0a\x7f",
    "a number that ends after its call": b"\x60\x80",
}


@pytest.mark.parametrize("item", LEFT_TO_PROTOBUF.values(), ids=LEFT_TO_PROTOBUF)
@pytest.mark.parametrize("place", [0, 1])
def test_what_is_written_in_another_way_is_left_to_protobuf(item: bytes, place: int) -> None:
    items = [GOOD, GOOD]
    items[place] = item
    assert read_call_table(items) is None
    many = items * TABLE_CALLS_MIN
    assert columns(read_calls(many)) == columns(read_call_messages(many))


IN_THE_TABLE: dict[str, Callable[[], bytes]] = {
    "an empty usage": lambda: b"\x72\x00",
    "a number written longer than it has to be": lambda: b"\x60\x81\x00",
    "fields of a newer client": lambda: GOOD + b"\xa2\x38\x01\xff",
    "labels": lambda: call(labels={"team": "a", "run": "b"}, ranking_id="r", selection_ratio=0.5).SerializeToString(),
    "a ratio of zero": lambda: call(selection_ratio=0.0).SerializeToString(),
}


@pytest.mark.parametrize("item", IN_THE_TABLE.values(), ids=IN_THE_TABLE)
def test_odd_calls_stay_in_the_table(item: Callable[[], bytes]) -> None:
    assert_same_columns([GOOD, item()])
    assert_same_columns([item(), GOOD])


def test_a_call_without_an_id_is_read_alike_or_left_to_protobuf() -> None:
    nameless, empty = call(call_id=None).SerializeToString(), b""
    for items in ([nameless, GOOD], [GOOD, nameless], [empty, GOOD], [GOOD, empty], [nameless, empty, GOOD], [empty, empty]):
        many = items * TABLE_CALLS_MIN
        assert columns(read_calls(many)) == columns(read_call_messages(many))


def test_large_batches_are_read_as_a_table_and_small_ones_by_protobuf() -> None:
    for size in (1, TABLE_CALLS_MIN - 1, TABLE_CALLS_MIN, 5_000):
        items = [call(call_id=f"c-{number}", model=f"m-{number % 7}").SerializeToString() for number in range(size)]
        assert columns(read_calls(items)) == columns(read_call_messages(items))
    assert len(read_calls([])) == 0
