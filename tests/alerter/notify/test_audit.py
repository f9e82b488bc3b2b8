"""Every change of how people are told is in the audit log, with who made it and what it changed; what changes nothing is not."""

from datetime import timedelta

from assay.alerter.v1 import receiver_service_pb2 as contract
from assay.alerter.v1 import silence_service_pb2

from services.alerter.domain.notification.matcher import parse_matcher
from services.alerter.domain.notification.silence import Silence
from services.alerter.store.rules import RuleStore
from tests.alerter.notify.calling import CONFIGS, SECRET, Caller
from tests.alerter.notify.desk import PROJECT


async def told(call: Caller) -> list[tuple[str, str, str, dict[str, str]]]:
    """The log, oldest first: who, did what, to what, how."""
    events = (await call("ListAuditEvents")).events
    assert all(event.HasField("time") for event in events)
    return [(event.actor_key_id, event.action, event.subject, dict(event.details)) for event in reversed(events)]


async def test_changes_of_receivers_and_the_policy_are_noted_without_their_secrets(call: Caller) -> None:
    wanted = contract.Receiver(receiver_id="r", display_name="The team", webhook=CONFIGS["webhook"])
    for _ in range(2):
        await call("CreateReceiver", receiver=wanted)
    wanted.display_name = "Others"
    wanted.webhook.authorization = f"other {SECRET}"
    for _ in range(2):
        await call("UpdateReceiver", receiver=wanted)
    await call("UpdateReceiver", receiver=contract.Receiver(receiver_id="r", teams=CONFIGS["teams"]))
    policy = contract.NotificationPolicy(root=contract.Route(receiver_id="r"))
    for _ in range(2):
        await call("UpdateNotificationPolicy", policy=policy)
    await call("UpdateNotificationPolicy", policy=contract.NotificationPolicy())
    await call("DeleteReceiver", receiver_id="r")
    assert await told(call) == [
        ("admin", "receiver.create", "r", {"kind": "webhook"}),
        ("admin", "receiver.update", "r", {"changed": "authorization, display_name"}),
        ("admin", "receiver.update", "r", {"changed": "display_name, kind"}),
        ("admin", "notification_policy.update", PROJECT, {"changed": "root"}),
        ("admin", "notification_policy.update", PROJECT, {"changed": "root"}),
        ("admin", "receiver.delete", "r", {}),
    ]


async def test_changes_of_silences_are_noted_those_by_a_link_as_nobodys_key(call: Caller) -> None:
    now = call.desk.clock()
    end = now + timedelta(hours=1)
    wanted = silence_service_pb2.Silence(silence_id="s", matchers=["a=b"], author="ann")
    wanted.end_time.FromDatetime(end)
    for _ in range(2):
        await call("CreateSilence", "operator", silence=wanted)
    await call("UpdateSilence", "operator", silence_id="s", comment="why")
    by_link = Silence("l", (parse_matcher("c=d"),), "r (link)", "", now, end)
    for _ in range(2):
        await call.desk.silences.create_once(PROJECT, by_link, now)
    ends = {"end_time": end.isoformat()}
    assert await told(call) == [
        ("operator", "silence.create", "s", {"author": "ann", "matchers": 'a="b"', **ends}),
        ("operator", "silence.update", "s", ends),
        ("", "silence.create", "l", {"author": "r (link)", "matchers": 'c="d"', **ends}),
    ]


async def test_changes_of_rules_are_noted_and_the_log_is_read_page_by_page_by_admins(call: Caller) -> None:
    rules, now = RuleStore(call.desk.engine), call.desk.clock()
    await rules.create(PROJECT, "slow", {"severity": "LOW", "filter": {}}, "ann", now)
    for _ in range(2):
        await rules.update(PROJECT, "slow", {"severity": "HIGH", "labels": {"a": "b"}, "filter": {}}, "bob", now)
    await rules.delete(PROJECT, "slow", "ann", now)
    assert await told(call) == [
        ("ann", "rule.create", "slow", {}),
        ("bob", "rule.update", "slow", {"changed": "labels, severity"}),
        ("ann", "rule.delete", "slow", {}),
    ]
    first = await call("ListAuditEvents", page_size=2)
    assert first.next_page_token == first.events[1].page_token
    (last,) = (await call("ListAuditEvents", page_size=2, page_token=first.next_page_token)).events
    assert (last.action, (await call("ListAuditEvents", page_token=last.page_token)).events[:]) == ("rule.create", [])
    assert await call.refusal("ListAuditEvents", page_token="x") == "page_token"
    assert await call.refusal("ListAuditEvents", "operator") == "ROLE_MISSING"
