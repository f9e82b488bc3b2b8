"""Rules: listed, brought to what a file says, and run over the past."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import grpc.aio
from assay.alerter.v1.rule_service_pb2 import (
    BacktestRuleRequest,
    BacktestRuleResponse,
    DeleteRuleRequest,
    ListRulesRequest,
    Rule,
    UpdateRuleRequest,
)
from assay.alerter.v1.rule_service_pb2_grpc import RuleServiceStub

from cli.work.connection import ASK_TIMEOUT_S, Target, ask
from cli.work.output import as_json, print_json, print_table
from cli.work.rules_file import difference, export, parse
from kit.errors import AssayError, Kind

PAGE_SIZE = 1_000  # the contract's largest, and as many as a project may have
BACKTEST_TIMEOUT_S = 90.0
EPISODES_SHOWN = 20


def show_rules(target: Target, project: str, *, as_file: bool, json: bool) -> None:
    """Prints the rules by id: as a file that `apply` takes, as JSON, or as a table."""
    rules = ask(target, lambda channel: _rules(channel, project))
    if as_file:
        print(export(rules), end="")
    elif json:
        print_json({"rules": [as_json(rule) for rule in rules]})
    else:
        rows = [(rule.rule_id, rule.WhichOneof("condition"), rule.display_name, rule.is_paused, rule.version) for rule in rules]
        print_table(("id", "about", "name", "paused", "version"), rows, empty="There are no rules.")


def apply_rules(target: Target, project: str, file: Path, *, dry_run: bool, prune: bool, json: bool) -> None:
    """Makes and changes rules until they are what the file says, and deletes the others if that is wanted; prints what changes."""
    wanted = {rule.rule_id: rule for rule in parse(_read(file))}
    changes = ask(target, lambda channel: _apply(channel, project, wanted, prune=prune, dry_run=dry_run))
    if json:
        print_json({"is_dry_run": dry_run, "changes": changes, "unchanged_count": len(wanted) - sum(not c["is_deleted"] for c in changes)})
        return
    for change in changes:
        print(f"{change['rule_id']}: {change['action']}{' (not done)' if dry_run else ''}")
        print("\n".join(f"  {line}" for line in change["difference"].splitlines()))
    if not changes:
        print("All rules are as the file says.")


async def _apply(channel: grpc.aio.Channel, project: str, wanted: dict[str, Rule], *, prune: bool, dry_run: bool) -> list[dict[str, Any]]:
    stub = RuleServiceStub(channel)
    present = {rule.rule_id: rule for rule in await _rules(channel, project)}
    changes: list[dict[str, Any]] = []
    for rule_id, rule in wanted.items():
        before = present.get(rule_id)
        changed = difference(before, rule)
        if not changed:
            continue
        changes.append(_change(rule_id, "new" if before is None else "changed", changed))
        if not dry_run:
            request = UpdateRuleRequest(
                project=project, rule=rule, allow_missing=True, expected_version=0 if before is None else before.version
            )
            await stub.UpdateRule(request, timeout=ASK_TIMEOUT_S)
    for rule_id in sorted(present.keys() - wanted.keys()) if prune else ():
        changes.append(_change(rule_id, "deleted", difference(present[rule_id], None)))
        if not dry_run:
            await stub.DeleteRule(DeleteRuleRequest(project=project, rule_id=rule_id), timeout=ASK_TIMEOUT_S)
    return changes


def _change(rule_id: str, action: str, changed: str) -> dict[str, Any]:
    return {"rule_id": rule_id, "action": action, "is_deleted": action == "deleted", "difference": changed}


async def _rules(channel: grpc.aio.Channel, project: str) -> list[Rule]:
    stub, found, token = RuleServiceStub(channel), list[Rule](), ""
    while True:
        request = ListRulesRequest(project=project, page_size=PAGE_SIZE, page_token=token)
        page = await stub.ListRules(request, timeout=ASK_TIMEOUT_S)
        found += page.rules
        token = page.next_page_token
        if not token:
            return found


def backtest(target: Target, project: str, rule_id: str, file: Path | None, days: float, *, json: bool) -> None:
    """Prints what a rule, a saved one or one of a file, would have done."""
    request = BacktestRuleRequest(project=project)
    request.range.FromSeconds(round(days * 86_400))
    if file is None:
        request.rule_id = rule_id
    else:
        request.rule.CopyFrom(_of_file(parse(_read(file)), rule_id, file))
    answer = ask(target, lambda channel: RuleServiceStub(channel).BacktestRule(request, timeout=BACKTEST_TIMEOUT_S))
    if json:
        print_json(as_json(answer))
        return
    print(_in_words(answer, days))
    rows = [
        (
            " / ".join(episode.labels.values()) or "all calls",
            episode.start_time.ToJsonString(),
            episode.end_time.ToJsonString() if episode.HasField("end_time") else "goes on",
            f"{episode.peak:.4g}",
        )
        for episode in answer.episodes[:EPISODES_SHOWN]
    ]
    if rows:
        print_table(("group", "from", "until", "peak"), rows, empty="")
    for approximation in answer.approximations:
        print(approximation)


def _in_words(answer: BacktestRuleResponse, days: float) -> str:
    if not answer.firing_count:
        return f"In the last {days:g} days this would not have fired, in any of {answer.group_count} groups."
    minutes = answer.mean_duration.seconds / 60
    return (
        f"In the last {days:g} days this would have fired {answer.firing_count} times, {minutes:.0f} minutes each on average, "
        f"in {answer.group_count} groups."
    )


def _of_file(rules: Sequence[Rule], rule_id: str, file: Path) -> Rule:
    for rule in rules:
        if rule.rule_id == rule_id:
            return rule
    raise AssayError(Kind.NOT_FOUND, "RULE_UNKNOWN", f"{file} has no rule {rule_id!r}")


def _read(file: Path) -> str:
    """The file's text, of standard input for `-`. Raises RULES_FILE_UNREADABLE."""
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise AssayError(Kind.INVALID_ARGUMENT, "RULES_FILE_UNREADABLE", f"cannot read {file}: {error}") from error
