"""A collector's database and streams, fed the way that calls come in: through the front's ingest and the writer."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from unittest.mock import patch

from assay.telemetry.v1 import call_pb2, evidence_pb2
from nats.js.errors import NotFoundError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database
from kit.bus import Bus
from services.collector import streams, writer
from services.collector.ingest import Ingest
from services.collector.messages.call_columns import read_calls
from services.collector.messages.requests import parse_calls, parse_evidence
from services.collector.prices import PriceBook
from services.collector.store.task_folding import TaskFoldingStore
from tests.collector.ingest_samples import NOW_US, calls_request, evidence_request

STORE_DEADLINE_S = 120.0
STREAM_BYTES_MAX = 256 * 1024 * 1024


@dataclass
class Feeder:
    """Feeds projects. `now_us` is the front's clock, which decides the day of receipt."""

    engine: AsyncEngine
    bus: Bus
    now_us: int = NOW_US
    _batch_numbers: "count[int]" = field(default_factory=count)

    async def add_project(self, project: str, *, time_zone: str = "UTC", series_limit: int = 10_000) -> int:
        """Makes a project and gives its number."""
        async with self.engine.begin() as connection:
            made = await connection.execute(
                text(
                    "INSERT INTO collector.project (project, time_zone, series_limit, create_time) "
                    "VALUES (:project, :time_zone, :series_limit, now()) RETURNING project_id"
                ),
                {"project": project, "time_zone": time_zone, "series_limit": series_limit},
            )
            return int(made.scalar_one())

    async def publish(self, project: str, calls: Sequence[call_pb2.Call], *, batch_id: str = "", client_dropped_count: int = 0) -> str:
        """Records a batch of calls and gives its id; until `store` it is in flight."""
        batch_id = batch_id or self._next_batch_id()
        batch = parse_calls(calls_request(*calls))
        columns = read_calls(batch.items)
        await self._ingest().record_calls(project, batch_id.encode(), columns, client_dropped_count)
        return batch_id

    async def publish_evidence(self, project: str, evidence: Sequence[evidence_pb2.Evidence], *, batch_id: str = "") -> str:
        """The same for evidence."""
        batch_id = batch_id or self._next_batch_id()
        batch = parse_evidence(evidence_request(*evidence))
        await self._ingest().record_evidence(project, batch_id.encode(), batch.items)
        return batch_id

    async def feed(self, project: str, calls: Sequence[call_pb2.Call], *, batch_id: str = "") -> str:
        """Records a batch of calls and stores it."""
        batch_id = await self.publish(project, calls, batch_id=batch_id)
        await self.store()
        return batch_id

    async def store(self) -> None:
        """Runs a writer until everything on the stream is stored and acknowledged."""
        stop = asyncio.Event()
        with patch.object(writer, "FETCH_WAIT_S", 0.05):
            async with asyncio.TaskGroup() as group:
                group.create_task(writer.Writer(self.engine, self.bus).run(stop))
                try:
                    await self._acknowledged((await self.bus.stream_state(streams.INGEST)).last_sequence)
                finally:
                    stop.set()

    async def store_first(self, message_count: int, *, acknowledge: bool = True) -> None:
        """Stores the first messages of the stream that nobody was given yet. Without acknowledging, they are as after a crash."""
        one = writer.Writer(self.engine, self.bus)
        taken = await one._intake.take(message_count, STORE_DEADLINE_S)
        await one._store.add(await one._prepare(taken))
        if acknowledge:
            await one._intake.acknowledge(taken)
            await self._acknowledged(taken[-1].sequence)

    async def fold_tasks(self) -> None:
        """Folds what waits for tasks into their rows."""
        while (await TaskFoldingStore(self.engine).fold()).row_count:
            pass

    async def renew_streams(self) -> None:
        """Makes the streams anew: what they held is gone, and their sequences start again."""
        for stream in (streams.ingest_stream(STREAM_BYTES_MAX, 1), streams.windows_stream(1)):
            with suppress(NotFoundError):
                await self.bus.jetstream.delete_stream(str(stream.name))
            await self.bus.ensure_stream(stream)

    async def _acknowledged(self, sequence: int) -> None:
        """Returns when the messages up to this place are acknowledged."""
        deadline = time.monotonic() + STORE_DEADLINE_S
        consumer = self.bus.consumer(streams.INGEST, streams.WRITER)
        while await consumer.floor() < sequence:
            if time.monotonic() > deadline:
                raise TimeoutError(f"not stored within {STORE_DEADLINE_S} s")
            await asyncio.sleep(0.01)

    def _ingest(self) -> Ingest:
        return Ingest(self.bus, PriceBook(), now_unix_us=lambda: self.now_us)

    def _next_batch_id(self) -> str:
        return f"batch-{next(self._batch_numbers)}"


@asynccontextmanager
async def feeding(database_url: str, bus: Bus) -> AsyncIterator[Feeder]:
    """Migrates an empty database, makes the streams anew, and feeds both."""
    await database.migrate(database_url, schema="collector", package="services.collector.migrations")
    async with database.engine(database_url, pool_size=4) as engine:
        feeder = Feeder(engine, bus)
        await feeder.renew_streams()
        yield feeder
