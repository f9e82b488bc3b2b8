"""Alerters and receivers are killed at random, and every alert is delivered all the same."""

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from assay.alerter.v1 import rule_service_pb2 as rules
from assay.collector.v1.metrics_service_pb2 import METRIC_DIMENSION_MODEL
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database
from kit.embedded.stack import Stack
from services.alerter.app import MIGRATIONS, SCHEMA
from services.alerter.domain.notification.receiver import EmailConfig, MailSecurity, Receiver, WebhookConfig
from services.alerter.messages.rule_messages import definition_of
from services.alerter.secret_box import SecretBox
from services.alerter.store.policies import PolicyStore
from services.alerter.store.receivers import ReceiverStore
from services.alerter.store.rules import RuleStore
from tests import unmeasured
from tests.alerter.notify.desk import KEY
from tests.alerter.notify.servers import free_port, until
from tests.alerter.rules.installation import DEADLINE_S, Installation, calls, installation, success_rule

# Streams are those of this module alone.
pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.usefixtures("bus")]

LENGTH_S = float(os.environ.get("ASSAY_ALERTER_CHAOS_S", "8"))
SEED = int(os.environ.get("ASSAY_CHAOS_SEED", str(time.time_ns() % 1_000_000)))
IS_FULL_RUN = LENGTH_S >= 60.0
PAUSE_S = (1.0, 8.0) if IS_FULL_RUN else (0.5, 2.0)
PROJECT_COUNT, MODEL_COUNT = 50 if IS_FULL_RUN else 12, 10
# What a killed process was trying is tried again when its lease has ended.
SETTLE_TIMEOUT_S = 900.0
RECEIVERS = ("http", "mail")
PROCESSES = (*RECEIVERS, "alerter-1", "alerter-2")
ALL_MODELS = {f"model-{number}-{model}" for number in range(PROJECT_COUNT) for model in range(MODEL_COUNT)}
_WAITING = text("SELECT count(*) FROM alerter.delivery WHERE state = 1")


class Processes:
    """Processes by name, each started again when it was killed; what one says is in a file of its name."""

    def __init__(self, directory: Path, commands: Mapping[str, Sequence[str]], environment: Mapping[str, str]) -> None:
        self._directory = directory
        self._commands = commands
        self._environment = {**unmeasured.environment(), **environment}
        self._running: dict[str, asyncio.subprocess.Process] = {}

    async def start(self, name: str) -> None:
        """Starts one."""
        command = (sys.executable, "-m", *self._commands[name])
        with self._said(name).open("ab") as said:
            self._running[name] = await asyncio.create_subprocess_exec(*command, env=self._environment, stdout=said, stderr=said)

    async def kill(self, name: str) -> None:
        """Kills one, which must have been running."""
        process = self._running.pop(name)
        assert process.returncode is None, f"{name} ended by itself: {self._said(name).read_text()[-2_000:]}"
        process.kill()
        await process.wait()

    async def restart(self, name: str) -> None:
        """Kills one, and starts it again."""
        await self.kill(name)
        await self.start(name)

    def _said(self, name: str) -> Path:
        return self._directory / f"{name}.log"

    async def close(self) -> None:
        """Kills what is left."""
        for name in list(self._running):
            await self.kill(name)


@asynccontextmanager
async def processes(made: Installation, ports: Mapping[str, int], directory: Path) -> AsyncIterator[Processes]:
    """Two alerters and two receivers."""
    settings = {
        "ASSAY_DATABASE_URL": made.database_url,
        "ASSAY_NATS_URL": made.stack.nats_url,
        "ASSAY_SERVICE_KEY": made.service_key,
        "ASSAY_SECRETS_KEY": KEY,
        "ASSAY_ALERTER_LISTEN": "127.0.0.1:0",
        "ASSAY_ALERTER_OPS_LISTEN": "",
        "ASSAY_ALERTER_COLLECTOR_ADDRESS": made.collector,
        "ASSAY_ALERTER_ANALYZER_ADDRESS": "",
        "ASSAY_ALERTER_EVALUATE_EVERY_S": "1",
        "ASSAY_ALERTER_ALLOWED_TARGETS": "127.0.0.1",
    }
    commands: dict[str, Sequence[str]] = dict.fromkeys(PROCESSES, ("services.alerter",))
    for kind in RECEIVERS:
        commands[kind] = ("tests.alerter.notify.receiver_process", kind, str(ports[kind]), str(directory / kind))
    running = Processes(directory, commands, settings)
    try:
        for name in PROCESSES:
            await running.start(name)
        yield running
    finally:
        await running.close()


