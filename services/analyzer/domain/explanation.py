"""What an anomaly is, in one sentence with numbers, for people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from services.analyzer.domain.finding import Family, Form
from services.analyzer.domain.metric import AnomalyKind, Direction, Metric, Outcome
from services.analyzer.domain.series import Scope

_SUBJECTS = {
    Metric.SUCCESS_RATIO: "success",
    Metric.LATENCY: "latency",
    Metric.LATENCY_P95: "95th percentile of latency",
    Metric.TIME_TO_FIRST_TOKEN: "time to first token",
    Metric.COST_PER_CALL: "cost per call",
    Metric.OUTPUT_TOKENS: "output tokens per call",
    Metric.REVISIONS: "revisions per task",
    Metric.QUALITY: "quality",
    Metric.CALL_VOLUME: "calls per hour",
}
_FIELDS = {
    Metric.TIME_TO_FIRST_TOKEN: "time to first token",
    Metric.OUTPUT_TOKENS: "token usage",
    Metric.COST_PER_CALL: "cost",
    Metric.CALL_VOLUME: "prompt version",
}
_VERBS = {
    AnomalyKind.SHIFT: {Direction.UP: "rose", Direction.DOWN: "fell"},
    AnomalyKind.SPIKE: {Direction.UP: "jumped", Direction.DOWN: "dropped"},
    AnomalyKind.DRIFT: {Direction.UP: "crept up", Direction.DOWN: "crept down"},
}
_COUNTED = {Metric.REVISIONS: "tasks", Metric.QUALITY: "scores", Metric.CALL_VOLUME: "hours"}
_RATIOS = {Metric.SUCCESS_RATIO, Metric.QUALITY}
_SECONDS = {Metric.LATENCY, Metric.LATENCY_P95, Metric.TIME_TO_FIRST_TOKEN}
_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Facts:
    """What a sentence is made of. `also`: what moved along; `series_count`: how many series show it."""

    kind: AnomalyKind
    family: Family
    scope: Scope
    start_s: float
    end_s: float | None
    told_s: float
    observed: float
    expected: float
    call_count: int
    affected_count: int
    main_outcome: Outcome | None
    series_count: int
    also: Sequence[Family]
    is_merged: bool


def explanation(facts: Facts) -> str:
    """The sentence, without a full stop. Times are UTC, with the date where it is not that of `told_s`."""
    where = scope_name(facts.scope)
    parts = "" if facts.series_count == 1 else f", {facts.series_count} series"
    if facts.family.form is Form.SILENCE:
        sentence = f"no calls of {where} {_span(facts)}, where {facts.call_count:,} were expected{parts}"
    elif facts.family.form is Form.FIELD:
        field = _FIELDS[facts.family.metric]
        was = f"where {_value(Metric.SUCCESS_RATIO, facts.expected)} had it"
        sentence = f"{field} of {where} is missing {_span(facts)}, in {facts.affected_count:,} of {facts.call_count:,} calls, {was}{parts}"
    else:
        sentence = _moved(facts, where) + parts
    also = ", ".join(f"{_FIELDS[each.metric] if each.form is Form.FIELD else _SUBJECTS[each.metric]} {_also(each)}" for each in facts.also)
    sentence = f"{sentence}; also {also}" if also else sentence
    return f"{sentence}; told with a wider one since" if facts.is_merged else sentence


def scope_name(scope: Scope) -> str:
    """Whom it concerns, in words."""
    whom = "/".join(part for part in (scope.provider, scope.model) if part is not None)
    words = [whom] if whom else []
    if scope.task_type is not None:
        words.append(f"on {scope.task_type}" if whom else f"{scope.task_type} with all providers")
    prompt = " ".join(part for part in (scope.prompt_name, scope.prompt_version) if part)
    if prompt:
        words.append(f"with prompt {prompt}" if words else f"prompt {prompt}")
    return " ".join(words) or "the whole project"


def _moved(facts: Facts, where: str) -> str:
    metric = facts.family.metric
    verb = _VERBS[facts.kind][facts.family.direction]
    sentence = (
        f"{_SUBJECTS[metric]} of {where} {verb} from {_value(metric, facts.expected)} to {_value(metric, facts.observed)} {_span(facts)}"
    )
    if metric is not Metric.SUCCESS_RATIO:
        return f"{sentence}, in {facts.call_count:,} {_COUNTED.get(metric, 'calls')}"
    mostly = f", mostly {facts.main_outcome.name}" if facts.main_outcome and facts.family.direction is Direction.DOWN else ""
    return f"{sentence}, {facts.affected_count:,} of {facts.call_count:,} calls{mostly}"


def _also(family: Family) -> str:
    if family.form is not Form.LEVEL:
        return "missing" if family.form is Form.FIELD else "silent"
    return "up" if family.direction is Direction.UP else "down"


def _span(facts: Facts) -> str:
    start = _moment(facts.start_s, facts.told_s)
    return f"since {start} UTC" if facts.end_s is None else f"from {start} to {_moment(facts.end_s, facts.told_s)} UTC"


def _moment(time_s: float, told_s: float) -> str:
    time, told = (datetime.fromtimestamp(each, UTC) for each in (time_s, told_s))
    return f"{time:%H:%M}" if time.date() == told.date() else f"{time:%Y-%m-%d %H:%M}"


def _value(metric: Metric, value: float) -> str:
    if metric in _RATIOS:
        return f"{_plain(round(100 * value, 1))} %"
    if metric in _SECONDS:
        return f"{_rounded(value)} s" if value >= 1 else f"{_rounded(1_000 * value)} ms"
    return f"${_rounded(value)}" if metric is Metric.COST_PER_CALL else _rounded(value)


def _rounded(value: float) -> str:
    """Three significant digits, and no fewer than the whole number has."""
    if value == 0 or not math.isfinite(value):
        return _plain(value)
    decimals = _DIGITS - 1 - math.floor(math.log10(abs(value)))
    return _plain(round(value, max(decimals, 0)), max(decimals, 0))


def _plain(value: float, decimals: int = 1) -> str:
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
