"""What evaluations find, and the words that they find for it."""

from dataclasses import replace

import pytest

from services.alerter.domain.alert import Alert, AlertState, Severity
from services.alerter.domain.default_rules import ID_PREFIX, default_rules
from services.alerter.domain.evaluate import endings, group_key, known_keys, measured, severity_of, steps
from services.alerter.domain.forecast import Forecast
from services.alerter.domain.life_cycle import Course, Observation, Step
from services.alerter.domain.metric import RuleMetric
from services.alerter.domain.rule import (
    USUAL_TIERS,
    Absence,
    AnomalyMatch,
    Burn,
    Comparison,
    Heartbeat,
    OwnState,
    OwnStateCheck,
    Rule,
    SpendForecast,
)
from services.alerter.domain.sightings import ALL, OpenAnomaly, OwnView, of_anomalies, of_heartbeat, of_own_state, of_spend
from services.alerter.domain.verdict import Verdict
from services.alerter.domain.words import Found, amount, labels, span, subject, summary, threshold_of, told, unit_of
from tests.alerter.rules.domain.samples import at, outcomes, rule, threshold


def test_groups_in_breach_and_known_ones_are_found() -> None:
    of = rule()
    tables = {300: outcomes([("a",), ("b",), ("c",)], [[100], [100], [100]], [[50], [99], [99]])}
    found = {each.group_key: each.seen.verdict for each in measured(of, threshold(), tables, [("c",)])}
    assert found == {'["a"]': Verdict.BREACH, '["c"]': Verdict.CLEAR}
    found = {each.group_key: each.seen.verdict for each in measured(of, threshold(), tables, [("gone",)])}
    assert found == {'["a"]': Verdict.BREACH, '["gone"]': Verdict.UNKNOWN}
    totals = threshold(metric=RuleMetric.CALL_COUNT, threshold=10.0, resolve_threshold=10.0, minimum_call_count=0)
    found = {each.group_key: each.seen.verdict for each in measured(rule(totals), totals, tables, [("gone",)])}
    assert found == {'["gone"]': Verdict.BREACH}


def test_keys_from_before_a_rule_grouped_otherwise_are_unknown() -> None:
    of = rule()
    assert known_keys(of, [group_key(("é",)), group_key(("a", "b"))]) == [("é",)]
    findings = list(measured(of, threshold(), {300: outcomes([("a",)], [[100]], [[50]])}, []))
    first = dict(steps("p", of, findings, {}, at(0)))
    course = first['["a"]'].course
    assert course is not None and course.alert.labels["provider"] == "a"
    changes = dict(steps("p", of, [], {'["a"]': course}, at(10)))
    unknown = changes['["a"]'].course
    assert unknown is not None and unknown.unknown_time == at(10) and unknown.alert == course.alert
    assert dict(steps("p", of, findings, {'["a"]': course}, at(10))) == {}
    assert dict(steps("p", of, [], {'["a"]': unknown}, at(20))) == {}
    (over,) = dict(endings({'["a"]': course}, "the rule rests", at(20))).values()
    assert over.alert is not None and over.alert.state is AlertState.RESOLVED


def test_severities_are_of_the_condition_the_rule_or_a_warning() -> None:
    assert severity_of(rule(), 0) is Severity.WARNING
    assert severity_of(rule(severity=Severity.INFO), 0) is Severity.INFO
    assert severity_of(rule(severity=Severity.INFO), 3) is Severity.CRITICAL


ANOMALY = OpenAnomaly("id", "LATENCY", "SHIFT", Severity.WARNING, {"provider": "openai"}, "slow", "a cause", 2.0)


