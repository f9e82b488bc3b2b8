"""From calls to alerts, with a real collector, database and bus."""

from assay.alerter.v1 import alert_service_pb2 as alerts
from assay.alerter.v1 import rule_service_pb2 as rules

from tests.alerter.rules.installation import Alerter, Installation, calls, success_rule


async def test_a_metric_beyond_its_threshold_fires_is_acknowledged_and_resolved(made: Installation, live: Alerter) -> None:
    project = await made.new_project()
    await live.create(project, success_rule())
    await made.record(project, calls(20, failed=8))

    fired = await live.alert(project, "success", alerts.ALERT_STATE_FIRING)
    assert fired.observed == 0.6 and fired.threshold == 0.9
    assert fired.labels["provider"] == "openai" and fired.labels["alertname"] == "Success is low"
    assert fired.summary == "success ratio of openai is 60.0% over 5 min, below 90.0%"

    request = alerts.AcknowledgeAlertRequest(project=project, alert_id=fired.alert_id, actor_name="Ada", comment="on it")
    acknowledged = (await live.alerts.AcknowledgeAlert(request)).alert
    assert acknowledged.state == alerts.ALERT_STATE_ACKNOWLEDGED and acknowledged.acknowledged_by.startswith("Ada (")
    assert (await live.alerts.AcknowledgeAlert(request)).alert == acknowledged

    await made.record(project, calls(200))
    resolved = await live.alert(project, "success", alerts.ALERT_STATE_RESOLVED)
    assert resolved.alert_id == fired.alert_id
    history = await live.alerts.GetAlert(alerts.GetAlertRequest(project=project, alert_id=fired.alert_id))
    assert [change.to_state for change in history.transitions] == [
        alerts.ALERT_STATE_FIRING,
        alerts.ALERT_STATE_ACKNOWLEDGED,
        alerts.ALERT_STATE_RESOLVED,
    ]
    assert [change.cause for change in history.transitions] == ["the condition holds", "acknowledged: on it", "the condition ceased"]
    assert [change.version for change in history.transitions] == [1, 2, 3] and resolved.version == 3


async def test_a_project_has_default_rules_from_its_first_sight(made: Installation, live: Alerter) -> None:
    project = await made.new_project()
    await live.create(project, success_rule())
    found = (await live.rules.ListRules(rules.ListRulesRequest(project=project))).rules
    names = {rule.rule_id for rule in found}
    assert {"default-success-burn", "default-latency", "default-anomaly", "default-spend", "success"} <= names
