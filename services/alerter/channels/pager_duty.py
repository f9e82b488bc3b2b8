"""PagerDuty's Events API, version 2: an incident a group."""

from typing import Any

from services.alerter.channels.http import Http, json_body, result_of
from services.alerter.domain.alert import Severity
from services.alerter.domain.notification.content import Notification
from services.alerter.domain.notification.delivery import Refused, Result
from services.alerter.domain.notification.group import MessageKind
from services.alerter.domain.notification.receiver import PagerDutyConfig, Receiver
from services.alerter.render.outgoing import Outgoing
from services.alerter.render.payload import written_time

SUMMARY_LENGTH_MAX = 1_024  # PagerDuty's
_SEVERITIES = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "critical"}


class PagerDutyChannel:
    """`api_url` is where events are taken."""

    def __init__(self, http: Http, api_url: str) -> None:
        self._http = http
        self._url = f"{api_url.rstrip('/')}/v2/enqueue"

    async def send(self, message: Outgoing, receiver: Receiver) -> Result:
        """Sends one event."""
        config = receiver.config
        assert isinstance(config, PagerDutyConfig)  # noqa: S101 - the outbox gives each channel its own
        if message.notification is None:
            return Refused("PagerDuty takes no documents")
        event = {"routing_key": config.routing_key, **event_of(message, message.notification)}
        return result_of(await self._http.post(self._url, json_body(event), {}))


def event_of(message: Outgoing, content: Notification) -> dict[str, Any]:
    """An event without its key. All messages of a group are about one incident."""
    event: dict[str, Any] = {"event_action": _action(content), "dedup_key": content.group_id}
    if event["event_action"] != "trigger":
        return event
    first = content.notes[0] if content.notes else None
    summary = f"{content.title}: {first.summary}" if first and first.summary else f"{content.title}: {message.card.status}"
    event["payload"] = {
        "summary": summary[:SUMMARY_LENGTH_MAX],
        "source": content.labels.get("provider") or content.project,
        "severity": _SEVERITIES[content.severity],
        "timestamp": written_time(first.start_time if first else message.create_time),
        "group": content.project,
        "custom_details": {"delivery_id": message.delivery_id, "status": message.card.status, "text": message.text[:8_000]},
    }
    event["client"] = "Assay"
    event["links"] = [{"href": url, "text": label} for label, url in message.card.buttons]
    if content.page_url:
        event["client_url"] = content.page_url
    return event


def _action(content: Notification) -> str:
    if content.kind is MessageKind.RESOLVED:
        return "resolve"
    return "trigger" if content.firing_count else "acknowledge"
