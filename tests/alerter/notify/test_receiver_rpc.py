"""Receivers as the callers of ReceiverService see them."""

import hashlib
import json
from typing import Any

import pytest
from assay.alerter.v1 import receiver_service_pb2 as contract
from google.protobuf.json_format import MessageToJson

from kit.errors import AssayError
from services.alerter.domain.notification.delivery import Refused, Retry, Sent
from tests.alerter.notify.calling import CONFIGS, EMAIL, SECRET, SECRET_FIELDS, Caller
from tests.alerter.notify.desk import PROJECT


@pytest.mark.parametrize("kind", CONFIGS)
async def test_secrets_go_in_and_never_come_out(call: Caller, kind: str) -> None:
    wanted = contract.Receiver(receiver_id="r", display_name="The team", **{kind: CONFIGS[kind]})
    made = (await call("CreateReceiver", receiver=wanted)).receiver
    again = (await call("CreateReceiver", receiver=wanted)).receiver
    got = (await call("GetReceiver", "reader", receiver_id="r")).receiver
    (listed,) = (await call("ListReceivers", "reader")).receivers
    assert made == got == listed and again.version == 1
    assert list(made.secrets_set) == SECRET_FIELDS[kind] and made.updated_by == "admin"
    for message in (made, again, got, listed):
        assert SECRET not in MessageToJson(message) and b"AAAA" not in message.SerializeToString()
    shown = contract.Receiver(receiver_id="r", display_name="Others", **{kind: getattr(made, kind)})
    changed = (await call("UpdateReceiver", receiver=shown, expected_version=1)).receiver
    assert (changed.version, changed.display_name, list(changed.secrets_set)) == (2, "Others", SECRET_FIELDS[kind])
    stored = (await call.desk.receivers.get(PROJECT, "r")).receiver
    assert SECRET in str(getattr(stored.config, SECRET_FIELDS[kind][-1]))
    assert SECRET not in repr(stored)
    assert await call.refusal("UpdateReceiver", receiver=shown, expected_version=1) == "RECEIVER_CHANGED"


async def test_a_kept_secret_is_not_sent_to_another_place(call: Caller) -> None:
    await call("CreateReceiver", receiver=contract.Receiver(receiver_id="m", email=EMAIL))
    await call("CreateReceiver", receiver=contract.Receiver(receiver_id="w", webhook=CONFIGS["webhook"]))
    elsewhere = contract.EmailConfig(host="evil.test", sender="a@example.com", recipients=["b@example.com"], username="u")
    hook = contract.WebhookConfig(url="https://evil.test")
    for edited in (contract.Receiver(receiver_id="m", email=elsewhere), contract.Receiver(receiver_id="w", webhook=hook)):
        with pytest.raises(AssayError) as refused:
            await call("UpdateReceiver", receiver=edited)
        assert refused.value.reason == "SECRET_NEEDED_AGAIN"
        with pytest.raises(AssayError):
            await call("TestReceiver", receiver=edited)
    elsewhere.password = "another"
    assert (await call("UpdateReceiver", receiver=contract.Receiver(receiver_id="m", email=elsewhere))).receiver.email.host == "evil.test"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"receiver_id": "R!"}, "receiver_id"),
        ({"display_name": "x" * 129}, "display_name"),
        ({"rate_per_min": 601}, "rate_per_min"),
        ({"subject_template": "{% set x = 1 %}"}, "subject_template"),
        ({"email": contract.EmailConfig(host="h", sender="a@b.c", recipients=["x\r\n"])}, "recipients"),
        ({"email": contract.EmailConfig(host="h", sender="a@b.c", recipients=["a@b.c"], security=9)}, "security"),  # type: ignore[arg-type]
        ({"slack": contract.SlackConfig()}, "slack"),
        ({"slack": contract.SlackConfig(bot_token="x")}, "channel"),
        ({"webhook": contract.WebhookConfig(url="ftp://x")}, "url"),
        ({"webhook": contract.WebhookConfig(url="https://user:pass@example.com")}, "url"),
        ({"webhook": contract.WebhookConfig(url="https://example.com:99999")}, "url"),
        ({"webhook": contract.WebhookConfig(url="https://x", form=9)}, "form"),  # type: ignore[arg-type]
        ({"webhook": contract.WebhookConfig(url="https://x", signing_secrets=["whsec_short"])}, "signing_secrets"),
        ({"webhook": contract.WebhookConfig(url="https://x", signing_secrets=["whsec_" + "A" * 32] * 4)}, "signing_secrets"),
        ({"webhook": contract.WebhookConfig(url="https://x", authorization="a\r\nb")}, "authorization"),
        ({"pager_duty": contract.PagerDutyConfig()}, "routing_key"),
        ({"teams": contract.TeamsConfig(webhook_url="nothing")}, "webhook_url"),
        ({"teams": None}, "config"),
    ],
)
async def test_a_receiver_that_cannot_be_is_refused(call: Caller, fields: dict[str, Any], field: str) -> None:
    kinds = set(CONFIGS) & set(fields)
    values = {"receiver_id": "r"} | ({} if kinds else {"teams": CONFIGS["teams"]}) | fields
    assert await call.refusal("CreateReceiver", receiver=contract.Receiver(**values)) == field


