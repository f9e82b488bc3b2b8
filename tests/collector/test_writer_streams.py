"""The ingest stream as the writer sees it: away, full of what comes again, or made anew."""

import asyncio
from typing import Any
from unittest.mock import patch

import pytest

from services.collector import streams
from services.collector.intake import Intake
from tests.collector.feeding import STREAM_BYTES_MAX, Feeder
from tests.collector.writing_support import (
    DEADLINE_S,
    DEFAULT,
    all_acknowledged,
    announcements,
    booked,
    call_ids,
    rows,
    running_writers,
    started,
    until,
    value,
)

pytestmark = pytest.mark.usefixtures("quick_retries")


async def test_an_acknowledgement_that_is_lost_is_no_error(feeder: Feeder) -> None:
    await feeder.publish(DEFAULT, [started(feeder, call_id="a")])
    intake = Intake(feeder.engine, feeder.bus)
    taken = await intake.take(1, DEADLINE_S)
    await intake.acknowledge(taken)
    await intake.acknowledge(taken)  # nats-py refuses to acknowledge twice
    await intake.give_back(taken)
    with patch("nats.aio.msg.Msg.is_acked", False):
        await intake.give_back(taken)


async def test_a_stream_made_anew_counts_from_one_again_and_its_messages_are_others(feeder: Feeder) -> None:
    async with running_writers(feeder, 2):
        for number in range(4):
            await feeder.publish(DEFAULT, [started(feeder, call_id=f"before-{number}")])
        await until(lambda: all_acknowledged(feeder))
        await feeder.renew_streams()
        for number in range(4):
            await feeder.publish(DEFAULT, [started(feeder, call_id=f"after-{number}")], batch_id=f"after-{number}")

        async def stored() -> bool:
            return await booked(feeder.engine) == (8, 0, 0, 0, 0, 0)

        await until(stored, "the new stream's last call")
    assert len(await call_ids(feeder.engine)) == 8
    assert await value(feeder.engine, "SELECT count(*) FROM collector.stream") == 2


async def test_a_writer_that_did_not_notice_the_new_stream_does_not_take_its_messages_for_old_ones(feeder: Feeder) -> None:
    slow, quick = (Intake(feeder.engine, feeder.bus) for _ in range(2))
    await feeder.publish(DEFAULT, [started(feeder, call_id="a")])
    (old,) = await slow.take(1, DEADLINE_S)
    await feeder.renew_streams()
    # The other one makes the consumer again, so that the slow one's requests are answered as if nothing had happened.
    assert not await quick.take(1, 0.1)
    await feeder.publish(DEFAULT, [started(feeder, call_id="b")])
    new = await slow.take(1, DEADLINE_S)
    assert (old.sequence, new[0].sequence) == (1, 1)
    assert old.stream_id != new[0].stream_id


async def test_messages_taken_as_the_stream_is_made_anew_are_of_the_one_that_is_gone(feeder: Feeder) -> None:
    intake = Intake(feeder.engine, feeder.bus)
    await feeder.publish(DEFAULT, [started(feeder, call_id="a")])
    real = intake._consumer.fetch

    async def fetch(count: int, wait_s: float) -> Any:
        found = await real(count, wait_s)
        await feeder.renew_streams()
        return found

    with patch.object(intake._consumer, "fetch", fetch):
        (old,) = await intake.take(1, DEADLINE_S)
    assert await rows(feeder.engine, "SELECT stream_id FROM collector.stream ORDER BY stream_id") == [(1,), (2,)]
    assert old.stream_id == 1


async def test_announcing_waits_until_the_bus_can_take_it(feeder: Feeder) -> None:
    await feeder.bus.jetstream.delete_stream(streams.WINDOWS)
    await feeder.publish(DEFAULT, [started(feeder, call_id="a")])
    async with announcements(feeder.bus) as heard, running_writers(feeder):

        async def stored() -> bool:
            return bool(await call_ids(feeder.engine))

        await until(stored, "the call")
        assert not await all_acknowledged(feeder)
        await feeder.bus.ensure_stream(streams.windows_stream(1))
        await until(lambda: all_acknowledged(feeder), "the acknowledgement")
    assert heard
    assert await booked(feeder.engine) == (1, 0, 0, 0, 0, 0)


async def test_the_streams_being_away_is_waited_for(feeder: Feeder) -> None:
    await feeder.bus.jetstream.delete_stream(streams.INGEST)
    async with running_writers(feeder) as (one,):
        await asyncio.sleep(0.3)
        assert not one.done()
        await feeder.bus.ensure_stream(streams.ingest_stream(STREAM_BYTES_MAX, 1))
        await feeder.publish(DEFAULT, [started(feeder, call_id="a")])
        await until(lambda: all_acknowledged(feeder))
    assert await call_ids(feeder.engine) == ["a"]
