"""The outbox: each delivery is made, under one id, whoever ends when; and no receiver delays another."""

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text

from kit.errors import AssayError
from services.alerter.channels.http import http
from services.alerter.channels.webhook import WebhookChannel
from services.alerter.domain.notification.address import parse_networks
from services.alerter.domain.notification.delivery import (
    RETRY_AFTER_MAX_S,
    Attachment,
    AttemptResult,
    DeliveryState,
    Document,
    Refused,
    Retry,
    Sent,
    retry_time,
    shown_detail,
)
from services.alerter.domain.notification.receiver import TeamsConfig
from services.alerter.notification_upkeep import NotificationUpkeep
from services.alerter.outbox import Outbox, without_secrets
from services.alerter.secret_box import SecretBox
from services.alerter.store.deliveries import LEASE, RATE_BURST_COUNT, RECEIVER_CONCURRENCY_MAX, NewDelivery
from services.alerter.store.receivers import ReceiverStore
from tests.alerter.notify.alerts import NOW
from tests.alerter.notify.desk import PROJECT, Desk, Recorder, webhook
from tests.alerter.notify.messages import content
from tests.alerter.notify.servers import CUT, HANG, http_receiver, until


def document(n: int = 0, receiver: str = "default") -> NewDelivery:
    return NewDelivery(f"{receiver}--{n}", receiver, "", 0, "title", Document("title", "text"))


async def test_what_is_taken_is_sent_once(desk: Desk) -> None:
    await desk.add_receiver()
    files = (Attachment("a.txt", "text/plain", b"a"), Attachment("b.bin", "application/octet-stream", b"\0"))
    assert await desk.deliveries.add_document(PROJECT, [document()], files, desk.clock()) == 1
    assert await desk.deliveries.add_document(PROJECT, [document()], files, desk.clock()) == 0
    await desk.send_all()
    await desk.send_all()
    (message,) = desk.recorder.messages
    assert (message.delivery_id, message.attachments, message.text) == ("default--0", files, "text")
    assert await desk.states() == {"default 0": (DeliveryState.SENT, 1)}


async def test_a_notification_comes_out_of_the_database_as_it_went_in(desk: Desk) -> None:
    await desk.add_receiver()
    notice = content()
    async with desk.engine.begin():
        await desk.deliveries.add_document(PROJECT, [NewDelivery("d1", "default", "g", 1, "t", notice)], (), desk.clock())
    await desk.send_all()
    assert desk.recorder.messages[0].notification == notice


async def test_a_retry_waits_longer_each_time_and_the_last_is_given_up(desk: Desk) -> None:
    await desk.add_receiver()
    await desk.deliveries.add_document(PROJECT, [document()], (), desk.clock())
    desk.recorder.answer = Retry("busy", after_s=100.0)
    await desk.send_all()
    assert await desk.states() == {"default 0": (DeliveryState.WAITING, 1)}
    desk.clock.forward(99)
    await desk.send_all()
    assert len(desk.recorder.messages) == 1
    desk.clock.forward(5)
    await desk.send_all()
    desk.clock.forward(25 * 3_600)
    await desk.send_all()
    assert await desk.states() == {"default 0": (DeliveryState.DEAD, 3)}
    assert {message.delivery_id for message in desk.recorder.messages} == {"default--0"}
    attempts = (await desk.deliveries.attempts(["default--0"]))["default--0"]
    assert [(each.attempt, each.result, each.detail) for each in attempts] == [(n, AttemptResult.RETRY, "busy") for n in (1, 2, 3)]


async def test_what_was_given_up_can_be_sent_again_under_its_old_id(desk: Desk) -> None:
    await desk.add_receiver()
    await desk.deliveries.add_document(PROJECT, [document()], (), desk.clock())
    desk.recorder.answer = Refused("no")
    await desk.send_all()
    assert await desk.states() == {"default 0": (DeliveryState.DEAD, 1)}
    desk.recorder.answer = Sent()
    assert (await desk.deliveries.send_again(PROJECT, "default--0", desk.clock())).state is DeliveryState.WAITING
    await desk.send_all()
    assert await desk.states() == {"default 0": (DeliveryState.SENT, 2)}
    for delivery_id, reason in (("default--0", "DELIVERY_NOT_DEAD"), ("nothing", "DELIVERY_UNKNOWN")):
        with pytest.raises(AssayError) as refused:
            await desk.deliveries.send_again(PROJECT, delivery_id, desk.clock())
        assert refused.value.reason == reason


