"""LinkService: looking at a link changes nothing, using it does, once."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import grpc.aio
import pytest
import pytest_asyncio
from assay.alerter.v1 import link_service_pb2 as contract
from assay.alerter.v1.link_service_pb2_grpc import LinkServiceStub
from google.protobuf.duration_pb2 import Duration

from kit import rpc
from kit.bus import Bus
from kit.errors import AssayError
from kit.health import Readiness
from services.alerter import streams
from services.alerter.domain.alert import AlertState
from services.alerter.domain.notification.link_token import LinkAction, LinkClaim, sign
from services.alerter.rpc_links import LinkServicer
from services.alerter.store.alerts import AlertStore
from tests.alerter.notify.desk import PROJECT, Desk
from tests.alerter.notify.test_notifier import kept


@pytest_asyncio.fixture
async def channel(desk: Desk, bus: Bus) -> AsyncIterator[grpc.aio.Channel]:
    """The service, on the keys of the desk."""
    await bus.ensure_stream(streams.alerts_stream(1))
    servicer = LinkServicer(desk.engine, AlertStore(desk.engine), desk.silences, bus, desk.box.link_keys)
    options: dict[str, Any] = {"service_names": [servicer.service_name], "readiness": Readiness(), "log_guard": None}
    async with rpc.serve("127.0.0.1:0", [servicer.add_to], **options) as address, rpc.connect(address) as made:
        yield made


async def told_token(desk: Desk, action: LinkAction) -> str:
    """The token in a message about two alerts."""
    await desk.add_receiver()
    await desk.set_alerts(kept(model="a"), kept(model="b"))
    await desk.notifier.look_at_all()
    desk.clock.forward(3)
    await desk.notifier.look_at_all()
    await desk.send_all()
    content = desk.recorder.messages[0].notification
    assert content is not None
    return (content.acknowledge_url if action is LinkAction.ACKNOWLEDGE else content.silence_url).rpartition("/")[2]


async def states(desk: Desk) -> set[AlertState]:
    return {alert.state for alert in await AlertStore(desk.engine).unresolved(PROJECT)}


async def test_only_using_a_link_acknowledges(desk: Desk, channel: grpc.aio.Channel) -> None:
    stub = LinkServiceStub(channel)
    token = await told_token(desk, LinkAction.ACKNOWLEDGE)
    for _ in range(2):  # as scanners of mail do
        seen = await stub.GetLink(contract.GetLinkRequest(token=token))
        assert (seen.action, seen.alert_count, dict(seen.labels)["alertname"]) == (contract.LINK_ACTION_ACKNOWLEDGE, 2, "slow")
    assert await states(desk) == {AlertState.FIRING}
    used = await stub.UseLink(contract.UseLinkRequest(token=token, actor_name="Ann"))
    assert (used.alert_count, used.remaining_count) == (2, 0)
    assert await states(desk) == {AlertState.ACKNOWLEDGED}
    assert (await AlertStore(desk.engine).unresolved(PROJECT))[0].acknowledged_by == "default (link) Ann"
    assert (await stub.UseLink(contract.UseLinkRequest(token=token))).alert_count == 0


async def test_a_link_silences_the_group_once(desk: Desk, channel: grpc.aio.Channel) -> None:
    stub = LinkServiceStub(channel)
    token = await told_token(desk, LinkAction.SILENCE)
    for _ in range(2):
        used = await stub.UseLink(contract.UseLinkRequest(token=token, silence_duration=Duration(seconds=600)))
        assert used.alert_count == 2
    (silence,) = await desk.silences.list_silences(PROJECT, not_over_before=None, after="", limit=10)
    assert list(map(str, silence.matchers)) == ['alertname="slow"', 'provider="openai"']
    assert silence.end_time - silence.start_time == timedelta(minutes=10)


async def test_a_link_that_does_not_hold_does_nothing(desk: Desk, channel: grpc.aio.Channel) -> None:
    stub = LinkServiceStub(channel)
    token = await told_token(desk, LinkAction.SILENCE)
    now, key = desk.clock(), desk.box.link_keys[0]
    claim = LinkClaim(LinkAction.SILENCE, PROJECT, "gone", "default", now + timedelta(hours=1))
    cases = {
        "LINK_INVALID": f"{token}x",
        "LINK_EXPIRED": sign(replace(claim, expire_time=now - timedelta(hours=1)), key),
        "GROUP_OVER": sign(claim, key),
    }
    for reason, wrong in cases.items():
        for call in (stub.GetLink(contract.GetLinkRequest(token=wrong)), stub.UseLink(contract.UseLinkRequest(token=wrong))):
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await call
            error = rpc.error_of(refused.value)
            assert isinstance(error, AssayError) and error.reason == reason
    assert await desk.silences.list_silences(PROJECT, not_over_before=None, after="", limit=10) == []
