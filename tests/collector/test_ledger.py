"""The ledger: what was received is stored, refused, known already, kept aside or in flight, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from assay.collector.v1 import collector_service_pb2 as collector

from kit import bus as kit_bus
from kit import database
from kit.bus import Bus
from kit.embedded.stack import Stack
from kit.errors import AssayError, Kind
from services.collector import streams
from services.collector.rpc_reading import ReadingRpc
from services.collector.unstored import UnstoredReader
from tests.collector.ingest_samples import NOW_S, NOW_US, call, evidence
from tests.collector.reading_support import DEFAULT, OTHER, Site, reading_site, refusal

DAY_S = 86_400
CALL = collector.RECORD_KIND_CALL
EVIDENCE = collector.RECORD_KIND_EVIDENCE


@pytest_asyncio.fixture
async def site(stack: Stack, bus: Bus) -> AsyncIterator[Site]:
    async with reading_site(stack, bus) as running:
        yield running


async def ledger(site: Site, project: str = DEFAULT, **fields: Any) -> collector.GetLedgerResponse:
    """The account, read anew."""
    rpc = ReadingRpc(site.feeder.engine, site.feeder.bus)
    return await rpc.get_ledger(collector.GetLedgerRequest(**fields), project)


def assert_balanced(response: collector.GetLedgerResponse) -> None:
    for day in [*response.days, *response.totals]:
        assert day.received_count == (
            day.stored_count + day.rejected_count + day.duplicate_count + day.dead_lettered_count + day.in_flight_count
        )


def total(response: collector.GetLedgerResponse, kind: collector.RecordKind.ValueType = CALL) -> collector.LedgerDay:
    return next((day for day in response.totals if day.kind == kind), collector.LedgerDay())


async def test_an_empty_ledger_is_empty(site: Site) -> None:
    assert await ledger(site) == collector.GetLedgerResponse()


async def test_what_is_in_flight_becomes_what_became_of_it(site: Site) -> None:
    feeder = site.feeder
    await feeder.publish(DEFAULT, [call(call_id="a"), call(call_id="a"), call(call_id="b"), call(call_id="")], client_dropped_count=5)
    await feeder.publish_evidence(DEFAULT, [evidence(call_id="a"), evidence(evidence_id="e-2", call_id="nobody"), evidence(evidence_id="")])
    await feeder.publish(OTHER, [call()])
    before = await ledger(site)
    assert [(day.kind, day.received_count, day.in_flight_count) for day in before.totals] == [(CALL, 4, 4), (EVIDENCE, 3, 3)]
    assert {day.date for day in before.days} == {datetime.now(UTC).date().isoformat()}
    assert 0 < before.lag_s < 60
    await feeder.store()
    after = await ledger(site)
    counts: dict[str, Any] = {
        "kind": CALL,
        "received_count": 4,
        "stored_count": 2,
        "duplicate_count": 1,
        "rejected_count": 1,
        "client_dropped_count": 5,
    }
    assert total(after) == collector.LedgerDay(**counts)
    counts = {"kind": EVIDENCE, "received_count": 3, "stored_count": 2, "rejected_count": 1}
    assert total(after, EVIDENCE) == collector.LedgerDay(**counts)
    assert after.days[0].date == "2027-01-15"
    assert (after.lag_s, after.waiting_evidence_count) == (0, 1)
    assert_balanced(after)


async def test_a_message_that_is_stored_but_not_acknowledged_counts_once(site: Site) -> None:
    await site.feeder.publish(DEFAULT, [call(call_id="a"), call(call_id="b")])
    await site.feeder.publish(DEFAULT, [call(call_id="c")])
    await site.feeder.store_first(1, acknowledge=False)
    response = await ledger(site)
    assert (total(response).received_count, total(response).stored_count, total(response).in_flight_count) == (3, 2, 1)
    assert response.lag_s > 0


async def test_a_message_that_cannot_be_stored_is_kept_aside_and_counted(site: Site) -> None:
    await site.feeder.publish(DEFAULT, [call(call_id="a")])
    headers = {streams.KIND_HEADER: "call", streams.COUNT_HEADER: "7"}
    await site.feeder.bus.publish(f"{streams.CALLS_SUBJECT}.{DEFAULT}", b"\xff", headers)
    assert total(await ledger(site)).in_flight_count == 8
    await site.feeder.store()
    after = await ledger(site)
    assert (total(after).received_count, total(after).stored_count, total(after).dead_lettered_count) == (8, 1, 7)
    assert_balanced(after)


async def test_nothing_is_lost_or_counted_twice_while_it_is_stored(site: Site) -> None:
    message_count, calls_each = 60, 5
    for number in range(message_count):
        await site.feeder.publish(DEFAULT, [call(call_id=f"c-{number}-{place}") for place in range(calls_each)])
    storing = asyncio.create_task(site.feeder.store())
    answers = []
    while not storing.done():
        answers.append(await ledger(site))
    await storing
    answers.append(await ledger(site))
    for answer in answers:
        assert_balanced(answer)
    assert {total(answer).received_count for answer in answers} == {message_count * calls_each}
    assert total(answers[-1]).in_flight_count == 0


async def test_days_are_whole_and_those_asked_for(site: Site) -> None:
    for day in range(3):
        site.feeder.now_us = NOW_US + day * DAY_S * 10**6
        await site.feeder.publish(DEFAULT, [call(call_id=f"c-{day}", start_time={"seconds": NOW_S})])
    await site.feeder.store()
    await site.feeder.publish(DEFAULT, [call(call_id="in-flight")])

    async def dates(**fields: Any) -> list[str]:
        response = await ledger(site, **fields)
        assert sum(day.received_count for day in response.days) == total(response).received_count
        return [day.date for day in response.days]

    today = datetime.now(UTC).date().isoformat()
    all_days = sorted(["2027-01-15", "2027-01-16", "2027-01-17", today])
    assert await dates() == all_days
    assert await dates(start_time={"seconds": NOW_S + DAY_S}, end_time={"seconds": NOW_S + DAY_S + 1}) == ["2027-01-16"]
    midnight = NOW_S // DAY_S * DAY_S + DAY_S
    assert await dates(start_time={"seconds": NOW_S}, end_time={"seconds": midnight}) == ["2027-01-15"]
    assert await dates(start_time={"seconds": -62_135_596_800}, end_time={"seconds": 253_402_300_799}) == all_days
    assert await dates(end_time={"seconds": 1}) == []
    with pytest.raises(AssayError) as refused:
        await dates(start_time={"seconds": 2}, end_time={"seconds": 1})
    assert refusal(refused) == ("FIELD_INVALID", "end_time")


async def test_a_reading_goes_on_where_the_last_one_ended(site: Site) -> None:
    reader = UnstoredReader(site.feeder.bus)

    async def sequences() -> list[int]:
        return [message.sequence for message in (await reader.scan(DEFAULT, age_max_s=0.0)).messages]

    assert await sequences() == []
    await site.feeder.publish(DEFAULT, [call(call_id="a")])
    await site.feeder.publish(OTHER, [call(call_id="b")])
    assert await sequences() == [1]
    await site.feeder.publish(DEFAULT, [call(call_id="c")])
    remembered = await reader.scan(DEFAULT, age_max_s=60.0)
    assert [message.sequence for message in remembered.messages] == [1]
    assert await sequences() == [1, 3]
    await site.feeder.store_first(1)
    assert await sequences() == [3]
    await site.feeder.store()
    assert await sequences() == []


async def test_no_more_is_read_than_the_limit(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.collector.unstored.SCAN_MESSAGES_MAX", 2)
    for number in range(5):
        await site.feeder.publish(DEFAULT, [call(call_id=f"c-{number}")])
    reader = UnstoredReader(site.feeder.bus)
    for _ in range(2):
        assert [message.sequence for message in (await reader.scan(DEFAULT, age_max_s=0.0)).messages] == [1, 2]
    await site.feeder.store_first(1)
    assert [message.sequence for message in (await reader.scan(DEFAULT, age_max_s=0.0)).messages] == [2, 3]


async def test_a_stream_that_was_made_anew_is_read_from_its_start(site: Site) -> None:
    reader = UnstoredReader(site.feeder.bus)
    for number in range(3):
        await site.feeder.publish(DEFAULT, [call(call_id=f"c-{number}")])
    assert len((await reader.scan(DEFAULT, age_max_s=0.0)).messages) == 3
    await site.feeder.store()
    await site.feeder.renew_streams()
    await site.feeder.publish(DEFAULT, [call(call_id="new")])
    assert [message.sequence for message in (await reader.scan(DEFAULT, age_max_s=0.0)).messages] == [1]
    # Sequence 1 of the stream before is booked; this one is another message.
    response = await ledger(site)
    assert (total(response).stored_count, total(response).in_flight_count) == (3, 1)


async def test_without_the_bus_or_the_database_the_ledger_is_unavailable(site: Site) -> None:
    async with kit_bus.connect("nats://127.0.0.1:1", "test") as away:
        with pytest.raises(AssayError) as refused:
            await ReadingRpc(site.feeder.engine, away).get_ledger(collector.GetLedgerRequest(), DEFAULT)
    assert (refused.value.kind, refused.value.reason) == (Kind.UNAVAILABLE, "BUS_UNAVAILABLE")
    async with database.engine("postgresql+asyncpg://nobody@127.0.0.1:1/none") as nowhere:
        with pytest.raises(AssayError) as refused:
            await ReadingRpc(nowhere, site.feeder.bus).get_ledger(collector.GetLedgerRequest(), DEFAULT)
    assert (refused.value.kind, refused.value.reason) == (Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE")
