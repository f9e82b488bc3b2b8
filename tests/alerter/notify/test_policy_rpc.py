"""The notification policy as the callers of ReceiverService see it."""

from typing import Any

import pytest
from assay.alerter.v1 import receiver_service_pb2 as contract
from google.protobuf.duration_pb2 import Duration

from services.alerter.messages.policy_messages import configuration_from_definition
from tests.alerter.notify.calling import CONFIGS, Caller
from tests.alerter.notify.desk import PROJECT


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
