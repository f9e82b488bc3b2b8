"""Wires the analyzer."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

from kit import bus, database, lifecycle, logs, rpc
from kit.access import CachedKeyChecker, Guard, RemoteKeyChecker
from kit.health import Readiness
from kit.memory import give_back_freed_memory, share_heaps
from kit.start import BUS, DATABASE, Start, ensure_streams, ops
from kit.threads import favour_the_event_loop
from services.analyzer import rpc_anomalies, rpc_baselines, rpc_quality, streams
from services.analyzer.collector import Calls, Collector
from services.analyzer.erasing import Eraser
from services.analyzer.inbox import Inbox
from services.analyzer.notes import Notes
from services.analyzer.projects import Projects
from services.analyzer.publish import Publisher
from services.analyzer.quality_wiring import quality
from services.analyzer.ranking_wiring import SERVICE_NAMES, choosing
from services.analyzer.settings import AnalyzerSettings
from services.analyzer.store.anomalies import AnomalyStore
from services.analyzer.store.baselines import BaselineStore
from services.analyzer.store.records import Claim
from services.analyzer.store.shifts import ShiftStore
from services.analyzer.store.work import WorkStore
from services.analyzer.watch import AnomalyWatches
from services.analyzer.worker import Tools, Worker

SCHEMA = "analyzer"
MIGRATIONS = "services.analyzer.migrations"
# Whoever chooses by rankings goes on choosing while the collector is away: a key that worked is believed for so long, for rankings alone.
RANKING_OUTAGE_S = 600.0

_log = logs.get_logger(__name__)


@asynccontextmanager
async def analyzer(settings: AnalyzerSettings) -> AsyncIterator[str]:
    """Serves an analyzer until the block is left; yields the bound address."""
    share_heaps()
    favour_the_event_loop()
    readiness = Readiness(DATABASE, BUS)
    url, address = settings.database_url.get_secret_value(), settings.collector_address
    secret, files, is_open = settings.service_key.get_secret_value(), settings.client_tls, settings.insecure_connect
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(database.engine(url, name="assay analyzer", files=settings.database_tls))
        connection = await stack.enter_async_context(bus.connect(settings.nats_url.get_secret_value(), "analyzer", settings.nats_tls))
        own = await stack.enter_async_context(rpc.connect(address, secret=secret, tls=files, allow_insecure=is_open))
        plain = await stack.enter_async_context(rpc.connect(address, tls=files, allow_insecure=is_open))
        keys = RemoteKeyChecker(plain)
        guard, ranking_guard = Guard(CachedKeyChecker(keys)), Guard(CachedKeyChecker(keys, outage_s=RANKING_OUTAGE_S))
        anomalies, baselines, shifts = AnomalyStore(engine), BaselineStore(engine), ShiftStore(engine)
        tools = Tools(
            collector=Collector(own),
            store=WorkStore(engine),
            publisher=Publisher(connection, anomalies),
            notes=_notes(settings, baselines, shifts, anomalies),
            history=timedelta(days=settings.history_days),
        )

        async def work(claim: Claim, inbox: Inbox) -> None:
            async with scores.scoring(claim):
                await Worker(tools, claim, inbox).run()

        async def prepare_database() -> None:
            await database.migrate(url, schema=SCHEMA, package=MIGRATIONS, files=settings.database_tls)

        async def prepare_bus() -> None:
            await ensure_streams(connection, [make(settings.stream_replica_count) for make in streams.STREAMS])

        start = Start(engine, connection, readiness, prepare_database=prepare_database, prepare_bus=prepare_bus)
        watches = AnomalyWatches(connection, anomalies)
        choices = choosing(settings, engine, connection, tools.collector, anomalies)
        scores = await stack.enter_async_context(quality(engine, connection, own, settings))
        await stack.enter_async_context(ops(settings, readiness))
        bound = await stack.enter_async_context(
            rpc.serve(
                settings.listen,
                [
                    rpc_anomalies.AnomalyServicer(guard, anomalies, watches, Calls(plain)).add_to,
                    rpc_baselines.BaselineServicer(guard, baselines, shifts).add_to,
                    scores.servicer(guard).add_to,
                    *choices.servicers(guard, ranking_guard),
                ],
                service_names=[rpc_quality.SERVICE_NAME, rpc_anomalies.SERVICE_NAME, rpc_baselines.SERVICE_NAME, *SERVICE_NAMES],
                readiness=readiness,
                log_guard=guard,
                files=settings.grpc_tls,
                allow_insecure=settings.insecure_listen,
            )
        )
        projects = Projects(connection, tools.collector, tools.store, work)
        jobs = [start.after(job) for job in (projects.run, watches.run, Eraser(engine, connection).run)]
        jobs += [start.run, give_back_freed_memory, *scores.jobs(start), *choices.jobs(start)]
        await stack.enter_async_context(lifecycle.background(*jobs))
        _log.info("the analyzer is up", address=bound)
        yield bound


def _notes(settings: AnalyzerSettings, baselines: BaselineStore, shifts: ShiftStore, anomalies: AnomalyStore) -> Notes:
    kept = {
        "baselines_kept": timedelta(days=settings.baselines_kept_days),
        "anomalies_kept": timedelta(days=settings.anomalies_kept_days),
    }
    return Notes(baselines, shifts, anomalies, **kept)
