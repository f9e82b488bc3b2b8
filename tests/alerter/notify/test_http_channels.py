"""Webhooks, Slack, PagerDuty and Teams against HTTP servers that behave well, badly, and worse."""

import asyncio
import base64
import logging
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import pytest_asyncio
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.alerter.channels import http as http_module
from services.alerter.channels import targets
from services.alerter.channels.alertmanager import AlertmanagerChannel, posted_alert
from services.alerter.channels.http import Http, http, retry_after_s
from services.alerter.channels.pager_duty import PagerDutyChannel
from services.alerter.channels.slack import SlackChannel, escaped
from services.alerter.channels.teams import TeamsChannel
from services.alerter.channels.webhook import WebhookChannel
from services.alerter.domain.notification.address import parse_networks
from services.alerter.domain.notification.delivery import Refused, Retry, Sent
from services.alerter.domain.notification.group import MessageKind
from services.alerter.domain.notification.receiver import (
    AlertmanagerConfig,
    PagerDutyConfig,
    PayloadForm,
    SlackConfig,
    TeamsConfig,
    WebhookConfig,
)
from tests.alerter.notify.alerts import NOW
from tests.alerter.notify.messages import DELIVERY_ID, document, outgoing
from tests.alerter.notify.servers import CUT, DRIP, HANG, http_receiver
from tests.monitoring_servers import alertmanager

LOOPBACK = parse_networks("127.0.0.1")
OLD_SECRET, NEW_SECRET = (f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 2))


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Http]:
    """HTTP that may reach the test's servers."""
    async with http(LOOPBACK) as made:
        yield made


async def test_a_webhook_is_signed_with_the_old_secret_and_the_new_one(client: Http) -> None:
    async with http_receiver() as server:
        message, receiver = outgoing(
            WebhookConfig(f"{server.url}/hook", signing_secrets=(NEW_SECRET, OLD_SECRET), authorization="Bearer x")
        )
        assert isinstance(await WebhookChannel(client).send(message, receiver), Sent)
    (request,) = server.requests
    assert (request.path, request.headers["webhook-id"], request.headers["authorization"]) == ("/hook", DELIVERY_ID, "Bearer x")
    for secret in (OLD_SECRET, NEW_SECRET):
        assert Webhook(secret).verify(request.body, request.headers) == request.json
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW_SECRET).verify(request.body + b" ", request.headers)
    assert request.json["type"] == "alerts.first"
    (first, *_) = request.json["data"]["alerts"]
    assert (first["name"], first["observed"], first["threshold"], first["summary"]) == ("slow", "4.2 s", "2 s", "p95 is <b>4.2 s</b>")


async def test_what_listens_to_alertmanager_can_listen_to_a_webhook(client: Http) -> None:
    async with http_receiver() as server:
        config = WebhookConfig(server.url, PayloadForm.ALERTMANAGER)
        for kind in (MessageKind.FIRST, MessageKind.RESOLVED):
            message, receiver = outgoing(config, kind)
            await WebhookChannel(client).send(message, receiver)
        refused = await WebhookChannel(client).send(*document(config))
    firing, resolved = (request.json for request in server.requests)
    assert isinstance(refused, Refused)
    assert (firing["version"], firing["status"], resolved["status"], firing["receiver"]) == ("4", "firing", "resolved", "r")
    assert [alert["status"] for alert in firing["alerts"]] == ["firing", "firing", "resolved"]
    assert firing["groupKey"] == resolved["groupKey"] and firing["truncatedAlerts"] == 0
    assert firing["commonLabels"]["provider"] == "openai" and "model" not in firing["commonLabels"]
    assert firing["alerts"][0]["endsAt"] == "0001-01-01T00:00:00Z" and len(firing["alerts"][0]["fingerprint"]) == 16