async def test_receivers_are_paged_and_deleted_when_no_route_names_them(call: Caller) -> None:
    for name in ("a", "b", "c"):
        await call("CreateReceiver", receiver=contract.Receiver(receiver_id=name, teams=CONFIGS["teams"]))
    first = await call("ListReceivers", page_size=2)
    rest = await call("ListReceivers", page_size=2, page_token=first.next_page_token)
    assert [each.receiver_id for each in (*first.receivers, *rest.receivers)] == ["a", "b", "c"] and rest.next_page_token == ""
    await call("UpdateNotificationPolicy", policy=contract.NotificationPolicy(root=contract.Route(receiver_id="a")))
    assert await call.refusal("DeleteReceiver", receiver_id="a") == "RECEIVER_IN_USE"
    await call("DeleteReceiver", receiver_id="b")
    assert await call.refusal("GetReceiver", receiver_id="b") == "RECEIVER_UNKNOWN"
    assert await call.refusal("DeleteReceiver", receiver_id="b") == "RECEIVER_UNKNOWN"
    other = contract.Receiver(receiver_id="a", teams=contract.TeamsConfig(webhook_url="https://other.test"))
    assert await call.refusal("CreateReceiver", receiver=other) == "RECEIVER_EXISTS"
    assert await call.refusal("ListReceivers", page_token="garbage") == "page_token"


@pytest.mark.parametrize(
    ("key", "method"),
    [
        ("operator", "CreateReceiver"), ("operator", "UpdateReceiver"), ("operator", "DeleteReceiver"),
        ("operator", "UpdateNotificationPolicy"), ("reader", "Deliver"), ("reader", "RetryDelivery"), ("reader", "TestReceiver"),
        ("reader", "CreateSilence"), ("reader", "UpdateSilence"),
    ],
)  # fmt: skip
async def test_who_may_not_does_not(call: Caller, key: str, method: str) -> None:
    assert await call.refusal(method, key) == "ROLE_MISSING"
    assert await call.refusal(method, "stranger") == "KEY_INVALID"
    assert await call.refusal(method, key, project="another") == "ROLE_MISSING"
    assert await call.refusal(method, "admin", project="another") == "PROJECT_FORBIDDEN"


async def test_a_test_sends_a_sample_and_tells_what_became_of_it(call: Caller) -> None:
    await call("CreateReceiver", receiver=contract.Receiver(receiver_id="r", teams=CONFIGS["teams"]))
    answers = [
        (Sent(detail="taken"), contract.ATTEMPT_RESULT_SENT, "taken"),
        (Refused(f"no {SECRET}"), contract.ATTEMPT_RESULT_REFUSED, "no ***"),
        (Retry("busy"), contract.ATTEMPT_RESULT_RETRY, "busy"),
    ]
    for answer, result, detail in answers:
        call.desk.recorder.answer = answer
        if isinstance(answer, Refused):
            call.desk.recorder.answer = Refused(f"no https://teams.test/{SECRET}")
        tested = await call("TestReceiver", "operator", receiver_id="r")
        assert (tested.result, tested.detail) == (result, detail)
    edited = contract.Receiver(receiver_id="new", pager_duty=CONFIGS["pager_duty"])
    assert (await call("TestReceiver", receiver=edited)).result == contract.ATTEMPT_RESULT_RETRY
    assert await call.refusal("TestReceiver", "operator", receiver=edited) == "ROLE_MISSING"
    assert "sample" in call.desk.recorder.messages[0].text and await call.desk.states() == {}


async def test_no_secret_is_logged_while_receivers_are_kept_and_used(call: Caller, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    for kind, config in CONFIGS.items():
        name = hashlib.sha256(kind.encode()).hexdigest()[:8]
        await call("CreateReceiver", receiver=contract.Receiver(receiver_id=name, **{kind: config}))
        await call("TestReceiver", receiver_id=name)
        await call("Deliver", delivery_id=kind, receiver_ids=[name], subject="s", text="t")
    call.desk.recorder.answer = Retry(json.dumps({"echo": SECRET}))
    await call.desk.send_all()
    deliveries = (await call("ListDeliveries")).deliveries
    assert len(deliveries) == len(CONFIGS) and SECRET not in caplog.text
    assert all(SECRET not in attempt.detail for each in deliveries for attempt in each.attempts if "teams" not in each.receiver_id)
