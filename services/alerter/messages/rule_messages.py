"""Rules: checked and taken from the contract, and kept as its JSON form."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from assay.alerter.v1 import alert_service_pb2, rule_service_pb2
from assay.collector.v1 import metrics_service_pb2
from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration

from kit.errors import invalid
from services.alerter.domain.rule import DIMENSIONS, S_PER_DAY, AnomalyMatch, Heartbeat, OwnState, Rule, SpendForecast
from services.alerter.messages.condition_messages import condition_from_message, set_condition, severity_from_message
from services.alerter.messages.limits import labels_of, seconds_of, text_of

RULE_ID = re.compile(r"[a-z0-9._-]{1,64}")
LABEL_NAME = re.compile(r"[a-z_][a-z0-9_]{0,63}")
LABELS_MAX = 16
NAME_BYTES_MAX = 128
DESCRIPTION_BYTES_MAX = 4_096
# As many values as a rule's author would still write by hand.
FILTER_VALUES_MAX = 100
FILTER_BYTES_MAX = 128
FOR_MAX_S = 30.0 * S_PER_DAY
KEEP_FIRING_MAX_S = float(S_PER_DAY)
_KEEP_FIRING_S = 60.0
_OUTPUTS = ("create_time", "update_time", "updated_by", "version")
_DIMENSION_NAMES = {metrics_service_pb2.MetricDimension.Value(f"METRIC_DIMENSION_{name.upper()}"): name for name in DIMENSIONS}
_DIMENSION_NUMBERS = {name: number for number, name in _DIMENSION_NAMES.items()}


def rule_from_message(message: rule_service_pb2.Rule) -> Rule:
    """The rule that a message describes. Raises AssayError FIELD_INVALID naming what is wrong."""
    if not RULE_ID.fullmatch(message.rule_id):
        raise invalid("rule_id", "must be 1 to 64 of [a-z0-9-_.]")
    condition = condition_from_message(message)
    severity = severity_from_message(message.severity, "severity")
    rule = Rule(
        rule_id=message.rule_id,
        name=text_of(message.display_name, "display_name", NAME_BYTES_MAX) or message.rule_id,
        condition=condition,
        severity=severity,
        chosen=_chosen(message.filter),
        group_by=_group_by(message),
        for_s=seconds_of(message.for_duration, "for_duration", FOR_MAX_S),
        keep_firing_s=seconds_of(message.keep_firing_duration, "keep_firing_duration", KEEP_FIRING_MAX_S)
        if message.HasField("keep_firing_duration")
        else _KEEP_FIRING_S,
        labels=_labels(message.labels),
        description=text_of(message.description, "description", DESCRIPTION_BYTES_MAX),
        is_paused=message.is_paused,
    )
    if rule.group_by and isinstance(condition, AnomalyMatch | OwnState | Heartbeat | SpendForecast):
        raise invalid("group_by", "is for conditions on metrics alone")
    if rule.chosen and isinstance(condition, OwnState | Heartbeat):
        raise invalid("filter", "is for conditions on calls alone")
    return rule


def _group_by(message: rule_service_pb2.Rule) -> tuple[str, ...]:
    unknown = [value for value in message.group_by if value not in _DIMENSION_NAMES]
    if unknown:
        raise invalid("group_by", "names a dimension that there is not")
    return tuple(dict.fromkeys(_DIMENSION_NAMES[value] for value in message.group_by))


def _chosen(message: metrics_service_pb2.SeriesFilter) -> dict[str, tuple[str, ...]]:
    chosen: dict[str, tuple[str, ...]] = {}
    for name in DIMENSIONS:
        values = [text_of(value, f"filter.{name}s", FILTER_BYTES_MAX) for value in getattr(message, f"{name}s")]
        if len(values) > FILTER_VALUES_MAX:
            raise invalid(f"filter.{name}s", f"must be at most {FILTER_VALUES_MAX}")
        if values:
            chosen[name] = tuple(sorted(set(values)))
    return chosen


def _labels(labels: Mapping[str, str]) -> dict[str, str]:
    checked = labels_of(labels, "labels", LABELS_MAX)
    if not all(LABEL_NAME.fullmatch(name) for name in checked):
        raise invalid("labels", "must have names of [a-z_][a-z0-9_]*, at most 64 characters")
    return checked


def filter_to_message(chosen: Mapping[str, tuple[str, ...]]) -> metrics_service_pb2.SeriesFilter:
    """The filter as the collector takes it."""
    return metrics_service_pb2.SeriesFilter(**{f"{name}s": values for name, values in chosen.items()})


def group_by_to_message(group_by: tuple[str, ...]) -> list[metrics_service_pb2.MetricDimension.ValueType]:
    """The dimensions as the collector takes them."""
    return [_DIMENSION_NUMBERS[name] for name in group_by]


def rule_to_message(rule: Rule) -> rule_service_pb2.Rule:
    """The message that describes a rule."""
    message = rule_service_pb2.Rule(
        rule_id=rule.rule_id,
        display_name=rule.name,
        description=rule.description,
        labels=dict(rule.labels),
        is_paused=rule.is_paused,
        group_by=group_by_to_message(rule.group_by),
    )
    if rule.severity is not None:
        message.severity = alert_service_pb2.Severity.ValueType(rule.severity.value)
    if rule.chosen:
        message.filter.CopyFrom(filter_to_message(rule.chosen))
    if rule.for_s:
        message.for_duration.CopyFrom(_duration(rule.for_s))
    if rule.keep_firing_s != _KEEP_FIRING_S:
        message.keep_firing_duration.CopyFrom(_duration(rule.keep_firing_s))
    set_condition(message, rule.condition)
    return message


def definition_of(message: rule_service_pb2.Rule) -> dict[str, Any]:
    """What is kept of a rule's message: its JSON form, without what the alerter itself says of it."""
    kept = rule_service_pb2.Rule()
    kept.CopyFrom(message)
    for field in _OUTPUTS:
        kept.ClearField(field)  # type: ignore[arg-type]  # one of its fields
    definition: dict[str, Any] = json_format.MessageToDict(kept)
    return definition


def message_from_definition(definition: Mapping[str, Any]) -> rule_service_pb2.Rule:
    """The message of what was kept. A field of a newer version that wrote it is left out."""
    return json_format.ParseDict(dict(definition), rule_service_pb2.Rule(), ignore_unknown_fields=True)


def stored_rule(
    definition: Mapping[str, Any], create_time: datetime, update_time: datetime, updated_by: str, version: int
) -> rule_service_pb2.Rule:
    """A kept rule as it is answered."""
    message = message_from_definition(definition)
    message.create_time.FromDatetime(create_time)
    message.update_time.FromDatetime(update_time)
    message.updated_by = updated_by
    message.version = version
    return message


def _duration(seconds: float) -> Duration:
    message = Duration()
    message.FromNanoseconds(round(seconds * 1e9))
    return message
