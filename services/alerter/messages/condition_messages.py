"""Conditions of rules: checked and taken from the contract, and written in it."""

from collections.abc import Callable, Collection, Mapping
from math import isfinite
from typing import Any

from assay.alerter.v1 import alert_service_pb2, rule_service_pb2
from google.protobuf.duration_pb2 import Duration

from kit.errors import invalid
from services.alerter.domain.alert import Severity
from services.alerter.domain.metric import WAYS, RuleMetric, Total
from services.alerter.domain.rule import (
    S_PER_DAY,
    USUAL_TIERS,
    Absence,
    AnomalyMatch,
    Burn,
    BurnTier,
    Comparison,
    Condition,
    Heartbeat,
    OwnState,
    OwnStateCheck,
    SpendForecast,
    Threshold,
)
from services.alerter.messages.limits import minutes_of, text_of

WINDOW_MAX_S = 30 * S_PER_DAY
# Three are usual; each costs two queries.
TIERS_MAX = 6
# There are nine metrics and five kinds.
NAMES_MAX = 20
COUNT_MAX = 10**12
_MINIMUM_CALLS = 20
_MINIMUM_BAD = 3
_PROBABILITY = 0.9


def condition_from_message(rule: rule_service_pb2.Rule) -> Condition:
    """The condition of a rule. Raises AssayError FIELD_INVALID naming what is wrong."""
    kind = rule.WhichOneof("condition")
    if kind is None:
        raise invalid("condition", "is required: set one of threshold, burn, absence, anomaly, own_state, heartbeat and spend_forecast")
    return _READERS[kind](getattr(rule, kind))


def severity_from_message(value: int, field: str) -> Severity | None:
    """The severity, None for an unset one. Raises FIELD_INVALID for one that there is not."""
    if value == alert_service_pb2.SEVERITY_UNSPECIFIED:
        return None
    try:
        return Severity(value)
    except ValueError:
        raise invalid(field, "is no severity that there is") from None


def _threshold(message: rule_service_pb2.ThresholdCondition) -> Threshold:
    try:
        metric = RuleMetric(message.metric)
    except ValueError:
        raise invalid("threshold.metric", "names no metric that there is") from None
    try:
        comparison = Comparison(message.comparison)
    except ValueError:
        raise invalid("threshold.comparison", "must be ABOVE or BELOW") from None
    threshold = _finite(message.threshold, "threshold.threshold")
    resolve = _finite(message.resolve_threshold, "threshold.resolve_threshold") if message.HasField("resolve_threshold") else threshold
    if resolve > threshold if comparison is Comparison.ABOVE else resolve < threshold:
        raise invalid("threshold.resolve_threshold", "must lie on the good side of the threshold")
    usual = 0 if isinstance(WAYS[metric], Total) else 1
    count = _count(message.minimum_call_count, "threshold.minimum_call_count")
    return Threshold(metric, minutes_of(message.window, "threshold.window", WINDOW_MAX_S), comparison, threshold, resolve, count or usual)


def _burn(message: rule_service_pb2.BurnCondition) -> Burn:
    if not 0 < message.objective_ratio < 1:
        raise invalid("burn.objective_ratio", "must be above 0 and below 1")
    if len(message.tiers) > TIERS_MAX:
        raise invalid("burn.tiers", f"must be at most {TIERS_MAX}")
    return Burn(
        message.objective_ratio,
        tuple(_tier(tier) for tier in message.tiers) or USUAL_TIERS,
        _count(message.minimum_call_count, "burn.minimum_call_count") or _MINIMUM_CALLS,
        _count(message.minimum_bad_count, "burn.minimum_bad_count") or _MINIMUM_BAD,
    )


def _tier(message: rule_service_pb2.BurnTier) -> BurnTier:
    if not (isfinite(message.factor) and message.factor > 0):
        raise invalid("burn.tiers.factor", "must be a number above 0")
    long_s = minutes_of(message.long_window, "burn.tiers.long_window", WINDOW_MAX_S)
    short_s = minutes_of(message.short_window, "burn.tiers.short_window", WINDOW_MAX_S)
    if short_s > long_s:
        raise invalid("burn.tiers.short_window", "must not be longer than the long one")
    return BurnTier(message.factor, long_s, short_s, severity_from_message(message.severity, "burn.tiers.severity"))


def _absence(message: rule_service_pb2.AbsenceCondition) -> Absence:
    known_s = minutes_of(message.known_window, "absence.known_window", WINDOW_MAX_S)
    absent_s = minutes_of(message.absent_window, "absence.absent_window", WINDOW_MAX_S)
    if absent_s >= known_s:
        raise invalid("absence.absent_window", "must be shorter than the known window")
    return Absence(known_s, absent_s, _count(message.minimum_call_count, "absence.minimum_call_count") or 1)


