"""Rules through the contract: who may, what is refused, and what doing it again does."""

import asyncio
import time
from typing import Any

import grpc.aio
import pytest
from assay.alerter.v1 import alert_service_pb2 as alerts
from assay.alerter.v1 import rule_service_pb2 as rules
from assay.alerter.v1.alert_service_pb2_grpc import AlertServiceStub
from assay.alerter.v1.rule_service_pb2_grpc import RuleServiceStub

from kit import rpc
from services.alerter.backtesting import TABLES_KEPT_S, Backtesting
from services.alerter.messages.rule_messages import rule_from_message
from services.alerter.neighbours import Collector
from tests.alerter.rules.installation import Alerter, Installation, calls, success_rule


async def refusal(call: Any) -> str:
    """The reason for which a call is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return rpc.error_of(refused.value).reason


async def test_making_and_changing_a_rule_again_changes_nothing(made: Installation, live: Alerter) -> None:
    project = await made.new_project()
    first = await live.create(project, success_rule())
    assert first.version == 1 and first.updated_by and first.HasField("create_time")
    assert await live.create(project, success_rule()) == first
    other = success_rule(display_name="Another")
    assert await refusal(live.rules.CreateRule(rules.CreateRuleRequest(project=project, rule=other))) == "RULE_EXISTS"

    changed = (await live.rules.UpdateRule(rules.UpdateRuleRequest(project=project, rule=other, expected_version=1))).rule
    assert (changed.version, changed.display_name) == (2, "Another")
    assert (await live.rules.UpdateRule(rules.UpdateRuleRequest(project=project, rule=other, expected_version=1))).rule == changed
    stale = rules.UpdateRuleRequest(project=project, rule=success_rule(), expected_version=1)
    assert await refusal(live.rules.UpdateRule(stale)) == "RULE_CHANGED"
    assert (await live.rules.GetRule(rules.GetRuleRequest(project=project, rule_id="success"))).rule == changed

    await live.rules.DeleteRule(rules.DeleteRuleRequest(project=project, rule_id="success"))
    for refused in (
        live.rules.DeleteRule(rules.DeleteRuleRequest(project=project, rule_id="success")),
        live.rules.GetRule(rules.GetRuleRequest(project=project, rule_id="success")),
        live.rules.UpdateRule(rules.UpdateRuleRequest(project=project, rule=success_rule())),
    ):
        assert await refusal(refused) == "RULE_UNKNOWN"
    missing = rules.UpdateRuleRequest(project=project, rule=success_rule(), allow_missing=True)
    assert (await live.rules.UpdateRule(missing)).rule.version == 1


async def test_pages_of_rules_and_of_alerts(made: Installation, live: Alerter) -> None:
    project = await made.new_project()
    await live.create(project, success_rule())
    found, token = [], ""
    while True:
        page = await live.rules.ListRules(rules.ListRulesRequest(project=project, page_size=5, page_token=token))
        found += [rule.rule_id for rule in page.rules]
        token = page.next_page_token
        if not token:
            break
    assert found == sorted(set(found)) and "success" in found and len(found) > 10
    await made.record(project, [*calls(20, failed=9), *calls(20, failed=9, provider="anthropic"), *calls(20, failed=9, provider="x")])
    for provider in ("openai", "anthropic", "x"):
        while not (await live.alerts.ListAlerts(alerts.ListAlertsRequest(project=project, labels={"provider": provider}))).alerts:
            await asyncio.sleep(0.05)
    first = await live.alerts.ListAlerts(alerts.ListAlertsRequest(project=project, page_size=2))
    rest = await live.alerts.ListAlerts(alerts.ListAlertsRequest(project=project, page_size=2, page_token=first.next_page_token))
    assert len({alert.alert_id for alert in (*first.alerts, *rest.alerts)}) == 3 and not rest.next_page_token
    foreign = alerts.ListAlertsRequest(project=project, rule_id="other", page_token=first.next_page_token)
    assert await refusal(live.alerts.ListAlerts(foreign)) == "PAGE_TOKEN_INVALID"


async def test_a_deleted_rule_resolves_its_alerts(made: Installation, live: Alerter) -> None:
    project = await made.new_project()
    await live.create(project, success_rule())
    await made.record(project, calls(20, failed=9))
    fired = await live.alert(project, "success", alerts.ALERT_STATE_FIRING)
    await live.rules.DeleteRule(rules.DeleteRuleRequest(project=project, rule_id="success"))
    resolved = await live.alert(project, "success", alerts.ALERT_STATE_RESOLVED)
    assert resolved.alert_id == fired.alert_id
    request = alerts.AcknowledgeAlertRequest(project=project, alert_id=fired.alert_id)
    assert await refusal(live.alerts.AcknowledgeAlert(request)) == "ALERT_NOT_OPEN"


async def test_projects_and_roles_are_kept_apart(made: Installation, live: Alerter) -> None:
    mine, other = await made.new_project(), await made.new_project()
    await live.create(mine, success_rule())
    await live.create(other, success_rule())
    await made.record(mine, calls(20, failed=9))
    fired = await live.alert(mine, "success", alerts.ALERT_STATE_FIRING)
    foreign = made.channel(live.address, await made.new_key(other, "ADMIN"))
    reader = made.channel(live.address, await made.new_key(mine, "READ"))
    recorder = made.channel(live.address, await made.new_key(mine, "RECORD"))

    assert await refusal(RuleServiceStub(foreign).ListRules(rules.ListRulesRequest(project=mine))) == "PROJECT_FORBIDDEN"
    for request in (alerts.GetAlertRequest(alert_id=fired.alert_id), alerts.GetAlertRequest(project=other, alert_id=fired.alert_id)):
        assert await refusal(AlertServiceStub(foreign).GetAlert(request)) == "ALERT_UNKNOWN"
    for resolve in (alerts.ResolveAlertRequest(alert_id=fired.alert_id), alerts.ResolveAlertRequest(project=mine, alert_id=fired.alert_id)):
        assert await refusal(AlertServiceStub(foreign).ResolveAlert(resolve)) in {"ALERT_UNKNOWN", "PROJECT_FORBIDDEN"}

    assert (await AlertServiceStub(reader).ListAlerts(alerts.ListAlertsRequest())).alerts
    assert await refusal(AlertServiceStub(recorder).ListAlerts(alerts.ListAlertsRequest())) == "ROLE_MISSING"
    for call in (
        AlertServiceStub(reader).AcknowledgeAlert(alerts.AcknowledgeAlertRequest(alert_id=fired.alert_id)),
        AlertServiceStub(reader).ResolveAlert(alerts.ResolveAlertRequest(alert_id=fired.alert_id)),
        RuleServiceStub(reader).CreateRule(rules.CreateRuleRequest(rule=success_rule(rule_id="x"))),
        RuleServiceStub(reader).UpdateRule(rules.UpdateRuleRequest(rule=success_rule())),
        RuleServiceStub(reader).DeleteRule(rules.DeleteRuleRequest(rule_id="success")),
    ):
        assert await refusal(call) == "ROLE_MISSING"
    assert await refusal(live.rules.ListRules(rules.ListRulesRequest(project="nowhere"))) == "PROJECT_UNKNOWN"


async def test_a_backtest_finds_what_fired(made: Installation, live: Alerter) -> None:
    project = await made.new_project()
    await live.create(project, success_rule(is_paused=True))
    for minutes in (90, 300, 301):
        await made.record(project, calls(20, failed=9, ago_s=60.0 * minutes))
        await made.record(project, calls(20, ago_s=60.0 * (minutes - 30)))
    request = rules.BacktestRuleRequest(project=project, rule_id="success")
    request.range.FromSeconds(86_400)
    answer = await live.rules.BacktestRule(request)
    assert (answer.firing_count, answer.group_count, answer.step.seconds) == (2, 1, 60)
    assert [dict(episode.labels) for episode in answer.episodes] == [{"provider": "openai"}] * 2
    assert all(episode.peak == pytest.approx(0.55) and episode.HasField("end_time") for episode in answer.episodes)
    (group,) = answer.groups
    assert len(group.states) == len(group.values) == (answer.end_time.seconds - answer.start_time.seconds) // 60
    assert alerts.ALERT_STATE_FIRING in group.states and alerts.ALERT_STATE_INACTIVE in group.states

    heartbeat = rules.Rule(rule_id="h", heartbeat=rules.HeartbeatCondition())
    assert await refusal(live.rules.BacktestRule(rules.BacktestRuleRequest(project=project, rule=heartbeat))) == "RULE_NOT_BACKTESTED"


async def test_whoever_tries_other_bounds_is_answered_from_what_was_measured_a_moment_ago(made: Installation) -> None:
    project = await made.new_project()
    now_s = [time.time()]
    testing = Backtesting(Collector(made.channel(made.collector, made.service_key)), lambda: now_s[0])

    async def firing_count(bound: float) -> int:
        rule = success_rule()
        rule.threshold.threshold = bound
        return len((await testing.run(project, rule_from_message(rule), 86_400)).result.episodes)

    await made.record(project, calls(20, failed=9, ago_s=5_400.0))
    assert await firing_count(0.9) == 1
    await made.record(project, calls(20, failed=9, ago_s=20_000.0))
    assert (await firing_count(0.8), await firing_count(0.1)) == (1, 0)
    now_s[0] += TABLES_KEPT_S + 1
    assert await firing_count(0.8) == 2
