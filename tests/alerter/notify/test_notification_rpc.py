"""SilenceService and ReceiverService as their callers see them."""

import hashlib
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import grpc.aio
import pytest
import pytest_asyncio
from assay.alerter.v1 import receiver_service_pb2 as contract
from assay.alerter.v1 import receiver_service_pb2_grpc, silence_service_pb2, silence_service_pb2_grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToJson
from google.protobuf.timestamp_pb2 import Timestamp

from kit import rpc
from kit.access import Guard, Identity, Role, key_invalid
from kit.errors import AssayError
from kit.health import Readiness
from services.alerter.domain.notification.delivery import Refused, Retry, Sent
from services.alerter.messages.policy_messages import configuration_from_definition
from services.alerter.rpc_receivers import NotificationStores, ReceiverServicer
from services.alerter.rpc_silences import SilenceServicer
from services.alerter.store.alerts import AlertStore
from services.alerter.store.rules import RuleStore
from tests.alerter.notify.conftest import PROJECT, Desk
from tests.alerter.notify.test_notifier import kept

KEYS = {"reader": Role.READ, "operator": Role.OPERATE, "admin": Role.ADMIN}
SECRET = "s3cr3t-value"


class Keys:
    """Whose keys are: each name is a role of the project."""

    async def check(self, secret: str) -> Identity:
        """Raises KEY_INVALID."""
        if secret not in KEYS:
            raise key_invalid()
        return Identity(secret, PROJECT, frozenset({KEYS[secret]}), None)


class Caller:
    """Calls either service with a key."""

    def __init__(self, channel: grpc.aio.Channel, desk: Desk) -> None:
        self.desk = desk
        self._stubs = (receiver_service_pb2_grpc.ReceiverServiceStub(channel), silence_service_pb2_grpc.SilenceServiceStub(channel))

    async def __call__(self, method: str, key: str = "admin", **fields: Any) -> Any:
        """The answer; raises what the service refused with."""
        stub, module = (self._stubs[1], silence_service_pb2) if "Silence" in method else (self._stubs[0], contract)
        request = getattr(module, f"{method}Request")(**fields)
        try:
            return await getattr(stub, method)(request, metadata=(("authorization", f"Bearer {key}"),), timeout=60)
        except grpc.aio.AioRpcError as error:
            raise rpc.error_of(error) from error

    async def refusal(self, method: str, key: str = "admin", **fields: Any) -> str:
        """The reason of a refusal, or the field that is invalid."""
        with pytest.raises(AssayError) as refused:
            await self(method, key, **fields)
        assert SECRET not in f"{refused.value.message} {dict(refused.value.details)}"
        return refused.value.details.get("field", refused.value.reason)


@pytest_asyncio.fixture
async def call(desk: Desk) -> AsyncIterator[Caller]:
    """Both services, served."""
    guard, rules = Guard(Keys()), RuleStore(desk.engine)
    desk.outbox = desk.make_outbox(dict.fromkeys(("email", "slack", "webhook", "pager_duty", "teams"), desk.recorder))
    served = (
        SilenceServicer(guard, rules, desk.silences, AlertStore(desk.engine)),
        ReceiverServicer(guard, NotificationStores(rules, desk.receivers, desk.policies, desk.deliveries), desk.outbox),
    )
    names = [each.service_name for each in served]
    async with (
        rpc.serve("127.0.0.1:0", [each.add_to for each in served], service_names=names, readiness=Readiness(), log_guard=guard) as address,
        rpc.connect(address) as channel,
    ):
        yield Caller(channel, desk)


