"""Alerts and rules over REST and as live events."""

import json
from typing import Any

import pytest
from assay.alerter.v1 import alert_service_pb2 as alerts
from assay.alerter.v1 import rule_service_pb2 as rules
from pydantic import TypeAdapter

from gateway import alerter_messages, alerter_models
from gateway.live_alerts import LiveAlerts
from kit.errors import AssayError, Kind
from services.alerter.domain.default_rules import default_rules
from services.alerter.messages.rule_messages import rule_from_message, rule_to_message
from tests.gateway.site import Site

FIRING = alerts.Alert(
    alert_id="a" * 32,
    project="default",
    rule_id="success",
    rule_name="Success is low",
    labels={"provider": "openai"},
    state=alerts.ALERT_STATE_FIRING,
    severity=alerts.SEVERITY_CRITICAL,
    start_time={"seconds": 1_800_000_000},
    fire_time={"seconds": 1_800_000_060},
    observed=0.5,
    threshold=0.9,
    version=1,
)
THRESHOLD = {"metric": "LATENCY_P95", "window_s": 300, "comparison": "ABOVE", "threshold": 2.5, "resolve_threshold": 2.0}
BODY: dict[str, Any] = {
    "rule_id": "slow",
    "severity": "WARNING",
    "group_by": ["provider"],
    "for_s": 60,
    "filter": {"providers": ["openai"]},
    "threshold": THRESHOLD,
}


def checked(model: Any, content: Any) -> Any:
    """The content, which must be what the model says it is, whole."""
    return TypeAdapter(model).validate_json(json.dumps(content), strict=True)


@pytest.mark.parametrize("rule", default_rules(), ids=lambda rule: rule.rule_id)
def test_every_kind_of_rule_goes_to_and_fro(rule: Any) -> None:
    message = rule_to_message(rule)
    message.create_time.FromSeconds(1)
    message.update_time.FromSeconds(2)
    shown = alerter_messages.rule(message)
    checked(alerter_models.Rule, shown)
    outputs = {"create_time", "update_time", "updated_by", "version"}
    body = alerter_models.RuleBody.model_validate({name: value for name, value in shown.items() if name not in outputs})
    assert rule_from_message(alerter_messages.rule_to_message(body)) == rule


async def test_rules_are_made_read_changed_and_deleted(site: Site) -> None:
    message = alerter_messages.rule_to_message(alerter_models.RuleBody.model_validate(BODY))
    message.create_time.FromSeconds(1)
    message.update_time.FromSeconds(1)
    site.neighbour.answers |= {
        "CreateRule": rules.CreateRuleResponse(rule=message),
        "UpdateRule": rules.UpdateRuleResponse(rule=message),
        "GetRule": rules.GetRuleResponse(rule=message),
        "ListRules": rules.ListRulesResponse(rules=[message], next_page_token="more"),
    }
    made = await site.send("POST", "/rules", json=BODY)
    assert made.status_code == 201 and made.json()["threshold"] == {**THRESHOLD, "minimum_call_count": 0}
    assert site.neighbour.asked[-1][1] == rules.CreateRuleRequest(rule=alerter_messages.rule_to_message(alerter_models.RuleBody(**BODY)))
    assert (await site.get("/rules/slow")).json() == made.json()
    page = (await site.get("/rules", page_size=1)).json()
    assert page == {"rules": [made.json()], "next_page_token": "more"}
    changed = await site.send("PUT", "/rules/slow?expected_version=3", json=BODY)
    asked = site.neighbour.asked[-1][1]
    assert changed.status_code == 200 and asked.expected_version == 3 and asked.allow_missing
    assert (await site.send("DELETE", "/rules/slow")).status_code == 204
    assert site.neighbour.asked[-1][1] == rules.DeleteRuleRequest(rule_id="slow")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/rules", {"rule_id": "none"}),
        ("POST", "/rules", {**BODY, "heartbeat": {}}),
        ("POST", "/rules", {**BODY, "threshold": {**THRESHOLD, "metric": "NONE"}}),
        ("PUT", "/rules/other", BODY),
        ("POST", "/rules/backtest", {}),
        ("POST", "/rules/backtest", {"rule_id": "slow", "rule": BODY}),
    ],
)
async def test_what_is_no_rule_is_refused(site: Site, method: str, path: str, body: dict[str, Any]) -> None:
    refused = await site.send(method, path, json=body)
    assert (refused.status_code, refused.json()["reason"]) == (400, "FIELD_INVALID")
    assert not site.neighbour.asked


