"""What both roles of the collector begin with: database and bus made ready, and health over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database, lifecycle, logs, ops_http
from kit.bus import Bus
from kit.errors import AssayError, Kind
from kit.health import Readiness
from services.collector import streams
from services.collector.access.store import AccessStore
from services.collector.ingest import require_payload
from services.collector.settings import CollectorSettings, FrontSettings

SCHEMA = "collector"
MIGRATIONS = "services.collector.migrations"
# How often the neighbours are asked whether they are there.
NEIGHBOURS_EVERY_S = 1.0
# Between tries to reach them at the start.
RETRY_S = 0.25

_log = logs.get_logger(__name__)


@asynccontextmanager
async def ops(settings: CollectorSettings, readiness: Readiness) -> AsyncIterator[None]:
    """Serves /healthz, /readyz and /metrics, if the settings say where."""
    if not settings.ops_listen:
        yield
        return
    async with ops_http.serve(settings.ops_listen, readiness, files=settings.http_tls, allow_insecure=settings.insecure_listen) as address:
        _log.info("health and metrics over HTTP", address=address)
        yield


class Start:
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
        url, files = self._settings.database_url.get_secret_value(), self._settings.database_tls
        await database.migrate(url, schema=SCHEMA, package=MIGRATIONS, files=files)
        access = AccessStore(self._engine)
        await access.ensure_defaults()
        if isinstance(self._settings, FrontSettings) and self._settings.bootstrap_key is not None:
            await access.ensure_bootstrap_key(self._settings.bootstrap_key.get_secret_value())

    async def _prepare_bus(self) -> None:
        await self._bus.connected(timeout_s=1.0)
        require_payload(self._bus.max_payload_bytes)
        await self._bus.ensure_stream(streams.ingest_stream(self._settings.stream_bytes_max, self._settings.stream_replica_count))
        await self._bus.ensure_stream(streams.windows_stream(self._settings.stream_replica_count))

    async def _watch(self, stop: asyncio.Event) -> None:
        prepared_count = self._bus.connection_count
        while not stop.is_set():
            await self._try("database", self._ping_database)
            self._readiness.set("bus", ready=self._bus.is_connected, why="the connection is lost")
            connection_count = self._bus.connection_count
            # A server that was away may have come back without its data: then the streams are made again.
            if connection_count != prepared_count and await self._try("bus", self._prepare_bus):
                prepared_count = connection_count
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
            self._readiness.set(neighbour, ready=False, why=str(error) or "no answer")
            return False
        self._readiness.set(neighbour, ready=True)
        return True
