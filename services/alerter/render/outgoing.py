"""A message as channels are given it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.alerter.domain.alert import Severity
from services.alerter.domain.notification.content import Notification
from services.alerter.domain.notification.delivery import Attachment
from services.alerter.render.chart import Chart


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a card: a heading, a paragraph, and facts by name."""

    heading: str
    text: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Card:
    """A message for channels that lay it out themselves. `buttons` are labels and the addresses they open."""

    title: str
    status: str
    severity: Severity
    is_over: bool
    sections: tuple[Section, ...]
    more: str
    buttons: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way to one receiver.

    `delivery_id` is the same at each try, `thread` for all messages of a group. `reference` is what the receiver called the thread's first
    message, empty before it has one. `notification` is None for a document. `payload` is the body of a webhook in Assay's own form.
    """

    delivery_id: str
    receiver_id: str
    thread: str
    create_time: datetime
    subject: str
    text: str
    html: str
    card: Card
    payload: Mapping[str, object]
    notification: Notification | None = None
    attachments: tuple[Attachment, ...] = ()
    chart: Chart | None = None
    reference: str = ""
