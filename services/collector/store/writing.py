"""The writer's transaction: many messages stored at once, each exactly once, or none of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import asyncpg
import numpy as np
from sqlalchemy.ext.asyncio import AsyncEngine

from kit.database import lock_key
from services.collector.domain.arrays import Ints
from services.collector.domain.batch import CallBatch, MessageInfo, TaskSums, first_of_each, sum_tasks
from services.collector.domain.evidence import Piece
from services.collector.domain.evidence import first_of_each as first_pieces
from services.collector.domain.measures import Measure
from services.collector.domain.rollup import US_PER_MIN, Windows, merge, rollup_calls, rollup_measures
from services.collector.store import calls, evidence, ledger, messages, rollups, tasks
from services.collector.store.messages import MessageResult
from services.collector.store.series import SeriesStore
from services.collector.store.sql import locked_transaction

MINUTE_LEVEL = 0


def project_lock(project_id: int) -> int:
    """The lock that whoever adds to or rebuilds a project's records holds."""
    return lock_key(f"collector project {project_id}")


@dataclass(frozen=True, eq=False)
class Prepared:
    """Messages of one or more projects with all that can be computed before the transaction."""

    stream_id: int
    messages: Sequence[MessageInfo]
    calls: CallBatch
    pieces: Sequence[Piece]
    windows: Windows = field(init=False)
    task_sums: TaskSums = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "windows", rollup_calls(self.calls.rollup_columns()))
        object.__setattr__(self, "task_sums", sum_tasks(self.calls))


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


