"""One evaluation of a rule: what is found of its groups, and what that makes of their courses."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

import numpy as np

from services.alerter.domain.alert import Severity
from services.alerter.domain.life_cycle import Course, Group, Observation, Step, advance, ended
from services.alerter.domain.rule import Rule
from services.alerter.domain.table import Key, Table, all_keys
from services.alerter.domain.verdict import UNSAID, MeasuredCondition, Verdict, verdicts, windows_of
from services.alerter.domain.words import Found, told

_UNKNOWN = Observation(Verdict.UNKNOWN)
_NOTHING = Found({})


@dataclass(frozen=True, slots=True)
class Finding:
    """What is found of one group. A group of which nothing is found is not heard of."""

    group_key: str
    found: Found
    seen: Observation


def group_key(key: Key) -> str:
    """A group's key as it is kept."""
    return json.dumps(key, ensure_ascii=False)


def known_keys(rule: Rule, group_keys: Iterable[str]) -> list[Key]:
    """The groups of kept keys, without those from before the rule grouped as it does."""
    keys = (tuple(json.loads(kept)) for kept in group_keys)
    return [key for key in keys if len(key) == len(rule.group_by)]


def severity_of(rule: Rule, said: int) -> Severity:
    """The severity of an alert: as its condition says, as the rule says, or a warning."""
    return Severity(said) if said != UNSAID else rule.severity or Severity.WARNING


def measured(rule: Rule, condition: MeasuredCondition, tables: Mapping[int, Table], known: Collection[Key]) -> Iterator[Finding]:
    """What the tables (by window, of one step) say of groups in which the condition holds, and of the known ones."""
    wanted = set(known)
    if not wanted.issubset(all_keys(tables.values())):
        keys = list(dict.fromkeys(chain(all_keys(tables.values()), known)))
        tables = {window: tables[window].aligned(keys) for window in windows_of(condition)}
    said = verdicts(condition, tables)
    verdict, observed, severity = said.verdict[:, 0].tolist(), said.observed[:, 0].tolist(), said.severity[:, 0].tolist()
    breaches = np.flatnonzero(said.verdict[:, 0] == Verdict.BREACH).tolist()
    others = [number for number, key in enumerate(said.keys) if key in wanted and verdict[number] != Verdict.BREACH] if wanted else []
    for number in chain(breaches, others):
        key = said.keys[number]
        value = None if observed[number] != observed[number] else observed[number]
        seen = Observation(Verdict(verdict[number]), value, severity_of(rule, severity[number]))
        yield Finding(group_key(key), Found(dict(zip(rule.group_by, key, strict=True))), seen)


def steps(
    project: str, rule: Rule, findings: Iterable[Finding], courses: Mapping[str, Course], now: datetime
) -> Iterator[tuple[str, Step]]:
    """The steps of groups, by key, whose course changes. A course of which nothing was found is unknown."""
    unseen = dict(courses)
    for finding in findings:
        course = unseen.pop(finding.group_key, None)
        step = advance(Group(project, rule, finding.group_key), course, finding.seen, now)
        if step.course is not course or step.transition is not None:
            yield finding.group_key, told(rule, finding.found, finding.seen, step)
    for key, course in unseen.items():
        step = advance(Group(project, rule, key), course, _UNKNOWN, now)
        if step.course is not course or step.transition is not None:
            yield key, told(rule, _NOTHING, _UNKNOWN, step)


def endings(courses: Mapping[str, Course], cause: str, now: datetime) -> Iterator[tuple[str, Step]]:
    """The steps that end all courses of a rule that is not evaluated any more."""
    for key, course in courses.items():
        yield key, ended(course, cause, now)
