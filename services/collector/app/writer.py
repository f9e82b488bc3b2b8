"""Wires the collector's writer."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from kit import bus, database, lifecycle, logs, rpc
from kit.access import CachedKeyChecker, Guard
from kit.health import Readiness
from kit.memory import give_back_freed_memory, share_heaps
from kit.start import ops
from services.collector.access.checker import StoreKeyChecker
from services.collector.access.store import AccessStore
from services.collector.app.start import collector_start
from services.collector.domain.windows import Retention as QueryRetention
from services.collector.erasing import Eraser
from services.collector.export.exporter import exporting
from services.collector.export.targets import read_targets
from services.collector.score_writer import ScoreWriter
from services.collector.settings import WriterSettings
from services.collector.upkeep import Retention, Upkeep
from services.collector.writer import Writer

_log = logs.get_logger(__name__)


@asynccontextmanager
async def writer(settings: WriterSettings) -> AsyncIterator[str]:
    """Runs the collector's writer until the block is left; yields the bound address of its health."""
    share_heaps()
    readiness = Readiness("database", "bus")
    targets = read_targets(settings.exports_file, allow_insecure=settings.insecure_connect)
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(
            database.engine(settings.database_url.get_secret_value(), name="assay collector writer", files=settings.database_tls)
        )
        connection = await stack.enter_async_context(
            bus.connect(settings.nats_url.get_secret_value(), "collector writer", settings.nats_tls)
        )
        guard = Guard(CachedKeyChecker(StoreKeyChecker(AccessStore(engine))))
        retention = Retention(settings.calls_kept_days, settings.minutes_kept_days, settings.quarters_kept_days, settings.history)
        start = collector_start(engine, connection, readiness, settings)
        await stack.enter_async_context(ops(settings, readiness))
        address = await stack.enter_async_context(
            rpc.serve(
                settings.writer_listen,
                [],
                service_names=[],
                readiness=readiness,
                log_guard=guard,
                files=settings.grpc_tls,
                allow_insecure=settings.insecure_listen,
            )
        )
        query_retention = QueryRetention(minute_days=settings.minutes_kept_days, fifteen_minutes_days=settings.quarters_kept_days)
        sending = await stack.enter_async_context(exporting(engine, targets, query_retention))
        workers = (
            Writer(engine, connection),
            ScoreWriter(engine, connection),
            Upkeep(engine, connection, retention),
            Eraser(engine, connection),
        )
        jobs = [*(worker.run for worker in workers), *sending]
        await stack.enter_async_context(lifecycle.background(start.run, give_back_freed_memory, *(start.after(job) for job in jobs)))
        _log.info("the collector's writer is up", address=address)
        yield address
