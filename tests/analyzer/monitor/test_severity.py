"""How much it matters, and how it is said."""

import pytest

from services.analyzer.domain.explanation import Facts, explanation, scope_name
from services.analyzer.domain.finding import Family, Form
from services.analyzer.domain.metric import AnomalyKind, Direction, Metric, Outcome, Severity
from services.analyzer.domain.series import Scope
from services.analyzer.domain.severity import severity

DOWN, UP = Direction.DOWN, Direction.UP
SERIES = Scope("anthropic", "claude-x", "code_review", "review", "v2")
PROVIDER = Scope("anthropic")


@pytest.mark.parametrize(
    ("family", "scope", "values", "is_replaced", "told"),
    [
        (Family(Form.LEVEL, Metric.SUCCESS_RATIO, DOWN), SERIES, (0.5, 0.98), False, Severity.CRITICAL),
        (Family(Form.LEVEL, Metric.SUCCESS_RATIO, DOWN), SERIES, (0.9, 0.98), False, Severity.WARNING),
        (Family(Form.LEVEL, Metric.SUCCESS_RATIO, DOWN), SERIES, (0.95, 0.98), False, Severity.INFO),
        (Family(Form.LEVEL, Metric.SUCCESS_RATIO, UP), SERIES, (0.98, 0.5), False, Severity.INFO),
        (Family(Form.LEVEL, Metric.QUALITY, DOWN), SERIES, (0.4, 0.8), False, Severity.CRITICAL),
        (Family(Form.LEVEL, Metric.LATENCY, UP), SERIES, (4.5, 1.0), False, Severity.CRITICAL),
        (Family(Form.LEVEL, Metric.LATENCY_P95, UP), SERIES, (2.0, 1.0), False, Severity.WARNING),
        (Family(Form.LEVEL, Metric.LATENCY, UP), SERIES, (1.1, 1.0), False, Severity.INFO),
        (Family(Form.LEVEL, Metric.LATENCY, DOWN), SERIES, (0.1, 1.0), False, Severity.INFO),
        (Family(Form.LEVEL, Metric.COST_PER_CALL, UP), SERIES, (0.015, 0.01), False, Severity.WARNING),
        (Family(Form.LEVEL, Metric.REVISIONS, UP), SERIES, (1.0, 0.0), False, Severity.CRITICAL),
        (Family(Form.LEVEL, Metric.CALL_VOLUME, UP), SERIES, (250.0, 100.0), False, Severity.INFO),
        (Family(Form.LEVEL, Metric.CALL_VOLUME, DOWN), SERIES, (40.0, 100.0), False, Severity.WARNING),
        (Family(Form.LEVEL, Metric.CALL_VOLUME, DOWN), SERIES, (0.0, 100.0), False, Severity.CRITICAL),
        (Family(Form.SILENCE, Metric.CALL_VOLUME, DOWN), SERIES, (0.0, 100.0), False, Severity.WARNING),
        (Family(Form.SILENCE, Metric.CALL_VOLUME, DOWN), PROVIDER, (0.0, 100.0), False, Severity.CRITICAL),
        (Family(Form.SILENCE, Metric.CALL_VOLUME, DOWN), PROVIDER, (0.0, 100.0), True, Severity.INFO),
        (Family(Form.FIELD, Metric.COST_PER_CALL, DOWN), PROVIDER, (0.0, 1.0), False, Severity.WARNING),
    ],
)
def test_severity_follows_from_the_size(
    family: Family, scope: Scope, values: tuple[float, float], is_replaced: bool, told: Severity
) -> None:
    assert severity(family, scope, *values, is_replaced=is_replaced) is told


def facts(metric: Metric, direction: Direction, observed: float, expected: float, form: Form = Form.LEVEL, **changes: object) -> Facts:
    kinds = {Form.LEVEL: AnomalyKind.SHIFT, Form.FIELD: AnomalyKind.FIELD_MISSING, Form.SILENCE: AnomalyKind.SILENCE}
    start_s = 1_767_621_900.0  # 14:05 on 5 January 2026
    told = {
        "kind": kinds[form],
        "family": Family(form, metric, direction),
        "scope": Scope("anthropic", "claude-x", "code_review"),
        "start_s": start_s,
        "end_s": None,
        "told_s": start_s + 3_600,
        "observed": observed,
        "expected": expected,
        "call_count": 131,
        "affected_count": 38,
        "main_outcome": Outcome.RATE_LIMITED,
        "series_count": 1,
        "also": (),
        "is_merged": False,
    }
    return Facts(**{**told, **changes})  # type: ignore[arg-type]


