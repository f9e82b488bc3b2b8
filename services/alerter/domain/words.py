"""What an alert says: its labels, and one sentence with numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.alerter.domain.alert import HEARTBEAT_KIND, KIND_LABEL, Severity
from services.alerter.domain.life_cycle import Observation, Step
from services.alerter.domain.metric import RATIO_UNIT, RuleMetric, unit
from services.alerter.domain.rule import (
    S_PER_DAY,
    S_PER_HOUR,
    Absence,
    AnomalyMatch,
    Burn,
    Comparison,
    Heartbeat,
    OwnState,
    OwnStateCheck,
    Rule,
    SpendForecast,
    Threshold,
)

_S_PER_MIN = 60
_CHECKS = {
    OwnStateCheck.LAG: ("acknowledged calls have waited {observed:.0f} s to be stored, more than {threshold:g} s", "s"),
    OwnStateCheck.DEAD_LETTERS: (
        "{observed:.0f} records of today could not be stored and are kept aside, more than {threshold:g}",
        "records",
    ),
    OwnStateCheck.CLIENT_DROPS: (
        "clients dropped {observed:.0f} records today before they could send them, more than {threshold:g}",
        "records",
    ),
    OwnStateCheck.SERVICE_DOWN: ("a process of Assay does not answer, or is not ready", ""),
}


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of a group, beside its observation: labels of the group, and what somebody else has said of it already."""

    labels: Mapping[str, str]
    summary: str = ""
    cause: str = ""
    anomaly_id: str = ""


def told(rule: Rule, found: Found, seen: Observation, step: Step) -> Step:
    """The step, its alert saying what is found. What ends keeps the words of when it was open."""
    if step.alert is None or step.course is None or step.alert.resolve_time is not None:
        return step
    alert = replace(
        step.alert,
        labels=labels(rule, found, seen.severity, step.alert.project),
        summary=found.summary or summary(rule, found, seen),
        threshold=threshold_of(rule),
        unit=unit_of(rule),
        description="\n".join(filter(None, (found.cause, rule.description))),
        anomaly_id=found.anomaly_id,
    )
    return replace(step, course=replace(step.course, alert=alert), alert=alert)


def labels(rule: Rule, found: Found, severity: Severity, project: str) -> dict[str, str]:
    """What routes and silences go by; the rule's own labels give way to those that say what it is about."""
    made = {**rule.labels, **found.labels}
    if isinstance(rule.condition, Threshold):
        made["metric"] = rule.condition.metric.name.lower()
    elif isinstance(rule.condition, Burn):
        made["metric"] = RuleMetric.SUCCESS_RATIO.name.lower()
    elif isinstance(rule.condition, Heartbeat):
        made[KIND_LABEL] = HEARTBEAT_KIND
    return {**made, "alertname": rule.name, "rule_id": rule.rule_id, "severity": severity.name.lower(), "project": project}


def threshold_of(rule: Rule) -> float | None:
    """The bound of the rule, None where it has none."""
    if isinstance(rule.condition, Threshold | OwnState):
        return rule.condition.threshold
    if isinstance(rule.condition, Burn):
        return min(tier.factor for tier in rule.condition.tiers)
    return rule.condition.limit_usd if isinstance(rule.condition, SpendForecast) else None


def unit_of(rule: Rule) -> str:
    """What observed values and bounds are in."""
    if isinstance(rule.condition, Threshold):
        return unit(rule.condition.metric)
    if isinstance(rule.condition, OwnState):
        return _CHECKS[rule.condition.check][1]
    if isinstance(rule.condition, SpendForecast):
        return "USD"
    return "calls" if isinstance(rule.condition, Absence) else ""


def summary(rule: Rule, found: Found, seen: Observation) -> str:
    """What is wrong, in one sentence with numbers."""
    condition, observed = rule.condition, seen.observed or 0.0
    whom = subject(rule.group_by, found.labels)
    if isinstance(condition, Threshold):
        side = "above" if condition.comparison is Comparison.ABOVE else "below"
        value, bound = amount(condition.metric, observed), amount(condition.metric, condition.threshold)
        name = condition.metric.name.lower().replace("_", " ")
        return f"{name} of {whom} is {value} over {span(condition.window_s)}, {side} {bound}"
    if isinstance(condition, Burn):
        failed = observed * (1.0 - condition.objective_ratio)
        return f"calls of {whom} fail at {failed:.1%}: {observed:.1f} times what an objective of {condition.objective_ratio:.4g} leaves"
    if isinstance(condition, Absence):
        return (
            f"{whom} had {observed:.0f} calls in {span(condition.known_window_s)}, and none in the last {span(condition.absent_window_s)}"
        )
    if isinstance(condition, OwnState):
        return _CHECKS[condition.check][0].format(observed=observed, threshold=condition.threshold)
    if isinstance(condition, SpendForecast):
        limit = f"{condition.limit_usd:,.2f} USD with a probability of {condition.probability:.0%} or more"
        return f"the month will cost about {observed:,.2f} USD: above {limit}"
    assert isinstance(condition, Heartbeat | AnomalyMatch)  # noqa: S101  all there are
    return "alerts are being evaluated" if isinstance(condition, Heartbeat) else "an anomaly is open"


def subject(group_by: Sequence[str], of_group: Mapping[str, str]) -> str:
    """A group as people say it."""
    named = [of_group[name] or f"no {name.replace('_', ' ')}" for name in group_by if name in of_group]
    return " / ".join(named) or "all calls"


def amount(metric: RuleMetric, value: float) -> str:
    """A value of the metric as people read it."""
    if unit(metric) == RATIO_UNIT:
        return f"{value:.1%}"
    if unit(metric) == "USD":
        return f"{value:,.4g} USD"
    if unit(metric) == "s":
        return f"{value:.3g} s"
    return f"{value:,.6g} {unit(metric)}".rstrip()


def span(seconds: float) -> str:
    """A length of time as people say it, in the largest unit that it is a whole number of."""
    for length, name in ((S_PER_DAY, "d"), (S_PER_HOUR, "h"), (_S_PER_MIN, "min")):
        if seconds >= length and seconds % length == 0:
            return f"{seconds // length:.0f} {name}"
    return f"{seconds:g} s"
