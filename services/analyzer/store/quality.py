"""What is kept of quality: `quality_project`, `evidence_reading` and `score`. Written by whoever owns the project, but for requests."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.analyzer.domain.quality.reading import Component
from services.analyzer.domain.series import SeriesKey
from services.analyzer.store.quality_json import (
    ScoreBody,
    readings_from_json,
    readings_to_json,
    score_to_json,
)
from services.analyzer.store.quality_records import (
    SUBJECT_PIECES_MAX,
    Location,
    ProjectQuality,
    ReadPiece,
    ScoringProgress,
    Subject,
    SubjectState,
)
from services.analyzer.store.records import Claim
from services.analyzer.store.work import OwnershipLostError

_PROJECT = text("SELECT position, weights_version, weights, keep_content FROM analyzer.quality_project WHERE project = :project")
# Held until the end: who takes the project over waits, and does not begin from before what is kept here.
_OWNED = text("SELECT 1 FROM analyzer.project WHERE project = :project AND owner = :owner AND epoch = :epoch FOR SHARE")
_ADVANCE = text(
    "INSERT INTO analyzer.quality_project AS p (project, position, score_count, score_us) "
    "VALUES (:project, :position, :score_count, :score_us) ON CONFLICT (project) DO UPDATE SET position = excluded.position, "
    "score_count = p.score_count + excluded.score_count, score_us = greatest(p.score_us, excluded.score_us) "
    "WHERE p.weights_version = :weights_version RETURNING 1"
)
_SUBJECTS = "unnest(CAST(:is_task AS boolean[]), CAST(:subject_ids AS text[])) AS k(is_task, subject_id)"
_PIECES = text(
    "SELECT r.* FROM (SELECT DISTINCT is_task, subject_id FROM " + _SUBJECTS + ") k CROSS JOIN LATERAL ("
    "SELECT e.is_task, e.subject_id, e.evidence_id, e.observe_us, e.readings, e.evidence, "
    "CASE WHEN e.reader_version < CAST(:older_than AS integer) THEN e.content END AS content FROM analyzer.evidence_reading e "
    "WHERE e.project = :project AND e.is_task = k.is_task AND e.subject_id = k.subject_id "
    "ORDER BY e.observe_us DESC, e.evidence_id DESC LIMIT :count) r ORDER BY r.observe_us, r.evidence_id"
)
_ADD_PIECES = text(
    "INSERT INTO analyzer.evidence_reading "
    "(project, evidence_id, is_task, subject_id, observe_us, reader_version, readings, evidence, content) "
    "SELECT :project, * FROM unnest(CAST(:evidence_id AS text[]), CAST(:is_task AS boolean[]), CAST(:subject_id AS text[]), "
    "CAST(:observe_us AS bigint[]), CAST(:reader_version AS integer[]), CAST(:readings AS text[]), CAST(:evidence AS bytea[]), "
    "CAST(:content AS bytea[])) ON CONFLICT (project, evidence_id) DO UPDATE SET reader_version = excluded.reader_version, "
    "readings = excluded.readings, content = excluded.content"
)
_STATE_COLUMNS = (
    "is_task, subject_id, version, provider, model, task_type, prompt_name, prompt_version, start_us, score, low, high, deviation, "
    "evidence_count, weights_version, reader_version, score_us, body, is_told, locate_us, locate_count"
)
_STATES = text(f"SELECT {_STATE_COLUMNS} FROM analyzer.score JOIN {_SUBJECTS} USING (is_task, subject_id) WHERE project = :project")
_ROWS = (
    ("is_task", "boolean"),
    ("subject_id", "text"),
    ("version", "bigint"),
    *((name, "text") for name in SeriesKey._fields),
    ("start_us", "bigint"),
    *((name, "double precision") for name in ("score", "low", "high", "deviation")),
    ("components", "text"),
    ("evidence_count", "integer"),
    ("weights_version", "integer"),
    ("reader_version", "integer"),
    ("score_us", "bigint"),
    ("body", "text"),
    ("is_told", "boolean"),
    ("locate_us", "bigint"),
    ("locate_count", "integer"),
)
_NAMES = [name for name, _ in _ROWS]
_KEPT = [name if name != "components" else "component_scores" for name in _NAMES]
_PUT_STATES = text(
    f"INSERT INTO analyzer.score (project, is_due, {', '.join(_KEPT)}) SELECT :project, false, "
    + ", ".join("CAST(components AS double precision[])" if name == "components" else name for name in _NAMES)
    + f" FROM unnest({', '.join(f'CAST(:{name} AS {kind}[])' for name, kind in _ROWS)}) AS s({', '.join(_NAMES)}) "
    + "ON CONFLICT (project, is_task, subject_id) DO UPDATE SET is_due = false, "
    + ", ".join(f"{name} = excluded.{name}" for name in _KEPT)
)
_DUE = text(f"SELECT {_STATE_COLUMNS} FROM analyzer.score WHERE project = :project AND is_due ORDER BY subject_id LIMIT :count")
_TO_LOCATE = text(
    f"SELECT {_STATE_COLUMNS} FROM analyzer.score WHERE project = :project AND locate_us <= :now_us ORDER BY locate_us LIMIT :count"
)
_UNTOLD = text(
    f"SELECT {_STATE_COLUMNS} FROM analyzer.score WHERE project = :project AND NOT is_told ORDER BY is_task, subject_id LIMIT :count"
)
_TOLD = text(
    "UPDATE analyzer.score s SET is_told = true FROM unnest(CAST(:is_task AS boolean[]), CAST(:subject_ids AS text[]), "
    "CAST(:versions AS bigint[])) AS k(is_task, subject_id, version) WHERE s.project = :project AND s.is_task = k.is_task "
    "AND s.subject_id = k.subject_id AND s.version = k.version"
)
_WAITING_US = text("SELECT min(locate_us) FROM analyzer.score WHERE project = :project AND locate_us IS NOT NULL")
_FORGET = (
    text("DELETE FROM analyzer.score WHERE project = :project AND coalesce(start_us, score_us) < :before_us AND score_us < :before_us"),
    # A score that stays keeps what it is made of, or it could not be made anew.
    text(
        "DELETE FROM analyzer.evidence_reading e WHERE e.project = :project AND e.observe_us < :before_us AND NOT EXISTS (SELECT FROM "
        "analyzer.score s WHERE s.project = e.project AND s.is_task = e.is_task AND s.subject_id = e.subject_id)"
    ),
)
_POSTPONE = text(
    "UPDATE analyzer.score s SET locate_us = k.locate_us, locate_count = s.locate_count + 1 "
    "FROM unnest(CAST(:is_task AS boolean[]), CAST(:subject_ids AS text[]), CAST(:locate_us AS bigint[])) "
    "AS k(is_task, subject_id, locate_us) WHERE s.project = :project AND s.is_task = k.is_task AND s.subject_id = k.subject_id"
)


class QualityStore:
    """The owner's side. Every method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def project(self, project: str) -> ProjectQuality:
        """How far the project is, and its weights."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(_PROJECT, {"project": project})).one_or_none()
            return ProjectQuality(*row) if row else ProjectQuality()

    async def pieces(self, project: str, subjects: Iterable[Subject], *, content_older_than: int = 0) -> dict[Subject, list[ReadPiece]]:
        """What was read of the evidence of these subjects, in the order of observation: of each the newest pieces.

        Contents, which are large, come with pieces alone that readers of an older version than `content_older_than` have read.
        """
        found: dict[Subject, list[ReadPiece]] = {}
        async with self._engine.connect() as connection:
            values = {"project": project, "count": SUBJECT_PIECES_MAX, "older_than": content_older_than, **_names(subjects)}
            for row in await connection.execute(_PIECES, values):
                subject = Subject(row.is_task, row.subject_id)
                content = None if row.content is None else bytes(row.content)
                readings = readings_from_json(row.readings)
                piece = ReadPiece(subject, row.evidence_id, row.observe_us, readings, bytes(row.evidence), content)
                found.setdefault(subject, []).append(piece)
        return found

    async def states(self, project: str, subjects: Iterable[Subject]) -> dict[Subject, SubjectState]:
        """The scores of these subjects, as far as there are any."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(_STATES, {"project": project, **_names(subjects)})
            return {state.subject: state for state in map(state_of, rows)}

    async def due(self, project: str, count: int) -> list[SubjectState]:
        """Scores that are to be made anew."""
        return await self._some(_DUE, {"project": project, "count": count})

    async def to_locate(self, project: str, now_us: int, count: int) -> list[SubjectState]:
        """Scores whose calls or tasks are to be looked for now."""
        return await self._some(_TO_LOCATE, {"project": project, "now_us": now_us, "count": count})

    async def next_locate_us(self, project: str) -> int | None:
        """When the first of the calls and tasks that are not known is to be looked for, None where all are known."""
        async with self._engine.connect() as connection:
            found: int | None = await connection.scalar(_WAITING_US, {"project": project})
            return found

    async def untold(self, project: str, count: int) -> list[SubjectState]:
        """Scores that the collector is to be told."""
        return await self._some(_UNTOLD, {"project": project, "count": count})

    async def keep(self, claim: Claim, progress: ScoringProgress) -> bool:
        """Keeps what is new, all or none; False where the weights have changed meanwhile. Raises OwnershipLostError."""
        project = {"project": claim.project}
        async with self._engine.begin() as connection:
            owned = await connection.scalar(_OWNED, {**project, "owner": claim.owner, "epoch": claim.epoch})
            if owned is None:
                raise OwnershipLostError(claim.project)
            advance = {
                **project,
                "position": progress.position,
                "weights_version": progress.weights_version,
                "score_count": len(progress.states),
                "score_us": max((state.score_us for state in progress.states), default=0),
            }
            if await connection.scalar(_ADVANCE, advance) is None:
                return False
            if progress.pieces:
                await connection.execute(_ADD_PIECES, {**project, **_piece_columns(progress.pieces)})
            await _put(connection, claim.project, progress.states)
            return True

    async def note_told(self, project: str, states: Sequence[SubjectState]) -> None:
        """Notes that the collector has these scores; those that have changed meanwhile are told again."""
        versions = [state.version for state in states]
        await self._change(_TOLD, {"project": project, "versions": versions, **_names(state.subject for state in states)})

    async def postpone(self, project: str, locate_us: dict[Subject, int]) -> None:
        """Notes when these subjects are to be looked for again."""
        await self._change(_POSTPONE, {"project": project, "locate_us": list(locate_us.values()), **_names(locate_us)})

    async def forget(self, project: str, before_us: int) -> None:
        """Drops evidence observed before an instant, and scores of what started and was last scored before it."""
        async with self._engine.begin() as connection:
            for statement in _FORGET:
                await connection.execute(statement, {"project": project, "before_us": before_us})

    async def _some(self, statement: Any, parameters: dict[str, Any]) -> list[SubjectState]:
        async with self._engine.connect() as connection:
            return [state_of(row) for row in await connection.execute(statement, parameters)]

    async def _change(self, statement: Any, parameters: dict[str, Any]) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(statement, parameters)


