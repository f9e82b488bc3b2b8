"""A batch on its way to the bus: what is accepted, how it is split, and what the messages account for."""

import asyncio
import itertools
import logging
import time

import numpy as np
import pytest
from assay.events.v1 import ingest_pb2
from assay.telemetry.v1 import call_pb2
from hypothesis import given
from hypothesis import strategies as st

from kit import logs
from kit.errors import AssayError, Kind
from services.collector.domain import limits
from services.collector.domain.price import PriceOrigin
from services.collector.in_flight import InFlight
from services.collector.ingest import CLIENT_DROPPED_MAX, MODELS_PRICED_AT_ONCE_MAX, Ingest, Recorded, require_payload
from services.collector.prices import PriceBook
from tests.collector.ingest_front import Carried, Front, in_microseconds
from tests.collector.ingest_samples import (
    NOW_S,
    NOW_US,
    KeptMessages,
    call,
    columns_of,
    evidence,
    evidence_request,
)


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


@given(st.lists(st.builds(call, call_id=st.sampled_from(["", "a", "x" * 65]), outcome=st.integers(0, 8)), max_size=8))
def test_accepted_and_refused_are_all_that_was_sent(calls: list[call_pb2.Call]) -> None:
    front = Front()
    recorded = front.record(*calls)
    assert recorded.accepted_count + len(recorded.refusals) == len(calls)
    assert sum(len(part.calls.call_ids) + part.rejected_count for part in front.parts) == len(calls)


def test_evidence_is_checked_split_and_published() -> None:
    front = Front()
    said = [evidence(evidence_id=f"e-{number}", evaluation=None, feedback={"comment": "x" * 4_000}) for number in range(200)]
    recorded = front.record_evidence(evidence_request(evidence(), evidence(evidence_id=None), *said))
    assert recorded.accepted_count == 201
    assert [refusal.index for refusal in recorded.refusals] == [1]
    kept = [[piece.evidence_id for piece in part.evidence.evidence] for part in front.parts]
    assert len(kept) == 2 and kept[0] + kept[1] == ["e-1", *(f"e-{number}" for number in range(200))]
    assert [(part.part, part.part_count, part.rejected_count) for part in front.parts] == [(0, 2, 1), (1, 2, 0)]
    assert {subject for subject, _, _ in front.bus.messages} == {"assay.evidence.p"}
    assert [headers["Assay-Count"] for _, _, headers in front.bus.messages] == [str(len(kept[0]) + 1), str(len(kept[1]))]
    assert all(headers["Assay-Kind"] == "evidence" for _, _, headers in front.bus.messages)
    assert all(len(payload) < limits.MESSAGE_BYTES_MAX for _, payload, _ in front.bus.messages)
    assert front.parts[0].evidence.evidence[0] == evidence()


def test_content_travels_apart_in_parts_before_what_refers_to_it() -> None:
    front = Front()
    report = bytes(range(256)) * 5_000
    piece = evidence(evaluation=None, tests={"junit_xml": report}, content_reference={"content_id": "forged"})
    too_large = evidence(evidence_id="e-2", evaluation=None, code={"content": b"x" * (limits.CONTENT_BYTES_MAX + 1)})
    assert front.record_evidence(evidence_request(piece, too_large)).accepted_count == 1
    *contents, (subject, message, _) = front.bus.messages
    (referring,) = ingest_pb2.IngestMessage.FromString(message).evidence.evidence
    reference = referring.content_reference
    assert (subject, reference.form, reference.byte_count) == ("assay.evidence.p", "junit_xml", len(report))
    assert referring.WhichOneof("kind") == "tests" and referring.tests.WhichOneof("form") is None
    assert [name for name, _, _ in contents] == [f"assay.content.p.{reference.content_id}.{part}" for part in range(3)]
    assert b"".join(payload for _, payload, _ in contents) == report
    front.now_us += 1
    front.record_evidence(evidence_request(piece, too_large))
    assert front.bus.messages[4:7] == contents  # a repeat lies where the first one lay


def test_the_same_content_of_two_pieces_is_kept_for_each() -> None:
    front = Front()
    pieces = [evidence(evidence_id=name, evaluation=None, code={"unified_diff": b"+x"}) for name in ("e-1", "e-2")]
    front.record_evidence(evidence_request(*pieces))
    assert len({subject for subject, _, _ in front.bus.messages}) == 3


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