EMAIL = contract.EmailConfig(host="mail.test", sender="a@example.com", recipients=["b@example.com"], username="u", password=SECRET)
CONFIGS: dict[str, Any] = {
    "email": EMAIL,
    "slack": contract.SlackConfig(bot_token=SECRET, channel="C1"),
    "webhook": contract.WebhookConfig(url="https://example.com", signing_secrets=["whsec_" + "A" * 32], authorization=SECRET),
    "pager_duty": contract.PagerDutyConfig(routing_key=SECRET),
    "teams": contract.TeamsConfig(webhook_url=f"https://teams.test/{SECRET}"),
}
SECRET_FIELDS = {
    "email": ["password"],
    "slack": ["bot_token"],
    "webhook": ["signing_secrets", "authorization"],
    "pager_duty": ["routing_key"],
    "teams": ["webhook_url"],
}


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


def policy() -> contract.NotificationPolicy:
    """A policy that uses everything."""
    return contract.NotificationPolicy(
        root=contract.Route(
            receiver_id="r",
            group_by=contract.LabelNames(names=["alertname"]),
            group_wait=Duration(seconds=5),
            escalation_policy="p",
            routes=[contract.Route(matchers=['severity="INFO"'], mute_times=["night"], repeat_factor_max=1.0, continues=True)],
        ),
        inhibition_rules=[contract.InhibitionRule(source_matchers=["a=b"], target_matchers=["c=d"], equal=["e"])],
        mute_times=[
            contract.MuteTime(name="night", time_zone="Europe/Berlin", intervals=[contract.MuteInterval(weekdays=[1, 7], start_min=1_320)])
        ],
        escalation_policies=[
            contract.EscalationPolicy(
                name="p", steps=[contract.EscalationStep(delay=Duration(seconds=60), receiver_ids=["r"], rotas=["o"])]
            )
        ],
        rotas=[contract.Rota(name="o", receiver_ids=["r"], start_date="2026-11-23")],
    )


async def test_the_policy_is_kept_as_it_was_given(call: Caller) -> None:
    await call("CreateReceiver", receiver=contract.Receiver(receiver_id="r", teams=CONFIGS["teams"]))
    usual = (await call("GetNotificationPolicy", "reader")).policy
    assert usual == contract.NotificationPolicy()
    changed = (await call("UpdateNotificationPolicy", policy=policy())).policy
    got = (await call("GetNotificationPolicy", "reader")).policy
    assert changed == got and (got.version, got.updated_by) == (1, "admin") and got.root == policy().root and got.rotas == policy().rotas
    assert (await call("UpdateNotificationPolicy", policy=got, expected_version=1)).policy.version == 1
    assert await call.refusal("UpdateNotificationPolicy", policy=policy(), expected_version=7) == "POLICY_CHANGED"
    configuration = configuration_from_definition((await call.desk.policies.get(PROJECT)).definition)
    assert configuration.root.group_wait_s == 5.0 and configuration.root.group_by == ("alertname",)
    assert len(configuration.inhibition_rules) == 3 and configuration.rotas["o"].hand_over_min == 540
    assert configuration.mute_times["night"].intervals[0].weekdays == frozenset({0, 6})


def without(change: Any) -> contract.NotificationPolicy:
    """The policy with something wrong."""
    made = policy()
    change(made)
    return made


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda p: setattr(p.root, "receiver_id", "nobody"), "receiver"),
        (lambda p: setattr(p.root.group_wait, "seconds", 99_999), "group_wait"),
        (lambda p: p.root.group_by.names.append("a b"), "group_by"),
        (lambda p: p.root.routes[0].matchers.append("nonsense"), "matchers"),
        (lambda p: p.root.routes[0].matchers.extend(["a=b"] * 33), "matchers"),
        (lambda p: p.inhibition_rules[0].equal.extend(["e"] * 17), "equal"),
        (lambda p: setattr(p.mute_times[0], "name", ""), "mute_times"),
        (lambda p: p.mute_times.append(p.mute_times[0]), "mute_times"),
        (lambda p: setattr(p.mute_times[0], "time_zone", "Mars/Base"), "time_zone"),
        (lambda p: p.mute_times[0].intervals[0].weekdays.append(8), "weekdays"),
        (lambda p: setattr(p.rotas[0], "start_date", "tomorrow"), "start_date"),
        (lambda p: p.escalation_policies[0].steps[0].rotas.append("gone"), "rotas"),
    ],
)
async def test_a_policy_that_cannot_be_is_refused(call: Caller, change: Any, field: str) -> None:
    await call("CreateReceiver", receiver=contract.Receiver(receiver_id="r", teams=CONFIGS["teams"]))
    assert await call.refusal("UpdateNotificationPolicy", policy=without(change)) == field


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
        from kit import paging

        token = paging.encode_token("deliveries default 0 ", position)  # type: ignore[arg-type]
        assert await call.refusal("ListDeliveries", page_token=token) == "page_token"


