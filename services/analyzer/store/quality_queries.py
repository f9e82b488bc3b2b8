"""Reading scores and weights for whoever asks, and noting what is asked for: on every replica alike."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import and_, func, literal, or_, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncEngine

from services.analyzer.domain.quality.reading import Component
from services.analyzer.domain.series import SeriesKey
from services.analyzer.quality_tables import evidence_reading_table, quality_project_table, score_table
from services.analyzer.store.quality import state_of
from services.analyzer.store.quality_json import ScoreBody, readings_from_json
from services.analyzer.store.quality_records import (
    FeedbackMark,
    GroupScores,
    ProjectQuality,
    QualityQuery,
    ScoresMade,
    Subject,
    SubjectState,
)

_score = score_table.c
_read = evidence_reading_table.c
_FEEDBACK_PLACE = list(Component).index(Component.FEEDBACK) + 1
_KEY = [_score[name] for name in SeriesKey._fields]
_STATE = select(*(column for column in score_table.columns if column.name not in {"project", "component_scores", "is_due"}))
_PUT_WEIGHTS = text(
    "INSERT INTO analyzer.quality_project AS p (project, weights_version, weights, keep_content) "
    "SELECT :project, 1, :weights, :keep_content WHERE :expected = 0 OR EXISTS "
    "(SELECT FROM analyzer.quality_project WHERE project = :project) "
    "ON CONFLICT (project) DO UPDATE SET weights_version = p.weights_version + 1, weights = excluded.weights, "
    "keep_content = excluded.keep_content WHERE p.weights_version = :expected RETURNING weights_version"
)


class QualityReader:
    """Every method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, project: str, subject: Subject) -> SubjectState | None:
        """The score of a subject, None where there is no evidence of it."""
        is_this = [_score.project == project, _score.is_task == subject.is_task, _score.subject_id == subject.subject_id]
        found = await self._states(_STATE.where(*is_this))
        return found[0] if found else None

    async def page(self, query: QualityQuery, *, worst_first: bool, after: tuple[Any, ...] | None, count: int) -> list[SubjectState]:
        """Scores in order, those behind `after`: of the score, or the start, of the last one, and of its kind and id."""
        order = [_score.score if worst_first else -_score.start_us, _score.is_task, _score.subject_id]
        statement = _STATE.where(*_conditions(query), _score.score.is_not(None))
        if after is not None:
            statement = statement.where(tuple_(*order) > tuple_(*map(literal, after)))
        return await self._states(statement.order_by(*order).limit(count))

    async def groups(self, query: QualityQuery, group_by: Sequence[str], step_us: int, count: int) -> list[GroupScores]:
        """Means of the scores by group and window; `step_us` 0: one window, which begins where the range does."""
        window = _window(query, step_us)
        keys = [_score[name] for name in group_by]
        parts = [_score.component_scores[place] for place in range(1, len(Component) + 1)]
        columns = [
            func.count(),
            func.avg(_score.score),
            func.avg(_score.score * _score.score),
            func.avg(_score.deviation * _score.deviation),
            *(func.avg(part) for part in parts),
            *(func.count(part) for part in parts),
        ]
        named = window.label("window_us")
        # Without a group there is a row of nothing where there are no scores.
        statement = select(*keys, named, *columns).where(*_conditions(query), _score.score.is_not(None)).having(func.count() > 0)
        statement = statement.group_by(*keys, *([named] if step_us else [])).order_by(named, *keys).limit(count)
        async with self._engine.connect() as connection:
            found = [_group(tuple(row), len(keys)) for row in await connection.execute(statement)]
        # What is not grouped at all is one group, also of nothing.
        return [group for group in found if group.count]

    async def marks(self, query: QualityQuery, group_by: Sequence[str], step_us: int, count: int) -> list[FeedbackMark]:
        """What raters said of the subjects of `groups`, of the latest ones."""
        keys = [_score[name] for name in group_by]
        same = [_read[name] == _score[name] for name in ("project", "is_task", "subject_id")]
        joined = score_table.join(evidence_reading_table, and_(*same))
        has_feedback = _score.component_scores[_FEEDBACK_PLACE].is_not(None)
        statement = select(*keys, _window(query, step_us), _score.body, _read.readings).select_from(joined)
        statement = statement.where(*_conditions(query), has_feedback).order_by(_score.start_us.desc()).limit(count)
        # Feedback is one reading and nothing else; reports, which are large, are left where they are.
        statement = statement.where(_read.readings.startswith('[{"component":"feedback"'))
        async with self._engine.connect() as connection:
            rows = [tuple(row) for row in await connection.execute(statement)]
        return await asyncio.to_thread(lambda: [mark for row in rows for mark in _marks(row, len(keys))])

    async def project(self, project: str) -> ProjectQuality:
        """The project's weights."""
        table = quality_project_table.c
        columns = (table.position, table.weights_version, table.weights, table.keep_content)
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(*columns).where(table.project == project))).one_or_none()
            return ProjectQuality(*row) if row else ProjectQuality()

    async def made(self, projects: Sequence[str]) -> dict[str, ScoresMade]:
        """What was made of those of the projects that have scores."""
        table = quality_project_table.c
        statement = select(table.project, table.score_count, table.score_us).where(table.project.in_(projects))
        async with self._engine.connect() as connection:
            return {project: ScoresMade(count, score_us) for project, count, score_us in await connection.execute(statement)}

    async def put_weights(self, project: str, expected_version: int, weights: str, *, keep_content: bool) -> int | None:
        """Sets the weights and returns their version; None where they are at another version than expected."""
        values = {"project": project, "expected": expected_version, "weights": weights, "keep_content": keep_content}
        async with self._engine.begin() as connection:
            version: int | None = await connection.scalar(_PUT_WEIGHTS, values)
            return version

    async def mark_due(self, query: QualityQuery, *, with_unknown: bool) -> int:
        """Notes that scores are to be made anew, and returns how many; `with_unknown`: those without a start, too."""
        within = [_score.start_us >= query.start_us, _score.start_us < query.end_us]
        in_range = or_(_score.start_us.is_(None), (within[0]) & (within[1])) if with_unknown else within[0] & within[1]
        async with self._engine.begin() as connection:
            done = await connection.execute(update(score_table).where(_score.project == query.project, in_range).values(is_due=True))
            return done.rowcount

    async def with_component(self, project: str, task_type: str, component: Component, count: int) -> list[SubjectState]:
        """The latest scores of a kind of task, or of all, that have a component."""
        place = list(Component).index(component) + 1
        statement = _STATE.where(_score.project == project, _score.component_scores[place].is_not(None), _score.start_us.is_not(None))
        if task_type:
            statement = statement.where(_score.task_type == task_type)
        return await self._states(statement.order_by(_score.start_us.desc()).limit(count))

    async def _states(self, statement: Any) -> list[SubjectState]:
        async with self._engine.connect() as connection:
            return [state_of(row) for row in await connection.execute(statement)]