async def test_who_is_killed_between_sending_and_recording_sends_again_with_the_same_id(desk: Desk) -> None:
    async with http_receiver() as server, http(parse_networks("127.0.0.1")) as client:
        await desk.add_receiver(config=webhook(server.url))
        await desk.deliveries.add_document(PROJECT, [document()], (), desk.clock())
        first = desk.make_outbox({"webhook": WebhookChannel(client)})
        (claimed,) = await desk.deliveries.claim(10, desk.clock())
        assert isinstance(await first._result(claimed), Sent)  # and here the process ends: nothing is recorded
        await desk.send_all(desk.make_outbox({"webhook": WebhookChannel(client)}))
        assert len(server.requests) == 1  # the lease holds
        desk.clock.forward(LEASE.total_seconds() + 1)
        await desk.send_all(desk.make_outbox({"webhook": WebhookChannel(client)}))
        assert not await desk.deliveries.record(claimed, Sent(), None, 0.1, desk.clock())  # the first one comes too late
    assert [request.headers["webhook-id"] for request in server.requests] == ["default--0"] * 2
    assert await desk.states() == {"default 0": (DeliveryState.SENT, 2)}
    attempts = (await desk.deliveries.attempts(["default--0"]))["default--0"]
    assert attempts[1].result is AttemptResult.SENT


@pytest.mark.parametrize(
    "script", [[CUT, (200, {}, b"")], [(500, {}, b""), (200, {}, b"")], [(429, {"Retry-After": "1"}, b""), (200, {}, b"")]]
)
async def test_a_receiver_that_stumbles_gets_it_in_the_end(desk: Desk, script: list[Any]) -> None:
    async with http_receiver(*script) as server, http(parse_networks("127.0.0.1")) as client:
        await desk.add_receiver(config=webhook(server.url))
        await desk.deliveries.add_document(PROJECT, [document()], (), desk.clock())
        outbox = desk.make_outbox({"webhook": WebhookChannel(client)})
        await desk.send_all(outbox)
        desk.clock.forward(10)
        await desk.send_all(outbox)
    assert await desk.states() == {"default 0": (DeliveryState.SENT, 2)}
    assert len({request.headers["webhook-id"] for request in server.requests}) == 1


async def test_a_receiver_that_hangs_delays_no_other_and_holds_few_places(desk: Desk) -> None:
    async with http_receiver(HANG) as hanging, http_receiver() as quick, http(parse_networks("127.0.0.1")) as client:
        await desk.add_receiver("hanging", config=webhook(hanging.url))
        await desk.add_receiver("quick", config=webhook(quick.url))
        new = [document(n, name) for n in range(8) for name in ("hanging", "quick")]
        await desk.deliveries.add_document(PROJECT, new, (), desk.clock())
        outbox = desk.make_outbox({"webhook": WebhookChannel(client)})
        stop = asyncio.Event()
        job = asyncio.create_task(outbox.run(stop))
        await until(lambda: len(quick.requests) == 8)
        await until(lambda: len(hanging.requests) == RECEIVER_CONCURRENCY_MAX)
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
    assert len(hanging.requests) == RECEIVER_CONCURRENCY_MAX


async def test_messages_of_a_thread_keep_their_order_and_know_the_first(desk: Desk) -> None:
    await desk.add_receiver()
    notices = [NewDelivery(f"d{n}", "default", "g", n, "t", content()) for n in (1, 2)]
    await desk.deliveries.add_document(PROJECT, [*notices, document(9)], (), desk.clock())
    desk.recorder.answer = Retry("busy")
    await desk.send_all()
    assert {message.delivery_id for message in desk.recorder.messages} == {"d1", "default--9"}
    desk.recorder.answer = Sent(reference="C1/1.0")
    desk.clock.forward(60)
    await desk.send_all()
    sent = {message.delivery_id: message.reference for message in desk.recorder.messages}
    assert sent == {"d1": "", "d2": "C1/1.0", "default--9": ""}


