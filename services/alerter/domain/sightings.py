"""What is found by conditions that are not about metrics: anomalies, Assay's own state, heartbeats and the month's spend."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from services.alerter.domain.alert import KIND_LABEL, Severity
from services.alerter.domain.evaluate import Finding, severity_of
from services.alerter.domain.forecast import Forecast
from services.alerter.domain.life_cycle import Observation
from services.alerter.domain.rule import AnomalyMatch, OwnState, OwnStateCheck, Rule, SpendForecast
from services.alerter.domain.verdict import UNSAID, Verdict
from services.alerter.domain.words import Found

ALL = "[]"
"""The key of the one group of a rule that does not group."""


@dataclass(frozen=True, slots=True)
class OpenAnomaly:
    """An anomaly that goes on. `scope` has the dimensions that it is confined to; metric and kind are the analyzer's names."""

    anomaly_id: str
    metric: str
    kind: str
    severity: Severity
    scope: Mapping[str, str]
    explanation: str
    cause: str
    observed: float | None


@dataclass(frozen=True, slots=True)
class OwnView:
    """What is seen of Assay itself. None: it could not be asked. `down` tells of processes by name why they are not ready."""

    lag_s: float | None = None
    dead_lettered_count: int | None = None
    client_dropped_count: int | None = None
    down: Mapping[str, str] = field(default_factory=dict)


def of_anomalies(rule: Rule, condition: AnomalyMatch, anomalies: Iterable[OpenAnomaly], known: Iterable[str]) -> Iterator[Finding]:
    """A finding for each anomaly that the rule is about, and for each known one that is no more."""
    matching = {anomaly.anomaly_id: anomaly for anomaly in anomalies if _matches(rule, condition, anomaly)}
    for anomaly in matching.values():
        labels = {**anomaly.scope, "metric": anomaly.metric.lower(), KIND_LABEL: anomaly.kind.lower()}
        found = Found(labels, anomaly.explanation, anomaly.cause, anomaly.anomaly_id)
        severity = rule.severity or anomaly.severity
        yield Finding(anomaly.anomaly_id, found, Observation(Verdict.BREACH, anomaly.observed, severity))
    for key in known:
        if key not in matching:
            yield Finding(key, Found({}), Observation(Verdict.CLEAR))


def _matches(rule: Rule, condition: AnomalyMatch, anomaly: OpenAnomaly) -> bool:
    """Severe enough, of the right metric and kind, and within the filter; an anomaly wider than the filter is outside of it."""
    return (
        anomaly.severity.value >= condition.minimum_severity.value
        and (not condition.metrics or anomaly.metric in condition.metrics)
        and (not condition.kinds or anomaly.kind in condition.kinds)
        and all(anomaly.scope.get(name) in values for name, values in rule.chosen.items())
    )


def of_own_state(rule: Rule, condition: OwnState, view: OwnView, known: Iterable[str]) -> Iterator[Finding]:
    """A finding of the check; of SERVICE_DOWN one for each process that is down, and for each known one that is up again."""
    severity = severity_of(rule, UNSAID)
    if condition.check is OwnStateCheck.SERVICE_DOWN:
        for name, why in view.down.items():
            summary = f"{name} does not answer, or is not ready: {why}"
            yield Finding(name, Found({"process": name}, summary), Observation(Verdict.BREACH, None, severity))
        for key in known:
            if key not in view.down:
                yield Finding(key, Found({"process": key}), Observation(Verdict.CLEAR))
        return
    values: Mapping[OwnStateCheck, float | None] = {
        OwnStateCheck.LAG: view.lag_s,
        OwnStateCheck.DEAD_LETTERS: view.dead_lettered_count,
        OwnStateCheck.CLIENT_DROPS: view.client_dropped_count,
    }
    value = values[condition.check]
    if value is None:
        yield Finding(ALL, Found({}), Observation(Verdict.UNKNOWN))
        return
    verdict = Verdict.BREACH if value > condition.threshold else Verdict.CLEAR
    yield Finding(ALL, Found({}), Observation(verdict, float(value), severity))


def of_heartbeat(rule: Rule) -> Finding:
    """That all is well."""
    return Finding(ALL, Found({}), Observation(Verdict.BREACH, None, rule.severity or Severity.INFO))


def of_spend(rule: Rule, condition: SpendForecast, month: Forecast | None) -> Finding:
    """What the month's forecast says, None for none."""
    if month is None:
        return Finding(ALL, Found({}), Observation(Verdict.UNKNOWN))
    is_breach = month.probability_above(condition.limit_usd) >= condition.probability
    return Finding(ALL, Found({}), Observation(Verdict.BREACH if is_breach else Verdict.CLEAR, month.mean_usd, severity_of(rule, UNSAID)))
