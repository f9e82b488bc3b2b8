"""Slack: an incoming webhook, or a bot that keeps one message a group up to date and answers below it."""

from typing import Any

from services.alerter.channels.http import Answer, Http, json_body, result_of
from services.alerter.domain.notification.delivery import Refused, Result, Retry, Sent
from services.alerter.domain.notification.group import MessageKind
from services.alerter.domain.notification.receiver import Receiver, SlackConfig
from services.alerter.render.outgoing import Card, Outgoing
from services.alerter.render.rendering import colour

# Slack's own limits are 50 blocks, 150 characters of a header, 3,000 of a text and 10 fields of a section.
SECTIONS_MAX = 15
HEADER_LENGTH_MAX = 150
TEXT_LENGTH_MAX = 2_900
FIELDS_MAX = 10
# Errors that Slack names and that pass; the others are about the token, the channel or the message.
_PASSING = frozenset({"ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
_UPDATING = frozenset({MessageKind.ACKNOWLEDGED, MessageKind.RESOLVED})


class SlackChannel:
    """`api_url` is where Slack's methods are."""

    def __init__(self, http: Http, api_url: str) -> None:
        self._http = http
        self._api_url = api_url.rstrip("/")

    async def send(self, message: Outgoing, receiver: Receiver) -> Result:
        """Posts or updates once."""
        config = receiver.config
        assert isinstance(config, SlackConfig)  # noqa: S101 - the outbox gives each channel its own
        content = {"text": fallback_text(message), **card_blocks(message.card)}
        if config.webhook_url:
            return result_of(await self._http.post(config.webhook_url, json_body(content), {}))
        return await self._by_bot(message, config, content)

    async def _by_bot(self, message: Outgoing, config: SlackConfig, content: dict[str, Any]) -> Result:
        """Whatever only changes the state updates the first message; what people are to notice is an answer to it."""
        channel, _, first = message.reference.partition("/")
        is_update = message.notification is not None and message.notification.kind in _UPDATING
        # Slack knows no key that makes a repeat harmless, but keeps this with the message.
        content["metadata"] = {"event_type": "assay_delivery", "event_payload": {"delivery_id": message.delivery_id}}
        if first and is_update:
            answer = await self._call("chat.update", config, {**content, "channel": channel, "ts": first})
            if not (isinstance(answer, Answer) and answer.json().get("error") in _GONE):
                return _bot_result(answer, message.reference)
        elif first:
            content |= {"thread_ts": first, "reply_broadcast": True}
        return _bot_result(await self._call("chat.postMessage", config, {**content, "channel": config.channel}), message.reference)

    async def _call(self, method: str, config: SlackConfig, content: dict[str, Any]) -> Answer | Retry | Refused:
        headers = {"Authorization": f"Bearer {config.bot_token}", "Content-Type": "application/json; charset=utf-8"}
        return await self._http.post(f"{self._api_url}/{method}", json_body(content), headers)


def _bot_result(answer: Answer | Retry | Refused, known: str) -> Result:
    """Slack says HTTP 200 to most of what it refuses. The reference is the thread's first message."""
    result = result_of(answer)
    if not isinstance(answer, Answer) or not isinstance(result, Sent):
        return result
    said = answer.json()
    if said.get("ok") is True:
        return Sent(reference=known or f"{said.get('channel', '')}/{said.get('ts', '')}", detail="ok")
    error = str(said.get("error", "an answer that is none"))[:100]
    return Retry(f"Slack: {error}") if error in _PASSING or "error" not in said else Refused(f"Slack: {error}")


def fallback_text(message: Outgoing) -> str:
    """What is shown in notices, where there are no blocks."""
    return escaped(f"{message.subject}: {message.card.status}" if message.card.status else message.subject)


def card_blocks(card: Card) -> dict[str, Any]:
    """A card in Slack's Block Kit, its border in the colour of what is the matter."""
    blocks: list[dict[str, Any]] = [{"type": "header", "text": {"type": "plain_text", "text": card.title[:HEADER_LENGTH_MAX]}}]
    if card.status:
        blocks.append(_section(f"*{escaped(card.status)}*"))
    for section in card.sections[:SECTIONS_MAX]:
        text = f"*{escaped(section.heading)}*\n{escaped(section.text)}" if section.heading else escaped(section.text)
        block = _section(text.strip() or "–")
        if section.facts:
            facts = [f"*{escaped(name)}*\n{escaped(value)}" for name, value in section.facts[:FIELDS_MAX]]
            block["fields"] = [{"type": "mrkdwn", "text": fact[:2_000]} for fact in facts]
        blocks.append(block)
    if card.more or len(card.sections) > SECTIONS_MAX:
        more = card.more or f"and {len(card.sections) - SECTIONS_MAX} more, on the page"
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": escaped(more)}]})
    if card.buttons:
        buttons = [{"type": "button", "text": {"type": "plain_text", "text": label}, "url": url} for label, url in card.buttons]
        blocks.append({"type": "actions", "elements": buttons})
    return {"attachments": [{"color": colour(card), "blocks": blocks}]}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:TEXT_LENGTH_MAX]}}


def escaped(text: str) -> str:
    """Text that mentions nobody and links nowhere."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
