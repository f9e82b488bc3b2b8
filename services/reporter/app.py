"""Wires the reporter."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import grpc.aio

from kit import bus, database, lifecycle, logs, rpc
from kit.access import CachedKeyChecker, Guard, RemoteKeyChecker
from kit.health import Readiness
from kit.memory import give_back_freed_memory, share_heaps
from kit.news import News
from kit.start import BUS, DATABASE, Start, ensure_streams, ops
from services.reporter import streams
from services.reporter.gathering import Sources
from services.reporter.making import Making
from services.reporter.neighbours import Alerter, Analyzer, Collector
from services.reporter.projects import Projects
from services.reporter.rendering import Rendering
from services.reporter.rpc_reports import ReportServicer
from services.reporter.scheduler import Scheduler
from services.reporter.sending import Sending
from services.reporter.settings import ReporterSettings
from services.reporter.store.recommendations import RecommendationStore
from services.reporter.store.reports import ReportStore
from services.reporter.store.runs import RunStore
from services.reporter.store.schedules import ScheduleStore
from services.reporter.upkeep import Upkeep

SCHEMA = "reporter"
MIGRATIONS = "services.reporter.migrations"

_log = logs.get_logger(__name__)


@asynccontextmanager
async def reporter(settings: ReporterSettings) -> AsyncIterator[str]:
    """Serves a reporter until the block is left; yields the bound address."""
    share_heaps()
    readiness = Readiness(DATABASE, BUS)
    url = settings.database_url.get_secret_value()
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(database.engine(url, name="assay reporter", files=settings.database_tls))
        connection = await stack.enter_async_context(bus.connect(settings.nats_url.get_secret_value(), "reporter", settings.nats_tls))
        secret = settings.service_key.get_secret_value()
        collector = Collector(await _channel(stack, settings, settings.collector_address, secret))
        analyzer = Analyzer(await _channel(stack, settings, settings.analyzer_address, secret)) if settings.analyzer_address else None
        alerter = Alerter(await _channel(stack, settings, settings.alerter_address, secret)) if settings.alerter_address else None
        guard = Guard(CachedKeyChecker(RemoteKeyChecker(await _channel(stack, settings, settings.collector_address, None))))
        reports, recommendations = ReportStore(engine), RecommendationStore(engine)
        runs, schedules = RunStore(engine), ScheduleStore(engine)
        projects, rendering = Projects(collector), Rendering(reports)
        making = Making(engine, connection, Sources(collector, analyzer, alerter, recommendations), reports)
        sending = Sending(alerter, reports, rendering, public_url=settings.public_url, link_lifetime=timedelta(days=settings.link_days))
        scheduler = Scheduler(schedules, runs, projects, making, sending, look_every_s=settings.look_every_s)
        upkeep = Upkeep(reports, recommendations, runs, timedelta(days=settings.reports_kept_days))

        async def prepare_database() -> None:
            await database.migrate(url, schema=SCHEMA, package=MIGRATIONS, files=settings.database_tls)

        async def prepare_bus() -> None:
            await ensure_streams(connection, [streams.reports_stream(settings.stream_replica_count)])

        news = News(connection, streams.REPORTS_SUBJECT)
        start = Start(engine, connection, readiness, prepare_database=prepare_database, prepare_bus=prepare_bus)
        servicer = ReportServicer(
            guard,
            projects,
            reports=reports,
            recommendations=recommendations,
            making=making,
            rendering=rendering,
            sending=sending,
            schedules=schedules,
            runs=runs,
            news=news,
        )
        await stack.enter_async_context(ops(settings, readiness))
        bound = await stack.enter_async_context(
            rpc.serve(
                settings.listen,
                [servicer.add_to],
                service_names=[servicer.service_name],
                readiness=readiness,
                log_guard=guard,
                files=settings.grpc_tls,
                allow_insecure=settings.insecure_listen,
            )
        )
        jobs = (start.after(scheduler.run), start.after(upkeep.run))
        await stack.enter_async_context(lifecycle.background(start.run, news.run, give_back_freed_memory, *jobs))
        _log.info("the reporter is up", address=bound)
        yield bound


async def _channel(stack: AsyncExitStack, settings: ReporterSettings, address: str, secret: str | None) -> grpc.aio.Channel:
    """A connection to another process, closed with the stack."""
    files, is_open = settings.client_tls, settings.insecure_connect
    return await stack.enter_async_context(rpc.connect(address, secret=secret, tls=files, allow_insecure=is_open))
