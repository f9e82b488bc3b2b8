"""Silences, receivers, the notification policy and deliveries as JSON objects, to and fro."""

from datetime import UTC, datetime

from assay.alerter.v1 import receiver_service_pb2 as receivers
from assay.alerter.v1 import silence_service_pb2 as silences
from pydantic import BaseModel

from gateway import alerter_messages
from gateway.messages import Json
from gateway.notification_models import (
    CONFIGS,
    Alertmanager,
    ConfigName,
    Email,
    PagerDuty,
    ReceiverBody,
    SilenceBody,
    Slack,
    Teams,
    Webhook,
)
from gateway.parameters import timestamp
from gateway.plain_messages import fill, plain, seconds
from gateway.policy_models import NotificationPolicyBody

_SHOWN: dict[ConfigName, type[BaseModel]] = {
    "email": Email,
    "slack": Slack,
    "webhook": Webhook,
    "pager_duty": PagerDuty,
    "teams": Teams,
    "alertmanager": Alertmanager,
}


def silence(message: silences.Silence) -> Json:
    """A silence."""
    return plain(message)


def silence_to_message(body: SilenceBody) -> silences.Silence:
    """The contract's silence. Raises FIELD_INVALID for what is no time."""
    now = datetime.now(UTC)
    return silences.Silence(
        silence_id=body.silence_id,
        matchers=body.matchers,
        author=body.author,
        comment=body.comment,
        start_time=timestamp("start_time", body.start_time, now),
        end_time=timestamp("end_time", body.end_time, now),
    )


def preview(response: silences.PreviewSilenceResponse) -> Json:
    """The answer of POST /silences/preview."""
    return {"alerts": list(map(alerter_messages.alert, response.alerts)), "alert_count": response.alert_count}


def receiver(message: receivers.Receiver) -> Json:
    """A receiver. Of what it is told through there are the fields that are named as no secrets, whatever the alerter has sent."""
    content = plain(message)
    for name in CONFIGS:
        if content[name] is not None:
            content[name] = {field: content[name][field] for field in _SHOWN[name].model_fields}
    return content


def receiver_to_message(body: ReceiverBody) -> receivers.Receiver:
    """The contract's receiver."""
    message = receivers.Receiver()
    fill(message, body.model_dump())
    return message


def sample(response: receivers.TestReceiverResponse) -> Json:
    """What became of a sample."""
    return {**plain(response), "elapsed_s": seconds(response.elapsed)}


def policy(message: receivers.NotificationPolicy) -> Json:
    """The policy; its root is there even where nothing is set."""
    return {**plain(message), "root": plain(message.root)}


def policy_to_message(body: NotificationPolicyBody) -> receivers.NotificationPolicy:
    """The contract's policy."""
    message = receivers.NotificationPolicy()
    fill(message, body.model_dump())
    return message


def delivery(message: receivers.Delivery) -> Json:
    """A delivery and its tries."""
    return plain(message)