async def test_a_receiver_gets_no_more_than_its_rate(desk: Desk) -> None:
    await desk.add_receiver(rate_per_min=6)
    await desk.deliveries.add_document(PROJECT, [document(n) for n in range(40)], (), desk.clock())
    counts = []
    for _ in range(3):
        await desk.send_all()
        counts.append(len(desk.recorder.messages))
        desk.clock.forward(60)
    assert counts[0] in range(RATE_BURST_COUNT, RATE_BURST_COUNT + 3)
    assert [after - before for before, after in pairwise(counts)] == [6, 6]


async def test_many_workers_send_each_delivery_once(desk: Desk) -> None:
    for n in range(6):
        await desk.add_receiver(f"r{n}", rate_per_min=600)
    await desk.deliveries.add_document(PROJECT, [document(n, f"r{n % 6}") for n in range(48)], (), desk.clock())
    recorders = [Recorder() for _ in range(4)]
    await asyncio.gather(*(desk.send_all(desk.make_outbox({"teams": recorder})) for recorder in recorders))
    await desk.send_all()
    ids = [message.delivery_id for recorder in (*recorders, desk.recorder) for message in recorder.messages]
    assert len(ids) == len(set(ids)) == 48


async def test_what_waits_for_a_receiver_that_is_gone_is_given_up_and_old_ones_are_forgotten(desk: Desk) -> None:
    await desk.add_receiver()
    await desk.deliveries.add_document(PROJECT, [document()], (), desk.clock())
    await desk.receivers.delete(PROJECT, "default", "key", desk.clock())
    await desk.upkeep.tidy()
    assert await desk.states() == {"default 0": (DeliveryState.DEAD, 0)}
    desk.clock.forward(timedelta(days=31).total_seconds())
    await desk.upkeep.tidy()
    assert await desk.states() == {}


async def test_secrets_are_sealed_in_the_database_and_anew_with_a_new_key(desk: Desk) -> None:
    from cryptography.fernet import Fernet

    from tests.alerter.notify.desk import KEY

    await desk.add_receiver()
    newer = Fernet.generate_key().decode()
    async with desk.engine.connect() as connection:
        row = (await connection.execute(text("SELECT CAST(receiver AS text), secrets FROM alerter.receiver"))).one()
    assert "s3cr3t" not in row[0] and b"s3cr3t" not in row[1]
    both = ReceiverStore(desk.engine, SecretBox([newer, KEY]))
    assert (await both.seal_anew(), await both.seal_anew()) == (1, 0)
    only_new = ReceiverStore(desk.engine, SecretBox([newer]))
    assert (await only_new.get(PROJECT, "default")).receiver.config == TeamsConfig("https://teams.test/s3cr3t")


async def test_without_the_key_deliveries_wait_and_say_why(desk: Desk) -> None:
    from cryptography.fernet import Fernet

    await desk.add_receiver()
    await desk.deliveries.add_document(PROJECT, [document()], (), desk.clock())
    other = ReceiverStore(desk.engine, SecretBox([Fernet.generate_key().decode()]))
    outbox = Outbox(desk.deliveries, other, {"teams": desk.recorder}, clock=desk.clock)
    await desk.send_all(outbox)
    await NotificationUpkeep(desk.deliveries, other, desk.silences, timedelta(days=30), desk.clock).tidy()
    (attempt,) = (await desk.deliveries.attempts(["default--0"]))["default--0"]
    assert attempt.result is AttemptResult.RETRY and "ASSAY_SECRETS_KEY" in attempt.detail
    assert desk.recorder.messages == []


