"""Erases what was made of records that the collector has erased: the one place that deletes from all tables of a project."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

_OF_SUBJECTS = tuple(
    text(f"DELETE FROM analyzer.{table} WHERE project = :project AND is_task = :is_task AND subject_id = ANY(:subject_ids)")
    for table in ("evidence_reading", "score")
)
# Whoever works on the project loses it with its row, and begins anew. Weights are settings, and stay.
_OF_PROJECT = (
    text(
        "DELETE FROM analyzer.baseline b USING analyzer.series s WHERE s.series_id = b.series_id AND s.project = :project",
    ),
    *(
        text(f"DELETE FROM analyzer.{table} WHERE project = :project")
        for table in (
            *("project", "series_state", "intake", "anomaly", "anomaly_part", "mark", "accepted_shift", "ranking"),
            *("evidence_reading", "score", "series"),
        )
    ),
)


class ErasingStore:
    """Every method is one transaction, and done again it changes nothing."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def erase(self, project: str, call_ids: Sequence[str], task_ids: Sequence[str]) -> None:
        """Erases readings and scores of these calls and tasks."""
        async with self._engine.begin() as connection:
            for is_task, subject_ids in ((False, call_ids), (True, task_ids)):
                for statement in _OF_SUBJECTS:
                    await connection.execute(statement, {"project": project, "is_task": is_task, "subject_ids": list(subject_ids)})

    async def erase_project(self, project: str) -> None:
        """Erases all that was learnt of a project."""
        async with self._engine.begin() as connection:
            for statement in _OF_PROJECT:
                await connection.execute(statement, {"project": project})