@pytest.mark.parametrize(
    ("answer", "kind", "after_s"),
    [
        ((204, {}, b""), Sent, None),
        ((429, {"Retry-After": "7"}, b"slow down"), Retry, 7.0),
        ((503, {"Retry-After": "soon"}, b""), Retry, None),
        ((500, {}, b"oops"), Retry, None),
        ((408, {}, b""), Retry, None),
        ((400, {}, b"bad"), Refused, None),
        ((404, {}, b""), Refused, None),
        ((301, {"Location": "http://169.254.169.254/latest/meta-data/"}, b""), Refused, None),
        ((307, {"Location": "/elsewhere"}, b""), Refused, None),
        (CUT, Retry, None),
        (DRIP, Sent, None),
    ],
)
async def test_answers_say_whether_it_is_worth_trying_again(client: Http, answer: Any, kind: type, after_s: float | None) -> None:
    async with http_receiver(answer) as server:
        result = await WebhookChannel(client).send(*outgoing(WebhookConfig(server.url)))
    assert isinstance(result, kind)
    assert getattr(result, "after_s", None) == after_s
    assert len(server.requests) == 1  # redirects are not followed


async def test_a_receiver_that_hangs_is_left_after_a_while(client: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_module, "SEND_TIMEOUT_S", 0.2)
    async with http_receiver(HANG) as server:
        result = await WebhookChannel(client).send(*outgoing(WebhookConfig(server.url)))
    assert isinstance(result, Retry) and "no answer" in result.reason


async def test_a_receiver_that_is_not_there_may_come_back(client: Http) -> None:
    async with http_receiver() as server:
        pass
    assert isinstance(await WebhookChannel(client).send(*outgoing(WebhookConfig(server.url))), Retry)
    result = await WebhookChannel(client).send(*outgoing(WebhookConfig("http://no-such-host.invalid/")))
    assert isinstance(result, Retry) and "resolved" in result.reason


def test_retry_after_is_a_number_or_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    seconds = retry_after_s(later)
    assert seconds is not None and 0 < seconds <= 100
    assert [retry_after_s(value) for value in ("3", "Thu, 01 Jan 1970 00:00:00 GMT", "", "x", "9" * 20)] == [3.0, 0.0, None, None, None]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "0.0.0.0", "[fe80::1]"],
)
async def test_no_way_of_writing_it_leads_to_an_address_inside(host: str) -> None:
    async with http_receiver() as server, http(()) as client:
        config = WebhookConfig(f"http://{host}:{server.port}/")
        result = await WebhookChannel(client).send(*outgoing(config))
    assert server.requests == []
    # Some systems resolve some of these to nothing; then there is no address to refuse.
    assert isinstance(result, Retry) or "ASSAY_ALERTER_ALLOWED_TARGETS" in result.reason  # type: ignore[union-attr]