async def _put(connection: AsyncConnection, project: str, states: Sequence[SubjectState]) -> None:
    if states:
        # Rows are always locked in the same order.
        rows = [_row(state) for state in sorted(states, key=lambda state: state.subject)]
        await connection.execute(_PUT_STATES, {"project": project, **{name: [row[name] for row in rows] for name in _NAMES}})


def _row(state: SubjectState) -> dict[str, Any]:
    score, location = state.score, state.location
    key = location.key if location else (None,) * len(SeriesKey._fields)
    by_component = {part.component: part.score_ratio for part in score.components} if score else {}
    places = (repr(by_component[component]) if component in by_component else "NULL" for component in Component)
    return {
        **dict(zip(SeriesKey._fields, key, strict=True)),
        "is_task": state.subject.is_task,
        "subject_id": state.subject.subject_id,
        "version": state.version,
        "start_us": location.start_us if location else None,
        "score": score.value_ratio if score else None,
        "low": score.low_ratio if score else None,
        "high": score.high_ratio if score else None,
        "deviation": score.deviation if score else None,
        # An array of arrays is one of more dimensions to PostgreSQL, so each goes as text.
        "components": "{" + ",".join(places) + "}",
        "evidence_count": state.evidence_count,
        "weights_version": state.weights_version,
        "reader_version": state.reader_version,
        "score_us": state.score_us,
        "body": score_to_json(score, state.missing, state.evidence_counts),
        "is_told": state.is_told,
        "locate_us": state.locate_us,
        "locate_count": state.locate_count,
    }


