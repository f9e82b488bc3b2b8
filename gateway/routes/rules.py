"""/rules and POST /rules/backtest: what is to be told, and what it would have told."""

from assay.alerter.v1 import rule_service_pb2 as contract
from fastapi import Response

from gateway import alerter_messages as messages
from gateway import alerter_models as models
from gateway.auth import CallerOf
from gateway.parameters import ExpectedVersion, PageSize, PageToken, Project
from gateway.parts import AlerterOf, answer
from gateway.routes.described import answers, api_router
from kit.errors import invalid

# A month of many series takes the collector seconds.
BACKTEST_DEADLINE_S = 60.0

router = api_router("rules")


@router.get("/rules", **answers(models.RulesPage))
async def list_rules(
    alerter: AlerterOf, caller: CallerOf, project: Project = "", page_size: PageSize = 0, page_token: PageToken = ""
) -> Response:
    """Rules by id."""
    question = contract.ListRulesRequest(project=project, page_size=page_size, page_token=page_token)
    response = await alerter.ask(alerter.rules.ListRules, question, caller.secret)
    return answer({"rules": list(map(messages.rule, response.rules)), "next_page_token": response.next_page_token})


@router.post("/rules", **answers(models.Rule, 201))
async def create_rule(alerter: AlerterOf, caller: CallerOf, body: models.RuleBody, project: Project = "") -> Response:
    """Makes a rule under the id that was chosen. Making the same again changes nothing."""
    change = contract.CreateRuleRequest(project=project, rule=messages.rule_to_message(body))
    response = await alerter.ask(alerter.rules.CreateRule, change, caller.secret)
    return answer(messages.rule(response.rule), 201)


@router.post("/rules/backtest", **answers(models.Backtest))
async def backtest_rule(alerter: AlerterOf, caller: CallerOf, body: models.BacktestBody, project: Project = "") -> Response:
    """Tells what a rule would have done."""
    if bool(body.rule_id) == (body.rule is not None):
        raise invalid("rule", "give either rule_id or rule")
    question = contract.BacktestRuleRequest(project=project)
    if body.rule is None:
        question.rule_id = body.rule_id
    else:
        question.rule.CopyFrom(messages.rule_to_message(body.rule))
    if body.range_s is not None:
        question.range.FromSeconds(body.range_s)
    response = await alerter.ask(alerter.rules.BacktestRule, question, caller.secret, BACKTEST_DEADLINE_S)
    return answer(messages.backtest(response))


@router.get("/rules/{rule_id}", **answers(models.Rule))
async def get_rule(alerter: AlerterOf, caller: CallerOf, rule_id: str, project: Project = "") -> Response:
    """One rule."""
    question = contract.GetRuleRequest(project=project, rule_id=rule_id)
    return answer(messages.rule((await alerter.ask(alerter.rules.GetRule, question, caller.secret)).rule))


@router.put("/rules/{rule_id}", **answers(models.Rule))
async def update_rule(
    *,
    alerter: AlerterOf,
    caller: CallerOf,
    rule_id: str,
    body: models.RuleBody,
    project: Project = "",
    expected_version: ExpectedVersion = 0,
) -> Response:
    """Replaces a rule, or makes it."""
    if body.rule_id != rule_id:
        raise invalid("rule_id", "is another one than in the path")
    change = contract.UpdateRuleRequest(
        project=project, rule=messages.rule_to_message(body), expected_version=expected_version, allow_missing=True
    )
    return answer(messages.rule((await alerter.ask(alerter.rules.UpdateRule, change, caller.secret)).rule))


@router.delete("/rules/{rule_id}", status_code=204)
async def delete_rule(alerter: AlerterOf, caller: CallerOf, rule_id: str, project: Project = "") -> Response:
    """Ends a rule, and resolves its alerts."""
    change = contract.DeleteRuleRequest(project=project, rule_id=rule_id)
    await alerter.ask(alerter.rules.DeleteRule, change, caller.secret)
    return Response(status_code=204)