async def test_a_backtest_of_an_unsaved_rule(site: Site) -> None:
    answer = rules.BacktestRuleResponse(
        group_count=2,
        firing_count=1,
        episodes=[rules.BacktestEpisode(labels={"provider": "openai"}, peak=3.0, severity=alerts.SEVERITY_WARNING)],
        groups=[rules.BacktestGroup(labels={"provider": "openai"}, values=[float("nan"), 3.0], states=[5, 2])],
    )
    answer.step.FromSeconds(900)
    answer.mean_duration.FromSeconds(1_800)
    for moment in (answer.start_time, answer.end_time, answer.episodes[0].start_time):
        moment.FromSeconds(1_800_000_000)
    site.neighbour.answers["BacktestRule"] = answer
    shown = await site.send("POST", "/rules/backtest", json={"rule": BODY, "range_s": 86_400})
    assert shown.status_code == 200
    content = shown.json()
    checked(alerter_models.Backtest, content)
    assert (content["firing_count"], content["mean_duration_s"], content["step_s"]) == (1, 1_800.0, 900)
    assert content["groups"][0] == {"labels": {"provider": "openai"}, "values": [None, 3.0], "states": ["INACTIVE", "FIRING"]}
    assert site.neighbour.asked[-1][1].range.seconds == 86_400


async def test_alerts_are_listed_shown_and_changed(site: Site) -> None:
    transition = alerts.AlertTransition(to_state=alerts.ALERT_STATE_FIRING, cause="the condition holds", version=1)
    transition.time.FromSeconds(1_800_000_060)
    site.neighbour.answers |= {
        "ListAlerts": alerts.ListAlertsResponse(alerts=[FIRING], next_page_token=""),
        "GetAlert": alerts.GetAlertResponse(alert=FIRING, transitions=[transition]),
        "AcknowledgeAlert": alerts.AcknowledgeAlertResponse(alert=FIRING),
        "ResolveAlert": alerts.ResolveAlertResponse(alert=FIRING),
    }
    page = (await site.get("/alerts", state=["firing", "pending"], severity="critical", label="provider=openai", start="-24h")).json()
    checked(alerter_models.AlertsPage, page)
    asked = site.neighbour.asked[-1][1]
    assert list(asked.states) == [alerts.ALERT_STATE_FIRING, alerts.ALERT_STATE_PENDING] and dict(asked.labels) == {"provider": "openai"}
    whole = (await site.get(f"/alerts/{FIRING.alert_id}")).json()
    checked(alerter_models.WholeAlert, whole)
    assert whole["alert"] == page["alerts"][0] and whole["transitions"][0]["from_state"] is None
    for action in ("acknowledge", "resolve"):
        done = await site.send("POST", f"/alerts/{FIRING.alert_id}/{action}", json={"actor_name": "Ada", "comment": "on it"})
        assert done.status_code == 200
        checked(alerter_models.Alert, done.json())
        assert (site.neighbour.asked[-1][1].actor_name, site.neighbour.asked[-1][1].comment) == ("Ada", "on it")
    assert (await site.get("/alerts", label="provider")).json()["field"] == "label"


def test_live_alerts_forget_what_is_over_and_tell_once_that_the_alerter_is_away() -> None:
    live = LiveAlerts()
    first = checked(alerter_models.LiveAlerts, json.loads(live.apply(alerts.WatchAlertsResponse(is_snapshot=True, alerts=[FIRING]))))
    assert first.is_snapshot and [alert.alert_id for alert in first.alerts] == [FIRING.alert_id]
    resolved = alerts.Alert()
    resolved.CopyFrom(FIRING)
    resolved.state = alerts.ALERT_STATE_RESOLVED
    change = checked(alerter_models.LiveAlerts, json.loads(live.apply(alerts.WatchAlertsResponse(alerts=[resolved]))))
    assert not change.is_snapshot and [alert.state for alert in change.alerts] == ["RESOLVED"]
    assert json.loads(live.snapshot())["alerts"] == []
    away = AssayError(Kind.UNAVAILABLE, "ALERTER_UNAVAILABLE", "the alerter cannot be reached")
    lost = live.lose(away)
    assert lost is not None and not json.loads(lost)["is_available"] and live.lose(away) is None
