"""Documents and deliveries as the callers of ReceiverService see them."""

from typing import Any

import pytest
from assay.alerter.v1 import receiver_service_pb2 as contract

from kit import paging
from services.alerter.domain.notification.delivery import Refused
from tests.alerter.notify.calling import CONFIGS, Caller


async def test_a_document_is_delivered_once_to_each_and_its_tries_are_listed(call: Caller) -> None:
    for name in ("a", "b"):
        await call("CreateReceiver", receiver=contract.Receiver(receiver_id=name, teams=CONFIGS["teams"]))
    fields: dict[str, Any] = {
        "delivery_id": "week-47", "receiver_ids": ["a", "b", "a"], "subject": "Week 47", "text": "All is well.",
        "attachments": [contract.Attachment(name="w.csv", content_type="text/csv", content=b"a")],
    }  # fmt: skip
    first = (await call("Deliver", "operator", **fields)).deliveries
    again = (await call("Deliver", "operator", **fields)).deliveries
    assert [each.receiver_id for each in first] == ["a", "b"] and list(first) == list(again)
    assert await call.refusal("Deliver", "operator", **(fields | {"text": "Other."})) == "DELIVERY_EXISTS"
    call.desk.recorder.answer = Refused("no")
    await call.desk.send_all()
    assert len(call.desk.recorder.messages) == 2
    page = await call("ListDeliveries", "reader", page_size=1, state=contract.DELIVERY_STATE_DEAD)
    rest = await call("ListDeliveries", "reader", page_size=1, state=contract.DELIVERY_STATE_DEAD, page_token=page.next_page_token)
    (listed,) = page.deliveries
    assert {listed.receiver_id, rest.deliveries[0].receiver_id} == {"a", "b"} and rest.next_page_token == ""
    assert [(each.attempt, each.result, each.detail) for each in listed.attempts] == [(1, contract.ATTEMPT_RESULT_REFUSED, "no")]
    assert len((await call("ListDeliveries", "reader", receiver_id="a")).deliveries) == 1
    waiting = (await call("RetryDelivery", "operator", delivery_id=listed.delivery_id)).delivery
    assert waiting.state == contract.DELIVERY_STATE_WAITING and waiting.delivery_id == listed.delivery_id
    assert await call.refusal("RetryDelivery", "operator", delivery_id="nothing") == "DELIVERY_UNKNOWN"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"delivery_id": "a b"}, "delivery_id"),
        ({"receiver_ids": []}, "receiver_ids"),
        ({"receiver_ids": ["nobody"]}, "RECEIVER_UNKNOWN"),
        ({"subject": "a\nBcc: b"}, "subject"),
        ({"text": ""}, "text"),
        ({"html": "x" * 1_000_001}, "html"),
        ({"attachments": [contract.Attachment(name="../x", content_type="text/csv")]}, "attachments"),
        ({"attachments": [contract.Attachment(name="x", content_type="text/csv\r\nX: y")]}, "attachments"),
        ({"attachments": [contract.Attachment(name="x", content_type="multipart/mixed")]}, "attachments"),
        ({"attachments": [contract.Attachment(name="x", content_type="text/csv")] * 11}, "attachments"),
    ],
)
async def test_a_document_that_cannot_be_delivered_is_refused(call: Caller, change: dict[str, Any], field: str) -> None:
    await call("CreateReceiver", receiver=contract.Receiver(receiver_id="r", teams=CONFIGS["teams"]))
    fields = {"delivery_id": "d", "receiver_ids": ["r"], "subject": "s", "text": "t"} | change
    assert await call.refusal("Deliver", "operator", **fields) == field


async def test_lists_of_deliveries_are_asked_for_rightly(call: Caller) -> None:
    assert await call.refusal("ListDeliveries", state=9) == "state"
    for position in (["x", "y"], ["2026-01-01", "y"], 3):
        token = paging.encode_token("deliveries default 0 ", position)  # type: ignore[arg-type]
        assert await call.refusal("ListDeliveries", page_token=token) == "page_token"
