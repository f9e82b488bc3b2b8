"""Wires the collector: the front, and the writer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from assay.collector.v1 import collector_service_pb2_grpc, metrics_service_pb2_grpc
from assay.collector.v1.collector_service_pb2 import DESCRIPTOR as COLLECTOR
from assay.collector.v1.metrics_service_pb2 import DESCRIPTOR as METRICS
from kit import bus, database, lifecycle, logs, ops_http, rpc
from kit.access import CachedKeyChecker, Guard
from kit.bus import Bus
from kit.errors import AssayError, Kind
from kit.health import Readiness
from services.collector import streams
from services.collector.access import rpc as access_rpc
from services.collector.access.checker import StoreKeyChecker
from services.collector.access.store import AccessStore
from services.collector.domain.windows import Retention as KeptWindows
from services.collector.ingest import Ingest, require_payload
from services.collector.prices import PriceBook
from services.collector.query import MetricsQueries
from services.collector.rpc import CollectorServicer, MetricsServicer
from services.collector.rpc_reading import ReadingRpc
from services.collector.settings import CollectorSettings, FrontSettings, WriterSettings
from services.collector.store.projects import ProjectReader
from services.collector.upkeep import Retention, Upkeep
from services.collector.watch import Watches
from services.collector.writer import Writer
from services.collector.zones import ZoneChanges

SCHEMA = "collector"
MIGRATIONS = "services.collector.migrations"
# How often the neighbours are asked whether they are there.
NEIGHBOURS_EVERY_S = 1.0
# Between tries to reach them at the start.
RETRY_S = 0.25

_log = logs.get_logger(__name__)


@asynccontextmanager
async def front(settings: FrontSettings) -> AsyncIterator[str]:
    """Serves the collector's front until the block is left; yields the bound address."""
    readiness = Readiness("database", "bus")
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(database.engine(settings.database_url.get_secret_value(), name="assay collector front"))
        connection = await stack.enter_async_context(bus.connect(settings.nats_url.get_secret_value(), "collector front"))
        access = AccessStore(engine)
        guard = Guard(CachedKeyChecker(StoreKeyChecker(access)))
        projects = ProjectReader(engine)
        queries = MetricsQueries(engine, _kept_windows(settings))
        watches = Watches(connection, queries)
        reading = ReadingRpc(engine, connection)
        zone_changes = ZoneChanges(engine)
        collector = CollectorServicer(guard, projects, Ingest(connection, PriceBook()), reading)
        metrics = MetricsServicer(guard, projects, queries, watches, reading)
        start = _Start(engine, connection, readiness, settings)
        await stack.enter_async_context(_ops(settings, readiness))
        address = await stack.enter_async_context(
            rpc.serve(
                settings.listen,
                [
                    lambda server: collector_service_pb2_grpc.add_CollectorServiceServicer_to_server(collector, server),
                    lambda server: metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(metrics, server),
                    access_rpc.AccessServicer(access, zone_changes.on_change).add_to,
                ],
                service_names=[
                    COLLECTOR.services_by_name["CollectorService"].full_name,
                    METRICS.services_by_name["MetricsService"].full_name,
                    access_rpc.SERVICE_NAME,
                ],
                readiness=readiness,
                log_guard=guard,
                allow_insecure=settings.insecure_listen,
            )
        )
        await stack.enter_async_context(lifecycle.background(start.run, watches.run))
        _log.info("the collector's front is up", address=address)
        yield address


@asynccontextmanager
async def writer(settings: WriterSettings) -> AsyncIterator[str]:
    """Runs the collector's writer until the block is left; yields the bound address of its health."""
    readiness = Readiness("database", "bus")
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(database.engine(settings.database_url.get_secret_value(), name="assay collector writer"))
        connection = await stack.enter_async_context(bus.connect(settings.nats_url.get_secret_value(), "collector writer"))
        guard = Guard(CachedKeyChecker(StoreKeyChecker(AccessStore(engine))))
        retention = Retention(settings.calls_kept_days, settings.minutes_kept_days, settings.quarters_kept_days, settings.history)
        start = _Start(engine, connection, readiness, settings)
        await stack.enter_async_context(_ops(settings, readiness))
        address = await stack.enter_async_context(
            rpc.serve(
                settings.writer_listen,
                [],
                service_names=[],
                readiness=readiness,
                log_guard=guard,
                allow_insecure=settings.insecure_listen,
            )
        )
        jobs = [Writer(engine, connection).run, Upkeep(engine, connection, retention).run]
        await stack.enter_async_context(lifecycle.background(start.run, *(start.after(job) for job in jobs)))
        _log.info("the collector's writer is up", address=address)
        yield address


