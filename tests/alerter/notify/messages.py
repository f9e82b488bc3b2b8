"""Messages on their way to receivers."""

from dataclasses import replace
from typing import Any

from services.alerter.domain.alert import AlertState, Severity
from services.alerter.domain.notification.content import Notification, notification
from services.alerter.domain.notification.delivery import Document
from services.alerter.domain.notification.group import Message, MessageKind
from services.alerter.domain.notification.receiver import Config, Receiver
from services.alerter.render.chart import Chart
from services.alerter.render.outgoing import Outgoing
from services.alerter.render.rendering import outgoing_document, outgoing_notification
from tests.alerter.notify.alerts import NOW, alert

DELIVERY_ID = "d" * 32
ALERTS = {
    each.alert_id: each
    for each in (
        alert(model="a", severity=Severity.CRITICAL, summary="p95 is <b>4.2 s</b>", description="See the runbook.",
              observed=4.2, threshold=2.0, unit="s"),
        alert(model="b", state=AlertState.ACKNOWLEDGED, acknowledged_by="ann"),
        alert(model="c", state=AlertState.RESOLVED, resolve_time=NOW),
    )
}  # fmt: skip


def content(kind: MessageKind = MessageKind.FIRST, **changes: Any) -> Notification:
    """A notification of three alerts with links; RESOLVED has the one that is over."""
    is_over = kind is MessageKind.RESOLVED
    message = Message(
        DELIVERY_ID, "g" * 32, 1, kind, "r", (("alertname", "slow"), ("provider", "openai")),
        () if is_over else ("slow-a",), () if is_over else ("slow-b",), ("slow-c",), () if is_over else ("slow-a",),
    )  # fmt: skip
    links = {
        "page_url": "https://assay.test/alerts",
        "acknowledge_url": "https://assay.test/links/ack",
        "silence_url": "https://assay.test/links/s",
    }
    return replace(notification(message, "default", ALERTS), **(links | changes))


def outgoing(
    config: Config, kind: MessageKind = MessageKind.FIRST, reference: str = "", chart: Chart | None = None, **fields: Any
) -> tuple[Outgoing, Receiver]:
    """A message, and the receiver with this config."""
    receiver = Receiver("r", config, **fields)
    return outgoing_notification(content(kind), receiver, DELIVERY_ID, NOW, reference=reference, chart=chart), receiver


def document(config: Config, attachments: Any = ()) -> tuple[Outgoing, Receiver]:
    """A report for the receiver with this config."""
    receiver = Receiver("r", config)
    return outgoing_document(
        Document("Weekly report", "All is well.", "<p>All is well.</p>"), receiver, DELIVERY_ID, NOW, attachments
    ), receiver
