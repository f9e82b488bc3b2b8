"""`assay erase`: what was recorded is gone, and the audit log has it."""

from pathlib import Path

import pytest

from tests.cli.samples import call, write_lines
from tests.cli.suite import Suite, assay, eventually, new_project, total

CALLS = [
    call("a", labels={"user": "alice"}, taskId="t"),
    call("b", taskId="t"),
    call("c", labels={"user": "bob"}),
]


def test_a_label_is_erased_with_its_tasks_and_noted(suite: Suite, tmp_path: Path) -> None:
    project = new_project(suite, "erase-label")
    assert suite.assay("replay", write_lines(tmp_path / "calls.jsonl", CALLS), "--project", project).exit_code == 0
    eventually(lambda: total(suite, project)["in_flight_count"] == 0)
    gone = suite.assay("erase", "--label", "user=alice", "--project", project, "--yes", "--id", "request-7", "--json").json
    assert (gone["call_count"], gone["task_count"], gone["state"]) == (2, 1, "ERASED")
    assert total(suite, project)["stored_count"] == 3  # what was received stays on the account
    events = suite.assay("audit", "--project", project, "--json").json["events"]
    assert [(event["action"], event["subject"]) for event in events] == [("records.erase", "request-7")]
    assert "alice" not in str(events)
    again = suite.assay("erase", "--label", "user=alice", "--project", project, "--yes", "--id", "request-7")
    assert again.stdout.startswith("erased: 2 calls, 1 tasks, 0 pieces of evidence\n")


def test_it_asks_before_it_erases(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    asked = suite.assay("erase", "--everything", "--project", "erase-nothing")
    assert asked.exit_code == 1
    assert "Erase everything that was recorded in project erase-nothing for good?" in asked.stderr
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert "no such project" in suite.assay("erase", "--everything", "--project", "erase-nothing").stderr


@pytest.mark.parametrize("options", [(), ("--task", "t", "--everything"), ("--label", "novalue", "--yes")])
def test_one_thing_is_erased_at_a_time(options: tuple[str, ...]) -> None:
    assert assay("erase", *options).exit_code == 2
