"""What may be a rule, and what may not."""

from typing import Any

import pytest
from assay.alerter.v1 import rule_service_pb2 as contract
from google.protobuf import json_format

from kit.errors import AssayError
from services.alerter.domain.default_rules import default_rules
from services.alerter.domain.rule import USUAL_TIERS, Absence, AnomalyMatch, Burn, Heartbeat, OwnState, Rule, SpendForecast
from services.alerter.messages.rule_messages import definition_of, message_from_definition, rule_from_message, rule_to_message

THRESHOLD = {"metric": "RULE_METRIC_SUCCESS_RATIO", "window": "300s", "comparison": "COMPARISON_BELOW", "threshold": 0.9}


def read(**fields: Any) -> Rule:
    """The rule of these fields of a sound one; None leaves one out."""
    values = {"rule_id": "r", "threshold": THRESHOLD} | fields
    return rule_from_message(json_format.ParseDict({name: v for name, v in values.items() if v is not None}, contract.Rule()))


def test_what_is_left_out_has_a_usual_value() -> None:
    rule = read()
    assert (rule.name, rule.severity, rule.for_s, rule.keep_firing_s, rule.group_by, dict(rule.chosen)) == ("r", None, 0, 60, (), {})
    assert read(threshold=THRESHOLD | {"metric": "RULE_METRIC_COST"}).condition.minimum_call_count == 0  # type: ignore[union-attr]
    assert rule.condition.minimum_call_count == 1 and rule.condition.resolve_threshold == 0.9  # type: ignore[union-attr]
    assert read(keep_firing_duration="0s").keep_firing_s == 0
    assert read(threshold=None, burn={"objective_ratio": 0.99}).condition == Burn(0.99, USUAL_TIERS, 20, 3)
    absence = {"known_window": "3600s", "absent_window": "60s"}
    assert read(threshold=None, absence=absence).condition == Absence(3_600, 60, 1)
    assert isinstance(read(threshold=None, anomaly={"metrics": ["latency"]}).condition, AnomalyMatch)
    assert isinstance(read(threshold=None, own_state={"check": "OWN_STATE_CHECK_LAG"}).condition, OwnState)
    assert isinstance(read(threshold=None, heartbeat={}).condition, Heartbeat)
    assert read(threshold=None, spend_forecast={"limit_usd": 10}).condition == SpendForecast(10, 0.9)
    assert read(filter={"providers": ["b", "a", "b"]}).chosen == {"provider": ("a", "b")}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"rule_id": ""}, "rule_id"),
        ({"rule_id": "A"}, "rule_id"),
        ({"rule_id": "r" * 65}, "rule_id"),
        ({"display_name": "n" * 129}, "display_name"),
        ({"display_name": "a\0"}, "display_name"),
        ({"description": "d" * 4_097}, "description"),
        ({"severity": 9}, "severity"),
        ({"labels": {"Team": "x"}}, "labels"),
        ({"labels": {"team": "x" * 257}}, "labels"),
        ({"labels": {f"l{number}": "x" for number in range(17)}}, "labels"),
        ({"group_by": [0]}, "group_by"),
        ({"filter": {"models": ["m" * 129]}}, "filter.models"),
        ({"filter": {"models": [str(number) for number in range(101)]}}, "filter.models"),
        ({"for_duration": "-1s"}, "for_duration"),
        ({"for_duration": "2592001s"}, "for_duration"),
        ({"keep_firing_duration": "86401s"}, "keep_firing_duration"),
        ({"threshold": None}, "condition"),
        ({"threshold": THRESHOLD | {"metric": 0}}, "threshold.metric"),
        ({"threshold": THRESHOLD | {"metric": 99}}, "threshold.metric"),
        ({"threshold": THRESHOLD | {"comparison": 0}}, "threshold.comparison"),
        ({"threshold": THRESHOLD | {"threshold": "NaN"}}, "threshold.threshold"),
        ({"threshold": THRESHOLD | {"resolve_threshold": 0.8}}, "threshold.resolve_threshold"),
        ({"threshold": THRESHOLD | {"resolve_threshold": "Infinity"}}, "threshold.resolve_threshold"),
        ({"threshold": THRESHOLD | {"window": "30s"}}, "threshold.window"),
        ({"threshold": THRESHOLD | {"window": "90s"}}, "threshold.window"),
        ({"threshold": THRESHOLD | {"window": "2592060s"}}, "threshold.window"),
        ({"threshold": THRESHOLD | {"minimum_call_count": -1}}, "threshold.minimum_call_count"),
        ({"threshold": None, "burn": {"objective_ratio": 1}}, "burn.objective_ratio"),
        ({"threshold": None, "burn": {"objective_ratio": 0.9, "tiers": [{}] * 7}}, "burn.tiers"),
        ({"threshold": None, "burn": {"objective_ratio": 0.9, "tiers": [{"factor": 0}]}}, "burn.tiers.factor"),
        ({"threshold": None, "burn": {"objective_ratio": 0.9, "tiers": [{"factor": 1, "long_window": "60s", "short_window": "120s"}]}},
         "burn.tiers.short_window"),
        ({"threshold": None, "absence": {"known_window": "60s", "absent_window": "60s"}}, "absence.absent_window"),
        ({"threshold": None, "anomaly": {"metrics": ["x"] * 21}}, "anomaly.metrics"),
        ({"threshold": None, "anomaly": {"minimum_severity": 7}}, "anomaly.minimum_severity"),
        ({"threshold": None, "own_state": {}}, "own_state.check"),
        ({"threshold": None, "spend_forecast": {"limit_usd": 0}}, "spend_forecast.limit_usd"),
        ({"threshold": None, "spend_forecast": {"limit_usd": 1, "probability": 0.4}}, "spend_forecast.probability"),
        ({"threshold": None, "heartbeat": {}, "group_by": [1]}, "group_by"),
        ({"threshold": None, "heartbeat": {}, "filter": {"models": ["m"]}}, "filter"),
    ],
)  # fmt: skip
def test_what_may_not_be_is_refused_with_its_field(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(AssayError) as refused:
        read(**fields)
    assert (refused.value.reason, refused.value.details["field"]) == ("FIELD_INVALID", field)


@pytest.mark.parametrize("rule", default_rules(), ids=lambda rule: rule.rule_id)
def test_a_rule_is_kept_whole(rule: Rule) -> None:
    message = rule_to_message(rule)
    message.version = 3
    kept = definition_of(message)
    assert "version" not in kept and rule_from_message(message_from_definition(kept)) == rule
    assert rule_from_message(message_from_definition({**kept, "ofALaterVersion": 1})) == rule