async def prepare(made: Installation, engine: AsyncEngine, ports: Mapping[str, int]) -> list[str]:
    """Projects with a rule of their own, whose alerts are told to both receivers."""
    await database.migrate(made.database_url, schema=SCHEMA, package=MIGRATIONS)
    rule_store, receiver_store, policies = RuleStore(engine), ReceiverStore(engine, SecretBox([KEY])), PolicyStore(engine)
    mail = EmailConfig("127.0.0.1", "assay@example.com", ("team@example.com",), ports["mail"], MailSecurity.NONE)
    receivers = [Receiver("mail", mail), Receiver("http", WebhookConfig(f"http://127.0.0.1:{ports['http']}/"))]
    routes: list[Any] = [{"receiver_id": "http", "continues": True}, {"receiver_id": "mail"}]
    now = datetime.now(UTC)
    projects = [await made.new_project() for _ in range(PROJECT_COUNT)]
    for project in projects:
        await rule_store.ensure_project(project, {"success": definition_of(rule())}, now)
        for receiver in receivers:
            await receiver_store.create(project, receiver, "key", now)
        await policies.put(project, {"root": {"group_interval": "60s", "routes": routes}}, "key", 0, now)
    return projects


def rule() -> rules.Rule:
    """An alert for each model of which calls fail, however long it takes until somebody looks."""
    made = success_rule()
    made.threshold.window.FromSeconds(3_600)
    made.ClearField("group_by")
    made.group_by.append(METRIC_DIMENSION_MODEL)
    return made


async def kill_some(running: Processes, chance: random.Random) -> None:
    """Kills one after the other, at random, until it is cancelled; starting again is not cut short by that."""
    while True:
        await asyncio.sleep(chance.uniform(*PAUSE_S))
        name = chance.choice(PROCESSES)
        print(f"{name} is killed")
        await asyncio.shield(running.restart(name))


async def test_every_alert_is_delivered_whoever_is_killed(stack: Stack, tmp_path: Path) -> None:
    print(f"\nkilled for {LENGTH_S:g} s, seed {SEED} (ASSAY_ALERTER_CHAOS_S, ASSAY_CHAOS_SEED)")
    ports = {kind: free_port() for kind in RECEIVERS}
    async with installation(stack) as made, database.engine(made.database_url) as engine:
        projects = await prepare(made, engine, ports)
        async with processes(made, ports, tmp_path) as running:
            await fail(made, projects, 0)
            await until(lambda: bool(told(tmp_path / "http")), DEADLINE_S)
            killing = asyncio.create_task(kill_some(running, random.Random(SEED)))
            for number in range(1, PROJECT_COUNT):
                await fail(made, projects, number)
                await asyncio.sleep(LENGTH_S / PROJECT_COUNT)
            killing.cancel()
            await asyncio.wait([killing])
            async with asyncio.timeout(SETTLE_TIMEOUT_S):
                while any(told(tmp_path / kind) != ALL_MODELS for kind in RECEIVERS) or await waiting_count(engine):
                    await asyncio.sleep(0.5)
    for kind in RECEIVERS:
        check_repeats(tmp_path / kind)


async def fail(made: Installation, projects: Sequence[str], number: int) -> None:
    """Has all calls of a project fail."""
    failing = [calls(10, failed=10, model=f"model-{number}-{model}") for model in range(MODEL_COUNT)]
    await made.record(projects[number], [call for some in failing for call in some])


def lines(path: Path) -> list[dict[str, Any]]:
    """What a receiver has noted; a line that it was killed in is none."""
    found = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in found if line.endswith("}\n")]


def told(path: Path) -> set[str]:
    """All models that a receiver was told of."""
    return {model for line in lines(path) for model in line["models"]}


async def waiting_count(engine: AsyncEngine) -> int:
    """How many deliveries are still to be made."""
    async with engine.connect() as connection:
        return int(await connection.scalar(_WAITING) or 0)


def check_repeats(path: Path) -> None:
    """A message that came twice came under its id and said the same; no two messages say the same under different ids."""
    said: dict[str, list[str]] = {}
    for line in lines(path):
        assert said.setdefault(line["id"], line["models"]) == line["models"]
    assert len(said) == len({tuple(models) for models in said.values()})
    print(f"{path.name}: {len(said)} messages, {len(lines(path)) - len(said)} repeats")
