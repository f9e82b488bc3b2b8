"""Puts notifications and documents into words and layout."""

from collections.abc import Sequence
from datetime import datetime

from jinja2 import PackageLoader, select_autoescape
from jinja2.sandbox import ImmutableSandboxedEnvironment

from kit.errors import AssayError
from services.alerter.domain.alert import AlertState, Severity
from services.alerter.domain.notification.content import AlertNote, Notification, status_line
from services.alerter.domain.notification.delivery import Attachment, Document
from services.alerter.domain.notification.receiver import Receiver
from services.alerter.render import payload
from services.alerter.render.chart import HEIGHT, WIDTH, Chart
from services.alerter.render.outgoing import Card, Outgoing, Section
from services.alerter.render.user_template import rendered

SUBJECT_LENGTH_MAX = 200
CHART_ID = "chart"  # by which a mail's HTML names the part that is the picture
OVER_COLOUR = "#2e8540"
COLOURS = {Severity.INFO: "#3a6ea5", Severity.WARNING: "#b7791f", Severity.CRITICAL: "#c0392b"}
# Labels that a message shows elsewhere.
_SHOWN_OTHERWISE = frozenset({"alertname", "severity", "project", "rule_id"})

_ENVIRONMENT = ImmutableSandboxedEnvironment(
    loader=PackageLoader("services.alerter.render", "."), autoescape=select_autoescape(default=True)
)


def colour(card: Card) -> str:
    """What a card's border is painted with."""
    return OVER_COLOUR if card.is_over else COLOURS[card.severity]


def outgoing_notification(
    content: Notification, receiver: Receiver, delivery_id: str, create_time: datetime, *, reference: str = "", chart: Chart | None = None
) -> Outgoing:
    """A notification for a receiver, by its templates if it has some. A template that fails on this content gives way to ours."""
    card = notification_card(content)
    body = payload.notification_payload(content, delivery_id, create_time)
    return Outgoing(
        delivery_id=delivery_id,
        receiver_id=receiver.receiver_id,
        thread=content.group_id,
        create_time=create_time,
        subject=_line(_by_template(receiver.subject_template, body["data"], f"Alert: {content.title}")),
        text=_by_template(receiver.text_template, body["data"], card_text(card)),
        html="" if receiver.text_template else card_html(card, chart),
        card=card,
        payload=body,
        notification=content,
        reference=reference,
        chart=chart,
    )


def outgoing_document(
    document: Document, receiver: Receiver, delivery_id: str, create_time: datetime, attachments: Sequence[Attachment] = ()
) -> Outgoing:
    """A document for a receiver."""
    return Outgoing(
        delivery_id=delivery_id,
        receiver_id=receiver.receiver_id,
        thread="",
        create_time=create_time,
        subject=document.subject,
        text=document.text,
        html=document.html,
        card=Card(document.subject, "", Severity.INFO, is_over=False, sections=(Section("", document.text, ()),), more="", buttons=()),
        payload=payload.document_payload(document, delivery_id, create_time),
        attachments=tuple(attachments),
    )


def _by_template(template: str, values: dict[str, object], otherwise: str) -> str:
    if not template:
        return otherwise
    try:
        return rendered(template, values).strip() or otherwise
    except AssayError as error:
        return f"{otherwise}\n\n(The receiver's template failed: {error.message})"


def _line(text: str) -> str:
    plain = "".join(character if character.isprintable() else " " for character in text.split("\n", 1)[0])
    return plain[:SUBJECT_LENGTH_MAX]


def notification_card(content: Notification) -> Card:
    """A notification as a card."""
    shown = len(content.notes)
    count = content.firing_count + content.acknowledged_count + content.ended_count
    is_acting = bool(content.firing_count)
    buttons = (
        ("Acknowledge", content.acknowledge_url if is_acting else ""),
        ("Silence", content.silence_url if is_acting else ""),
        ("Open", content.page_url),
    )
    return Card(
        title=content.title,
        status=status_line(content),
        severity=content.severity,
        is_over=content.is_over,
        sections=tuple(_section(note) for note in content.notes),
        more=f"and {count - shown:,} more, on the page" if count > shown else "",
        buttons=tuple((label, url) for label, url in buttons if url),
    )


def _section(note: AlertNote) -> Section:
    state = {AlertState.RESOLVED: "resolved", AlertState.ACKNOWLEDGED: "acknowledged"}.get(note.state, "new" if note.is_new else "firing")
    where = ", ".join(value for name, value in sorted(note.labels.items()) if value and name not in _SHOWN_OTHERWISE)
    facts = (
        ("where", where),
        ("since", written_moment(note.start_time)),
        ("until", written_moment(note.end_time) if note.end_time else ""),
        ("observed", note.observed),
        ("bound", note.threshold),
        ("acknowledged by", note.acknowledged_by if note.state is AlertState.ACKNOWLEDGED else ""),
    )
    return Section(
        heading=f"{note.severity.name.capitalize()}: {note.name} ({state})",
        text="\n".join(filter(None, (note.summary, note.description))),
        facts=tuple((name, value) for name, value in facts if value),
    )


def written_moment(time: datetime) -> str:
    """A time for people: to the second, and with its zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S %Z")


def card_text(card: Card) -> str:
    """A card as plain text."""
    lines = [card.title, card.status, ""]
    for section in card.sections:
        lines += filter(None, (section.heading, section.text))
        lines += [f"  {name}: {value}" for name, value in section.facts]
        lines.append("")
    lines += [card.more, ""] if card.more else []
    lines += [f"{label}: {url}" for label, url in card.buttons]
    return "\n".join(lines).rstrip() + "\n"


def card_html(card: Card, chart: Chart | None = None) -> str:
    """A card as a mail's HTML; every value is escaped. The chart is a part of the mail."""
    shown = {"chart": chart, "chart_id": CHART_ID, "chart_width": WIDTH, "chart_height": HEIGHT}
    return _ENVIRONMENT.get_template("notification.html").render(card=card, colour=colour(card), **shown)
