"""The writer's transaction: many messages stored at once, each exactly once, or none of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import numpy as np
from sqlalchemy.ext.asyncio import AsyncEngine

from kit.database import lock_key
from services.collector.domain.arrays import Bools, Ints
from services.collector.domain.batch import CallBatch, MessageInfo, first_of_each, sum_tasks
from services.collector.domain.evidence import Piece
from services.collector.domain.evidence import first_of_each as first_pieces
from services.collector.domain.levels import MINUTES
from services.collector.domain.prepared import Prepared, oldest_of
from services.collector.domain.rollup import US_PER_MIN, Windows, merge, rollup_calls
from services.collector.store import calls, evidence, ledger, messages, rollups, tasks
from services.collector.store.joining import EvidenceJoin, Joined
from services.collector.store.messages import MessageResult
from services.collector.store.series import SeriesStore
from services.collector.store.sql import locked_transaction

# All that the transaction reads it finds by keys. For thousands of ids at once PostgreSQL would rather read a day's calls from end to end,
# which took a quarter of its time in a burst of a million.
_BY_INDEX = "SET LOCAL enable_seqscan = off"


def project_lock(project_id: int) -> int:
    """The lock that whoever adds to or rebuilds a project's records holds."""
    return lock_key(f"collector project {project_id}")


@dataclass(frozen=True, slots=True)
class Change:
    """The windows of one project that have new values, each by its series and start."""

    project_id: int
    series_id: Ints
    start_min: Ints