def _anomaly(message: rule_service_pb2.AnomalyCondition) -> AnomalyMatch:
    return AnomalyMatch(
        severity_from_message(message.minimum_severity, "anomaly.minimum_severity") or Severity.WARNING,
        _names(message.metrics, "anomaly.metrics"),
        _names(message.kinds, "anomaly.kinds"),
    )


def _names(names: Collection[str], field: str) -> frozenset[str]:
    if len(names) > NAMES_MAX:
        raise invalid(field, f"must be at most {NAMES_MAX}")
    return frozenset(text_of(name, field, 64).upper() for name in names)


def _own_state(message: rule_service_pb2.OwnStateCondition) -> OwnState:
    try:
        check = OwnStateCheck(message.check)
    except ValueError:
        raise invalid("own_state.check", "names no check that there is") from None
    return OwnState(check, _finite(message.threshold, "own_state.threshold"))


def _spend_forecast(message: rule_service_pb2.SpendForecastCondition) -> SpendForecast:
    if not (isfinite(message.limit_usd) and message.limit_usd > 0):
        raise invalid("spend_forecast.limit_usd", "must be a number above 0")
    probability = message.probability or _PROBABILITY
    if not 0.5 <= probability <= 0.999:
        raise invalid("spend_forecast.probability", "must be 0.5 to 0.999")
    return SpendForecast(message.limit_usd, probability)


def _finite(value: float, field: str) -> float:
    if not isfinite(value):
        raise invalid(field, "must be a number")
    return value


def _count(value: int, field: str) -> int:
    if not 0 <= value <= COUNT_MAX:
        raise invalid(field, "must not be negative, nor above 10^12")
    return value


_READERS: Mapping[str, Callable[[Any], Condition]] = {
    "threshold": _threshold,
    "burn": _burn,
    "absence": _absence,
    "anomaly": _anomaly,
    "own_state": _own_state,
    "heartbeat": lambda _message: Heartbeat(),
    "spend_forecast": _spend_forecast,
}


def set_condition(message: rule_service_pb2.Rule, condition: Condition) -> None:
    """Writes the condition into a rule's message."""
    if isinstance(condition, Threshold):
        message.threshold.metric = rule_service_pb2.RuleMetric.ValueType(condition.metric.value)
        message.threshold.comparison = rule_service_pb2.Comparison.ValueType(condition.comparison.value)
        message.threshold.window.CopyFrom(Duration(seconds=condition.window_s))
        message.threshold.threshold = condition.threshold
        message.threshold.resolve_threshold = condition.resolve_threshold
        message.threshold.minimum_call_count = condition.minimum_call_count
    elif isinstance(condition, Burn):
        message.burn.objective_ratio = condition.objective_ratio
        message.burn.minimum_call_count = condition.minimum_call_count
        message.burn.minimum_bad_count = condition.minimum_bad_count
        message.burn.tiers.extend(_tier_to_message(tier) for tier in condition.tiers)
    elif isinstance(condition, Absence):
        message.absence.known_window.CopyFrom(Duration(seconds=condition.known_window_s))
        message.absence.absent_window.CopyFrom(Duration(seconds=condition.absent_window_s))
        message.absence.minimum_call_count = condition.minimum_call_count
    elif isinstance(condition, AnomalyMatch):
        message.anomaly.minimum_severity = alert_service_pb2.Severity.ValueType(condition.minimum_severity.value)
        message.anomaly.metrics.extend(sorted(condition.metrics))
        message.anomaly.kinds.extend(sorted(condition.kinds))
    elif isinstance(condition, OwnState):
        message.own_state.check = rule_service_pb2.OwnStateCheck.ValueType(condition.check.value)
        message.own_state.threshold = condition.threshold
    elif isinstance(condition, SpendForecast):
        message.spend_forecast.limit_usd = condition.limit_usd
        message.spend_forecast.probability = condition.probability
    else:
        message.heartbeat.SetInParent()


def _tier_to_message(tier: BurnTier) -> rule_service_pb2.BurnTier:
    return rule_service_pb2.BurnTier(
        factor=tier.factor,
        long_window=Duration(seconds=tier.long_window_s),
        short_window=Duration(seconds=tier.short_window_s),
        severity=alert_service_pb2.SEVERITY_UNSPECIFIED
        if tier.severity is None
        else alert_service_pb2.Severity.ValueType(tier.severity.value),
    )
