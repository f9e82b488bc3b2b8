"""The alerter as it is started: an alert in its database becomes a signed message at a receiver."""

import asyncio
from pathlib import Path
from uuid import uuid4

from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook

from kit import database
from kit.embedded.stack import Stack
from kit.secret_keys import load_keys
from services.alerter.app import MIGRATIONS, SCHEMA, alerter
from services.alerter.domain.notification.receiver import Receiver, WebhookConfig
from services.alerter.secret_box import SecretBox
from services.alerter.settings import AlerterSettings
from tests.alerter.notify.desk import PROJECT, Clock, Desk, Recorder, add_project
from tests.alerter.notify.servers import http_receiver, until
from tests.alerter.notify.test_http_channels import NEW_SECRET
from tests.alerter.notify.test_notifier import kept


async def test_an_alert_in_the_database_becomes_a_message(stack: Stack, tmp_path: Path) -> None:
    url = await stack.create_database(f"test_{uuid4().hex[:12]}")
    await database.migrate(url, schema=SCHEMA, package=MIGRATIONS)
    key_file = tmp_path / "secrets.key"
    settings = AlerterSettings(
        database_url=SecretStr(url),
        nats_url=SecretStr(stack.nats_url),
        service_key=SecretStr("none"),
        secrets_key_file=key_file,
        public_url="https://assay.test/",
        listen="127.0.0.1:0",
        ops_listen="",
        collector_address="127.0.0.1:1",
        analyzer_address="",
        allowed_targets="127.0.0.1",
    )
    async with http_receiver((429, {"Retry-After": "1"}, b""), (200, {}, b"")) as server, database.engine(url) as engine:
        await add_project(engine)
        async with alerter(settings):
            desk = Desk(engine, Clock(), Recorder(), SecretBox(load_keys("", key_file)))
            receiver = Receiver("default", WebhookConfig(f"{server.url}/hook", signing_secrets=(NEW_SECRET,)))
            await desk.receivers.create(PROJECT, receiver, "key", desk.clock())
            await desk.set_alerts(kept(summary="p95 is 4 s"))
            await until(lambda: len(server.requests) == 2)
            async with asyncio.timeout(60):
                while (await desk.states()) != {"default 1": (2, 2)}:
                    await asyncio.sleep(0.05)
    first, second = server.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    sent = Webhook(NEW_SECRET).verify(second.body, second.headers)
    assert sent["data"]["alerts"][0]["summary"] == "p95 is 4 s"
    assert sent["data"]["acknowledge_url"].startswith("https://assay.test/links/")
