"""One owner for each project, whoever is killed when."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from assay.alerter.v1 import alert_service_pb2 as alerts
from sqlalchemy import text

from kit import database
from kit.embedded.stack import Stack
from tests import unmeasured
from tests.alerter.rules.installation import Installation, calls, eventually, installation, running, success_rule

# Streams are those of this module alone.
pytestmark = pytest.mark.usefixtures("bus")

WAITING = text(
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'assay alerter' AND wait_event_type = 'Lock' "
    "AND datname = current_database()"
)
OWNER = text("SELECT owner FROM alerter.project WHERE project = :project")


@asynccontextmanager
async def process(made: Installation) -> AsyncIterator[asyncio.subprocess.Process]:
    """An alerter in a process of its own, killed at the end if it was not before."""
    settings = {
        "ASSAY_DATABASE_URL": made.database_url,
        "ASSAY_NATS_URL": made.stack.nats_url,
        "ASSAY_SERVICE_KEY": made.service_key,
        "ASSAY_ALERTER_LISTEN": "127.0.0.1:0",
        "ASSAY_ALERTER_OPS_LISTEN": "",
        "ASSAY_ALERTER_COLLECTOR_ADDRESS": made.collector,
        "ASSAY_ALERTER_ANALYZER_ADDRESS": "",
        "ASSAY_ALERTER_EVALUATE_EVERY_S": "1",
    }
    started = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.alerter", env=unmeasured.environment() | settings)
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


async def test_an_owner_that_is_killed_before_its_commit_leaves_nothing_undone_and_nothing_done_twice(stack: Stack) -> None:
    async with installation(stack) as made, database.engine(made.database_url) as engine, process(made) as first:
        project = await made.new_project()

        async def owner() -> str | None:
            async with engine.connect() as connection:
                if await connection.scalar(text("SELECT to_regclass('alerter.project')")) is None:
                    return None
                return await connection.scalar(OWNER, {"project": project})

        owned_by = await eventually(owner, "the first one owns the project")
        async with running(made) as second:
            await second.create(project, success_rule())
            async with engine.connect() as holding:
                # The owner computes, writes the alert, and then waits within its transaction.
                await holding.execute(text("LOCK TABLE alerter.rule_state IN EXCLUSIVE MODE"))
                await made.record(project, calls(20, failed=10))

                async def is_waiting() -> bool:
                    async with engine.connect() as connection:
                        return bool(await connection.scalar(WAITING))

                await eventually(is_waiting, "the owner waits in its commit")
                assert await owner() == owned_by
                first.kill()
                await first.wait()
                await holding.rollback()

            fired = await second.alert(project, "success", alerts.ALERT_STATE_FIRING)
            assert await owner() != owned_by
            found = await second.alerts.ListAlerts(alerts.ListAlertsRequest(project=project, rule_id="success"))
            assert [alert.alert_id for alert in found.alerts] == [fired.alert_id]
            history = await second.alerts.GetAlert(alerts.GetAlertRequest(project=project, alert_id=fired.alert_id))
            assert [change.to_state for change in history.transitions] == [alerts.ALERT_STATE_FIRING]


async def test_of_two_replicas_one_evaluates_and_both_tell(made: Installation) -> None:
    project = await made.new_project()
    async with running(made) as one, running(made) as other:
        await one.create(project, success_rule())
        await made.record(project, calls(20, failed=10))
        watched = other.alerts.WatchAlerts(alerts.WatchAlertsRequest(project=project))
        snapshot = await watched.read()
        assert snapshot.is_snapshot
        fired = await one.alert(project, "success", alerts.ALERT_STATE_FIRING)
        told = list(snapshot.alerts) or list((await asyncio.wait_for(watched.read(), 60)).alerts)
        assert [alert.alert_id for alert in told] == [fired.alert_id]
        # Acknowledged at the one, it is so at the other, and whoever owns the project does not undo it.
        acknowledged = (await other.alerts.AcknowledgeAlert(alerts.AcknowledgeAlertRequest(project=project, alert_id=fired.alert_id))).alert
        assert (await asyncio.wait_for(watched.read(), 60)).alerts[0].version == acknowledged.version == 2
        watched.cancel()
        await made.record(project, calls(300))
        resolved = await one.alert(project, "success", alerts.ALERT_STATE_RESOLVED)
        assert (resolved.alert_id, resolved.version) == (fired.alert_id, 3)
