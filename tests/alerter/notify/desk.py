"""Everything that works on the alerter's tables, with a clock that is put forward by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography.fernet import Fernet
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from services.alerter.channels.channel import Channel
from services.alerter.domain.alert import Alert
from services.alerter.domain.notification.delivery import Result, Sent
from services.alerter.domain.notification.receiver import Receiver, TeamsConfig, WebhookConfig
from services.alerter.notification_upkeep import NotificationUpkeep
from services.alerter.notifier import Links, Notifier, utc_now
from services.alerter.outbox import Outbox
from services.alerter.render.outgoing import Outgoing
from services.alerter.secret_box import SecretBox
from services.alerter.store.deliveries import DeliveryStore
from services.alerter.store.policies import PolicyStore
from services.alerter.store.receivers import ReceiverStore
from services.alerter.store.silences import SilenceStore
from services.alerter.tables import alert_table

KEY = Fernet.generate_key().decode()
PROJECT = "default"


@dataclass
class Clock:
    """The wall clock, put forward."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead

    def forward(self, seconds: float) -> None:
        """Lets time pass at once."""
        self.ahead += timedelta(seconds=seconds)


@dataclass
class Recorder:
    """A channel that keeps what it is given, and answers as it is told to: a result, or something to wait for."""

    answer: Any = field(default_factory=Sent)
    messages: list[Outgoing] = field(default_factory=list)

    async def send(self, message: Outgoing, _receiver: Receiver) -> Result:
        """Answers."""
        self.messages.append(message)
        made: Result = await self.answer() if callable(self.answer) else self.answer
        return made


@dataclass
class Desk:
    """Notification of one database, whose clock is put forward by hand."""

    engine: AsyncEngine
    clock: Clock
    recorder: Recorder
    box: SecretBox = field(default_factory=lambda: SecretBox([KEY]))

    def __post_init__(self) -> None:
        self.receivers = ReceiverStore(self.engine, self.box)
        self.deliveries = DeliveryStore(self.engine)
        self.silences = SilenceStore(self.engine)
        self.policies = PolicyStore(self.engine)
        self.notifier = Notifier(self.engine, Links("https://assay.test", self.box.link_keys[0]), clock=self.clock)
        self.upkeep = NotificationUpkeep(self.deliveries, self.receivers, self.silences, timedelta(days=30), self.clock)
        self.outbox = self.make_outbox({"teams": self.recorder})

    def make_outbox(self, channels: Mapping[str, Channel]) -> Outbox:
        """Another worker on the same outbox."""
        return Outbox(self.deliveries, self.receivers, channels, clock=self.clock)

    async def add_receiver(self, receiver_id: str = "default", **fields: Any) -> Receiver:
        """A receiver of the recording channel, unless it is given a config."""
        receiver = Receiver(receiver_id, **({"config": TeamsConfig("https://teams.test/s3cr3t")} | fields))
        return (await self.receivers.create(PROJECT, receiver, "key", self.clock())).receiver

    async def set_alerts(self, *alerts: Alert) -> None:
        """Adds alerts, or changes them."""
        for each in alerts:
            row = {name: getattr(each, name) for name in Alert.__dataclass_fields__}
            row |= {"labels": dict(each.labels), "state": each.state.value, "severity": each.severity.value, "change_time": self.clock()}
            statement = insert(alert_table).values(row)
            changed = {name: value for name, value in row.items() if name != "alert_id"} | {"version": alert_table.c.version + 1}
            async with self.engine.begin() as connection:
                await connection.execute(statement.on_conflict_do_update(index_elements=["alert_id"], set_=changed))

    async def send_all(self, outbox: Outbox | None = None) -> None:
        """Lets a worker try all that is due."""
        worker = outbox or self.outbox
        while await worker._begin_tries():
            await worker.drain()

    async def states(self) -> dict[str, tuple[int, int]]:
        """State and number of tries of each delivery, by receiver and number."""
        statement = text("SELECT receiver_id || ' ' || number, state, attempt_count FROM alerter.delivery ORDER BY 1")
        async with self.engine.connect() as connection:
            return {row[0]: (row[1], row[2]) for row in await connection.execute(statement)}


async def add_project(engine: AsyncEngine) -> None:
    """Makes the project known to the alerter."""
    async with engine.begin() as connection:
        statement = "INSERT INTO alerter.project (project, generation, owner, lease_end_time) VALUES ('default', 1, '', now())"
        await connection.execute(text(statement))


def webhook(url: str) -> WebhookConfig:
    """A webhook at this address."""
    return WebhookConfig(url)