@dataclass(frozen=True)
class Added:
    """What a transaction did: the messages it stored (without those that were stored before) and the windows it changed."""

    results: Sequence[MessageResult]
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that cannot be stored, and why. `record_count` is how many received items it accounts for."""

    info: MessageInfo
    record_count: int
    subject: str
    payload: bytes
    reason: str


class WritingStore:
    """Adds messages to calls, evidence, pending roll-ups and tasks, and the ledger, in one transaction."""

    def __init__(self, engine: AsyncEngine, series: SeriesStore) -> None:
        self._engine = engine
        self._series = series
        self._evidence = EvidenceJoin(series)

    async def add(self, prepared: Prepared) -> Added:
        """Stores all messages that nobody has stored yet."""
        async with locked_transaction(self._engine, map(project_lock, prepared.project_ids)) as connection:
            await connection.execute(_BY_INDEX)
            claimed = await messages.claimed(connection, prepared.messages)
            is_new = np.array([message.place not in claimed for message in prepared.messages])
            kept = await self._new_calls(connection, prepared, is_new)
            new_calls = prepared.calls.keep(kept)
            pieces = await _new_pieces(connection, prepared, is_new)
            message_ids = await messages.new_ids(connection, len(prepared.messages))
            windows = await _add_calls(connection, prepared, new_calls, message_ids)
            joined = await self._evidence.join(connection, prepared, pieces, new_calls)
            await self._add_windows(connection, prepared, merge([windows, joined.windows()]) if joined.changes else windows)
            results = _results(prepared, is_new, message_ids, new_calls=new_calls, new_pieces=pieces, joined=joined)
            if results:
                await ledger.book(connection, results)
                await messages.claim(connection, results)
            return Added(results, await self._changes(connection, prepared.windows, joined))

    async def add_dead_letter(self, letter: DeadLetter) -> None:
        """Keeps a message aside that cannot be stored, and books its records as dead-lettered."""
        async with locked_transaction(self._engine, [project_lock(letter.info.project_id)]) as connection:
            if await messages.claimed(connection, [letter.info]):
                return
            (message_id,) = await messages.new_ids(connection, 1)
            await connection.execute(
                "INSERT INTO collector.dead_letter (stream_id, sequence, subject, store_time, reason, payload) "
                "VALUES ($1, $2, $3, now(), $4, $5)",
                *letter.info.place,
                letter.subject,
                letter.reason,
                letter.payload,
            )
            results = [MessageResult(message_id, letter.info, 0, 0, dead_lettered_count=letter.record_count)]
            await ledger.book(connection, results)
            await messages.claim(connection, results)

    async def _new_calls(self, connection: asyncpg.Connection, prepared: Prepared, is_new: Bools) -> Bools:
        """Which calls are to be stored: of messages that are new, with ids that are not known."""
        batch = prepared.calls
        kept = first_of_each(batch.project_id, batch.call_id, is_new[batch.message])
        known = await calls.known_ids(connection, batch.call_id, prepared.oldest) if kept.any() else []
        if known:
            projects = await self._series.projects(connection, (series_id for _, series_id in known))
            stored = {(projects[series_id], call_id) for call_id, series_id in known}
            keys = zip(batch.project_id.tolist(), batch.call_id, strict=True)
            kept &= np.fromiter((key not in stored for key in keys), np.bool_, len(batch))
        return kept

    async def _add_windows(self, connection: asyncpg.Connection, prepared: Prepared, windows: Windows) -> None:
        for project_id, rows in (await self._by_project(connection, windows.series_id)).items():
            oldest = oldest_of(message for message in prepared.messages if message.project_id == project_id)
            await rollups.add_pending(connection, project_id, MINUTES, windows.select(rows), oldest)

    async def _changes(self, connection: asyncpg.Connection, windows: Windows, joined: Joined) -> list[Change]:
        """What to announce: all that the messages are about, stored now or before, since who stored them before may not have got so far."""
        series_id = np.append(windows.series_id, np.array([place.series_id for place in joined.places], np.int64))
        start_min = np.append(windows.start_min, np.array([place.start_us // US_PER_MIN for place in joined.places], np.int64))
        by_project = await self._by_project(connection, series_id)
        return [Change(project_id, series_id[rows], start_min[rows]) for project_id, rows in by_project.items()]

    async def _by_project(self, connection: asyncpg.Connection, series_id: Ints) -> dict[int, Ints]:
        """The rows of each project, in the order of the projects."""
        series, place = np.unique(series_id, return_inverse=True)
        owners = await self._series.projects(connection, series.tolist())
        owner = np.array([owners[number] for number in series.tolist()], np.int64)[place]
        return {project_id: np.flatnonzero(owner == project_id) for project_id in sorted(set(owners.values()))}


async def _new_pieces(connection: asyncpg.Connection, prepared: Prepared, is_new: Bools) -> list[Piece]:
    """The pieces of evidence that are to be stored: of messages that are new, with ids that are not known."""
    found = first_pieces(piece for piece in prepared.pieces if is_new[piece.message])
    ids: dict[int, list[str]] = {}
    for piece in found:
        ids.setdefault(piece.project_id, []).append(piece.evidence_id)
    known = {project_id: await evidence.known_ids(connection, project_id, mine) for project_id, mine in ids.items()}
    return [piece for piece in found if piece.evidence_id not in known[piece.project_id]]


async def _add_calls(connection: asyncpg.Connection, prepared: Prepared, new_calls: CallBatch, message_ids: Sequence[int]) -> Windows:
    """Stores the calls and what they add to their tasks, and returns what they add to roll-ups."""
    windows, sums = prepared.windows, prepared.task_sums
    if len(new_calls) < len(prepared.calls):
        windows, sums = rollup_calls(new_calls.rollup_columns()), sum_tasks(new_calls)
    if len(new_calls):
        await calls.add(connection, new_calls, prepared.messages, message_ids)
        await tasks.add_pending(connection, new_calls, sums, prepared.oldest)
    return windows


def _results(
    prepared: Prepared, is_new: Bools, message_ids: Sequence[int], *, new_calls: CallBatch, new_pieces: Sequence[Piece], joined: Joined
) -> list[MessageResult]:
    """What became of each message that is new."""
    count = len(prepared.messages)
    sent = np.bincount(prepared.calls.message, minlength=count) + _count([piece.message for piece in prepared.pieces], count)
    stored = np.bincount(new_calls.message, minlength=count) + _count([piece.message for piece in new_pieces], count)
    return [
        MessageResult(
            message_id,
            prepared.messages[number],
            stored_count=int(stored[number]),
            duplicate_count=int(sent[number] - stored[number]),
            too_late_count=joined.too_late[number],
        )
        for number, message_id in enumerate(message_ids)
        if is_new[number]
    ]


def _count(numbers: Sequence[int], count: int) -> Ints:
    """How often each number below `count` is among the numbers."""
    return np.bincount(np.array(numbers, np.int64), minlength=count)
