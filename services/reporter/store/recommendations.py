"""The SQL of what reports recommended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit.errors import AssayError, Kind
from services.reporter.tables import recommendation_table

# The states' numbers, as in the contract.
OPEN, ACCEPTED, REJECTED, DONE = 1, 2, 3, 4

_advice = recommendation_table.c


@dataclass(frozen=True, slots=True)
class StoredRecommendation:
    """What was recommended, and what became of it. `content`: the model's JSON, as of `issue_time`."""

    recommendation_id: str
    title: str
    content: bytes
    state: int
    state_time: datetime | None
    state_by: str
    comment: str
    create_time: datetime
    issue_time: datetime
    report_id: str
    version: int


_FIELDS = tuple(StoredRecommendation.__dataclass_fields__)
_COLUMNS = [recommendation_table.c[name] for name in _FIELDS]


class RecommendationStore:
    """Recommendations of all projects."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def list_recommendations(
        self, project: str, *, state: int = 0, before: tuple[datetime, str] | None = None, limit: int
    ) -> Sequence[StoredRecommendation]:
        """Recommendations, the latest first, older than `before` (time and id); in one state, if that is not 0."""
        statement = select(*_COLUMNS).where(_advice.project == project)
        if state:
            statement = statement.where(_advice.state == state)
        if before is not None:
            statement = statement.where(tuple_(_advice.create_time, _advice.recommendation_id) < before)
        statement = statement.order_by(_advice.create_time.desc(), _advice.recommendation_id.desc()).limit(limit)
        async with self._engine.connect() as connection:
            return [_recommendation_of(row) for row in await connection.execute(statement)]

    async def set_state(
        self, project: str, recommendation_id: str, state: int, *, actor: str, comment: str, now: datetime
    ) -> StoredRecommendation:
        """Says what became of it; the same again changes nothing. Raises RECOMMENDATION_UNKNOWN."""
        this = (_advice.project == project) & (_advice.recommendation_id == recommendation_id)
        async with self._engine.begin() as connection:
            row = (await connection.execute(select(*_COLUMNS).where(this).with_for_update())).one_or_none()
            if row is None:
                raise AssayError(Kind.NOT_FOUND, "RECOMMENDATION_UNKNOWN", "the project has no such recommendation")
            found = _recommendation_of(row)
            if (found.state, found.comment) == (state, comment):
                return found
            change = {"state": state, "state_by": actor, "comment": comment, "version": found.version + 1}
            change["state_time"] = found.state_time if found.state == state else now
            changed = await connection.execute(update(recommendation_table).where(this).values(change).returning(*_COLUMNS))
            return _recommendation_of(changed.one())

    async def forget_before(self, moment: datetime, limit: int) -> int:
        """Deletes what was recommended last before then, at most `limit`; returns how many."""
        old = select(_advice.project, _advice.recommendation_id).where(_advice.issue_time < moment).limit(limit)
        statement = delete(recommendation_table).where(tuple_(_advice.project, _advice.recommendation_id).in_(old))
        async with self._engine.begin() as connection:
            return (await connection.execute(statement)).rowcount


async def note_recommendations(
    connection: AsyncConnection, project: str, report_id: str, made: Sequence[tuple[str, str, bytes]], now: datetime
) -> None:
    """Keeps what a report recommends (id, title, content) in the caller's transaction.

    What is open takes the newer content; what somebody has decided stays as it was then, and only the report is noted.
    """
    for recommendation_id, title, content in sorted(made):
        row = {
            "project": project,
            "recommendation_id": recommendation_id,
            "title": title,
            "content": content,
            "state": OPEN,
            "state_by": "",
            "comment": "",
            "create_time": now,
            "issue_time": now,
            "report_id": report_id,
            "version": 0,
        }
        statement = insert(recommendation_table).values(row)
        keys = [_advice.project, _advice.recommendation_id]
        newer = {"title": title, "content": content, "issue_time": now, "report_id": report_id}
        await connection.execute(statement.on_conflict_do_nothing(index_elements=keys))
        this = (_advice.project == project) & (_advice.recommendation_id == recommendation_id)
        await connection.execute(update(recommendation_table).where(this, _advice.state == OPEN, _advice.issue_time < now).values(newer))
        await connection.execute(update(recommendation_table).where(this, _advice.state != OPEN).values(report_id=report_id))


def _recommendation_of(row: Row[Any]) -> StoredRecommendation:
    return StoredRecommendation(**dict(zip(_FIELDS, row, strict=True)))
