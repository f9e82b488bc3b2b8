"""A batch on its way to the bus: what is accepted, how it is split, and what the messages say."""

import asyncio
import gzip
import itertools
import json
import logging
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from assay.events.v1 import ingest_pb2
from assay.telemetry.v1 import call_pb2
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from kit import logs
from kit.errors import AssayError, Kind
from services.collector.domain import limits
from services.collector.domain.price import PriceOrigin
from services.collector.in_flight import InFlight
from services.collector.ingest import CLIENT_DROPPED_MAX, MODELS_PRICED_AT_ONCE_MAX, Ingest, Recorded, require_payload
from services.collector.messages import wire
from services.collector.messages.requests import parse_evidence
from services.collector.prices import PriceBook
from tests.collector.ingest_samples import (
    NOW_S,
    NOW_US,
    KeptMessages,
    call,
    calls_request,
    columns_of,
    evidence,
    evidence_request,
    received,
)

REAL_CALLS = Path(__file__).parents[3] / "shared" / "data" / "llm_calls.jsonl.gz"


class Front:
    """An ingest path with a bus that keeps, and a clock that stands."""

    def __init__(self, bytes_max: int = 10**9) -> None:
        self.bus = KeptMessages()
        self.now_us = NOW_US
        self.ingest = Ingest(self.bus, PriceBook(), now_unix_us=lambda: self.now_us, in_flight=InFlight(bytes_max))

    def record(self, *calls: call_pb2.Call, batch_id: bytes = b"b-1", dropped: int = 0) -> Recorded:
        """Records calls in project `p`."""
        return asyncio.run(self.ingest.record_calls("p", batch_id, columns_of(*calls), dropped))

    def record_evidence(self, data: bytes) -> Recorded:
        """Records a RecordEvidenceRequest in project `p`."""
        batch = parse_evidence(data)
        return asyncio.run(self.ingest.record_evidence("p", batch.batch_id, batch.items))

    @property
    def parts(self) -> list[ingest_pb2.IngestMessage]:
        """What was published."""
        return [ingest_pb2.IngestMessage.FromString(payload) for _, payload, _ in self.bus.messages]

    @property
    def ids(self) -> list[str]:
        """By what the bus knows a message again."""
        return [headers["Nats-Msg-Id"] for _, _, headers in self.bus.messages]


class Carried:
    """The calls of a message, one by one; times in whole microseconds."""

    def __init__(self, columns: ingest_pb2.CallColumns) -> None:
        self.columns = columns
        self.extras = {extra.index: extra for extra in columns.extras}

    def number(self, field: str, dtype: str, place: int) -> int:
        """A call's element of a packed column."""
        values = np.frombuffer(getattr(self.columns, field), dtype)
        assert len(values) == len(self.columns.call_ids)
        return int(values[place])

    def text(self, table: Sequence[str], index_field: str, place: int) -> str:
        """A call's text out of a dictionary."""
        index = self.number(index_field, "<i4", place)
        return table[index] if index >= 0 else ""

    def __iter__(self) -> Iterator[call_pb2.Call]:
        for place, call_id in enumerate(self.columns.call_ids):
            one = call_pb2.Call(call_id=call_id, outcome=self.number("outcome", "<u1", place))  # type: ignore[arg-type]
            self.add_texts(one, place)
            self.add_times(one, place)
            self.add_counts(one, place)
            if place in self.extras:
                self.add_extras(one, self.extras[place])
            yield one

    def add_texts(self, one: call_pb2.Call, place: int) -> None:
        """Task, agent, error and series."""
        one.task_id = self.text(self.columns.task_ids, "task_index", place)
        one.agent = self.text(self.columns.agents, "agent_index", place)
        one.error_type = self.text(self.columns.error_types, "error_type_index", place)
        series = self.columns.series[self.number("series_index", "<u2", place)]
        one.provider, one.model, one.task_type, one.prompt_name, one.prompt_version = series.split("\0")

    def add_times(self, one: call_pb2.Call, place: int) -> None:
        """Start, latency, first token."""
        one.start_time.FromMicroseconds(self.number("start_unix_us", "<i8", place))
        one.latency.FromMicroseconds(self.number("latency_us", "<i8", place))
        first_token_us = self.number("first_token_us", "<i8", place)
        if first_token_us >= 0:
            one.time_to_first_token.FromMicroseconds(first_token_us)

    def add_counts(self, one: call_pb2.Call, place: int) -> None:
        """Tokens, the caller's cost, revisions."""
        fields = [field.name for field in one.usage.DESCRIPTOR.fields]
        tokens = {field: self.number(field, "<i4", place) for field in fields}
        if set(tokens.values()) != {-1}:
            one.usage.MergeFrom(call_pb2.TokenUsage(**tokens))
            one.usage.SetInParent()
        if self.number("price_origin", "<u1", place) == PriceOrigin.CALLER:
            one.cost_usd_nanos = self.number("cost_usd_nanos", "<i8", place)
        if self.number("revision_count", "<i4", place) >= 0:
            one.revision_count = self.number("revision_count", "<i4", place)

    def add_extras(self, one: call_pb2.Call, extra: ingest_pb2.CallExtras) -> None:
        """Labels and ranking."""
        one.ranking_id = extra.ranking_id
        one.labels.update(extra.labels)
        if extra.HasField("selection_ratio"):
            one.selection_ratio = extra.selection_ratio


