"""How an alert lives: what an observation of its group makes of it. Pure: the time is given, what changed is returned.

    inactive ──breach──▶ pending ──for long enough──▶ firing ◀──▶ acknowledged
        ▲                   │                           │               │
        ├───────else────────┘          clear for long enough, or no data, or by hand
        └──RETURN_WITHIN_S later── resolved ◀───────────┴───────────────┘
                                      └──breach before that──▶ firing, the same alert

Flapping is damped twice. An alert that comes back within RETURN_WITHIN_S of its resolution is the same alert; and with each return the time
doubles for which the condition must have ceased before it is resolved again, up to KEEP_FIRING_MAX_S.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType

from services.alerter.domain.alert import Alert, AlertState, Severity
from services.alerter.domain.rule import Rule
from services.alerter.domain.verdict import Verdict

# Within this time the same trouble is mostly the same incident.
RETURN_WITHIN_S = 900.0
# Past it, damping would hide that the trouble is over.
KEEP_FIRING_MAX_S = 1_800.0
# Without data an alert says nothing for so long, since a pause in the calls is no recovery, and is then resolved.
NO_DATA_RESOLVES_S = 1_800.0
# An alert that was resolved by hand though its condition held is not raised again for so long, unless the condition ceased in between.
HELD_MAX_S = 86_400.0

_NO_LABELS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Observation:
    """What is seen of a group at one time."""

    verdict: Verdict
    observed: float | None = None
    severity: Severity = Severity.WARNING


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of an alert, numbered by the alert's version after it. `from_state` None: it is new; `to_state` None: it is forgotten."""

    alert_id: str
    version: int
    time: datetime
    from_state: AlertState | None
    to_state: AlertState | None
    cause: str
    actor: str = ""
    observed: float | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """An alert and what is remembered of its group, until it is forgotten.

    `contrary_time` is since when observations have said the contrary of the state: that the condition ceased where the alert is open, that
    it holds again where it is resolved. `unknown_time` is since when they have said nothing. `is_held`: it was resolved by hand, and the
    condition has held since.
    """

    alert: Alert
    contrary_time: datetime | None = None
    unknown_time: datetime | None = None
    return_count: int = 0
    is_held: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether another observation like the last one, at whatever time, changes nothing: it is open and its condition holds."""
        return self.alert.state.is_open and self.contrary_time is None and self.unknown_time is None


@dataclass(frozen=True, slots=True)
class Step:
    """The course after an observation, None when the group is inactive; its change; and the alert as changed, None if forgotten."""

    course: Course | None
    transition: Transition | None = None
    alert: Alert | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Whom an observation is about."""

    project: str
    rule: Rule
    key: str


def alert_id(group: Group, start: datetime) -> str:
    """The id of the alert that begins then: whoever repeats the work gets the same."""
    text = "\0".join((group.project, group.rule.rule_id, group.key, start.isoformat()))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def advance(group: Group, course: Course | None, seen: Observation, now: datetime) -> Step:
    """What an observation makes of a group's course."""
    if course is None:
        return _begun(group, seen, now) if seen.verdict is Verdict.BREACH else Step(None)
    if course.alert.state is AlertState.PENDING:
        return _pending(group, course, seen, now)
    if course.alert.state is AlertState.RESOLVED:
        return _resolved(group, course, seen, now)
    return _open(group, course, seen, now)


def acknowledged(course: Course, actor: str, cause: str, now: datetime) -> Step:
    """The course once somebody looks after its alert, which must be firing."""
    alert = replace(
        course.alert, state=AlertState.ACKNOWLEDGED, acknowledge_time=now, acknowledged_by=actor, version=course.alert.version + 1
    )
    return _changed(course, alert, now, cause, actor)


def resolved_by_hand(course: Course, actor: str, cause: str, now: datetime) -> Step:
    """The course once somebody has ended its alert, which must be open."""
    step = _ended(course, now, cause, actor)
    return replace(step, course=Course(step.alert or course.alert, return_count=course.return_count, is_held=True))


def ended(course: Course, cause: str, now: datetime) -> Step:
    """The course of a group that is not looked at any more: nothing is remembered of it, and an open alert is resolved."""
    if course.alert.state is AlertState.PENDING:
        return _forgotten(course, now, cause)
    return replace(_ended(course, now, cause), course=None) if course.alert.state.is_open else Step(None)