def _kept_windows(settings: CollectorSettings) -> KeptWindows:
    return KeptWindows(minute_days=settings.minutes_kept_days, fifteen_minutes_days=settings.quarters_kept_days)


@asynccontextmanager
async def _ops(settings: CollectorSettings, readiness: Readiness) -> AsyncIterator[None]:
    if not settings.ops_listen:
        yield
        return
    async with ops_http.serve(settings.ops_listen, readiness, allow_insecure=settings.insecure_listen) as address:
        _log.info("health and metrics over HTTP", address=address)
        yield


class _Start:
    """Brings database and bus to what the collector needs, however late they come, and then watches that they stay."""

    def __init__(self, engine: AsyncEngine, connection: Bus, readiness: Readiness, settings: CollectorSettings) -> None:
        self._engine = engine
        self._bus = connection
        self._readiness = readiness
        self._settings = settings
        self._done = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Prepares, then keeps readiness up to date until asked to stop."""
        preparing = asyncio.create_task(self._prepare())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([preparing, stopping], return_when=asyncio.FIRST_COMPLETED)
            if preparing.done():
                preparing.result()
                self._done.set()
                await self._watch(stop)
        finally:
            preparing.cancel()
            stopping.cancel()

    def after(self, job: lifecycle.Job) -> lifecycle.Job:
        """The job, begun when all is prepared."""

        async def begin(stop: asyncio.Event) -> None:
            waits = [asyncio.create_task(self._done.wait()), asyncio.create_task(stop.wait())]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
            if not stop.is_set():
                await job(stop)

        return begin

    async def _prepare(self) -> None:
        while not await self._try("database", self._prepare_database):
            await asyncio.sleep(RETRY_S)
        while not await self._try("bus", self._prepare_bus):
            await asyncio.sleep(RETRY_S)

    async def _prepare_database(self) -> None:
        await database.migrate(self._settings.database_url.get_secret_value(), schema=SCHEMA, package=MIGRATIONS)
        access = AccessStore(self._engine)
        await access.ensure_defaults()
        if isinstance(self._settings, FrontSettings) and self._settings.bootstrap_key is not None:
            await access.ensure_bootstrap_key(self._settings.bootstrap_key.get_secret_value())

    async def _prepare_bus(self) -> None:
        await asyncio.wait_for(self._bus.connected(), timeout=1.0)
        require_payload(self._bus.max_payload_bytes)
        await self._bus.ensure_stream(streams.ingest_stream(self._settings.stream_bytes_max, self._settings.stream_replica_count))
        await self._bus.ensure_stream(streams.windows_stream(self._settings.stream_replica_count))

    async def _watch(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._try("database", self._ping_database)
            self._readiness.set("bus", self._bus.is_connected, "the connection is lost")
            try:
                await asyncio.wait_for(stop.wait(), NEIGHBOURS_EVERY_S)
            except TimeoutError:
                continue

    async def _ping_database(self) -> None:
        async with self._engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def _try(self, neighbour: str, attempt: lifecycle.Attempt) -> bool:
        """Whether it went well; a neighbour that is away is noted, anything else is raised."""
        try:
            await attempt()
        except Exception as error:
            is_away = isinstance(error, TimeoutError) or database.is_connection_error(error)
            if not is_away and not (isinstance(error, AssayError) and error.kind is Kind.UNAVAILABLE):
                raise
            self._readiness.set(neighbour, False, str(error) or "no answer")
            return False
        self._readiness.set(neighbour, True)
        return True