async def test_a_name_is_resolved_once_and_the_address_that_was_checked_is_connected_to(
    client: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that gives another address at the second question cannot have it used."""
    loop, asked = asyncio.get_running_loop(), []
    answers = {"rebinding.test": ["127.0.0.1", "169.254.169.254"], "inside.test": ["10.0.0.1", "::ffff:10.0.0.2"]}
    real = loop.getaddrinfo

    async def resolve(host: Any, port: Any, **options: Any) -> Any:
        if host not in answers:
            return await real(host, port, **options)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answers[host]]

    monkeypatch.setattr(type(loop), "getaddrinfo", lambda _loop, *parts, **options: resolve(*parts, **options), raising=False)
    async with http_receiver() as server:
        sent = await WebhookChannel(client).send(*outgoing(WebhookConfig(f"http://rebinding.test:{server.port}/")))
        refused = await WebhookChannel(client).send(*outgoing(WebhookConfig(f"http://inside.test:{server.port}/")))
    assert isinstance(sent, Sent) and isinstance(refused, Refused)
    assert server.requests[0].headers["host"].startswith("rebinding.test")
    assert asked == ["rebinding.test", "inside.test"]


async def test_slacks_incoming_webhook_gets_blocks_and_link_buttons(client: Http) -> None:
    async with http_receiver() as server:
        message, receiver = outgoing(SlackConfig(webhook_url=f"{server.url}/services/T0/secret"))
        assert isinstance(await SlackChannel(client, "http://unused.invalid").send(message, receiver), Sent)
    (request,) = server.requests
    (attachment,) = request.json["attachments"]
    kinds = [block["type"] for block in attachment["blocks"]]
    assert kinds == ["header", "section", "section", "section", "section", "actions"]
    assert [element["url"] for element in attachment["blocks"][-1]["elements"]] == [
        "https://assay.test/links/ack", "https://assay.test/links/s", "https://assay.test/alerts",
    ]  # fmt: skip
    assert "&lt;b&gt;4.2 s" in attachment["blocks"][2]["text"]["text"] and "<b>" not in request.body.decode()
    assert escaped("<!channel> & <@U1>") == "&lt;!channel&gt; &amp; &lt;@U1&gt;"


def slack(ok: bool = True, **fields: Any) -> tuple[int, dict[str, str], bytes]:
    import json

    return 200, {}, json.dumps({"ok": ok, **fields}).encode()


async def test_slacks_bot_updates_its_message_and_answers_below_it(client: Http) -> None:
    config = SlackConfig("C1", bot_token="xoxb-secret")
    async with http_receiver(slack(channel="C123", ts="1.5")) as server:
        channel = SlackChannel(client, f"{server.url}/api")
        first = await channel.send(*outgoing(config))
        assert isinstance(first, Sent) and first.reference == "C123/1.5"
        for kind in (MessageKind.ESCALATED, MessageKind.ACKNOWLEDGED, MessageKind.RESOLVED):
            result = await channel.send(*outgoing(config, kind, first.reference))
            assert isinstance(result, Sent) and result.reference == first.reference
    posted, answered, acknowledged, resolved = (request.json for request in server.requests)
    assert [request.path for request in server.requests] == ["/api/chat.postMessage"] * 2 + ["/api/chat.update"] * 2
    assert server.requests[0].headers["authorization"] == "Bearer xoxb-secret"
    assert (posted["channel"], answered["channel"], answered["thread_ts"], answered["reply_broadcast"]) == ("C1", "C1", "1.5", True)
    assert (acknowledged["channel"], resolved["ts"]) == ("C123", "1.5")
    assert posted["metadata"]["event_payload"] == {"delivery_id": DELIVERY_ID}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (slack(ok=False, error="ratelimited"), Retry),
        (slack(ok=False, error="channel_not_found"), Refused),
        ((200, {}, b"<html>"), Retry),
        ((429, {"Retry-After": "30"}, b""), Retry),
        (CUT, Retry),
    ],
)
async def test_slacks_errors_come_with_http_200(client: Http, answer: Any, kind: type) -> None:
    async with http_receiver(answer) as server:
        result = await SlackChannel(client, server.url).send(*outgoing(SlackConfig("C1", bot_token="xoxb-1")))
    assert isinstance(result, kind)


async def test_where_slacks_message_is_gone_a_new_one_is_written(client: Http) -> None:
    async with http_receiver(slack(ok=False, error="message_not_found"), slack(channel="C1", ts="2.0")) as server:
        message, receiver = outgoing(SlackConfig("C1", bot_token="xoxb-1"), MessageKind.RESOLVED, "C1/1.0")
        assert isinstance(await SlackChannel(client, server.url).send(message, receiver), Sent)
    assert [request.path for request in server.requests] == ["/chat.update", "/chat.postMessage"]


async def test_pager_duty_gets_one_incident_a_group(client: Http) -> None:
    async with http_receiver((202, {}, b"{}")) as server:
        channel = PagerDutyChannel(client, server.url)
        for kind in (MessageKind.FIRST, MessageKind.RESOLVED):
            assert isinstance(await channel.send(*outgoing(PagerDutyConfig("key"), kind)), Sent)
        assert isinstance(await channel.send(*document(PagerDutyConfig("key"))), Refused)
    trigger, resolve = (request.json for request in server.requests)
    assert (trigger["event_action"], resolve["event_action"]) == ("trigger", "resolve")
    assert trigger["dedup_key"] == resolve["dedup_key"] == "g" * 32 and trigger["routing_key"] == "key"
    assert (trigger["payload"]["severity"], trigger["payload"]["source"]) == ("critical", "openai")
    assert trigger["payload"]["summary"] == "slow · openai: p95 is <b>4.2 s</b>"
    assert server.requests[0].path == "/v2/enqueue"


async def test_teams_gets_an_adaptive_card(client: Http) -> None:
    async with http_receiver((202, {}, b"")) as server:
        assert isinstance(await TeamsChannel(client).send(*outgoing(TeamsConfig(f"{server.url}/workflow?sig=1"))), Sent)
        assert isinstance(await TeamsChannel(client).send(*document(TeamsConfig(server.url))), Sent)
    card = server.requests[0].json["attachments"][0]["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert [action["title"] for action in card["actions"]] == ["Acknowledge", "Silence", "Open"]
    facts = next(element for element in card["body"] if element["type"] == "FactSet")
    assert {"title": "observed", "value": "4.2 s"} in facts["facts"]


async def test_alertmanager_holds_alerts_until_their_end(client: Http) -> None:
    async with alertmanager() as monitor:
        config = AlertmanagerConfig(f"{monitor.url}/", authorization="Bearer x")
        now = datetime.now(UTC)
        for kind in (MessageKind.FIRST, MessageKind.RESOLVED):
            message, receiver = outgoing(config, kind)
            assert isinstance(await AlertmanagerChannel(client).send(replace(message, create_time=now), receiver), Sent)
            held = (await monitor.http.get("/api/v2/alerts")).json()
            assert [alert["labels"]["model"] for alert in held] == ["a", "b"]  # the third is over
        assert isinstance(await AlertmanagerChannel(client).send(*document(config)), Refused)
        first = held[0]
        assert first["annotations"]["summary"] == "p95 is <b>4.2 s</b>" and first["generatorURL"] == "https://assay.test/alerts"
        assert datetime.fromisoformat(first["endsAt"]) - now > timedelta(hours=23)
        message, receiver = outgoing(config)
        assert message.notification is not None
        over = [replace(note, end_time=now) for note in message.notification.notes]
        ended = replace(message, notification=replace(message.notification, notes=tuple(over)))
        assert isinstance(await AlertmanagerChannel(client).send(ended, receiver), Sent)
        assert (await monitor.http.get("/api/v2/alerts")).json() == []


def test_labels_are_named_as_prometheus_wants_them() -> None:
    message, _ = outgoing(AlertmanagerConfig("https://alertmanager.test"))
    assert message.notification is not None
    note = replace(message.notification.notes[0], labels={"a.b-c": "1", "9": "2", "empty": ""})
    assert posted_alert(note, "", NOW)["labels"] == {"alertname": "slow", "a_b_c": "1", "_9": "2"}


async def test_no_secret_of_an_address_or_a_header_is_logged(client: Http, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with http_receiver() as server:
        await SlackChannel(client, "").send(*outgoing(SlackConfig(webhook_url=f"{server.url}/services/s3cr3t-path")))
        await WebhookChannel(client).send(*outgoing(WebhookConfig(server.url, authorization="Bearer s3cr3t-header")))
        config = WebhookConfig(f"http://127.0.0.1:{server.port}/", signing_secrets=(NEW_SECRET,))
        await WebhookChannel(client).send(*outgoing(config))
    assert "s3cr3t" not in caplog.text and NEW_SECRET[6:] not in caplog.text
    assert "s3cr3t" not in repr(WebhookConfig("https://x", authorization="s3cr3t")) and targets.ADDRESSES_MAX
