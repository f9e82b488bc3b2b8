"""What the writer does beside storing: folding, retention, and making room in the ingest stream. Each runs once in the cluster."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database, logs, metrics
from kit.bus import Bus
from kit.errors import AssayError
from services.collector import streams
from services.collector.announce import announce_windows
from services.collector.domain.levels import DAYS, MINUTES, QUARTERS, Level
from services.collector.domain.windows import MINUTES_PER_DAY, zone_of
from services.collector.store import evidence
from services.collector.store import messages as message_store
from services.collector.store.partitions import PartitionStore
from services.collector.store.projects import ProjectReader
from services.collector.store.rollups import FoldingStore
from services.collector.store.sql import locked_transaction
from services.collector.store.task_folding import TaskFoldingStore

_log = logs.get_logger(__name__)
_fold_seconds = metrics.histogram("assay_rollup_fold_seconds", "Time of one fold of deltas into chunks", ["level"])
_stream_bytes = metrics.gauge("assay_stream_bytes", "Size of the ingest stream")
_stream_messages = metrics.gauge("assay_stream_messages", "Messages in the ingest stream, stored ones that are kept included")

TASKS_EVERY_S = 2.0
FOLDS_EVERY_S = 1.0
PURGE_EVERY_S = 5.0
RETENTION_EVERY_S = 600.0
# The stream is emptied of what is stored when it is this full, whatever its history is meant to be.
FULL_RATIO = 0.75


@dataclass(frozen=True)
class Retention:
    """How long what is kept."""

    calls_days: int
    minutes_days: int
    quarters_days: int
    history: timedelta

    def kept_from_min(self, level: Level, now_min: int) -> int:
        """The first minute whose windows of the level are kept; days are kept for good."""
        if level is DAYS:
            return -(2**62)
        days = self.minutes_days if level is MINUTES else self.quarters_days
        return now_min - days * MINUTES_PER_DAY


class Upkeep:
    """The writer's timers."""

    def __init__(self, engine: AsyncEngine, bus: Bus, retention: Retention) -> None:
        self._engine = engine
        self._bus = bus
        self._retention = retention
        self._projects = ProjectReader(engine)
        self._folding = FoldingStore(engine)
        self._tasks = TaskFoldingStore(engine)
        self._partitions = PartitionStore(engine)

    async def run(self, stop: asyncio.Event) -> None:
        """Runs every timer until asked to stop."""
        async with asyncio.TaskGroup() as group:
            group.create_task(_every(TASKS_EVERY_S, self.fold_tasks, stop))
            group.create_task(_every(FOLDS_EVERY_S, self.fold_rollups, stop))
            group.create_task(_every(PURGE_EVERY_S, self.purge_stream, stop))
            group.create_task(_every(RETENTION_EVERY_S, self.expire, stop))

    async def fold_tasks(self) -> None:
        """Folds all that waits for tasks, and announces the windows that it moves them between."""
        names = {project.project_id: project.project for project in await self._projects.known()}
        while changed := await self._tasks.fold():
            for project_id, windows in changed.items():
                await announce_windows(self._bus, names[project_id], windows.series_id, windows.start_min, 0)

    async def fold_rollups(self, *, everything: bool = False) -> None:
        """Folds the deltas that are due, or all that there are."""
        zones = {project.project_id: zone_of(project.time_zone) for project in await self._projects.known()}
        now_min = int(time.time()) // 60
        while due := await self._folding.due(everything=everything):
            for one in due:
                began = time.perf_counter()
                kept_from_min = self._retention.kept_from_min(one.level, now_min)
                await self._folding.fold(one, zones[one.project_id], kept_from_min)
                _fold_seconds.labels(level=one.level.number).observe(time.perf_counter() - began)

    async def purge_stream(self) -> None:
        """Removes stored messages from the ingest stream: those older than its history, and all of them when it runs full."""
        floor = await self._bus.consumer(streams.INGEST, streams.WRITER).floor()
        state = await self._bus.stream_state(streams.INGEST)
        _stream_bytes.set(state.byte_count)
        _stream_messages.set(state.message_count)
        before = floor + 1
        if state.byte_count < FULL_RATIO * state.byte_limit:
            stream_id = await message_store.stream_id(self._engine, state.incarnation)
            oldest_kept = datetime.now(UTC) - self._retention.history
            before = min(before, await message_store.first_since(self._engine, stream_id, oldest_kept) or before)
        if before > state.first_sequence and floor:
            await self._bus.purge(streams.INGEST, before)

    async def expire(self) -> None:
        """Drops what is past its time."""
        today = datetime.now(UTC).date()
        now_min = int(time.time()) // 60
        calls_from = today - timedelta(days=self._retention.calls_days)
        for day in await self._partitions.drop_before(calls_from):
            _log.info("a day of calls is past its time", day=day.isoformat())
        for level in (MINUTES, QUARTERS):
            await self._folding.drop_before(level, self._retention.kept_from_min(level, now_min))
        async with locked_transaction(self._engine, [database.lock_key("collector expiry")]) as connection:
            expired = await evidence.expire_waiting(connection, calls_from)
            await connection.execute(
                "DELETE FROM collector.message WHERE receive_time < $1",
                datetime.now(UTC) - timedelta(days=self._retention.calls_days + 1),
            )
        if expired:
            _log.warning("evidence has waited in vain for its calls", count=expired)


async def _every(interval_s: float, job: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    """Runs a job again and again, the interval apart. While the database or the bus is away it is tried the next time."""
    while not stop.is_set():
        try:
            await job()
        except Exception as error:
            if not isinstance(error, AssayError) and not database.is_connection_error(error):
                raise
            _log.warning("upkeep has to wait", job=job.__name__, why=str(error))
        try:
            await asyncio.wait_for(stop.wait(), interval_s)
        except TimeoutError:
            continue
