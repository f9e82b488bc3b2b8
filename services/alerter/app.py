"""Wires the alerter."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Protocol
from uuid import uuid4

import grpc.aio

from kit import bus, database, lifecycle, logs, rpc
from kit.access import CachedKeyChecker, Guard, RemoteKeyChecker
from kit.health import Readiness
from kit.memory import give_back_freed_memory, share_heaps
from kit.start import BUS, DATABASE, Start, ensure_streams, ops
from services.alerter import rpc_alerts, rpc_rules, streams
from services.alerter.anomalies import Anomalies
from services.alerter.backtesting import Backtesting
from services.alerter.charts import Charts
from services.alerter.evaluation import Tools
from services.alerter.neighbours import Collector, Health
from services.alerter.notification_wiring import notification
from services.alerter.projects import Projects
from services.alerter.schedule import Schedule
from services.alerter.settings import AlerterSettings
from services.alerter.store.alerts import AlertStore
from services.alerter.store.leases import LeaseStore
from services.alerter.store.rules import RuleStore
from services.alerter.upkeep import Upkeep
from services.alerter.watch import AlertWatches
from services.alerter.window_news import WindowNews

SCHEMA = "alerter"
MIGRATIONS = "services.alerter.migrations"

_log = logs.get_logger(__name__)


@asynccontextmanager
async def alerter(settings: AlerterSettings) -> AsyncIterator[str]:
    """Serves an alerter until the block is left; yields the bound address."""
    share_heaps()
    readiness = Readiness(DATABASE, BUS)
    url = settings.database_url.get_secret_value()
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(database.engine(url, name="assay alerter", files=settings.database_tls))
        connection = await stack.enter_async_context(bus.connect(settings.nats_url.get_secret_value(), "alerter", settings.nats_tls))
        channels = _Channels(stack, settings)
        collector = Collector(await channels.own(settings.collector_address))
        guard = Guard(CachedKeyChecker(RemoteKeyChecker(await channels.plain(settings.collector_address))))
        rules, alerts = RuleStore(engine), AlertStore(engine)
        projects = Projects(collector, rules)
        told = notification(settings, engine, connection, guard, rules=rules, alerts=alerts, chart_of=Charts(rules, collector).chart)
        telling = await stack.enter_async_context(told)
        watches = AlertWatches(connection, alerts)
        news = WindowNews(connection)
        schedule = Schedule(
            Tools(
                bus=connection,
                collector=collector,
                health=Health({name: await channels.plain(address) for name, address in _neighbours(settings).items()}),
                news=news,
                anomalies=Anomalies(await channels.own(settings.analyzer_address)) if settings.analyzer_address else None,
                rules=rules,
                alerts=alerts,
                leases=LeaseStore(engine, owner=uuid4().hex),
            ),
            projects,
            settings.evaluate_every_s,
        )

        async def prepare_database() -> None:
            await database.migrate(url, schema=SCHEMA, package=MIGRATIONS, files=settings.database_tls)

        async def prepare_bus() -> None:
            await ensure_streams(connection, [streams.alerts_stream(settings.stream_replica_count)])

        start = Start(engine, connection, readiness, prepare_database=prepare_database, prepare_bus=prepare_bus)
        served: list[Served] = [
            rpc_rules.RuleServicer(guard, projects, rules, Backtesting(collector)),
            rpc_alerts.AlertServicer(guard, projects, alerts, watches, connection),
            *telling.served,
        ]
        jobs = [news.run, schedule.run, watches.run, Upkeep(alerts, timedelta(days=settings.alerts_kept_days)).run, *telling.jobs]
        await stack.enter_async_context(ops(settings, readiness))
        bound = await stack.enter_async_context(
            rpc.serve(
                settings.listen,
                [servicer.add_to for servicer in served],
                service_names=[servicer.service_name for servicer in served],
                readiness=readiness,
                log_guard=guard,
                files=settings.grpc_tls,
                allow_insecure=settings.insecure_listen,
            )
        )
        await stack.enter_async_context(lifecycle.background(start.run, give_back_freed_memory, *(start.after(job) for job in jobs)))
        _log.info("the alerter is up", address=bound)
        yield bound


class Served(Protocol):
    """A servicer that says which service it is."""

    service_name: str

    def add_to(self, server: grpc.aio.Server) -> None:
        """Adds the service to a server."""
        ...


class _Channels:
    """Connections to other processes, closed with the stack."""

    def __init__(self, stack: AsyncExitStack, settings: AlerterSettings) -> None:
        self._stack = stack
        self._settings = settings

    async def own(self, address: str) -> grpc.aio.Channel:
        """With the services' key."""
        return await self._connect(address, self._settings.service_key.get_secret_value())

    async def plain(self, address: str) -> grpc.aio.Channel:
        """Without a key."""
        return await self._connect(address, None)

    async def _connect(self, address: str, secret: str | None) -> grpc.aio.Channel:
        files, is_open = self._settings.client_tls, self._settings.insecure_connect
        return await self._stack.enter_async_context(rpc.connect(address, secret=secret, tls=files, allow_insecure=is_open))


def _neighbours(settings: AlerterSettings) -> Mapping[str, str]:
    """Addresses of the processes whose being down is told, by name."""
    named = {"collector": settings.collector_address, "analyzer": settings.analyzer_address, **settings.watched_addresses}
    return {name: address for name, address in named.items() if address}
