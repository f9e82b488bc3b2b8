"""Which projects there are, and the zones of their days."""

import time

from kit.access import project_unknown
from services.reporter.neighbours import Collector, ProjectSeen

# A change of a project's zone is heard of within this time; reads in between ask nobody.
REMEMBERED_S = 30.0


class Projects:
    """Asks the collector, and remembers for a while."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._known: dict[str, ProjectSeen] = {}
        self._asked_s = float("-inf")

    async def require(self, project: str) -> ProjectSeen:
        """The project; one that was made just now is looked for. Raises PROJECT_UNKNOWN, COLLECTOR_UNAVAILABLE."""
        if project not in self._known or time.monotonic() - self._asked_s > REMEMBERED_S:
            self._known = {seen.project: seen for seen in await self._collector.projects()}
            self._asked_s = time.monotonic()
        if project not in self._known:
            raise project_unknown(project)
        return self._known[project]