def in_microseconds(one: call_pb2.Call) -> call_pb2.Call:
    """The call as it is kept: times rounded down to microseconds."""
    kept = call_pb2.Call()
    kept.CopyFrom(one)
    for field in ("start_time", "latency", "time_to_first_token"):
        if kept.HasField(field):
            getattr(kept, field).nanos -= getattr(kept, field).nanos % 1_000
    return kept


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6)
MAYBE_NAMES = st.just("") | NAMES
COUNTS = st.integers(0, 3) | st.integers(0, 10**9)


@st.composite
def sound_calls(draw: st.DrawFn) -> call_pb2.Call:
    """Any call that is taken."""
    latency_us = draw(st.integers(0, limits.DURATION_MAX_US))
    read, write, plain, reasoning, written = (draw(st.integers(0, 10**8)) if draw(st.booleans()) else 0 for _ in range(5))
    usage = {
        "input_token_count": read + write + plain,
        "output_token_count": reasoning + written,
        "cache_read_token_count": read,
        "cache_write_token_count": write,
        "reasoning_token_count": reasoning,
    }
    one = call(
        call_id=draw(NAMES),
        provider=draw(NAMES),
        model=draw(NAMES),
        task_type=draw(NAMES),
        outcome=draw(st.integers(1, 6)),
        usage=draw(st.sampled_from([usage, None])),
        cost_usd_nanos=draw(st.none() | st.integers(0, 10**15)),
        revision_count=draw(st.none() | st.integers(0, 10**9)),
        labels=draw(st.dictionaries(NAMES, MAYBE_NAMES, max_size=3)),
        ranking_id=draw(MAYBE_NAMES),
        selection_ratio=draw(st.none() | st.floats(0, 1, exclude_min=True)),
        time_to_first_token=None,
        **{name: draw(MAYBE_NAMES) for name in ("task_id", "agent", "prompt_name", "prompt_version", "error_type")},
    )
    one.latency.FromMicroseconds(latency_us)
    one.start_time.nanos = draw(st.integers(0, 999_999_999))
    if draw(st.booleans()):
        one.time_to_first_token.FromMicroseconds(draw(st.integers(0, latency_us)))
    return one


@settings(deadline=None)
@given(st.lists(sound_calls(), max_size=6))
def test_what_the_messages_carry_is_what_was_sent(calls: list[call_pb2.Call]) -> None:
    front = Front()
    assert front.record(*calls) == Recorded(len(calls), [])
    carried = list(itertools.chain.from_iterable(Carried(part.calls) for part in front.parts))
    assert carried == [in_microseconds(one) for one in calls]


