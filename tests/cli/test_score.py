"""`assay score`: a change scored on the spot, by its diff and its reports."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.suite import assay

GOOD = 'def total(values: list[int]) -> int:\n    """The sum."""\n    return sum(values)\n'
JUNIT = '<testsuite name="pytest"><testcase name="a"/><testcase name="b"><failure message="no"/></testcase></testsuite>'
LCOV = "SF:a.py\nDA:1,1\nDA:4,0\nDA:5,1\nDA:6,0\nend_of_record\n"


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, env=environment)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose last commit adds a function with a bug; the reports about it lie beside it."""
    file = tmp_path / "a.py"
    git(tmp_path, "init", "--quiet")
    file.write_text(GOOD)
    git(tmp_path, "add", "a.py")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    file.write_text(f"{GOOD}\n\ndef worst(values=[]):\n    return eval(values[0])\n")
    git(tmp_path, "commit", "--quiet", "--all", "--message", "two")
    (tmp_path / "junit.xml").write_text(JUNIT)
    (tmp_path / "lcov.info").write_text(LCOV)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_change_is_scored_with_what_cost_most_first(repository: Path) -> None:
    answer = assay("score", "--diff", "HEAD~1..HEAD", "--junit", "junit.xml", "--coverage", "lcov.info", "--json")
    printed = answer.json
    assert [part["component"] for part in printed["components"]] == ["code", "tests", "coverage", "static_analysis"]
    assert 0 <= printed["low_ratio"] <= printed["value_ratio"] <= printed["high_ratio"] <= 1
    costs = [found["cost_ratio"] for found in printed["findings"]]
    assert costs == sorted(costs, reverse=True)
    assert {"B307", "B006", "failed", "uncovered"} <= {found["rule"] for found in printed["findings"]}
    assert printed["components"][2]["score_ratio"] == pytest.approx(1 / 3)  # of the changed lines that the report knows

    told = assay("score", "--diff", "HEAD~1..HEAD", "--junit", "junit.xml").stdout
    assert told.startswith(f"Score {assay('score', '--diff', 'HEAD~1..HEAD', '--junit', 'junit.xml', '--json').json['value_ratio']:.3f} (")
    assert "static analysis" in told
    assert "a.py:7" in told


def test_whole_files_and_a_diff_in_a_file_are_scored_and_a_low_score_can_fail(repository: Path) -> None:
    (repository / "good.py").write_text(GOOD)
    good = assay("score", "good.py", "--fail-under", "0.9")
    assert good.exit_code == 0
    assert "good.py:1" in good.stdout  # the file has no docstring
    assert assay("score", "a.py", "--fail-under", "0.9").exit_code == 1
    change = subprocess.run(["git", "diff", "HEAD~1..HEAD"], cwd=repository, capture_output=True, check=True).stdout
    (repository / "change.diff").write_bytes(change)
    assert assay("score", "--diff", "change.diff").exit_code == 0


def test_a_long_list_is_cut_and_what_is_missing_is_told(repository: Path) -> None:
    (repository / "bad.py").write_text("".join(f"import module_{number}\n" for number in range(30)))
    (repository / "other.info").write_text(LCOV.replace("a.py", "other.py"))
    told = assay("score", "bad.py", "--diff", "HEAD~1..HEAD", "--coverage", "other.info").stdout
    assert " more\n" in told
    assert "missing: coverage, lcov: it speaks of none of the changed lines" in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "there is none: name files"),
        (("--diff", "nowhere...HEAD"), "'nowhere...HEAD' is neither a file nor a range of git"),
        (("--diff", "HEAD..HEAD"), "HEAD..HEAD changes nothing"),
        (("--diff", "--output=x"), "neither a file nor a range of git"),
        (("--junit", "absent.xml"), "absent.xml: it cannot be read"),
        (("--junit", "lcov.info"), "lcov.info: line 1: it is not XML"),
        (("--sarif", "large.sarif"), "large.sarif: it has more than 5 MB"),
        (("--coverage", "empty.info"), "nothing can be scored: it speaks of no line"),
    ],
)
def test_what_cannot_be_scored_is_told_in_a_line(repository: Path, arguments: tuple[str, ...], told: str) -> None:
    (repository / "large.sarif").write_bytes(b" " * (5 * 1024 * 1024 + 1))
    (repository / "empty.info").write_text("SF:a.py\nend_of_record\n")
    answer = assay("score", *arguments)
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert told in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_reports_in_json_are_told_apart(repository: Path) -> None:
    (repository / "coverage.json").write_text(json.dumps({"files": {"a.py": {"executed_lines": [1, 2], "missing_lines": [3]}}}))
    (repository / "coverage.xml").write_text(
        '<coverage><class filename="a.py"><lines><line number="1" hits="1"/></lines></class></coverage>'
    )
    answer = assay("score", "--coverage", "coverage.json", "--coverage", "coverage.xml", "--json")
    assert answer.json["components"][0]["score_ratio"] == 0.75
