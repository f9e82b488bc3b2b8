"""What became of batches and where a call is."""

from collections.abc import AsyncIterator
from unittest.mock import patch

import pytest
import pytest_asyncio
from assay.collector.v1 import collector_service_pb2 as collector

from kit.bus import Bus
from kit.embedded.stack import Stack
from kit.errors import AssayError
from services.collector import streams, unstored
from tests.collector.ingest_samples import NOW_US, call, evidence
from tests.collector.reading_support import DEFAULT, OTHER, Site, reading_site, refusal


@pytest_asyncio.fixture(scope="module")
async def site(stack: Stack, bus: Bus) -> AsyncIterator[Site]:
    async with reading_site(stack, bus) as running:
        yield running


async def test_a_batch_is_not_named_until_it_is_stored(site: Site) -> None:
    batch_id = await site.feeder.publish(DEFAULT, [call(call_id="b-1"), call(call_id="b-2"), call(call_id="")])
    assert await site.batch(batch_id) is None
    await site.feeder.store()
    assert await site.batch(batch_id) == collector.BatchState(batch_id=batch_id, is_complete=True, stored_count=2, rejected_count=1)
    assert await site.batch(batch_id, OTHER) is None


async def test_a_repeat_under_another_id_brings_duplicates(site: Site) -> None:
    await site.feeder.feed(DEFAULT, [call(call_id="r-1")])
    batch_id = await site.feeder.feed(DEFAULT, [call(call_id="r-1"), call(call_id="r-2")])
    assert await site.batch(batch_id) == collector.BatchState(batch_id=batch_id, is_complete=True, stored_count=1, duplicate_count=1)


async def test_a_batch_is_complete_when_all_of_its_parts_are_stored(site: Site) -> None:
    batch_id = await site.feeder.publish(DEFAULT, [call(call_id=f"part-{number}") for number in range(2_500)], batch_id="three-parts")
    await site.feeder.store_first(1)
    some = await site.batch(batch_id)
    assert some is not None
    assert not some.is_complete
    assert 0 < some.stored_count < 2_500
    await site.feeder.store()
    assert await site.batch(batch_id) == collector.BatchState(batch_id=batch_id, is_complete=True, stored_count=2_500)


async def test_calls_and_evidence_may_share_a_batch_id(site: Site) -> None:
    await site.feeder.publish(DEFAULT, [call(call_id="shared")], batch_id="shared")
    await site.feeder.publish_evidence(DEFAULT, [evidence(evidence_id="shared", call_id="shared")], batch_id="shared")
    await site.feeder.store()
    assert await site.batch("shared") == collector.BatchState(batch_id="shared", is_complete=True, stored_count=2)


async def test_batches_are_asked_for_by_the_thousand(site: Site) -> None:
    for batch_ids, is_refused in ((["x"] * 1_000, False), (["x"] * 1_001, True), (["\0"], True), ([], False)):
        request = collector.GetBatchesRequest(batch_ids=batch_ids)
        if is_refused:
            with pytest.raises(AssayError) as refused:
                await site.rpc.get_batches(request, DEFAULT)
            assert refusal(refused) == ("FIELD_INVALID", "batch_ids")
        else:
            assert not (await site.rpc.get_batches(request, DEFAULT)).batches


async def test_a_call_is_traced_in_flight_and_when_stored(site: Site) -> None:
    await site.feeder.publish_evidence(DEFAULT, [evidence(evidence_id="early", call_id="traced")])
    await site.feeder.store()
    for number in range(3):
        await site.feeder.publish(DEFAULT, [call(call_id=f"before-{number}")])
    first = await site.feeder.publish(DEFAULT, [call(call_id="not it"), call(call_id="traced")])
    again = await site.feeder.publish(DEFAULT, [call(call_id="traced")])
    in_flight = await site.trace("traced")
    assert not in_flight.is_stored
    assert [(one.batch_id, one.part, one.HasField("store_time")) for one in in_flight.messages] == [(first, 0, False), (again, 0, False)]
    assert {one.receive_time.ToMicroseconds() for one in in_flight.messages} == {NOW_US}
    assert list(in_flight.evidence_ids) == ["early"]
    with patch.object(unstored, "SEARCH_MESSAGES_MAX", 1):
        assert [one.batch_id for one in (await site.trace("traced")).messages] == [again]
    await site.feeder.store()
    stored = await site.trace("traced")
    assert stored.is_stored
    assert [(one.batch_id, one.HasField("store_time")) for one in stored.messages] == [(first, True)]
    assert stored.messages[0].stream_sequence == in_flight.messages[0].stream_sequence
    assert list(stored.evidence_ids) == ["early"]


async def test_a_call_of_another_project_leaves_no_trace(site: Site) -> None:
    await site.feeder.publish(DEFAULT, [call(call_id="secret")])
    assert await site.trace("secret", OTHER) == collector.TraceCallResponse()
    await site.feeder.store()
    await site.feeder.feed(DEFAULT, [call(call_id="secret")])
    assert await site.trace("secret", OTHER) == collector.TraceCallResponse()


async def test_a_message_that_is_none_is_passed_over(site: Site, bus: Bus) -> None:
    await bus.publish(f"{streams.CALLS_SUBJECT}.{DEFAULT}", b"\xffbroken", {"Assay-Kind": "call", "Assay-Count": "1"})
    await site.feeder.publish(DEFAULT, [call(call_id="x-broken")])
    assert await site.trace("broken") == collector.TraceCallResponse()
    assert len((await site.trace("x-broken")).messages) == 1
    await site.feeder.store()
