"""What a rule would have done is what evaluating it would have done."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerter.domain.alert import AlertState, Severity
from services.alerter.domain.backtest import Backtest, Episode, backtest, mean_duration, state_of
from services.alerter.domain.backtest_plan import STEPS_S, plan
from services.alerter.domain.evaluate import group_key, known_keys, measured, steps
from services.alerter.domain.life_cycle import Course
from services.alerter.domain.metric import RuleMetric
from services.alerter.domain.rule import USUAL_TIERS, Absence, Burn, BurnTier, Comparison, Rule
from services.alerter.domain.table import Table
from services.alerter.domain.verdict import MeasuredCondition, verdicts, windows_of
from tests.alerter.rules.domain.samples import START, at, outcomes, rule, table, threshold

STEP_S = 300
KEYS = [("a",), ("b",)]

CONDITIONS: list[MeasuredCondition] = [
    threshold(window_s=300),
    threshold(window_s=900, resolve_threshold=0.9, minimum_call_count=1),
    threshold(metric=RuleMetric.CALL_COUNT, comparison=Comparison.ABOVE, threshold=25.0, resolve_threshold=12.0, minimum_call_count=0),
    Burn(0.9, (BurnTier(2.0, 900, 300), BurnTier(1.0, 1_800, 600, Severity.INFO)), 5, 1),
    Absence(1_800, 600, 10),
]
counts = st.sampled_from([0, 0, 5, 12, 30])


def tables(condition: MeasuredCondition, made: Table) -> dict[int, Table]:
    return {window: made.sliding(window // STEP_S) for window in windows_of(condition)}


def live(of: Rule, condition: MeasuredCondition, made: Table) -> list[tuple[str, float, float | None]]:
    """Episodes by group, start and end, of evaluating the rule at the end of each step."""
    whole = tables(condition, made)
    courses: dict[str, Course] = {}
    began: dict[str, float] = {}
    episodes: list[tuple[str, float, float | None]] = []
    for number in range(made.step_count):
        now = at((number + 1) * STEP_S)
        one = {window: one_step(each, number) for window, each in whole.items()}
        findings = measured(of, condition, one, known_keys(of, courses))
        for key, step in list(steps("p", of, findings, courses, now)):
            if step.course is None:
                courses.pop(key, None)
            else:
                courses[key] = step.course
        is_open = {key for key, course in courses.items() if course.alert.state.is_open}
        for key in is_open - began.keys():
            began[key] = now.timestamp()
        episodes += [(key, began.pop(key), now.timestamp()) for key in began.keys() - is_open]
    return sorted(episodes + [(key, start, None) for key, start in began.items()], key=str)


def one_step(made: Table, number: int) -> Table:
    """What a question at that time would answer: groups without calls are missing from it."""
    rows = np.flatnonzero(made.columns["call_count"][:, number] > 0)
    return Table([made.keys[row] for row in rows], 1, {name: column[rows, number : number + 1] for name, column in made.columns.items()})


@given(
    st.sampled_from(CONDITIONS),
    st.lists(st.lists(st.tuples(counts, st.sampled_from([0.0, 0.5, 0.92, 1.0])), min_size=40, max_size=40), min_size=2, max_size=2),
    st.sampled_from([0.0, 300.0, 700.0]),
    st.sampled_from([0.0, 600.0]),
)
def test_a_backtest_is_what_evaluating_did(
    condition: MeasuredCondition, made: list[list[tuple[int, float]]], for_s: float, keep_firing_s: float
) -> None:
    called = [[float(count) for count, _ in row] for row in made]
    succeeded = [[float(round(count * ratio)) for count, ratio in row] for row in made]
    measured_table = outcomes(KEYS, called, succeeded)
    of = rule(condition, for_s=for_s, keep_firing_s=keep_firing_s)
    ends = np.array([at((number + 1) * STEP_S).timestamp() for number in range(40)], np.int64)
    found = backtest("p", of, verdicts(condition, tables(condition, measured_table)), ends)
    told = [
        (group_key(episode.key), episode.start.timestamp(), None if episode.end is None else episode.end.timestamp())
        for episode in found.episodes
    ]
    assert sorted(told, key=str) == live(of, condition, measured_table)


def run(of: Rule, made: Table) -> Backtest:
    ends = np.array([at((number + 1) * 300).timestamp() for number in range(made.step_count)], np.int64)
    condition = of.condition
    assert isinstance(condition, MeasuredCondition)
    return backtest("p", of, verdicts(condition, tables(condition, made)), ends)


def test_episodes_have_peaks_severities_and_courses() -> None:
    called = [[100.0] * 6, [100.0] * 6, [100.0] * 6]
    found = run(rule(), outcomes([("a",), ("b",), ("c",)], called, [[100, 80, 70, 96, 96, 50], [99] * 6, [100, 80, 96, 96, 96, 96]]))
    assert [(episode.key, episode.peak) for episode in found.episodes] == [(("a",), 0.7), (("c",), 0.8), (("a",), 0.5)]
    assert [episode.end for episode in found.episodes] == [at(1_200), at(900), None]
    assert {episode.severity for episode in found.episodes} == {Severity.WARNING}
    assert [course.key for course in found.courses] == [("a",), ("c",)]
    states = [state_of(number) for number in found.courses[0].states.tolist()]
    assert states == [None, AlertState.FIRING, AlertState.FIRING, AlertState.RESOLVED, AlertState.RESOLVED, AlertState.FIRING]
    assert mean_duration(found.episodes, at(1_800)) == (timedelta(seconds=600) + timedelta(seconds=300) + timedelta(0)) / 3
    assert mean_duration([], START) is None


def test_what_never_fires_has_no_course() -> None:
    found = run(rule(for_s=3_600), outcomes([("a",)], [[100, 100]], [[10, 100]]))
    assert found == Backtest([], []) or (found.episodes == [] and found.courses == [])


def test_a_peak_above_is_the_greatest_and_nothing_known_has_none() -> None:
    condition = threshold(
        metric=RuleMetric.LATENCY_P95, comparison=Comparison.ABOVE, threshold=2.0, resolve_threshold=2.0, minimum_call_count=1
    )
    found = run(rule(condition), table([("a",)], call_count=[[1, 1, 1]], latency_p95_s=[[3, 5, 1]]))
    assert found.episodes == [Episode(("a",), at(300), at(900), 5.0, Severity.WARNING)]
    absent = run(rule(Absence(600, 300, 1)), table([("a",)], call_count=[[1, 0, 0]]))
    assert [episode.peak for episode in absent.episodes] == [1.0]


@pytest.mark.parametrize(
    ("condition", "days", "groups", "step_s", "lead_s"),
    [
        (threshold(window_s=300), 1, 10, 60, 300),
        (threshold(window_s=3_600), 1, 10, 600, 3_600),
        (threshold(window_s=300), 30, 10, 900, 900),
        (threshold(window_s=3_600), 30, 300, 3_600, 3_600),
        (threshold(window_s=300), 90, 10_000, 86_400, 86_400),
        (threshold(metric=RuleMetric.LATENCY_P95, window_s=3_600), 30, 100, 3_600, 0),
        (threshold(metric=RuleMetric.LATENCY_P95, window_s=420), 1, 1, 300, 0),
        (Burn(0.99, USUAL_TIERS, 1, 1), 5, 1, 60, 259_200),
        (Burn(0.99, USUAL_TIERS, 1, 1), 30, 100, 1_800, 259_200),
    ],
)
def test_steps_are_as_fine_as_they_may_be(condition: MeasuredCondition, days: int, groups: int, step_s: int, lead_s: int) -> None:
    now_s = int(START.timestamp()) + 37
    made = plan(rule(condition), condition, days * 86_400, now_s=now_s, group_count=groups, windows_max=300_000)
    assert (made.step_s, made.lead_s) == (step_s, lead_s)
    assert made.step_s in STEPS_S and made.start_s % step_s == made.end_s % step_s == made.lead_s % step_s == 0
    assert now_s - step_s < made.end_s <= now_s and made.start_s <= now_s - days * 86_400
    assert made.step_count - made.lead_count == (made.end_s - made.start_s) // step_s
    assert made.approximations


def test_what_is_not_exact_is_told() -> None:
    now_s = int(START.timestamp())
    coarse = threshold(window_s=300)
    made = plan(rule(coarse, for_s=60), coarse, 30 * 86_400, now_s=now_s, group_count=10, windows_max=300_000)
    assert made.steps_in(300) == 1
    assert [text.split()[0] for text in made.approximations] == ["Looked", "Windows", "`for`"]
    quantile = threshold(metric=RuleMetric.LATENCY_P95, window_s=900)
    made = plan(rule(quantile), quantile, 30 * 86_400, now_s=now_s, group_count=10, windows_max=300_000)
    assert [text.split()[0] for text in made.approximations] == ["Looked", "Quantiles"]