def test_a_message_tells_its_batch_and_accounts_for_its_items() -> None:
    front = Front()
    recorded = front.record(call(), call(provider=None), call(call_id="c-2"), dropped=7)
    assert recorded.accepted_count == 2
    ((subject, _, headers),) = front.bus.messages
    (part,) = front.parts
    assert subject == "assay.calls.p"
    assert headers["Assay-Kind"] == "call"
    assert headers["Assay-Count"] == "3"
    assert headers["Nats-Msg-Id"].startswith("p/b-1/0/")
    assert (part.batch_id, part.part, part.part_count, part.receive_unix_us) == ("b-1", 0, 1, NOW_US)
    assert (part.rejected_count, part.client_dropped_count) == (1, 7)
    assert list(part.calls.call_ids) == ["c-1", "c-2"]
    assert part.calls.price_version == PriceBook.version


def test_a_batch_without_any_sound_call_is_published_for_its_counts() -> None:
    front = Front()
    front.record(call(provider=None), call(model=None))
    front.record(dropped=3)
    assert [(part.rejected_count, part.client_dropped_count, len(part.calls.call_ids)) for part in front.parts] == [
        (2, 0, 0),
        (0, 3, 0),
    ]
    assert [headers["Assay-Count"] for _, _, headers in front.bus.messages] == ["2", "0"]


def test_a_large_batch_is_split_and_only_the_first_part_carries_the_counts() -> None:
    front = Front()
    calls = [call(call_id=f"c-{number}", task_id=f"t-{number // 10}", agent=f"a-{number % 7}") for number in range(2_500)]
    calls[1_200] = call(latency=None)
    recorded = front.record(*calls, dropped=5)
    parts = front.parts
    assert recorded.accepted_count == 2_499
    assert [(part.part, part.part_count, len(part.calls.call_ids)) for part in parts] == [
        (0, 3, 1_000),
        (1, 3, 999),
        (2, 3, 500),
    ]
    assert [(part.rejected_count, part.client_dropped_count) for part in parts] == [(1, 5), (0, 0), (0, 0)]
    carried = list(itertools.chain.from_iterable(Carried(part.calls) for part in parts))
    assert carried == [in_microseconds(one) for one in calls if one.HasField("latency")]
    assert sum(int(headers["Assay-Count"]) for _, _, headers in front.bus.messages) == 2_500


def test_a_repeat_has_the_same_ids_whenever_it_comes_and_other_content_has_not() -> None:
    front = Front()
    calls = [call(call_id=f"c-{number}", labels={"b": "1", "a": "2"}) for number in range(1_500)]
    front.record(*calls)
    front.now_us += 3_600_000_000
    front.record(*calls)
    assert front.ids[:2] == front.ids[2:]
    assert len(set(front.ids)) == 2
    front.record(*calls[:-1])
    assert front.ids[4] == front.ids[0]
    assert front.ids[5] != front.ids[1]
    front.record(*calls, batch_id=b"b-2")
    assert len(set(front.ids)) == 5


def test_a_call_that_is_refused_for_its_time_alone_does_not_move_the_other_parts() -> None:
    front = Front()
    calls = [call(call_id=f"c-{number}") for number in range(2_100)]
    calls[1_999] = call(start_time={"seconds": NOW_S + 700})
    front.record(*calls)
    front.now_us += 300_000_000
    front.record(*calls)
    first, second = front.ids[:3], front.ids[3:]
    assert first[2] == second[2]
    assert first[1] != second[1]


def test_repeated_ids_within_a_batch_are_left_to_the_writer() -> None:
    front = Front()
    assert front.record(call(), call()).accepted_count == 2
    assert list(front.parts[0].calls.call_ids) == ["c-1", "c-1"]


def test_a_price_comes_from_the_caller_or_the_table_or_nobody() -> None:
    front = Front()
    front.record(
        call(cost_usd_nanos=5),
        call(usage={"input_token_count": 100_000}),
        call(model="made-up"),
        call(usage=None),
    )
    (part,) = front.parts
    cost = np.frombuffer(part.calls.cost_usd_nanos, "<i8").tolist()
    origin = np.frombuffer(part.calls.price_origin, "u1").tolist()
    assert origin == [PriceOrigin.CALLER, PriceOrigin.TABLE, PriceOrigin.UNKNOWN, PriceOrigin.UNKNOWN]
    assert cost == [5, 300_000_000, -1, -1]


