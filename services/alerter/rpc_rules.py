"""The RPCs of rules: each checks, converts and delegates."""

from datetime import UTC, datetime
from typing import Any, TypeAlias

import grpc.aio
from assay.alerter.v1 import rule_service_pb2 as contract
from assay.alerter.v1 import rule_service_pb2_grpc

from kit import paging
from kit.access import Guard, Role
from kit.database import away_is_unavailable
from kit.errors import invalid
from services.alerter.backtesting import Backtesting
from services.alerter.messages.backtest_messages import backtest_to_message, range_from_message
from services.alerter.messages.limits import text_of
from services.alerter.messages.rule_messages import definition_of, message_from_definition, rule_from_message, stored_rule
from services.alerter.projects import Projects
from services.alerter.store.rules import RuleStore, StoredRule

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

PAGE_DEFAULT = 100
PAGE_MAX = 1_000
RULE_ID_BYTES_MAX = 64


class RuleServicer(rule_service_pb2_grpc.RuleServiceServicer):
    """Keeps rules, and runs them over the past."""

    service_name = contract.DESCRIPTOR.services_by_name["RuleService"].full_name

    def __init__(self, guard: Guard, projects: Projects, rules: RuleStore, backtesting: Backtesting) -> None:
        self._guard = guard
        self._projects = projects
        self._rules = rules
        self._backtesting = backtesting

    def add_to(self, server: grpc.aio.Server) -> None:
        """Adds the service to a server."""
        rule_service_pb2_grpc.add_RuleServiceServicer_to_server(self, server)

    async def CreateRule(self, request: contract.CreateRuleRequest, context: Context) -> contract.CreateRuleResponse:
        """Makes a rule under the id that the caller chose."""
        with away_is_unavailable():
            project, actor = await self._editor(context, request.project)
            rule = rule_from_message(request.rule)
            stored = await self._rules.create(project, rule.rule_id, definition_of(request.rule), actor, datetime.now(UTC))
        return contract.CreateRuleResponse(rule=_message(stored))

    async def GetRule(self, request: contract.GetRuleRequest, context: Context) -> contract.GetRuleResponse:
        """Returns a rule."""
        with away_is_unavailable():
            project = await self._project(context, Role.READ, request.project)
            stored = await self._rules.get(project, text_of(request.rule_id, "rule_id", RULE_ID_BYTES_MAX))
        return contract.GetRuleResponse(rule=_message(stored))

    async def ListRules(self, request: contract.ListRulesRequest, context: Context) -> contract.ListRulesResponse:
        """Lists rules by id."""
        with away_is_unavailable():
            project = await self._project(context, Role.READ, request.project)
            size = paging.page_size(request.page_size, PAGE_DEFAULT, PAGE_MAX)
            query = f"rules {project}"
            page = await self._rules.list_rules(project, _after(request.page_token, query), size + 1)
        return contract.ListRulesResponse(
            rules=map(_message, page[:size]),
            next_page_token=paging.encode_token(query, page[size - 1].rule_id) if len(page) > size else "",
        )

    async def UpdateRule(self, request: contract.UpdateRuleRequest, context: Context) -> contract.UpdateRuleResponse:
        """Replaces a rule."""
        with away_is_unavailable():
            project, actor = await self._editor(context, request.project)
            rule = rule_from_message(request.rule)
            if request.expected_version < 0:
                raise invalid("expected_version", "must not be negative")
            stored = await self._rules.update(
                project,
                rule.rule_id,
                definition_of(request.rule),
                actor,
                datetime.now(UTC),
                expected_version=request.expected_version,
                allow_missing=request.allow_missing,
            )
        return contract.UpdateRuleResponse(rule=_message(stored))

    async def DeleteRule(self, request: contract.DeleteRuleRequest, context: Context) -> contract.DeleteRuleResponse:
        """Ends a rule."""
        with away_is_unavailable():
            project, actor = await self._editor(context, request.project)
            await self._rules.delete(project, text_of(request.rule_id, "rule_id", RULE_ID_BYTES_MAX), actor, datetime.now(UTC))
        return contract.DeleteRuleResponse()

    async def BacktestRule(self, request: contract.BacktestRuleRequest, context: Context) -> contract.BacktestRuleResponse:
        """Tells what a rule would have done."""
        with away_is_unavailable():
            project = await self._project(context, Role.READ, request.project)
            range_s = range_from_message(request)
            if request.WhichOneof("subject") == "rule":
                message = request.rule
            else:
                stored = await self._rules.get(project, text_of(request.rule_id, "rule_id", RULE_ID_BYTES_MAX))
                message = message_from_definition(stored.definition)
            rule = rule_from_message(message)
        return backtest_to_message(rule, await self._backtesting.run(project, rule, range_s))

    async def _project(self, context: Context, role: Role, requested: str) -> str:
        project = await self._guard.admit(context, role, requested)
        await self._projects.require(project)
        return project

    async def _editor(self, context: Context, requested: str) -> tuple[str, str]:
        """The project, and the key that changes it."""
        project = await self._project(context, Role.OPERATE, requested)
        return project, (await self._guard.identity(context)).key_id


def _message(stored: StoredRule) -> contract.Rule:
    return stored_rule(stored.definition, stored.create_time, stored.update_time, stored.updated_by, stored.version)


def _after(token: str, query: str) -> str:
    if not token:
        return ""
    position = paging.decode_token(token, query)
    if not isinstance(position, str):
        raise invalid("page_token", "not a token of this query; start again without one", "PAGE_TOKEN_INVALID")
    return position
