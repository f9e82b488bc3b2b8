"""What every service begins with: database and bus made ready, however late they come, and health over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from nats.js.api import StreamConfig
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database, lifecycle, logs, ops_http
from kit.bus import Bus
from kit.errors import AssayError, Kind
from kit.health import Readiness
from kit.settings import ProcessSettings

# The conditions of readiness that Start keeps true to what is.
DATABASE = "database"
BUS = "bus"
# How often the neighbours are asked whether they are there.
NEIGHBOURS_EVERY_S = 1.0
# Between tries to reach them at the start.
RETRY_S = 0.25

_log = logs.get_logger(__name__)


@asynccontextmanager
async def ops(settings: ProcessSettings, readiness: Readiness) -> AsyncIterator[None]:
    """Serves /healthz, /readyz and /metrics, if the settings say where."""
    if not settings.ops_listen:
        yield
        return
    async with ops_http.serve(settings.ops_listen, readiness, files=settings.http_tls, allow_insecure=settings.insecure_listen) as address:
        _log.info("health and metrics over HTTP", address=address)
        yield


async def ensure_streams(connection: Bus, streams: Sequence[StreamConfig]) -> None:
    """Makes the streams, or brings their limits up to date. Raises AssayError while the bus is away."""
    await connection.connected(timeout_s=1.0)
    for stream in streams:
        await connection.ensure_stream(stream)


class Start:
    """Brings database and bus to what a service needs, however late they come, and then watches that they stay."""

    def __init__(
        self,
        engine: AsyncEngine,
        connection: Bus,
        readiness: Readiness,
        *,
        prepare_database: lifecycle.Attempt,
        prepare_bus: lifecycle.Attempt,
    ) -> None:
        """Both preparations can be done again; while a neighbour is away they raise what says so. The bus' is, when a server comes back."""
        self._engine = engine
        self._bus = connection
        self._readiness = readiness
        self._prepare_database = prepare_database
        self._prepare_bus = prepare_bus
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
        while not await self._try(DATABASE, self._prepare_database):
            await asyncio.sleep(RETRY_S)
        while not await self._try(BUS, self._prepare_bus):
            await asyncio.sleep(RETRY_S)

    async def _watch(self, stop: asyncio.Event) -> None:
        prepared_count = self._bus.connection_count
        while not stop.is_set():
            await self._try(DATABASE, self._ping_database)
            self._readiness.set(BUS, ready=self._bus.is_connected, why="the connection is lost")
            connection_count = self._bus.connection_count
            # A server that was away may have come back without its data: then the streams are made again.
            if connection_count != prepared_count and await self._try(BUS, self._prepare_bus):
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