def at(time: Any) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(time)
    return message


async def test_a_silence_is_previewed_made_changed_and_expired(call: Caller) -> None:
    now = call.desk.clock()
    await call.desk.set_alerts(kept("slow"), kept("fast"))
    preview = await call("PreviewSilence", "reader", matchers=["alertname=~s.*"])
    assert (preview.alert_count, [each.rule_name for each in preview.alerts]) == (1, ["slow"])
    wanted = silence_service_pb2.Silence(
        silence_id="s1", matchers=['alertname="slow"'], author="ann", end_time=at(now + timedelta(hours=1))
    )
    made = (await call("CreateSilence", "operator", silence=wanted)).silence
    assert made.state == silence_service_pb2.SILENCE_STATE_ACTIVE and list(made.matchers) == ['alertname="slow"']
    assert (await call("CreateSilence", "operator", silence=wanted)).silence == made
    other = silence_service_pb2.Silence(silence_id="s1", matchers=["a=b"], author="bob", end_time=wanted.end_time)
    assert await call.refusal("CreateSilence", "operator", silence=other) == "SILENCE_EXISTS"
    later = at(now + timedelta(hours=2))
    changed = (await call("UpdateSilence", "operator", silence_id="s1", end_time=later, comment="longer")).silence
    assert (changed.end_time, changed.comment) == (later, "longer")
    assert await call.refusal("UpdateSilence", "operator", silence_id="s1", end_time=at(now + timedelta(days=999))) == "end_time"
    expired = (await call("UpdateSilence", "operator", silence_id="s1", end_time=at(now))).silence
    assert expired.state == silence_service_pb2.SILENCE_STATE_EXPIRED
    assert await call.refusal("UpdateSilence", "operator", silence_id="s1", end_time=later) == "SILENCE_OVER"
    assert list((await call("ListSilences", "reader")).silences) == []
    assert [each.silence_id for each in (await call("ListSilences", "reader", includes_expired=True)).silences] == ["s1"]
    assert (await call("GetSilence", "reader", silence_id="s1")).silence == expired
    assert await call.refusal("GetSilence", "reader", silence_id="s2") == "SILENCE_UNKNOWN"
    assert await call.refusal("UpdateSilence", "operator", silence_id="s2") == "SILENCE_UNKNOWN"


async def test_silences_are_paged(call: Caller) -> None:
    end = at(call.desk.clock() + timedelta(hours=1))
    for n in range(3):
        silence = silence_service_pb2.Silence(silence_id=f"s{n}", matchers=["a=b"], author="ann", end_time=end)
        await call("CreateSilence", "operator", silence=silence)
    first = await call("ListSilences", page_size=2)
    rest = await call("ListSilences", page_size=2, page_token=first.next_page_token)
    assert [each.silence_id for each in (*first.silences, *rest.silences)] == ["s0", "s1", "s2"]
    bad = silence_service_pb2.Silence(silence_id="a b", matchers=["a=b"], author="ann", end_time=end)
    assert await call.refusal("CreateSilence", "operator", silence=bad) == "silence_id"


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
    assert len(deliveries) == 5 and SECRET not in caplog.text
    assert all(SECRET not in attempt.detail for each in deliveries for attempt in each.attempts if "teams" not in each.receiver_id)
