"""What the ingest path needs to know of a project, remembered for a while."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database
from kit.access import NO_QUOTA, Quota

# A changed limit or zone is seen within 5 s: after this long, and the time that the question takes.
REMEMBER_S = 4.0

_PROJECTS = text(
    "SELECT project_id, project, time_zone, series_limit, calls_per_s_limit, calls_burst_limit, open_streams_limit FROM collector.project"
)


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """A project and its settings."""

    project_id: int
    project: str
    time_zone: str
    series_limit: int
    quota: Quota = NO_QUOTA


class ProjectReader:
    """Projects by name and number, read again when what is remembered is too old or what is asked for is not among it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._by_name: dict[str, ProjectInfo] = {}
        self._read_at = float("-inf")

    async def find(self, project: str) -> ProjectInfo | None:
        """The project of that name, or None. While the database is away, as it was when it was last seen."""
        if project not in self._by_name or self._is_old():
            try:
                await self._read()
            except Exception as error:
                if project not in self._by_name or not database.is_connection_error(error):
                    raise
                self._read_at = time.monotonic()  # asked again when this is old
        return self._by_name.get(project)

    async def numbered(self, project_ids: Iterable[int]) -> dict[int, ProjectInfo]:
        """The projects of these numbers, which must exist, by number."""
        wanted = set(project_ids)
        if self._is_old() or not wanted <= self._by_number().keys():
            await self._read()
        by_number = self._by_number()
        return {project_id: by_number[project_id] for project_id in wanted}

    async def all(self) -> list[ProjectInfo]:
        """All projects, by name."""
        if self._is_old():
            await self._read()
        return sorted(self._by_name.values(), key=lambda project: project.project)

    def _by_number(self) -> dict[int, ProjectInfo]:
        return {project.project_id: project for project in self._by_name.values()}

    def _is_old(self) -> bool:
        return time.monotonic() - self._read_at > REMEMBER_S

    async def _read(self) -> None:
        async with self._engine.connect() as connection:
            rows = await connection.execute(_PROJECTS)
            self._by_name = {row.project: _project(row) for row in rows}
        self._read_at = time.monotonic()


def _project(row: Any) -> ProjectInfo:
    quota = Quota(row.calls_per_s_limit, row.calls_burst_limit, row.open_streams_limit)
    return ProjectInfo(row.project_id, row.project, row.time_zone, row.series_limit, quota)
