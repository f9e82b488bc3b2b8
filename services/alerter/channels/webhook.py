"""Webhooks: JSON, signed as Standard Webhooks has it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

from services.alerter.channels.http import Http, json_body, result_of
from services.alerter.domain.notification.delivery import Refused, Result
from services.alerter.domain.notification.receiver import PayloadForm, Receiver, WebhookConfig
from services.alerter.render.outgoing import Outgoing
from services.alerter.render.payload import alertmanager_payload


def _now() -> datetime:
    return datetime.now(UTC)


class WebhookChannel:
    """Posts the payload; `webhook-id` is the delivery's, so that a receiver can tell a repeat."""

    def __init__(self, http: Http, now: Callable[[], datetime] = _now) -> None:
        self._http = http
        self._now = now

    async def send(self, message: Outgoing, receiver: Receiver) -> Result:
        """Posts once."""
        config = receiver.config
        assert isinstance(config, WebhookConfig)  # noqa: S101 - the outbox gives each channel its own
        if config.form is PayloadForm.ALERTMANAGER:
            if message.notification is None:
                return Refused("Alertmanager's payload has no place for documents")
            body = json_body(alertmanager_payload(message.notification))
        else:
            body = json_body(message.payload)
        headers = {"webhook-id": message.delivery_id}
        if config.signing_secrets:
            headers |= signature_headers(message.delivery_id, self._now(), body, config.signing_secrets)
        if config.authorization:
            headers["Authorization"] = config.authorization
        return result_of(await self._http.post(config.url, body, headers))


def signature_headers(delivery_id: str, now: datetime, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The headers of a signed request: one signature a secret, of which the receiver has to know one."""
    signatures = [Webhook(secret).sign(delivery_id, now, body.decode()) for secret in secrets]
    return {"webhook-timestamp": str(int(now.timestamp())), "webhook-signature": " ".join(signatures)}
