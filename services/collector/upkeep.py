"""What the writer does beside storing: folding, retention, and making room in the ingest stream. Each runs once in the cluster."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database, logs, metrics
from kit.bus import Bus, StreamState
from kit.patience import is_passing, pause
from services.collector import streams
from services.collector.announce import announce_windows
from services.collector.domain.levels import DAYS, MINUTES, QUARTERS, Level
from services.collector.domain.rollup import US_PER_MIN
from services.collector.domain.windows import MINUTES_PER_DAY
from services.collector.store import evidence, task_folding
from services.collector.store import messages as message_store
from services.collector.store.partitions import PartitionStore
from services.collector.store.projects import ProjectReader
from services.collector.store.rollups import FoldingStore
from services.collector.store.sql import transaction_if_free
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
_EXPIRY_LOCK = database.lock_key("collector expiry")


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
        while (folded := await self._tasks.fold()).row_count:
            projects = await self._projects.numbered(folded.changed)
            for project_id, windows in folded.changed.items():
                await announce_windows(self._bus, projects[project_id].project, windows.series_id, windows.start_min, 0)

    async def fold_rollups(self, *, everything: bool = False) -> None:
        """Folds the deltas that are due, or all that there are, as far as nobody else is at it."""
        now_min = int(time.time()) // 60
        is_folding = True
        while is_folding:
            is_folding = False
            for due in await self._folding.due(everything=everything):
                began = time.perf_counter()
                if await self._folding.fold(due, self._retention.kept_from_min(due.level, now_min)):
                    is_folding = True
                    _fold_seconds.labels(level=due.level.number).observe(time.perf_counter() - began)

    async def purge_stream(self) -> None:
        """Removes stored messages from the ingest stream: those older than its history, and all of them when it runs full.

        Each writer does it: it is cheap, twice is as good as once, and a stream that is full must not have to wait for the database.
        """
        state = await self._bus.stream_state(streams.INGEST)
        # Asked for after the state: what is acknowledged now was acknowledged in the stream that is there now, or a later one.
        floor = await self._bus.consumer(streams.INGEST, streams.WRITER).floor()
        _stream_bytes.set(state.byte_count)
        _stream_messages.set(state.message_count)
        before = floor + 1
        is_full = 0 < state.byte_limit * FULL_RATIO <= state.byte_count
        if before > state.first_sequence and not is_full:
            before = min(before, await self._history_from(state) or before)
        if before > state.first_sequence:
            await self._bus.purge(streams.INGEST, before)

    async def _history_from(self, state: StreamState) -> int | None:
        """The first message that is young enough to be kept, None if none of the stored ones is."""
        stream_id = await message_store.stream_id(self._engine, state.incarnation)
        return await message_store.first_since(self._engine, stream_id, state.first_sequence, datetime.now(UTC) - self._retention.history)

    async def expire(self) -> None:
        """Drops what is past its time."""
        today = datetime.now(UTC).date()
        now_min = int(time.time()) // 60
        calls_from = today - timedelta(days=self._retention.calls_days)
        for day in await self._partitions.drop_before(calls_from):
            _log.info("a day of calls is past its time", day=day.isoformat())
        for level in (MINUTES, QUARTERS):
            await self._folding.drop_before(level, self._retention.kept_from_min(level, now_min))
        async with transaction_if_free(self._engine, _EXPIRY_LOCK) as connection:
            if connection is not None:
                expired_count = await evidence.expire_waiting(connection, calls_from)
                await message_store.forget_before(connection, calls_from)
                # Evidence may have waited for its call as long as calls are kept, and the call is kept as long again.
                await evidence.forget_before(connection, calls_from - timedelta(days=self._retention.calls_days))
                await task_folding.forget_before(connection, self._retention.kept_from_min(QUARTERS, now_min) * US_PER_MIN)
                if expired_count:
                    _log.warning("evidence has waited in vain for its calls", count=expired_count)


async def _every(interval_s: float, job: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    """Runs a job again and again, the interval apart. While the database or the bus is away it is tried the next time."""
    while not stop.is_set():
        try:
            await job()
        except Exception as error:
            if not is_passing(error):
                raise
            _log.warning("upkeep has to wait", job=job.__name__, why=str(error) or repr(error))
        await pause(stop, interval_s)