def test_many_models_are_priced_without_holding_up_the_others() -> None:
    front = Front()
    count = MODELS_PRICED_AT_ONCE_MAX + 1

    async def record_while_ticking() -> tuple[Recorded, int]:
        calls = columns_of(*[call(call_id=f"c-{number}", model=f"made-up-{number}") for number in range(count)])
        recording = asyncio.create_task(front.ingest.record_calls("p", b"b-1", calls))
        ticks = 0
        while not recording.done():
            await asyncio.sleep(0)
            ticks += 1
        return recording.result(), ticks

    recorded, ticks = asyncio.run(record_while_ticking())
    assert recorded.accepted_count == count
    assert ticks > 3


@pytest.mark.parametrize("batch_id", [b"", b"x" * 65, b"a b", "é".encode(), b"\xff", b"a\n", b"a/b"])
def test_a_batch_needs_a_proper_id(batch_id: bytes) -> None:
    front = Front()
    with pytest.raises(AssayError) as raised:
        front.record(call(), batch_id=batch_id)
    assert (raised.value.kind, raised.value.reason) == (Kind.INVALID_ARGUMENT, "BATCH_ID_INVALID")
    assert front.bus.messages == []


@pytest.mark.parametrize("dropped", [-1, CLIENT_DROPPED_MAX + 1])
def test_a_client_cannot_have_dropped_less_than_nothing_or_more_than_there_is(dropped: int) -> None:
    with pytest.raises(AssayError) as raised:
        Front().record(call(), dropped=dropped)
    assert (raised.value.reason, raised.value.details["field"]) == ("FIELD_INVALID", "client_dropped_count")


def test_what_the_bus_refuses_is_told_and_the_same_batch_may_come_again() -> None:
    front = Front()
    front.bus.error = AssayError(Kind.RESOURCE_EXHAUSTED, "STREAM_FULL", "full", retry_after_s=5)
    with pytest.raises(AssayError) as raised:
        front.record(*[call()] * 1_500)
    assert raised.value is front.bus.error
    front.bus.error = None
    assert front.record(call()).accepted_count == 1


def test_more_than_the_bus_takes_up_is_not_held_in_memory() -> None:
    room = InFlight(bytes_max=100)
    with room.holding([b"x" * 500]):  # an idle front takes any
        with pytest.raises(AssayError) as raised, room.holding([b"x"]):
            raise AssertionError("there was no room")
        assert (raised.value.kind, raised.value.reason) == (Kind.UNAVAILABLE, "BUS_UNAVAILABLE")
        assert raised.value.retry_after_s
    with room.holding([b"x" * 60]), room.holding([b"x" * 40]):
        pass


def test_a_bus_with_too_small_messages_is_found_at_the_start() -> None:
    require_payload(limits.MESSAGE_BYTES_MAX)
    with pytest.raises(AssayError, match="max_payload") as raised:
        require_payload(limits.MESSAGE_BYTES_MAX - 1)
    assert raised.value.kind is Kind.FAILED_PRECONDITION


@settings(deadline=None)
@given(st.lists(st.builds(call, call_id=st.sampled_from(["", "a", "x" * 65]), outcome=st.integers(0, 8)), max_size=8))
def test_accepted_and_refused_are_all_that_was_sent(calls: list[call_pb2.Call]) -> None:
    front = Front()
    recorded = front.record(*calls)
    assert recorded.accepted_count + len(recorded.refusals) == len(calls)
    assert sum(len(part.calls.call_ids) + part.rejected_count for part in front.parts) == len(calls)


def test_evidence_is_checked_split_and_published() -> None:
    front = Front()
    large = [evidence(evidence_id=f"e-{number}", evaluation=None, code={"content": b"x" * 400_000}) for number in range(3)]
    recorded = front.record_evidence(evidence_request(evidence(), evidence(evidence_id=None), *large))
    assert recorded.accepted_count == 4
    assert [refusal.index for refusal in recorded.refusals] == [1]
    assert [[piece.evidence_id for piece in part.evidence.evidence] for part in front.parts] == [
        ["e-1", "e-0"],
        ["e-1"],
        ["e-2"],
    ]
    assert [(part.part, part.part_count, part.rejected_count) for part in front.parts] == [(0, 3, 1), (1, 3, 0), (2, 3, 0)]
    assert {subject for subject, _, _ in front.bus.messages} == {"assay.evidence.p"}
    assert [headers["Assay-Count"] for _, _, headers in front.bus.messages] == ["3", "1", "1"]
    assert all(headers["Assay-Kind"] == "evidence" for _, _, headers in front.bus.messages)
    assert all(len(payload) < limits.MESSAGE_BYTES_MAX for _, payload, _ in front.bus.messages)
    assert front.parts[0].evidence.evidence[0] == evidence()