def _piece_columns(pieces: Sequence[ReadPiece]) -> dict[str, list[Any]]:
    return {
        "evidence_id": [piece.evidence_id for piece in pieces],
        "is_task": [piece.subject.is_task for piece in pieces],
        "subject_id": [piece.subject.subject_id for piece in pieces],
        "observe_us": [piece.observe_us for piece in pieces],
        "reader_version": [min((reading.reader_version for reading in piece.readings), default=0) for piece in pieces],
        "readings": [readings_to_json(piece.readings) for piece in pieces],
        "evidence": [piece.evidence for piece in pieces],
        "content": [piece.content for piece in pieces],
    }


def _names(subjects: Iterable[Subject]) -> dict[str, list[Any]]:
    ordered = list(subjects)
    return {"is_task": [subject.is_task for subject in ordered], "subject_ids": [subject.subject_id for subject in ordered]}


def state_of(row: Any) -> SubjectState:
    """The score in a row of the listed columns."""
    key = [getattr(row, name) for name in SeriesKey._fields]
    body = ScoreBody(row.body)
    numbers = (row.score, row.low, row.high, row.deviation)
    return SubjectState(
        subject=Subject(row.is_task, row.subject_id),
        version=row.version,
        location=None if row.start_us is None else Location(SeriesKey(*key), row.start_us),
        score=None if row.score is None else body.score(numbers, (row.weights_version, row.reader_version)),
        missing=body.missing,
        evidence_count=row.evidence_count,
        evidence_counts=body.evidence_counts,
        weights_version=row.weights_version,
        reader_version=row.reader_version,
        score_us=row.score_us,
        is_told=row.is_told,
        locate_us=row.locate_us,
        locate_count=row.locate_count,
    )
