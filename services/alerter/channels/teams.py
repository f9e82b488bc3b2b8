"""Microsoft Teams: an adaptive card to a workflow's webhook."""

from typing import Any

from services.alerter.channels.http import Http, json_body, result_of
from services.alerter.domain.alert import Severity
from services.alerter.domain.notification.delivery import Result
from services.alerter.domain.notification.receiver import Receiver, TeamsConfig
from services.alerter.render.outgoing import Card, Outgoing

SECTIONS_MAX = 10  # Teams refuses messages beyond 28 kB
TEXT_LENGTH_MAX = 1_000
_COLOURS = {Severity.INFO: "accent", Severity.WARNING: "warning", Severity.CRITICAL: "attention"}


class TeamsChannel:
    """Posts cards."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def send(self, message: Outgoing, receiver: Receiver) -> Result:
        """Posts once."""
        config = receiver.config
        assert isinstance(config, TeamsConfig)  # noqa: S101 - the outbox gives each channel its own
        return result_of(await self._http.post(config.webhook_url, json_body(card_message(message.card)), {}))


def card_message(card: Card) -> dict[str, Any]:
    """A card as Teams wants it."""
    body: list[dict[str, Any]] = [_text(card.title, size="Large", weight="Bolder")]
    if card.status:
        body.append(_text(card.status, color="good" if card.is_over else _COLOURS[card.severity]))
    for section in card.sections[:SECTIONS_MAX]:
        body += [_text(text, **style) for text, style in ((section.heading, {"weight": "Bolder"}), (section.text, {})) if text]
        if section.facts:
            body.append({"type": "FactSet", "facts": [{"title": name, "value": plain(value)} for name, value in section.facts]})
    if card.more or len(card.sections) > SECTIONS_MAX:
        body.append(_text(card.more or f"and {len(card.sections) - SECTIONS_MAX} more, on the page", isSubtle=True))
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": label, "url": url} for label, url in card.buttons],
    }
    return {
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}],
    }


def _text(text: str, **style: object) -> dict[str, Any]:
    return {"type": "TextBlock", "text": plain(text[:TEXT_LENGTH_MAX]), "wrap": True, **style}


def plain(text: str) -> str:
    """Text without what cards take for a link or for emphasis."""
    return "".join(f"\\{character}" if character in "\\[]*_`" else character for character in text)