async def test_a_mistake_of_ours_stops_nothing_else(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> Any:
        raise ZeroDivisionError("s3cr3t")

    await desk.add_receiver()
    await desk.deliveries.add_document(PROJECT, [document()], (), desk.clock())
    desk.recorder.answer = broken
    await desk.send_all()
    (attempt,) = (await desk.deliveries.attempts(["default--0"]))["default--0"]
    assert attempt.result is AttemptResult.RETRY and "ZeroDivisionError" in attempt.detail and "s3cr3t" not in attempt.detail


async def test_what_a_receiver_echoes_of_its_secrets_is_hidden(desk: Desk) -> None:
    receiver = await desk.add_receiver()
    for result in (
        Sent(detail="to https://teams.test/s3cr3t"),
        Retry("at https://teams.test/s3cr3t"),
        Refused("https://teams.test/s3cr3t"),
    ):
        assert "s3cr3t" not in repr(without_secrets(result, receiver))


def test_waits_double_up_to_a_quarter_of_an_hour_and_end_after_a_day() -> None:
    def wait_s(attempt: int, chance: float = 1.0, after_s: float | None = None) -> float:
        time = retry_time(Retry("x", after_s), attempt, NOW, NOW, chance)
        assert time is not None
        return (time - NOW).total_seconds()

    assert [wait_s(attempt) for attempt in (1, 2, 3, 8, 9, 999)] == [5, 10, 20, 640, 900, 900]
    assert (wait_s(1, 0.0), wait_s(1, 1.0, 60.0), wait_s(1, 1.0, 1e9)) == (2.5, 60.0, RETRY_AFTER_MAX_S)
    assert retry_time(Retry("x"), 1, NOW, NOW + timedelta(days=1), 0.5) is None


def test_a_detail_is_one_short_line() -> None:
    assert shown_detail("a\nb\x00") == "a b " and len(shown_detail("x" * 999)) == 300


async def test_the_workers_go_on_after_the_database_was_away_and_end_with_their_tries(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.add_receiver()
    await desk.deliveries.add_document(PROJECT, [document(n) for n in range(3)], (), desk.clock())
    monkeypatch.setattr("services.alerter.outbox.POLL_S", 0.01)
    monkeypatch.setattr("services.alerter.notification_upkeep.EVERY_S", 0.01)
    real_claim, real_give_up, failures = desk.deliveries.claim, desk.deliveries.give_up_orphans, [ConnectionResetError() for _ in range(4)]
    tidied = []

    async def claim(*parts: Any) -> Any:
        if failures:
            raise failures.pop()
        return await real_claim(*parts)

    async def give_up(now: Any) -> int:
        if failures:
            raise failures.pop()
        tidied.append(True)
        return await real_give_up(now)

    monkeypatch.setattr(desk.deliveries, "claim", claim)
    monkeypatch.setattr(desk.deliveries, "give_up_orphans", give_up)
    stop = asyncio.Event()
    jobs = [asyncio.create_task(job(stop)) for job in (desk.outbox.run, desk.upkeep.run)]
    await until(lambda: len(desk.recorder.messages) == 3 and bool(tidied))
    stop.set()
    await asyncio.gather(*jobs)
    assert await desk.states() == {"default 0": (DeliveryState.SENT, 1)}


@pytest.mark.parametrize("error", [ConnectionResetError("away"), ZeroDivisionError("ours")])
async def test_a_result_that_cannot_be_kept_is_told_again_when_the_lease_ends(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    await desk.add_receiver()
    await desk.deliveries.add_document(PROJECT, [document()], (), desk.clock())

    async def lost(*_parts: Any) -> bool:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(desk.deliveries, "record", lost)
        await desk.send_all()
    desk.clock.forward(LEASE.total_seconds() + 1)
    await desk.send_all()
    assert [message.delivery_id for message in desk.recorder.messages] == ["default--0"] * 2
    assert await desk.states() == {"default 0": (DeliveryState.SENT, 2)}


async def test_a_database_that_is_away_while_a_message_is_made_is_no_mistake(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.add_receiver()
    await desk.deliveries.add_document(PROJECT, [document()], (), desk.clock())

    async def away(_delivery_id: str) -> Any:
        raise ConnectionResetError

    monkeypatch.setattr(desk.deliveries, "attachments", away)
    await desk.send_all()
    (attempt,) = (await desk.deliveries.attempts(["default--0"]))["default--0"]
    assert attempt.result is AttemptResult.RETRY and "database" in attempt.detail


async def test_a_channel_that_never_ends_is_left(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.alerter.outbox.TRY_TIMEOUT_S", 0.05)
    await desk.add_receiver()
    await desk.deliveries.add_document(PROJECT, [document()], (), desk.clock())
    desk.recorder.answer = asyncio.Event().wait
    await desk.send_all()
    assert await desk.states() == {"default 0": (DeliveryState.WAITING, 1)}
