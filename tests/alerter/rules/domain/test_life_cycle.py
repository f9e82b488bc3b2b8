"""How an alert lives."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerter.domain.alert import AlertState, Severity
from services.alerter.domain.life_cycle import (
    HELD_MAX_S,
    KEEP_FIRING_MAX_S,
    NO_DATA_RESOLVES_S,
    RETURN_WITHIN_S,
    Course,
    Group,
    Observation,
    Step,
    acknowledged,
    advance,
    ended,
    resolved_by_hand,
)
from services.alerter.domain.rule import Rule
from services.alerter.domain.verdict import Verdict
from tests.alerter.rules.domain.samples import at, rule

U, C, M, B = Verdict.UNKNOWN, Verdict.CLEAR, Verdict.BETWEEN, Verdict.BREACH
PENDING, FIRING, ACKNOWLEDGED, RESOLVED = AlertState


def seen(verdict: Verdict, severity: Severity = Severity.WARNING) -> Observation:
    return Observation(verdict, 0.5, severity)


def lived(of: Rule, *observations: tuple[float, Verdict], course: Course | None = None) -> tuple[Course | None, list[Step]]:
    """The course after observations at these times, and the steps that changed something."""
    changes = []
    for seconds, verdict in observations:
        step = advance(Group("p", of, "g"), course, seen(verdict), at(seconds))
        course = step.course
        if step.transition is not None:
            changes.append(step)
    return course, changes


def states(changes: list[Step]) -> list[AlertState | None]:
    return [step.transition.to_state for step in changes if step.transition is not None]


@pytest.mark.parametrize(
    ("of", "observations", "expected"),
    [
        pytest.param(rule(), [(0, C), (10, U), (20, M)], [], id="nothing without a breach"),
        pytest.param(rule(), [(0, B)], [FIRING], id="at once"),
        pytest.param(rule(for_s=20), [(0, B), (10, B), (20, B)], [PENDING, FIRING], id="after it held"),
        pytest.param(rule(for_s=20), [(0, B), (10, M), (20, B)], [PENDING, None, PENDING], id="begins anew when it ceases"),
        pytest.param(rule(), [(0, B), (10, M), (20, M), (30, C)], [FIRING, RESOLVED], id="between the levels it stays"),
        pytest.param(rule(keep_firing_s=20), [(0, B), (10, C), (20, C), (30, C)], [FIRING, RESOLVED], id="resolved after it ceased"),
        pytest.param(rule(keep_firing_s=20), [(0, B), (10, C), (20, B), (30, C), (40, C)], [FIRING], id="resolving begins anew"),
        pytest.param(rule(), [(0, B), (10, U), (NO_DATA_RESOLVES_S, U)], [FIRING], id="without data it stays"),
        pytest.param(rule(), [(0, B), (10, U), (10 + NO_DATA_RESOLVES_S, U)], [FIRING, RESOLVED], id="without data for long"),
        pytest.param(rule(), [(0, B), (10, C), (20, B)], [FIRING, RESOLVED, FIRING], id="it comes back"),
        pytest.param(rule(for_s=5), [(0, B), (5, B), (10, C), (20, B), (24, C), (30, B), (35, B)],
                     [PENDING, FIRING, RESOLVED, FIRING], id="it comes back after it held"),
    ],
)  # fmt: skip
def test_observations_make_changes(of: Rule, observations: list[tuple[float, Verdict]], expected: list[AlertState | None]) -> None:
    assert states(lived(of, *observations)[1]) == expected


def test_an_alert_that_comes_back_soon_is_the_same_and_later_another() -> None:
    course, changes = lived(rule(), (0, B), (10, C), (10 + RETURN_WITHIN_S - 1, B))
    assert course is not None and course.return_count == 1 and course.alert.resolve_time is None
    assert len({step.alert.alert_id for step in changes if step.alert}) == 1
    course, changes = lived(rule(), (0, B), (10, C), (10 + RETURN_WITHIN_S, B))
    assert course is not None and course.return_count == 0
    assert len({step.alert.alert_id for step in changes if step.alert}) == 2


def test_a_resolved_alert_is_forgotten_in_time() -> None:
    assert lived(rule(), (0, B), (10, C), (10 + RETURN_WITHIN_S, C))[0] is None
    assert lived(rule(), (0, B), (10, C), (9 + RETURN_WITHIN_S, C))[0] is not None


def test_each_return_doubles_how_long_it_must_be_over() -> None:
    of = rule(keep_firing_s=100.0)
    course = lived(of, (0, B))[0]
    assert course is not None
    for count, needed in ((0, 100.0), (1, 200.0), (3, 800.0), (9, KEEP_FIRING_MAX_S), (99, KEEP_FIRING_MAX_S)):
        flapping = replace(course, return_count=count)
        assert states(lived(of, (1_000, C), (1_000 + needed - 1, C), course=flapping)[1]) == []
        assert states(lived(of, (1_000, C), (1_000 + needed, C), course=flapping)[1]) == [RESOLVED]


def test_it_gets_worse_but_not_better_while_it_is_open() -> None:
    group = Group("p", rule(), "g")
    course = advance(group, None, seen(B, Severity.WARNING), at(0)).course
    worse = advance(group, course, seen(B, Severity.CRITICAL), at(10))
    assert worse.alert is not None and worse.alert.severity is Severity.CRITICAL and worse.alert.state is FIRING
    assert worse.transition is not None and worse.transition.cause == "it became worse"
    better = advance(group, worse.course, seen(B, Severity.WARNING), at(20))
    assert better.transition is None and better.course is worse.course


def test_acknowledging_and_resolving_by_hand() -> None:
    course = lived(rule(), (0, B))[0]
    assert course is not None
    taken = acknowledged(course, "ada", "on it", at(5))
    assert taken.course is not None and taken.alert is not None and taken.transition is not None
    assert (taken.alert.state, taken.alert.acknowledged_by, taken.alert.version) == (ACKNOWLEDGED, "ada", 2)
    assert lived(rule(), (10, B), course=taken.course)[1] == []
    done = resolved_by_hand(taken.course, "ada", "done", at(20))
    assert done.course is not None and done.course.is_held and done.course.alert.state is RESOLVED
    held, changes = lived(rule(), (30, B), (40, M), (50, U), course=done.course)
    assert held is done.course and changes == []
    # Once it has ceased, or for longer than a day, it is told again.
    assert states(lived(rule(), (30, C), (40, B), course=done.course)[1]) == [FIRING]
    assert states(lived(rule(), (20 + HELD_MAX_S, B), course=done.course)[1]) == [FIRING]


def test_a_return_takes_the_acknowledgement_back() -> None:
    course = lived(rule(), (0, B))[0]
    assert course is not None
    again = lived(rule(), (10, C), (20, B), course=acknowledged(course, "ada", "on it", at(5)).course)[0]
    assert again is not None and again.alert.state is FIRING
    assert again.alert.acknowledge_time is None and again.alert.acknowledged_by == ""


def test_the_end_of_a_rule_ends_its_alerts() -> None:
    pending = lived(rule(for_s=60), (0, B))[0]
    firing = lived(rule(), (0, B))[0]
    resolved = lived(rule(), (0, B), (1, C))[0]
    assert pending is not None and firing is not None and resolved is not None
    forgotten = ended(pending, "the rule was deleted", at(5))
    assert forgotten.course is None and forgotten.alert is None and forgotten.transition is not None
    over = ended(firing, "the rule was deleted", at(5))
    assert over.course is None and over.alert is not None and over.alert.state is RESOLVED
    assert ended(resolved, "the rule was deleted", at(5)) == Step(None)


@given(
    st.lists(st.tuples(st.sampled_from(Verdict), st.sampled_from([1, 10, 60, 600, 2_000]), st.sampled_from(Severity)), max_size=60),
    st.sampled_from([0.0, 30.0]),
    st.sampled_from([0.0, 60.0]),
)
def test_versions_count_and_times_are_in_order(found: list[tuple[Verdict, int, Severity]], for_s: float, keep_firing_s: float) -> None:
    group, course, now = Group("p", rule(for_s=for_s, keep_firing_s=keep_firing_s), "g"), None, 0
    versions: dict[str, int] = {}
    for verdict, passed, severity in found:
        now += passed
        step = advance(group, course, seen(verdict, severity), at(now))
        assert step == advance(group, course, seen(verdict, severity), at(now))
        assert (step.alert is None) == (step.transition is None or step.transition.to_state is None)
        if step.transition is not None:
            assert step.transition.version == versions.get(step.transition.alert_id, 0) + 1
            versions[step.transition.alert_id] = step.transition.version
        course = step.course
        if course is not None:
            times = [course.alert.start_time, course.alert.fire_time, course.alert.resolve_time]
            known: list[datetime] = [moment for moment in times if moment is not None]
            assert known == sorted(known) and known[-1] <= at(now)
            assert (course.alert.resolve_time is not None) == (course.alert.state is RESOLVED)
            if course.is_settled and verdict is B:
                assert advance(group, course, seen(verdict, severity), at(now + 10**6)).course is course
