"""Which projects there are: those that the alerter knows, and new ones as the collector tells of them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kit.access import DEFAULT_PROJECT
from kit.errors import AssayError, Kind
from services.alerter.domain.default_rules import default_rules
from services.alerter.domain.rule import OwnState, OwnStateCheck
from services.alerter.messages.rule_messages import definition_of, rule_to_message
from services.alerter.neighbours import Collector, ProjectSeen
from services.alerter.store.rules import RuleStore


class Projects:
    """Makes projects known with their first rules, once."""

    def __init__(self, collector: Collector, rules: RuleStore) -> None:
        self._collector = collector
        self._rules = rules
        self._known: set[str] = set()

    async def look(self) -> dict[str, ProjectSeen]:
        """All projects by name, known from now on. Raises AssayError while the collector is away."""
        found = {project.project: project for project in await self._collector.projects()}
        for project in found.keys() - self._known:
            await self._rules.ensure_project(project, _defaults(project), datetime.now(UTC))
            self._known.add(project)
        return found

    async def require(self, project: str) -> None:
        """Raises PROJECT_UNKNOWN for a project that there is not; one that was made just now is looked for."""
        if project in self._known or await self._rules.has_project(project):
            return
        if project not in await self.look():
            raise AssayError(Kind.NOT_FOUND, "PROJECT_UNKNOWN", "there is no such project", details={"project": project[:32]})


def _defaults(project: str) -> Mapping[str, Mapping[str, Any]]:
    """A project's first rules by id. That a process is down concerns the installation, and is told once: in the first project."""
    rules = [
        rule
        for rule in default_rules()
        if project == DEFAULT_PROJECT or not (isinstance(rule.condition, OwnState) and rule.condition.check is OwnStateCheck.SERVICE_DOWN)
    ]
    return {rule.rule_id: definition_of(rule_to_message(rule)) for rule in rules}