def _begun(group: Group, seen: Observation, now: datetime) -> Step:
    fires = group.rule.for_s <= 0
    alert = Alert(
        alert_id=alert_id(group, now),
        project=group.project,
        rule_id=group.rule.rule_id,
        rule_name=group.rule.name,
        labels=_NO_LABELS,
        state=AlertState.FIRING if fires else AlertState.PENDING,
        severity=seen.severity,
        start_time=now,
        fire_time=now if fires else None,
        observed=seen.observed,
    )
    return Step(Course(alert), _transition(None, alert, now, "the condition holds"), alert)


def _pending(group: Group, course: Course, seen: Observation, now: datetime) -> Step:
    before = course.alert
    if seen.verdict is not Verdict.BREACH:
        return _forgotten(course, now, "the condition ceased")
    if now - before.start_time < timedelta(seconds=group.rule.for_s):
        return Step(course)
    alert = replace(
        before, state=AlertState.FIRING, fire_time=now, severity=seen.severity, observed=seen.observed, version=before.version + 1
    )
    return _changed(course, alert, now, "the condition held for long enough")


def _open(group: Group, course: Course, seen: Observation, now: datetime) -> Step:
    if seen.verdict is Verdict.BREACH and seen.severity.value > course.alert.severity.value:
        alert = replace(course.alert, severity=seen.severity, observed=seen.observed, version=course.alert.version + 1)
        return _changed(course, alert, now, "it became worse")
    if seen.verdict in {Verdict.BREACH, Verdict.BETWEEN}:
        return Step(course if course.is_settled else replace(course, contrary_time=None, unknown_time=None))
    if seen.verdict is Verdict.CLEAR:
        since = course.contrary_time or now
        if now - since >= _keep_firing(group.rule, course.return_count):
            return _ended(course, now, "the condition ceased", observed=seen.observed)
        return Step(replace(course, contrary_time=since, unknown_time=None))
    since = course.unknown_time or now
    if now - since >= timedelta(seconds=NO_DATA_RESOLVES_S):
        return _ended(course, now, "there is no data any more")
    return Step(course if course.unknown_time else replace(course, unknown_time=since))


def _resolved(group: Group, course: Course, seen: Observation, now: datetime) -> Step:
    assert course.alert.resolve_time is not None  # noqa: S101  a resolved alert has been
    over = now - course.alert.resolve_time
    if course.is_held:
        is_over = seen.verdict is Verdict.CLEAR or over >= timedelta(seconds=HELD_MAX_S)
        return advance(group, None, seen, now) if is_over else Step(course)
    if seen.verdict is not Verdict.BREACH:
        if over >= timedelta(seconds=RETURN_WITHIN_S):
            return Step(None)
        return Step(course if course.contrary_time is None else replace(course, contrary_time=None))
    since = course.contrary_time or now
    if since - course.alert.resolve_time >= timedelta(seconds=RETURN_WITHIN_S):
        return _begun(group, seen, now)
    if now - since < timedelta(seconds=group.rule.for_s):
        return Step(replace(course, contrary_time=since))
    return _returned(course, seen, now)


def _returned(course: Course, seen: Observation, now: datetime) -> Step:
    alert = replace(
        course.alert,
        state=AlertState.FIRING,
        severity=seen.severity,
        observed=seen.observed,
        acknowledge_time=None,
        acknowledged_by="",
        resolve_time=None,
        version=course.alert.version + 1,
    )
    return _changed(replace(course, return_count=course.return_count + 1), alert, now, "the condition came back")


def _ended(course: Course, now: datetime, cause: str, actor: str = "", observed: float | None = None) -> Step:
    value = course.alert.observed if observed is None else observed
    alert = replace(course.alert, state=AlertState.RESOLVED, resolve_time=now, observed=value, version=course.alert.version + 1)
    return _changed(course, alert, now, cause, actor)


def _changed(course: Course, alert: Alert, now: datetime, cause: str, actor: str = "") -> Step:
    """The course with its alert changed, which begins to be observed anew."""
    changed = replace(course, alert=alert, contrary_time=None, unknown_time=None)
    return Step(changed, _transition(course.alert, alert, now, cause, actor), alert)


def _forgotten(course: Course, now: datetime, cause: str) -> Step:
    before = course.alert
    return Step(None, Transition(before.alert_id, before.version + 1, now, before.state, None, cause))


def _keep_firing(rule: Rule, return_count: int) -> timedelta:
    longest = max(rule.keep_firing_s, KEEP_FIRING_MAX_S)
    # Twenty doublings of a second are more than the longest.
    return timedelta(seconds=min(rule.keep_firing_s * 2 ** min(return_count, 20), longest))


def _transition(before: Alert | None, after: Alert, now: datetime, cause: str, actor: str = "") -> Transition:
    from_state = None if before is None else before.state
    return Transition(after.alert_id, after.version, now, from_state, after.state, cause, actor, after.observed)