@pytest.mark.parametrize(
    ("condition", "changes", "is_found"),
    [
        (AnomalyMatch(Severity.WARNING, frozenset(), frozenset()), {}, True),
        (AnomalyMatch(Severity.CRITICAL, frozenset(), frozenset()), {}, False),
        (AnomalyMatch(Severity.INFO, frozenset({"LATENCY"}), frozenset({"SHIFT"})), {}, True),
        (AnomalyMatch(Severity.INFO, frozenset({"QUALITY"}), frozenset()), {}, False),
        (AnomalyMatch(Severity.INFO, frozenset(), frozenset({"SPIKE"})), {}, False),
        (AnomalyMatch(Severity.INFO, frozenset(), frozenset()), {"chosen": {"provider": ("openai", "x")}}, True),
        (AnomalyMatch(Severity.INFO, frozenset(), frozenset()), {"chosen": {"provider": ("x",)}}, False),
        (AnomalyMatch(Severity.INFO, frozenset(), frozenset()), {"chosen": {"model": ("m",)}}, False),
    ],
)
def test_anomalies_are_matched(condition: AnomalyMatch, changes: dict[str, object], is_found: bool) -> None:
    of = rule(condition, group_by=(), **changes)
    found = list(of_anomalies(of, condition, [ANOMALY], ["id", "old"]))
    assert [(each.group_key, each.seen.verdict) for each in found] == [
        *([("id", Verdict.BREACH)] if is_found else [("id", Verdict.CLEAR)]),
        ("old", Verdict.CLEAR),
    ]


def test_an_anomalys_alert_says_what_the_analyzer_says() -> None:
    condition = AnomalyMatch(Severity.INFO, frozenset(), frozenset())
    of = rule(condition, group_by=(), description="Look.", labels={"team": "ml"})
    (found,) = of_anomalies(of, condition, [ANOMALY], [])
    ((key, step),) = steps("p", of, [found], {}, at(0))
    assert key == "id" and step.alert is not None
    assert (step.alert.summary, step.alert.description, step.alert.anomaly_id) == ("slow", "a cause\nLook.", "id")
    assert step.alert.labels == {
        "team": "ml", "provider": "openai", "metric": "latency", "kind": "shift",
        "alertname": "Rule", "rule_id": "r", "severity": "warning", "project": "p",
    }  # fmt: skip
    assert [each.seen.severity for each in of_anomalies(replace(of, severity=Severity.CRITICAL), condition, [ANOMALY], [])] == [
        Severity.CRITICAL
    ]


@pytest.mark.parametrize(
    ("check", "view", "verdict"),
    [
        (OwnStateCheck.LAG, OwnView(lag_s=61.0), Verdict.BREACH),
        (OwnStateCheck.LAG, OwnView(lag_s=60.0), Verdict.CLEAR),
        (OwnStateCheck.LAG, OwnView(), Verdict.UNKNOWN),
        (OwnStateCheck.DEAD_LETTERS, OwnView(dead_lettered_count=100), Verdict.BREACH),
        (OwnStateCheck.CLIENT_DROPS, OwnView(client_dropped_count=0), Verdict.CLEAR),
    ],
)
def test_own_state_is_compared(check: OwnStateCheck, view: OwnView, verdict: Verdict) -> None:
    condition = OwnState(check, 60.0)
    (found,) = of_own_state(rule(condition, group_by=()), condition, view, [])
    assert (found.group_key, found.seen.verdict) == (ALL, verdict)


def test_each_process_that_is_down_has_an_alert() -> None:
    condition = OwnState(OwnStateCheck.SERVICE_DOWN, 0.0)
    found = list(
        of_own_state(rule(condition, group_by=()), condition, OwnView(down={"analyzer": "UNAVAILABLE"}), ["collector", "analyzer"])
    )
    assert [(each.group_key, each.seen.verdict) for each in found] == [("analyzer", Verdict.BREACH), ("collector", Verdict.CLEAR)]
    assert found[0].found.summary == "analyzer does not answer, or is not ready: UNAVAILABLE"


def test_a_heartbeat_always_holds_and_spend_by_its_probability() -> None:
    assert of_heartbeat(rule(Heartbeat())).seen == Observation(Verdict.BREACH, None, Severity.INFO)
    condition = SpendForecast(100.0, 0.9)
    of = rule(condition, group_by=())
    seen = [of_spend(of, condition, month).seen.verdict for month in (None, Forecast(120.0, 10.0), Forecast(105.0, 10.0))]
    assert seen == [Verdict.UNKNOWN, Verdict.BREACH, Verdict.CLEAR]