WHERE = "anthropic/claude-x on code_review"
SINCE = "since 14:05 UTC"


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (
            facts(Metric.SUCCESS_RATIO, DOWN, 0.7099, 0.981),
            f"success of {WHERE} fell from 98.1 % to 71 % {SINCE}, 38 of 131 calls, mostly RATE_LIMITED",
        ),
        (
            facts(Metric.SUCCESS_RATIO, UP, 1.0, 0.981, main_outcome=None),
            f"success of {WHERE} rose from 98.1 % to 100 % {SINCE}, 38 of 131 calls",
        ),
        (facts(Metric.LATENCY, UP, 12.345, 0.6789), f"latency of {WHERE} rose from 679 ms to 12.3 s {SINCE}, in 131 calls"),
        (
            facts(Metric.LATENCY_P95, UP, 1234.5, 2.0, kind=AnomalyKind.SPIKE),
            f"95th percentile of latency of {WHERE} jumped from 2 s to 1,234 s {SINCE}, in 131 calls",
        ),
        (
            facts(Metric.TIME_TO_FIRST_TOKEN, DOWN, 0.5, 1.0, kind=AnomalyKind.DRIFT),
            f"time to first token of {WHERE} crept down from 1 s to 500 ms {SINCE}, in 131 calls",
        ),
        (facts(Metric.COST_PER_CALL, UP, 0.0191, 0.012345), f"cost per call of {WHERE} rose from $0.0123 to $0.0191 {SINCE}, in 131 calls"),
        (facts(Metric.OUTPUT_TOKENS, DOWN, 0.0, 512.3), f"output tokens per call of {WHERE} fell from 512 to 0 {SINCE}, in 131 calls"),
        (facts(Metric.REVISIONS, UP, 0.9, 0.3), f"revisions per task of {WHERE} rose from 0.3 to 0.9 {SINCE}, in 131 tasks"),
        (facts(Metric.QUALITY, DOWN, 0.61, 0.824), f"quality of {WHERE} fell from 82.4 % to 61 % {SINCE}, in 131 scores"),
        (
            facts(Metric.CALL_VOLUME, UP, 12_345.0, 1_200.0, call_count=1_300),
            f"calls per hour of {WHERE} rose from 1,200 to 12,345 {SINCE}, in 1,300 hours",
        ),
        (
            facts(Metric.CALL_VOLUME, DOWN, 0.0, 60.0, Form.SILENCE, series_count=12, scope=Scope()),
            f"no calls of the whole project {SINCE}, where 131 were expected, 12 series",
        ),
        (
            facts(Metric.OUTPUT_TOKENS, DOWN, 0.05, 0.996, Form.FIELD),
            f"token usage of {WHERE} is missing {SINCE}, in 38 of 131 calls, where 99.6 % had it",
        ),
        (
            facts(Metric.LATENCY, UP, 2.0, 1.0, told_s=1_767_621_900.0 + 86_400, end_s=1_767_629_100.0),
            f"latency of {WHERE} rose from 1 s to 2 s from 2026-01-05 14:05 to 2026-01-05 16:05 UTC, in 131 calls",
        ),
        (
            facts(
                *(Metric.LATENCY, UP, 2.0, 1.0),
                also=(
                    Family(Form.LEVEL, Metric.COST_PER_CALL, DOWN),
                    Family(Form.LEVEL, Metric.CALL_VOLUME, UP),
                    Family(Form.FIELD, Metric.COST_PER_CALL, DOWN),
                    Family(Form.SILENCE, Metric.CALL_VOLUME, DOWN),
                ),
                is_merged=True,
            ),
            f"latency of {WHERE} rose from 1 s to 2 s {SINCE}, in 131 calls; also cost per call down, calls per hour up, cost missing, "
            "calls per hour silent; told with a wider one since",
        ),
        (
            facts(Metric.LATENCY, UP, float("nan"), 1.0),
            f"latency of {WHERE} rose from 1 s to nan ms {SINCE}, in 131 calls",
        ),
    ],
)
def test_a_sentence_says_what_where_since_when_and_how_many(told: Facts, sentence: str) -> None:
    assert explanation(told) == sentence


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        (Scope(), "the whole project"),
        (PROVIDER, "anthropic"),
        (SERIES, "anthropic/claude-x on code_review with prompt review v2"),
        (Scope(task_type="code_review"), "code_review with all providers"),
        (Scope(prompt_name="review", prompt_version="v2"), "prompt review v2"),
        (Scope("anthropic", "claude-x", "code_review", "", ""), "anthropic/claude-x on code_review"),
    ],
)
def test_scopes_have_names(scope: Scope, name: str) -> None:
    assert scope_name(scope) == name
