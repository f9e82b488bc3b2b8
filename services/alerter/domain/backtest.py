"""What a rule would have done: the life cycle run over a past that is known whole."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from services.alerter.domain.alert import AlertState, Severity
from services.alerter.domain.arrays import Floats, Ints
from services.alerter.domain.evaluate import severity_of
from services.alerter.domain.life_cycle import Course, Group, Observation, Step, advance
from services.alerter.domain.rule import Comparison, Rule, Threshold
from services.alerter.domain.table import Key
from services.alerter.domain.verdict import Verdict, Verdicts

INACTIVE = 0
"""Where a group has no alert, among numbers of AlertState."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One time that the rule would have fired; `end` None where it goes on, `peak` the value farthest beyond the bound."""

    key: Key
    start: datetime
    end: datetime | None
    peak: float
    severity: Severity


@dataclass(frozen=True, eq=False, slots=True)
class GroupCourse:
    """The states of one group at each step, as numbers of AlertState or INACTIVE, and its values."""

    key: Key
    states: Ints
    values: Floats
    firing_s: float


@dataclass(frozen=True, eq=False, slots=True)
class Backtest:
    """Episodes, oldest first, and the courses of the groups that had any, those that fired longest first."""

    episodes: list[Episode]
    courses: list[GroupCourse]


def backtest(project: str, rule: Rule, said: Verdicts, end_times_s: Ints) -> Backtest:
    """Runs the life cycle over the verdicts, those of step i at `end_times_s[i]`, in which the rule is looked at once a step."""
    times = [datetime.fromtimestamp(second, UTC) for second in end_times_s.tolist()]
    episodes: list[Episode] = []
    courses: list[GroupCourse] = []
    for number in np.flatnonzero((said.verdict == Verdict.BREACH).any(axis=1)).tolist():
        group = Group(project, rule, str(number))
        states = np.full(len(times), INACTIVE, np.int64)
        found = list(_episodes(group, said, number, times, states))
        if found:
            fired_s = sum(((episode.end or times[-1]) - episode.start).total_seconds() for episode in found)
            courses.append(GroupCourse(said.keys[number], states, said.observed[number], fired_s))
            episodes.extend(found)
    episodes.sort(key=lambda episode: (episode.start, episode.key))
    courses.sort(key=lambda course: -course.firing_s)
    return Backtest(episodes, courses)


def _episodes(group: Group, said: Verdicts, number: int, times: list[datetime], states: Ints) -> Iterator[Episode]:
    """The group's episodes; fills in its states."""
    began: int | None = None
    severity = Severity.INFO
    for first, end, step in _course(group, said, number, times):
        states[first:end] = INACTIVE if step.course is None else step.course.alert.state.value
        is_open = step.course is not None and step.course.alert.state.is_open
        if is_open and step.course is not None:
            severity = step.course.alert.severity
        if is_open and began is None:
            began = first
        elif not is_open and began is not None:
            yield Episode(said.keys[number], times[began], times[first], _peak(group.rule, said.observed[number, began:first]), severity)
            began = None
    if began is not None:
        yield Episode(said.keys[number], times[began], None, _peak(group.rule, said.observed[number, began:]), severity)


def _course(group: Group, said: Verdicts, number: int, times: list[datetime]) -> Iterator[tuple[int, int, Step]]:
    """Steps from `first` up to `end` that end alike. Those at which nothing can change are not looked at one by one."""
    verdict, severity = said.verdict[number], said.severity[number]
    changes = (np.flatnonzero((np.diff(verdict) != 0) | (np.diff(severity) != 0)) + 1).tolist()
    course: Course | None = None
    place = 0
    for run_end in [*changes, verdict.size]:
        seen_verdict, seen_severity = Verdict(int(verdict[place])), severity_of(group.rule, int(severity[place]))
        while place < run_end:
            value = float(said.observed[number, place])
            step = advance(group, course, Observation(seen_verdict, value, seen_severity), times[place])
            course = step.course
            is_stable = seen_verdict is not Verdict.BREACH if course is None else course.is_settled
            end = run_end if is_stable else place + 1
            yield place, end, step
            place = end


def _peak(rule: Rule, values: Floats) -> float:
    """The value farthest beyond the bound; an episode begins with one that is known."""
    is_below = isinstance(rule.condition, Threshold) and rule.condition.comparison is Comparison.BELOW
    return float(np.nanmin(values) if is_below else np.nanmax(values))


def mean_duration(episodes: list[Episode], now: datetime) -> timedelta | None:
    """How long the episodes lasted on average, those that go on until now; None if there are none."""
    if not episodes:
        return None
    return sum(((episode.end or now) - episode.start for episode in episodes), timedelta()) / len(episodes)


def state_of(number: int) -> AlertState | None:
    """The state of a number in GroupCourse.states, None for inactive."""
    return None if number == INACTIVE else AlertState(number)
