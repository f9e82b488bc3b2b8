"""Brings evidence and calls together, whichever of them comes first."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg
import numpy as np

from services.collector.domain.batch import CallBatch
from services.collector.domain.evidence import Piece
from services.collector.domain.measures import Measure
from services.collector.domain.prepared import Prepared
from services.collector.domain.rollup import US_PER_MIN, Windows, rollup_measures
from services.collector.store import calls, evidence, tasks
from services.collector.store.calls import Place
from services.collector.store.evidence import ScoreChange
from services.collector.store.series import SeriesStore


@dataclass(frozen=True)
class Joined:
    """Calls that evidence speaks of, how their scores change, and how many pieces of each message came too late to be counted."""

    places: list[Place] = field(default_factory=list)
    changes: list[ScoreChange] = field(default_factory=list)
    too_late: Counter[int] = field(default_factory=Counter)

    def windows(self) -> Windows:
        """What the scores add to the windows of their calls."""
        return score_windows(self.changes)


def score_windows(changes: Sequence[ScoreChange]) -> Windows:
    """What changes of scores add to the windows of their calls."""
    return rollup_measures(
        np.array([change.series_id for change in changes], np.int64),
        np.array([change.start_us // US_PER_MIN for change in changes], np.int64),
        {
            Measure.QUALITY_SUM_NANOS: np.array([change.sum_nanos for change in changes], np.int64),
            Measure.QUALITY_COUNT: np.array([change.count for change in changes], np.int64),
        },
    )


async def located_calls(connection: asyncpg.Connection, series: SeriesStore, project_id: int, call_ids: Sequence[str]) -> dict[str, Place]:
    """Where those of the project's calls that are stored count."""
    if not call_ids:
        return {}
    found = await calls.places(connection, call_ids)
    projects = await series.projects(connection, (place.series_id for place in found))
    return {place.call_id: place for place in found if projects[place.series_id] == project_id}


class EvidenceJoin:
    """Joins, in the writer's transaction, new evidence with stored calls and new calls with evidence that waited."""

    def __init__(self, series: SeriesStore) -> None:
        self._series = series

    async def join(self, connection: asyncpg.Connection, prepared: Prepared, pieces: Sequence[Piece], new_calls: CallBatch) -> Joined:
        """`pieces` are those of the messages' that are to be stored, `new_calls` are stored by now.

        Calls that evidence of a message speaks of are scored and told of also where the message was stored before.
        """
        joined = Joined()
        touched: list[tuple[int, str]] = []
        for project_id in prepared.project_ids:
            mine = [piece for piece in pieces if piece.project_id == project_id]
            to_score, to_touch = await _end_waiting(connection, project_id, new_calls)
            named = {piece.call_id for piece in prepared.pieces if piece.call_id and piece.project_id == project_id}
            places = await located_calls(connection, self._series, project_id, sorted(named | to_score))
            if mine:
                to_touch |= await _add(connection, project_id, mine, places, joined.too_late)
            if places:
                joined.places.extend(places.values())
                joined.changes.extend(await evidence.rescore(connection, project_id, places))
            touched.extend((project_id, task_id) for task_id in sorted(to_touch))
        if touched:
            await tasks.touch(connection, touched, prepared.oldest)
        return joined


async def _end_waiting(connection: asyncpg.Connection, project_id: int, new_calls: CallBatch) -> tuple[set[str], set[str]]:
    """Ends the waiting of evidence for a project's new calls: the calls to score, and the tasks to look at again."""
    mine = np.flatnonzero(new_calls.project_id == project_id).tolist()
    if not mine or not await evidence.any_waits(connection, project_id):
        return set(), set()
    task_ids = new_calls.task_ids()
    return await evidence.arrive(connection, project_id, [(new_calls.call_id[row], task_ids[row]) for row in mine])


async def _add(
    connection: asyncpg.Connection, project_id: int, pieces: Sequence[Piece], places: Mapping[str, Place], too_late: Counter[int]
) -> set[str]:
    """Stores pieces, those without their call or task as waiting while there is room, and returns the tasks to look at again."""
    task_ids = {piece.task_id for piece in pieces if piece.task_id}
    known_tasks = await evidence.known_tasks(connection, project_id, sorted(task_ids)) if task_ids else set()
    is_alone = [piece.call_id not in places if piece.call_id else piece.task_id not in known_tasks for piece in pieces]
    room = await evidence.waiting_room(connection, project_id) if any(is_alone) else 0
    # A task may be on its way from task_pending to its row: looking at it again finds the evidence there.
    touched, rows = set(task_ids), []
    for piece, alone in zip(pieces, is_alone, strict=True):
        if alone and room <= 0:
            too_late[piece.message] += 1
        place = places.get(piece.call_id)
        task_id = place.task_id if place else piece.task_id
        if place and task_id and piece.accepted is not None:
            touched.add(task_id)
        rows.append((piece, task_id, alone and room > 0))
        room -= alone
    await evidence.add(connection, rows)
    return touched