class WritingStore:
    """Adds messages to calls, evidence, pending roll-ups and tasks, and the ledger, in one transaction."""

    def __init__(self, engine: AsyncEngine, series: SeriesStore) -> None:
        self._engine = engine
        self._series = series

    async def add(self, prepared: Prepared) -> Added:
        """Stores all messages that nobody has stored yet."""
        locks = {project_lock(message.project_id) for message in prepared.messages}
        async with locked_transaction(self._engine, locks) as connection:
            claimed = await messages.claimed(connection, prepared.stream_id, [message.sequence for message in prepared.messages])
            kept = await self._new_calls(connection, prepared, claimed)
            new_calls = prepared.calls.keep(kept)
            pieces = await self._new_pieces(connection, prepared, claimed)
            message_ids = await messages.new_ids(connection, len(prepared.messages))
            windows, sums = prepared.windows, prepared.task_sums
            if not kept.all():
                windows, sums = rollup_calls(new_calls.rollup_columns()), sum_tasks(new_calls)
            if len(new_calls):
                await calls.add(connection, new_calls, prepared.messages, message_ids)
                await tasks.add_pending(connection, new_calls, sums, _oldest(prepared.messages))
            scores, too_late = await self._add_evidence(connection, prepared, pieces, new_calls)
            await self._add_windows(connection, prepared, merge([windows, scores.windows()]) if scores.places else windows)
            results = _results(prepared, claimed, new_calls, message_ids, pieces, too_late)
            if results:
                await ledger.book(connection, results)
                await messages.claim(connection, prepared.stream_id, results)
        return Added(results, await self._changes(prepared.windows, scores))

    async def add_dead_letter(
        self, stream_id: int, message: MessageInfo, record_count: int, subject: str, payload: bytes, reason: str
    ) -> None:
        """Keeps a message aside that cannot be stored, and books its records as dead-lettered."""
        async with locked_transaction(self._engine, [project_lock(message.project_id)]) as connection:
            if await messages.claimed(connection, stream_id, [message.sequence]):
                return
            (message_id,) = await messages.new_ids(connection, 1)
            await connection.execute(
                "INSERT INTO collector.dead_letter (stream_id, sequence, subject, store_time, reason, payload) VALUES ($1, $2, $3, now(), $4, $5)",
                stream_id,
                message.sequence,
                subject,
                reason,
                payload,
            )
            results = [MessageResult(message_id, message, 0, 0, dead_lettered_count=record_count)]
            await ledger.book(connection, results)
            await messages.claim(connection, stream_id, results)

    async def _new_calls(
        self, connection: asyncpg.Connection, prepared: Prepared, claimed: set[int]
    ) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which calls are to be stored: of messages that are not, with ids that are not known."""
        batch = prepared.calls
        if not len(batch):
            return np.ones(0, np.bool_)
        kept = first_of_each(batch.project_id, batch.call_id)
        if claimed:
            unclaimed = np.array([message.sequence not in claimed for message in prepared.messages])
            # A claimed message's calls must not hide the same ids in a message that comes after it.
            kept = unclaimed[batch.message]
            rows = np.flatnonzero(kept)
            kept[rows] = first_of_each(batch.project_id[rows], [batch.call_id[row] for row in rows.tolist()])
        known = await calls.known_ids(connection, batch.call_id, _oldest(prepared.messages))
        if known:
            projects = await self._series.projects([series_id for _, series_id in known])
            stored = {(projects[series_id], call_id) for call_id, series_id in known}
            for row, key in enumerate(zip(batch.project_id.tolist(), batch.call_id, strict=True)):
                if key in stored:
                    kept[row] = False
        return kept

    async def _new_pieces(self, connection: asyncpg.Connection, prepared: Prepared, claimed: set[int]) -> list[Piece]:
        found = [piece for piece in prepared.pieces if prepared.messages[piece.message].sequence not in claimed]
        found = first_pieces(found)
        by_project: dict[int, list[str]] = {}
        for piece in found:
            by_project.setdefault(piece.project_id, []).append(piece.evidence_id)
        known = {project: await evidence.known_ids(connection, project, ids) for project, ids in by_project.items()}
        return [piece for piece in found if piece.evidence_id not in known[piece.project_id]]

    async def _add_evidence(
        self, connection: asyncpg.Connection, prepared: Prepared, pieces: Sequence[Piece], new_calls: CallBatch
    ) -> tuple["_Scores", Counter[int]]:
        """Joins new evidence with stored calls, and new calls with evidence that waited: the new scores, and too late pieces by message."""
        scores = _Scores()
        too_late: Counter[int] = Counter()
        projects = {message.project_id for message in prepared.messages}
        for project_id in sorted(projects):
            mine = [piece for piece in pieces if piece.project_id == project_id]
            to_score, to_touch = [], []
            if len(new_calls) and await evidence.any_waits(connection, project_id):
                to_score, to_touch = await evidence.arrive(connection, project_id, _arrived(new_calls, project_id))
            sent = {piece.call_id for piece in prepared.pieces if piece.call_id and piece.project_id == project_id}
            places = await self._places(connection, project_id, sorted(sent | set(to_score)))
            if mine:
                rows, touched = await _placed(connection, project_id, mine, places, too_late)
                await evidence.add(connection, rows)
                to_touch = sorted({*to_touch, *touched})
            if places:
                scores.places.extend(places.values())
                scores.changes.extend(await evidence.rescore(connection, project_id, places))
            if to_touch:
                await tasks.touch(connection, [(project_id, task_id) for task_id in to_touch], _oldest(prepared.messages))
        return scores, too_late

    async def _places(self, connection: asyncpg.Connection, project_id: int, call_ids: Sequence[str]) -> dict[str, evidence.Place]:
        if not call_ids:
            return {}
        series = [series_id for _, series_id, _, _ in await calls.places(connection, call_ids)]
        return await evidence.find_places(connection, project_id, call_ids, await self._series.projects(series))

    async def _add_windows(self, connection: asyncpg.Connection, prepared: Prepared, windows: Windows) -> None:
        for project_id, rows in (await self._by_project(windows.series_id)).items():
            oldest = _oldest([message for message in prepared.messages if message.project_id == project_id])
            await rollups.add_pending(connection, project_id, MINUTE_LEVEL, windows.select(rows), oldest)

    async def _changes(self, windows: Windows, scores: "_Scores") -> list[Change]:
        """What to announce: all that the messages are about, stored now or before, since who stored them before may not have got so far."""
        series_id = np.concatenate([windows.series_id, [place.series_id for place in scores.places]]).astype(np.int64)
        start_min = np.concatenate([windows.start_min, [place.start_us // US_PER_MIN for place in scores.places]]).astype(np.int64)
        return [Change(project_id, series_id[rows], start_min[rows]) for project_id, rows in (await self._by_project(series_id)).items()]

    async def _by_project(self, series_id: Ints) -> dict[int, Ints]:
        """The rows of each project, in the order of the projects."""
        owners = await self._series.projects(np.unique(series_id).tolist())
        if len(set(owners.values())) == 1:
            return {next(iter(owners.values())): np.arange(series_id.size)}
        owner = np.array([owners[series] for series in series_id.tolist()], np.int64)
        return {project_id: np.flatnonzero(owner == project_id) for project_id in sorted(set(owners.values()))}


@dataclass
class _Scores:
    """Calls that evidence speaks of, and how their scores change."""

    places: list[evidence.Place] = field(default_factory=list)
    changes: list[evidence.ScoreChange] = field(default_factory=list)

    def windows(self) -> Windows:
        """What the scores add to the windows of their calls."""
        return rollup_measures(
            np.array([change.series_id for change in self.changes], np.int64),
            np.array([change.start_us // US_PER_MIN for change in self.changes], np.int64),
            {
                Measure.QUALITY_SUM_NANOS: np.array([change.sum_nanos for change in self.changes], np.int64),
                Measure.QUALITY_COUNT: np.array([change.count for change in self.changes], np.int64),
            },
        )


def _oldest(infos: Sequence[MessageInfo]) -> date:
    return min(message.receive_date for message in infos)


def _arrived(batch: CallBatch, project_id: int) -> list[tuple[str, str]]:
    """Id and task of a project's calls."""
    task_ids = [task_id for _, task_id in batch.tasks] + [""]
    return [
        (call_id, task_ids[task])
        for call_id, task, project in zip(batch.call_id, batch.task.tolist(), batch.project_id.tolist(), strict=True)
        if project == project_id
    ]