def test_a_batch_that_is_refused_in_full_still_says_of_what_kind_it_is() -> None:
    front = Front()
    front.record(call(provider=None))
    front.record_evidence(evidence_request(evidence(evidence_id=None)))
    assert [part.WhichOneof("records") for part in front.parts] == ["calls", "evidence"]


def test_without_a_clock_of_its_own_it_is_now() -> None:
    bus = KeptMessages()
    now = call(start_time={"seconds": time.time_ns() // 1_000_000_000})
    assert asyncio.run(Ingest(bus, PriceBook()).record_calls("p", b"b", columns_of(now))).accepted_count == 1


def test_a_repeat_of_evidence_has_the_same_ids() -> None:
    front = Front()
    front.record_evidence(evidence_request(evidence()))
    front.now_us += 1
    front.record_evidence(evidence_request(evidence()))
    front.record_evidence(evidence_request(evidence(evidence_id="e-2")))
    assert front.ids[0] == front.ids[1] != front.ids[2]


def test_a_batch_can_be_followed_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        Front().record(call())
    (record,) = [record for record in caplog.records if record.getMessage() == "batch recorded"]
    assert record.name == "services.collector.ingest"
    with caplog.at_level(logs.TRACE):
        Front().record(call(call_id="c-77"))
    assert any("c-77" in str(vars(record)) for record in caplog.records if record.levelno == logs.TRACE)


JSON_CALL = {
    "callId": "c-1",
    "taskId": "t",
    "startTime": "2027-01-15T07:59:00.5Z",
    "latency": "2.5s",
    "timeToFirstToken": "0.25s",
    "provider": "openai",
    "model": "gpt-5",
    "taskType": "chat",
    "outcome": "CALL_OUTCOME_SUCCEEDED",
    "usage": {"inputTokenCount": "10", "outputTokenCount": 5},
    "costUsdNanos": "7",
    "revisionCount": 0,
    "labels": {"team": "x"},
    "selectionRatio": 0.5,
}


def snake_case(name: str) -> str:
    """The other spelling of a field."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def test_both_spellings_of_json_are_the_same_call() -> None:
    other: dict[str, Any] = {snake_case(name): value for name, value in JSON_CALL.items()}
    other["usage"] = {snake_case(name): value for name, value in JSON_CALL["usage"].items()}  # type: ignore[attr-defined]
    calls = [json_format.Parse(json.dumps(form), call_pb2.Call()) for form in (JSON_CALL, other)]
    assert calls[0] == calls[1]
    front = Front()
    assert front.record(*calls).accepted_count == 2
    assert [in_microseconds(one) for one in calls] == list(Carried(front.parts[0].calls))


def test_real_calls_are_taken_as_they_are() -> None:
    if not REAL_CALLS.exists():
        pytest.skip(f"{REAL_CALLS} is not there")
    with gzip.open(REAL_CALLS, "rt") as lines:
        calls = [json_format.Parse(line, call_pb2.Call()) for line in itertools.islice(lines, 4_000)]
    front = Front()
    front.now_us = calls[-1].start_time.ToMicroseconds()
    assert front.record(*calls) == Recorded(len(calls), [])
    carried = list(itertools.chain.from_iterable(Carried(part.calls) for part in front.parts))
    assert carried == [in_microseconds(one) for one in calls]


def test_unset_numbers_read_as_what_no_call_may_hold() -> None:
    columns = received(calls_request(call(), call(cost_usd_nanos=0, revision_count=0)))
    assert columns.has_cost.tolist() == columns.has_revision.tolist() == [False, True]
    assert columns.cost_usd_nanos.tolist() == columns.revision_count.tolist() == [0, 0]
    assert all(value < 0 for value in wire.NOT_SET.values())