@pytest.mark.parametrize(
    ("of", "labels_", "observed", "expected", "bound_and_unit"),
    [
        (rule(), {"provider": "openai"}, 0.871, "success ratio of openai is 87.1% over 5 min, below 90.0%", (0.9, "ratio")),
        (rule(threshold(metric=RuleMetric.LATENCY_P95, comparison=Comparison.ABOVE, threshold=2.0), group_by=("provider", "model")),
         {"provider": "openai", "model": ""}, 3.14159, "latency p95 of openai / no model is 3.14 s over 5 min, above 2 s", (2.0, "s")),
        (rule(threshold(metric=RuleMetric.COST, comparison=Comparison.ABOVE, threshold=1e4, window_s=86_400), group_by=()),
         {}, 12_345.678, "cost of all calls is 1.235e+04 USD over 1 d, above 1e+04 USD", (1e4, "USD")),
        (rule(threshold(metric=RuleMetric.CALL_COUNT, window_s=3_600), group_by=()), {}, 1_234.0,
         "call count of all calls is 1,234 calls over 1 h, below 0.9 calls", (0.9, "calls")),
        (rule(Burn(0.99, USUAL_TIERS, 1, 1)), {"provider": "x"}, 14.4,
         "calls of x fail at 14.4%: 14.4 times what an objective of 0.99 leaves", (1.0, "")),
        (rule(Absence(86_400, 3_600, 1)), {"provider": "x"}, 500.0, "x had 500 calls in 1 d, and none in the last 1 h", (None, "calls")),
        (rule(OwnState(OwnStateCheck.LAG, 60.0), group_by=()), {}, 75.0,
         "acknowledged calls have waited 75 s to be stored, more than 60 s", (60.0, "s")),
        (rule(SpendForecast(1_000.0, 0.9), group_by=()), {}, 1_234.5,
         "the month will cost about 1,234.50 USD: above 1,000.00 USD with a probability of 90% or more", (1_000.0, "USD")),
        (rule(Heartbeat(), group_by=()), {}, None, "alerts are being evaluated", (None, "")),
        (rule(AnomalyMatch(Severity.INFO, frozenset(), frozenset()), group_by=()), {}, None, "an anomaly is open", (None, "")),
    ],
)  # fmt: skip
def test_a_sentence_with_numbers(
    of: Rule, labels_: dict[str, str], observed: float | None, expected: str, bound_and_unit: tuple[float | None, str]
) -> None:
    assert summary(of, Found(labels_), Observation(Verdict.BREACH, observed)) == expected
    assert (threshold_of(of), unit_of(of)) == bound_and_unit


def test_labels_say_what_it_is_about_whatever_the_rule_says() -> None:
    made = labels(
        rule(Burn(0.99, USUAL_TIERS, 1, 1), labels={"provider": "mine", "team": "ml"}), Found({"provider": "x"}), Severity.INFO, "p"
    )
    assert (made["provider"], made["team"], made["metric"], made["severity"]) == ("x", "ml", "success_ratio", "info")


def test_a_heartbeat_says_by_its_labels_that_it_is_one() -> None:
    assert labels(rule(Heartbeat(), group_by=()), Found({}), Severity.INFO, "p")["kind"] == "heartbeat"


def test_amounts_and_spans_and_subjects() -> None:
    assert amount(RuleMetric.REVISIONS_PER_TASK, 1.5) == "1.5" and amount(RuleMetric.OUTPUT_TOKENS_PER_CALL, 1234.5) == "1,234.5 tokens"
    assert [span(seconds) for seconds in (90, 120, 5_400, 7_200, 259_200)] == ["90 s", "2 min", "90 min", "2 h", "3 d"]
    assert subject((), {}) == "all calls"


def test_what_ends_keeps_the_words_of_when_it_was_open() -> None:
    alert = Alert("i", "p", "r", "Rule", {}, AlertState.RESOLVED, Severity.INFO, at(0), resolve_time=at(1), summary="was so")
    step = Step(Course(alert), None, alert)
    assert told(rule(), Found({}), Observation(Verdict.CLEAR), step) is step
    assert told(rule(), Found({}), Observation(Verdict.CLEAR), Step(None)) == Step(None)


def test_default_rules_cover_every_kind_of_metric() -> None:
    made = default_rules()
    assert [each.rule_id for each in made] == sorted({each.rule_id for each in made})
    assert all(each.rule_id.startswith(ID_PREFIX) and each.name for each in made)
    assert {type(each.condition).__name__ for each in made} == {
        "Threshold", "Burn", "Absence", "AnomalyMatch", "OwnState", "Heartbeat", "SpendForecast",
    }  # fmt: skip
    assert {each.rule_id for each in made if each.is_paused} == {"default-heartbeat", "default-spend"}