async def _placed(
    connection: asyncpg.Connection,
    project_id: int,
    pieces: Sequence[Piece],
    places: dict[str, evidence.Place],
    too_late: Counter[int],
) -> tuple[list[tuple[Piece, str, bool]], set[str]]:
    """Each piece with its task and whether it waits, and the tasks to look at again."""
    task_ids = sorted({piece.task_id for piece in pieces if piece.task_id})
    known_tasks = await evidence.known_tasks(connection, project_id, task_ids) if task_ids else set()
    rows, touched, may_wait = [], set(), None
    for piece in pieces:
        place = places.get(piece.call_id)
        task_id = piece.task_id or (place.task_id if place else "")
        is_waiting = place is None if piece.call_id else piece.task_id not in known_tasks
        if is_waiting:
            may_wait = await evidence.may_wait(connection, project_id) if may_wait is None else may_wait
            if not may_wait:
                is_waiting = False
                too_late[piece.message] += 1
        elif task_id and (piece.task_id or piece.accepted is not None):
            touched.add(task_id)
        rows.append((piece, task_id, is_waiting))
    # A task may be on its way from task_pending to its row: looking at it again finds the evidence there.
    touched.update(task_ids)
    return rows, touched


def _results(
    prepared: Prepared,
    claimed: set[int],
    new_calls: CallBatch,
    message_ids: Sequence[int],
    pieces: Sequence[Piece],
    too_late: Counter[int],
) -> list[MessageResult]:
    """What became of each message that was not claimed."""
    sent = np.bincount(prepared.calls.message, minlength=len(prepared.messages))
    stored = np.bincount(new_calls.message, minlength=len(prepared.messages))
    for piece in prepared.pieces:
        sent[piece.message] += 1
    for piece in pieces:
        stored[piece.message] += 1
    return [
        MessageResult(message_id, info, int(stored[number]), int(sent[number] - stored[number]), too_late_count=too_late[number])
        for number, (info, message_id) in enumerate(zip(prepared.messages, message_ids, strict=True))
        if info.sequence not in claimed
    ]
