"""The alerter's messages and JSON objects, to and fro: snake_case names, seconds, null for what is unset, short names of enums."""

from math import isfinite

from assay.alerter.v1 import alert_service_pb2 as alerts
from assay.alerter.v1 import rule_service_pb2 as rules
from assay.collector.v1.metrics_service_pb2 import MetricDimension, SeriesFilter

from gateway.alerter_models import CONDITIONS, RuleBody
from gateway.messages import Json, moment
from gateway.plain_messages import fill, plain, seconds

_TIMES = ("start_time", "fire_time", "acknowledge_time", "resolve_time")
_PLAIN = ("alert_id", "project", "rule_id", "rule_name", "acknowledged_by", "summary", "unit", "description", "anomaly_id", "version")


def rule(message: rules.Rule) -> Json:
    """A rule: all conditions but its own are null."""
    return {
        "rule_id": message.rule_id,
        "display_name": message.display_name,
        "severity": _severity(message.severity),
        "description": message.description,
        "labels": dict(message.labels),
        "is_paused": message.is_paused,
        "filter": plain(message.filter),
        "group_by": [MetricDimension.Name(value).removeprefix("METRIC_DIMENSION_").lower() for value in message.group_by],
        "for_s": seconds(message.for_duration),
        "keep_firing_s": seconds(message.keep_firing_duration) if message.HasField("keep_firing_duration") else None,
        **{name: plain(getattr(message, name)) if message.HasField(name) else None for name in CONDITIONS},
        "create_time": moment(message, "create_time"),
        "update_time": moment(message, "update_time"),
        "updated_by": message.updated_by,
        "version": message.version,
    }


def rule_to_message(body: RuleBody) -> rules.Rule:
    """The contract's rule."""
    message = rules.Rule(
        rule_id=body.rule_id,
        display_name=body.display_name,
        severity=alerts.Severity.Value(f"SEVERITY_{body.severity or 'UNSPECIFIED'}"),
        description=body.description,
        labels=body.labels,
        is_paused=body.is_paused,
        group_by=[MetricDimension.Value(f"METRIC_DIMENSION_{name.upper()}") for name in body.group_by],
    )
    if any(body.filter.model_dump().values()):
        message.filter.CopyFrom(SeriesFilter(**body.filter.model_dump()))
    if body.for_s:
        message.for_duration.FromNanoseconds(round(body.for_s * 1e9))
    if body.keep_firing_s is not None:
        message.keep_firing_duration.FromNanoseconds(round(body.keep_firing_s * 1e9))
    for name in CONDITIONS:
        condition = getattr(body, name)
        if condition is not None:
            getattr(message, name).SetInParent()
            fill(getattr(message, name), condition.model_dump())
    return message


def backtest(response: rules.BacktestRuleResponse) -> Json:
    """The answer of POST /rules/backtest."""
    return {
        "start_time": moment(response, "start_time"),
        "end_time": moment(response, "end_time"),
        "step_s": response.step.seconds,
        "approximations": list(response.approximations),
        "group_count": response.group_count,
        "firing_count": response.firing_count,
        "mean_duration_s": seconds(response.mean_duration) if response.HasField("mean_duration") else None,
        "episodes": [
            {
                "labels": dict(episode.labels),
                "start_time": moment(episode, "start_time"),
                "end_time": moment(episode, "end_time"),
                "peak": _number(episode.peak),
                "severity": _severity(episode.severity),
            }
            for episode in response.episodes
        ],
        "groups": [
            {"labels": dict(group.labels), "values": list(map(_number, group.values)), "states": list(map(_state, group.states))}
            for group in response.groups
        ],
    }


def alert(message: alerts.Alert) -> Json:
    """An alert."""
    return {
        **{name: getattr(message, name) for name in _PLAIN},
        "labels": dict(message.labels),
        "state": _state(message.state),
        "severity": _severity(message.severity),
        **{name: moment(message, name) for name in _TIMES},
        "observed": _number(message.observed) if message.HasField("observed") else None,
        "threshold": _number(message.threshold) if message.HasField("threshold") else None,
    }


def whole_alert(response: alerts.GetAlertResponse) -> Json:
    """The answer of GET /alerts/{alert_id}."""
    return {
        "alert": alert(response.alert),
        "transitions": [
            {
                "time": moment(each, "time"),
                "from_state": _state(each.from_state) if each.from_state else None,
                "to_state": _state(each.to_state),
                "cause": each.cause,
                "actor": each.actor,
                "observed": _number(each.observed) if each.HasField("observed") else None,
                "version": each.version,
            }
            for each in response.transitions
        ],
    }


def _severity(value: alerts.Severity.ValueType) -> str | None:
    return alerts.Severity.Name(value).removeprefix("SEVERITY_") if value else None


def _state(value: alerts.AlertState.ValueType) -> str:
    return alerts.AlertState.Name(value).removeprefix("ALERT_STATE_")


def _number(value: float) -> float | None:
    return value if isfinite(value) else None
