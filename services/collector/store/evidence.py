"""Evidence and the scores of calls. A piece whose call is not there yet waits for it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import asyncpg

from services.collector.domain.evidence import Evaluation, Piece, mean_scores
from services.collector.store.calls import Place

# More pieces than this do not wait for their calls in one project: who sends so many without calls sends no calls.
WAITING_MAX = 200_000
_COLUMNS = (
    "project_id",
    "evidence_id",
    "call_id",
    "task_id",
    "observe_us",
    "receive_date",
    "evaluator",
    "score_nanos",
    "accepted",
    "is_waiting",
    "payload",
)
_KNOWN = "SELECT evidence_id FROM collector.evidence WHERE project_id = $1 AND evidence_id = ANY($2::text[])"
_KNOWN_TASKS = "SELECT task_id FROM collector.task WHERE project_id = $1 AND task_id = ANY($2::text[])"
_WAITING_COUNT = "SELECT count(*) FROM (SELECT FROM collector.evidence WHERE project_id = $1 AND is_waiting LIMIT $2) w"
_ANY_WAITING = "SELECT EXISTS (SELECT FROM collector.evidence WHERE project_id = $1 AND is_waiting)"
_ARRIVED = (
    "UPDATE collector.evidence e SET is_waiting = false, task_id = nullif(a.task_id, '') "
    "FROM unnest($2::text[], $3::text[]) AS a(call_id, task_id) "
    "WHERE e.project_id = $1 AND e.is_waiting AND e.call_id = a.call_id RETURNING e.call_id, e.task_id, e.accepted"
)
_EVALUATIONS = (
    "SELECT call_id, evaluator, observe_us, evidence_id, score_nanos FROM collector.evidence "
    "WHERE project_id = $1 AND call_id = ANY($2::text[]) AND score_nanos IS NOT NULL"
)
_SCORES = "SELECT call_id, score_nanos, version FROM collector.score WHERE project_id = $1 AND call_id = ANY($2::text[])"
_SET_SCORES = (
    "INSERT INTO collector.score (project_id, call_id, score_nanos) SELECT $1, s.* FROM unnest($2::text[], $3::bigint[]) s "
    "ON CONFLICT (project_id, call_id) DO UPDATE SET score_nanos = excluded.score_nanos"
)


@dataclass(frozen=True, slots=True)
class ScoreChange:
    """What a new score changes in the window of its call."""

    series_id: int
    start_us: int
    sum_nanos: int
    count: int


async def known_ids(connection: asyncpg.Connection, project_id: int, evidence_ids: Sequence[str]) -> set[str]:
    """Those of the ids that are stored."""
    return {row[0] for row in await connection.fetch(_KNOWN, project_id, evidence_ids)}


async def known_tasks(connection: asyncpg.Connection, project_id: int, task_ids: Sequence[str]) -> set[str]:
    """Those of the tasks that have a row."""
    return {row[0] for row in await connection.fetch(_KNOWN_TASKS, project_id, task_ids)}


async def waiting_room(connection: asyncpg.Connection, project_id: int) -> int:
    """How many more pieces may wait."""
    return WAITING_MAX - int(await connection.fetchval(_WAITING_COUNT, project_id, WAITING_MAX))


async def add(connection: asyncpg.Connection, pieces: Iterable[tuple[Piece, str, bool]]) -> None:
    """Adds pieces, each with the task that it belongs to (or none) and whether it waits."""
    records = (
        (
            piece.project_id,
            piece.evidence_id,
            piece.call_id or None,
            task_id or None,
            piece.observe_us,
            piece.receive_date,
            piece.evaluator,
            piece.score_nanos,
            None if piece.accepted is None else int(piece.accepted),
            is_waiting,
            piece.payload,
        )
        for piece, task_id, is_waiting in pieces
    )
    await connection.copy_records_to_table("evidence", schema_name="collector", columns=_COLUMNS, records=records)


async def any_waits(connection: asyncpg.Connection, project_id: int) -> bool:
    """Whether evidence of the project waits."""
    return bool(await connection.fetchval(_ANY_WAITING, project_id))


async def arrive(connection: asyncpg.Connection, project_id: int, arrived: Sequence[tuple[str, str]]) -> tuple[set[str], set[str]]:
    """Ends the waiting for calls (id, task) that have just come: the calls to score, and the tasks to look at again."""
    rows = await connection.fetch(_ARRIVED, project_id, [call for call, _ in arrived], [task for _, task in arrived])
    return {row[0] for row in rows}, {row[1] for row in rows if row[1] is not None and row[2] is not None}


async def rescore(connection: asyncpg.Connection, project_id: int, places: Mapping[str, Place]) -> list[ScoreChange]:
    """Computes the scores of these calls anew, keeps them, and says what changed. Calls that the analyzer has scored are left to it."""
    call_ids = sorted(places)
    rows = await connection.fetch(_EVALUATIONS, project_id, call_ids)
    scores = mean_scores(Evaluation(*row) for row in rows)
    known = await connection.fetch(_SCORES, project_id, call_ids)
    before = {row[0]: row[1] for row in known}
    told = {row[0] for row in known if row[2]}
    changed = {call_id: score for call_id, score in scores.items() if call_id not in told and before.get(call_id) != score}
    if changed:
        await connection.execute(_SET_SCORES, project_id, list(changed), list(changed.values()))
    return [
        ScoreChange(
            places[call_id].series_id,
            places[call_id].start_us,
            score - before.get(call_id, 0),
            int(call_id not in before),
        )
        for call_id, score in changed.items()
    ]


async def expire_waiting(connection: asyncpg.Connection, before: date) -> int:
    """Ends the waiting of pieces received before that day, books them as too late, and returns their number."""
    rows = await connection.fetch(
        "WITH expired AS (UPDATE collector.evidence SET is_waiting = false WHERE is_waiting AND receive_date < $1 "
        "RETURNING project_id, receive_date) "
        "UPDATE collector.ledger l SET too_late_count = l.too_late_count + e.n "
        "FROM (SELECT project_id, receive_date, count(*) AS n FROM expired GROUP BY 1, 2) e "
        "WHERE l.project_id = e.project_id AND l.receive_date = e.receive_date AND l.kind = 2 RETURNING e.n",
        before,
    )
    return sum(row[0] for row in rows)


async def forget_before(connection: asyncpg.Connection, receive_date: date) -> int:
    """Removes the evidence received before that day, and the scores of the calls that it was about; returns how many pieces."""
    count: int = await connection.fetchval(
        "WITH gone AS (DELETE FROM collector.evidence WHERE receive_date < $1 RETURNING project_id, call_id), "
        "scores AS (DELETE FROM collector.score s USING gone g WHERE s.project_id = g.project_id AND s.call_id = g.call_id) "
        "SELECT count(*) FROM gone",
        receive_date,
    )
    return count