def _window(query: QualityQuery, step_us: int) -> Any:
    return _score.start_us - _score.start_us % step_us if step_us else literal(query.start_us)


def _marks(row: tuple[Any, ...], key_count: int) -> Iterator[FeedbackMark]:
    window_us, body, readings = row[key_count:]
    content = ScoreBody(body)
    given = content.evidence_counts.get(Component.FEEDBACK, 1)
    for reading in readings_from_json(readings):
        if reading.component is Component.FEEDBACK and not reading.missing_reason:
            share = content.share_ratio(Component.FEEDBACK) / given
            yield FeedbackMark(row[:key_count], window_us, reading.source, reading.score_ratio, share)


def _conditions(query: QualityQuery) -> list[Any]:
    conditions: list[Any] = [_score.project == query.project, _score.start_us >= query.start_us, _score.start_us < query.end_us]
    if query.is_task is not None:
        conditions.append(_score.is_task == query.is_task)
    return conditions + [_score[name].in_(values) for name, values in query.filters]


def _group(row: tuple[Any, ...], key_count: int) -> GroupScores:
    window_us, count, mean, square_mean, variance_mean, *parts = row[key_count:]
    return GroupScores(
        key=row[:key_count],
        window_us=window_us,
        count=count,
        mean=mean,
        square_mean=square_mean,
        variance_mean=variance_mean,
        component_means=tuple(parts[: len(Component)]),
        component_counts=tuple(parts[len(Component) :]),
    )
