"""Wires what tells people of alerts: for services/alerter/app.py, which runs it beside what finds them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from kit.access import Guard
from kit.bus import Bus
from kit.lifecycle import Job
from kit.secret_keys import load_keys
from services.alerter.channels.alertmanager import AlertmanagerChannel
from services.alerter.channels.channel import Channel
from services.alerter.channels.email import EmailChannel
from services.alerter.channels.http import http
from services.alerter.channels.pager_duty import PagerDutyChannel
from services.alerter.channels.slack import SlackChannel
from services.alerter.channels.teams import TeamsChannel
from services.alerter.channels.webhook import WebhookChannel
from services.alerter.domain.notification.address import parse_networks
from services.alerter.notification_settings import NotificationSettings
from services.alerter.notification_upkeep import NotificationUpkeep
from services.alerter.notifier import Links, Notifier, utc_now
from services.alerter.outbox import ChartOf, Outbox
from services.alerter.rpc_audit import AuditServicer
from services.alerter.rpc_links import LinkServicer
from services.alerter.rpc_receivers import NotificationStores, ReceiverServicer
from services.alerter.rpc_silences import SilenceServicer
from services.alerter.secret_box import SecretBox
from services.alerter.store.alerts import AlertStore
from services.alerter.store.audit import AuditStore
from services.alerter.store.deliveries import DeliveryStore
from services.alerter.store.policies import PolicyStore
from services.alerter.store.receivers import ReceiverStore
from services.alerter.store.rules import RuleStore
from services.alerter.store.silences import SilenceStore


@dataclass(frozen=True, slots=True)
class Notification:
    """What is served, and what runs beside."""

    served: tuple[AuditServicer, SilenceServicer, ReceiverServicer, LinkServicer]
    jobs: tuple[Job, ...]


@asynccontextmanager
async def notification(
    settings: NotificationSettings,
    engine: AsyncEngine,
    bus: Bus,
    guard: Guard,
    *,
    rules: RuleStore,
    alerts: AlertStore,
    chart_of: ChartOf,
) -> AsyncIterator[Notification]:
    """Notification until the block is left. Raises SECRETS_KEY_INVALID, and FIELD_INVALID for a setting that is none."""
    box = SecretBox(load_keys(settings.secrets_key.get_secret_value() if settings.secrets_key else "", settings.secrets_key_file))
    allowed = parse_networks(settings.allowed_targets)
    receivers, store = ReceiverStore(engine, box), DeliveryStore(engine)
    async with http(allowed) as client:
        channels: dict[str, Channel] = {
            "email": EmailChannel(allowed),
            "slack": SlackChannel(client, settings.slack_url),
            "webhook": WebhookChannel(client),
            "pager_duty": PagerDutyChannel(client, settings.pager_duty_url),
            "teams": TeamsChannel(client),
            "alertmanager": AlertmanagerChannel(client),
        }
        outbox = Outbox(store, receivers, channels, clock=utc_now, chart_of=chart_of)
        stores = NotificationStores(rules, receivers, PolicyStore(engine), store)
        links = Links(settings.public_url, box.link_keys[0] if box.link_keys else b"")
        silences = SilenceStore(engine)
        upkeep = NotificationUpkeep(store, receivers, silences, settings.deliveries_kept, utc_now)
        yield Notification(
            served=(
                AuditServicer(guard, AuditStore(engine)),
                SilenceServicer(guard, rules, silences, alerts),
                ReceiverServicer(guard, stores, outbox),
                LinkServicer(engine, alerts, silences, bus, box.link_keys),
            ),
            jobs=(Notifier(engine, links, clock=utc_now).run, outbox.run, upkeep.run),
        )
