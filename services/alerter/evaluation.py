"""One project's rules, evaluated by the replica that owns it: asks, computes, commits, announces."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf

from kit import logs, metrics
from kit.bus import Bus
from kit.errors import AssayError
from services.alerter.announce import announce, messages_of
from services.alerter.anomalies import Anomalies
from services.alerter.domain.evaluate import Finding, endings, known_keys, measured, steps
from services.alerter.domain.forecast import Forecast
from services.alerter.domain.life_cycle import Course, Step
from services.alerter.domain.rule import AnomalyMatch, OwnState, OwnStateCheck, Rule, SpendForecast
from services.alerter.domain.sightings import OwnView, of_anomalies, of_heartbeat, of_own_state, of_spend
from services.alerter.domain.verdict import MeasuredCondition
from services.alerter.measuring import Measuring
from services.alerter.messages.rule_messages import message_from_definition, rule_from_message
from services.alerter.neighbours import Collector, Health, ProjectSeen
from services.alerter.spend import spend_forecast
from services.alerter.store.alerts import AlertStore, Change
from services.alerter.store.leases import LeaseStore
from services.alerter.store.rules import RULES_MAX, RuleStore
from services.alerter.window_news import WindowNews

_log = logs.get_logger(__name__)
_SECONDS = metrics.histogram("assay_alerter_evaluation_seconds", "One evaluation of all rules of a project.")
_CHANGES = metrics.counter("assay_alerter_transitions_total", "Changes of alerts that evaluations made.")

# Assay's own state, of which nothing is announced, is asked for so often.
OWN_STATE_EVERY_S = 15.0
# What a month costs moves slowly, and takes a question about five weeks.
SPEND_EVERY_S = 600.0
# A commit that met a change by hand is computed anew on what is then there; somebody who changes without end must not hold up the others.
TRIES = 3

Findings = Iterable[Finding]


@dataclass(frozen=True, slots=True)
class Tools:
    """What the evaluation of every project needs."""

    bus: Bus
    collector: Collector
    health: Health
    news: WindowNews
    anomalies: Anomalies | None
    rules: RuleStore
    alerts: AlertStore
    leases: LeaseStore
    clock: Callable[[], float] = time.time


class Evaluation:
    """Remembers a project's rules and courses from one evaluation to the next."""

    def __init__(self, tools: Tools, project: ProjectSeen) -> None:
        self._tools = tools
        self._project = project
        self._measuring = Measuring(tools.collector, project.project)
        self._generation = -1
        self._rules: list[Rule] = []
        self._active: list[Rule] = []
        self._courses: dict[str, dict[str, Course]] = {}
        self._spend: dict[str, tuple[float, Forecast | None]] = {}

    def seen(self, project: ProjectSeen, generation: int) -> bool:
        """Takes in the project as it is now, as its zone may be another one; whether rules or alerts have changed meanwhile."""
        self._project = project
        return generation != self._generation

    async def evaluate(self) -> float | None:
        """Looks at every rule once; None where the project is not ours any more. Raises the errors of a database that is away.

        Returns in how many seconds it has to be looked again though nothing is heard of a change.
        """
        with _SECONDS.time():
            now_s = self._tools.clock()
            generation = await self._tools.leases.owned(self._project.project)
            if generation is None:
                return None
            if generation != self._generation:
                await self._load(generation)
            await self._measuring.refresh(now_s, self._tools.news.changed_s(self._project.project))
            view = await self._own_view(now_s)
            await self._refresh_spend(now_s)
            for _ in range(TRIES):
                if await self._commit(view, datetime.fromtimestamp(now_s, UTC)):
                    return max(self._due_s(now_s) - now_s, 0.0)
                generation = await self._tools.leases.owned(self._project.project)
                if generation is None:
                    return None
                await self._load(generation)
            return 0.0

    def _due_s(self, now_s: float) -> float:
        """When time alone can change something."""
        if not all(course.is_settled for courses in self._courses.values() for course in courses.values()):
            return now_s
        due = [self._measuring.due_s(self._tools.news.changed_s(self._project.project))]
        if any(isinstance(rule.condition, OwnState) for rule in self._active):
            due.append(now_s + OWN_STATE_EVERY_S)
        due += [self._spend_due_s(rule) for rule in self._active if isinstance(rule.condition, SpendForecast)]
        return min(due)

    async def _load(self, generation: int) -> None:
        """Reads rules and courses; what changes meanwhile has a later generation."""
        stored = await self._tools.rules.list_rules(self._project.project, "", RULES_MAX)
        self._rules = list(_readable(self._project.project, [each.definition for each in stored]))
        self._active = [rule for rule in self._rules if not rule.is_paused]
        self._measuring.need(self._active)
        self._courses = {}
        for (rule_id, key), course in (await self._tools.alerts.courses(self._project.project)).items():
            self._courses.setdefault(rule_id, {})[key] = course
        self._generation = generation

    async def _commit(self, view: OwnView, now: datetime) -> bool:
        """Computes what changes and writes it; False where somebody else has changed something since it was read."""
        changes = [change async for change in self._changes(view, now)]
        if not changes:
            return True
        if not await self._tools.leases.commit(self._project.project, self._generation, changes, now):
            return False
        told = messages_of((self._courses.get(change.rule_id, {}).get(change.group_key), change.step) for change in changes)
        for change in changes:
            self._remember(change.rule_id, change.group_key, change.step)
        _CHANGES.inc(len(told))
        await announce(self._tools.bus, self._project.project, told)
        return True

    def _remember(self, rule_id: str, key: str, step: Step) -> None:
        courses = self._courses.setdefault(rule_id, {})
        if step.course is None:
            courses.pop(key, None)
        else:
            courses[key] = step.course

    async def _changes(self, view: OwnView, now: datetime) -> AsyncIterator[Change]:
        """What all rules find; between two of them others are served."""
        evaluated = {rule.rule_id: rule for rule in self._active}
        paused = {rule.rule_id for rule in self._rules if rule.is_paused}
        for rule_id in self._courses.keys() - evaluated.keys():
            cause = "the rule rests" if rule_id in paused else "the rule was deleted"
            for key, step in endings(self._courses[rule_id], cause, now):
                yield Change(rule_id, key, step)
        for rule in evaluated.values():
            courses = self._courses.get(rule.rule_id, {})
            findings = self._findings(rule, courses, view)
            if findings is not None:
                for key, step in steps(self._project.project, rule, findings, courses, now):
                    yield Change(rule.rule_id, key, step)
            await asyncio.sleep(0)

    def _findings(self, rule: Rule, courses: Mapping[str, Course], view: OwnView) -> Findings | None:
        """What is found of the rule's groups, None where whoever knows does not answer: then nothing changes."""
        condition = rule.condition
        if isinstance(condition, MeasuredCondition):
            tables = self._measuring.tables(rule)
            return None if tables is None else measured(rule, condition, tables, known_keys(rule, courses))
        if isinstance(condition, AnomalyMatch):
            anomalies = None if self._tools.anomalies is None else self._tools.anomalies.open(self._project.project)
            return None if anomalies is None else of_anomalies(rule, condition, anomalies, courses)
        if isinstance(condition, OwnState):
            return of_own_state(rule, condition, view, courses)
        if isinstance(condition, SpendForecast):
            known = self._spend.get(rule.rule_id)
            return None if known is None else [of_spend(rule, condition, known[1])]
        return [of_heartbeat(rule)]

    async def _own_view(self, now_s: float) -> OwnView:
        """What the rules want to know of Assay itself."""
        checks = {rule.condition.check for rule in self._active if isinstance(rule.condition, OwnState)}
        down = await self._tools.health.down() if OwnStateCheck.SERVICE_DOWN in checks else {}
        if not checks - {OwnStateCheck.SERVICE_DOWN}:
            return OwnView(down=down)
        return await self._tools.collector.own_view(self._project.project, datetime.fromtimestamp(now_s, UTC), down)

    async def _refresh_spend(self, now_s: float) -> None:
        wanted = [rule for rule in self._active if isinstance(rule.condition, SpendForecast)]
        self._spend = {rule.rule_id: self._spend[rule.rule_id] for rule in wanted if rule.rule_id in self._spend}
        for rule in wanted:
            if self._spend_due_s(rule) > now_s:
                continue
            try:
                month = await spend_forecast(
                    self._tools.collector, self._project.project, self._project.time_zone, rule, datetime.fromtimestamp(now_s, UTC)
                )
            except AssayError as error:
                _log.warning("the month's spend cannot be forecast", project=self._project.project, reason=error.reason)
                continue
            self._spend[rule.rule_id] = (now_s, month)

    def _spend_due_s(self, rule: Rule) -> float:
        known = self._spend.get(rule.rule_id)
        return -inf if known is None else known[0] + SPEND_EVERY_S


def _readable(project: str, definitions: Iterable[Mapping[str, object]]) -> Iterator[Rule]:
    """The rules that this version can read: one from a newer version must not stop the others."""
    for definition in definitions:
        try:
            yield rule_from_message(message_from_definition(definition))
        except (AssayError, ValueError) as error:
            _log.error("a rule cannot be read", project=project, rule_id=str(definition.get("ruleId")), error=error)
