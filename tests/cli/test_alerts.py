"""`assay alerts` on a running suite, and files of rules."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.work.rules_file import difference, export, parse
from kit.errors import AssayError
from services.alerter.domain.default_rules import default_rules
from services.alerter.messages.rule_messages import rule_from_message, rule_to_message
from tests.cli.samples import call, write_lines
from tests.cli.suite import Suite

FILE = """
rules:
  - rule_id: slow
    display_name: Answers take long
    severity: critical
    group_by: [provider]
    for: 90s
    keep_firing: 1h30m
    labels: {team: ml}
    filter: {providers: [openai]}
    threshold: {metric: latency_p95, window: 5m, comparison: above, threshold: 2.5, resolve_threshold: 2}
  - rule_id: alive
    heartbeat: {}
  - rule_id: burn
    burn:
      objective_ratio: 0.99
      tiers: [{factor: 6, long_window: 3d, short_window: 6h, severity: info}]
"""


def test_a_file_says_what_the_contract_says() -> None:
    slow, alive, burn = parse(FILE)
    assert (slow.for_duration.seconds, slow.keep_firing_duration.seconds, slow.threshold.window.seconds) == (90, 5_400, 300)
    assert slow.threshold.resolve_threshold == 2.0 and alive.WhichOneof("condition") == "heartbeat"
    assert (burn.burn.tiers[0].long_window.seconds, burn.burn.tiers[0].severity) == (259_200, 1)
    assert all(rule_from_message(rule) for rule in (slow, alive, burn))


def test_what_is_exported_is_read_as_the_same() -> None:
    rules = [*map(rule_to_message, default_rules()), *parse(FILE)]
    rules[0].version = 7
    again = parse(export(rules))
    rules[0].ClearField("version")
    assert again == rules


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("rules: {", "file"),
        ("- a", "file"),
        ("rules: 1", "file"),
        ("rules: [1]", "rules[0]"),
        ("rules: [{rule_id: a}, {rule_id: a}]", "rules"),
        ("rules: [{rule_id: a, colour: red}]", "rules[0].colour"),
        ("rules: [{rule_id: a, version: 3}]", "rules[0].version"),
        ("rules: [{rule_id: a, severity: loud}]", "rules[0].severity"),
        ("rules: [{rule_id: a, group_by: provider}]", "rules[0].group_by"),
        ("rules: [{rule_id: a, for: soon}]", "rules[0].for"),
        ("rules: [{rule_id: a, threshold: {window: ''}}]", "rules[0].threshold.window"),
        ("rules: [{rule_id: a, threshold: {threshold: high}}]", "rules[0]"),
        ("rules: ['" + "x" * 5_000_000 + "']", "rules"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_place(text: str, where: str) -> None:
    with pytest.raises(AssayError) as refused:
        parse(text)
    assert refused.value.reason == "RULES_FILE_INVALID" and refused.value.message.startswith(f"{where}: ")


def test_a_difference_shows_what_changes() -> None:
    before, after = parse(FILE)[0], parse(FILE.replace("2.5", "3.5"))[0]
    assert [line.split() for line in difference(before, after).splitlines() if line[0] in "+-"] == [
        ["-", "threshold:", "2.5"],
        ["+", "threshold:", "3.5"],
    ]
    assert difference(before, before) == "" and difference(None, after).startswith("+") and difference(before, None).startswith("-")


def test_applying_a_file_twice_changes_nothing(suite: Suite, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(FILE)
    before = suite.assay("alerts", "rules", "--json").json["rules"]
    planned = suite.assay("alerts", "apply", file, "--dry-run", "--json").json
    assert [change["action"] for change in planned["changes"]] == ["new"] * 3
    assert suite.assay("alerts", "rules", "--json").json["rules"] == before
    assert suite.assay("alerts", "apply", file, "--json").json["changes"] == planned["changes"]
    assert suite.assay("alerts", "apply", file, "--json").json == {"is_dry_run": False, "changes": [], "unchanged_count": 3}
    assert suite.assay("alerts", "apply", file).stdout == "All rules are as the file says.\n"

    whole = tmp_path / "all.yaml"
    whole.write_text(suite.assay("alerts", "rules", "--yaml").stdout)
    assert suite.assay("alerts", "apply", whole, "--prune", "--json").json["changes"] == []
    file.write_text(FILE.replace("critical", "info"))
    changed = suite.assay("alerts", "apply", file).stdout
    assert "slow: changed" in changed and "+" in changed
    assert suite.assay("alerts", "apply", tmp_path / "missing.yaml").exit_code == 1


def test_alerts_are_listed_acknowledged_and_resolved(suite: Suite, tmp_path: Path) -> None:
    started = (datetime.now(UTC) - timedelta(seconds=20)).isoformat()
    before = (datetime.now(UTC) - timedelta(hours=2)).isoformat()  # in windows that are over, which a back-test looks at
    times = {"now": started, "before": before}
    calls = [call(f"alert-{name}-{number}", start_time=start, provider="alerting") for name, start in times.items() for number in range(20)]
    assert suite.assay("replay", write_lines(tmp_path / "calls.jsonl", calls), "--json").json["accepted"] == 40
    file = tmp_path / "rules.yaml"
    rule = "threshold: {metric: call_count, window: 5m, comparison: above, threshold: 10}"
    file.write_text(f"rules: [{{rule_id: busy, group_by: [provider], filter: {{providers: [alerting]}}, {rule}}}]")
    assert suite.assay("alerts", "backtest", "busy", "--file", file, "--days", "1", "--json").json["group_count"] == 1
    assert "would have fired" in suite.assay("alerts", "backtest", "busy", "--file", file, "--days", "1").stdout
    suite.assay("alerts", "apply", file)

    found: list[dict[str, str]] = []
    deadline = datetime.now(UTC) + timedelta(seconds=120)
    while not found and datetime.now(UTC) < deadline:
        listed = suite.assay("alerts", "list", "--state", "firing", "--json").json["alerts"]
        found = [alert for alert in listed if alert["rule_id"] == "busy"]
    alert_id = found[0]["alert_id"]
    assert "is acknowledged" in suite.assay("alerts", "ack", alert_id, "--comment", "on it").stdout
    assert suite.assay("alerts", "resolve", alert_id, "--json").json["state"] == "RESOLVED"
    shown = suite.assay("alerts", "show", alert_id).stdout
    assert "acknowledged: on it" in shown and "resolved by hand" in shown
    assert len(suite.assay("alerts", "show", alert_id, "--json").json["transitions"]) == 3
    assert alert_id in suite.assay("alerts", "list").stdout
    assert suite.assay("alerts", "ack", alert_id).exit_code == 1
    assert suite.assay("alerts", "show", "nothing").exit_code == 1
