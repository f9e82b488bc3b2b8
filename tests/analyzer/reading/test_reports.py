"""Reading reports: coverage, tests and static analysis, whole or for a change, and what is refused."""

import json
from typing import Any

import pytest

from kit.errors import AssayError
from services.analyzer.domain.quality.reading import Component, Reading
from services.analyzer.reading.documents import DEPTH_MAX
from services.analyzer.reading.kinds import ReportKind
from services.analyzer.reading.read import read

DIFF = b"""--- a/src/a.py
+++ b/src/a.py
@@ -1,2 +1,4 @@
 one = 1
+two = 2
+three = 3
 four = 4
"""
COBERTURA = b"""<?xml version="1.0"?>
<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">
<coverage><packages><package><classes><class name="a" filename="src/a.py"><lines>
<line number="1" hits="1"/><line number="2" hits="3" branch="true" condition-coverage="50% (1/2)"/>
<line number="3" hits="0"/><line number="4" hits="1"/>
</lines></class></classes></package></packages></coverage>"""
LCOV = b"TN:\nSF:/build/src/a.py\nDA:1,1\nDA:2,3\nDA:3,0\nDA:4,1\nBRDA:2,0,0,1\nBRDA:2,0,1,-\nend_of_record\n"
COVERAGE_JSON = json.dumps(
    {
        "files": {
            "src\\a.py": {"executed_lines": [1, 2, 4], "missing_lines": [3], "executed_branches": [[2, 3]], "missing_branches": [[2, -1]]}
        }
    }
).encode()
REPORTS = {ReportKind.COBERTURA: COBERTURA, ReportKind.LCOV: LCOV, ReportKind.COVERAGE_JSON: COVERAGE_JSON}


def only(kind: ReportKind, content: bytes, diff: bytes = b"") -> Reading:
    (reading,) = read(kind, content, "", "", diff)
    return reading


@pytest.mark.parametrize("kind", REPORTS)
def test_lines_and_branches_count_alike_in_all_formats(kind: ReportKind) -> None:
    reading = only(kind, REPORTS[kind])
    assert (reading.component, reading.source, reading.weight) == (Component.COVERAGE, kind.value, 6)
    assert reading.score_ratio == pytest.approx(4 / 6)
    (gap,) = reading.findings
    assert (gap.line, gap.message) == (2, "lines 2 to 3 are not covered, or not in all ways")
    assert gap.cost_ratio == pytest.approx(2 / 6)


@pytest.mark.parametrize("kind", REPORTS)
def test_with_a_change_its_own_lines_count_alone(kind: ReportKind) -> None:
    reading = only(kind, REPORTS[kind], DIFF)
    assert (reading.score_ratio, reading.weight) == (0.5, 4)


def test_a_report_of_other_files_than_the_changed_ones_is_missing() -> None:
    other = LCOV.replace(b"src/a.py", b"src/aa.py")
    assert only(ReportKind.LCOV, other, DIFF).missing_reason == "it speaks of none of the changed lines"
    assert only(ReportKind.LCOV, b"SF:a.py\nend_of_record\n").missing_reason == "it speaks of no line"


def test_gaps_are_told_one_by_one() -> None:
    report = b"SF:a.py\nDA:1,0\nDA:2,1\nDA:5,0\nDA:9,0\nDA:10,1\nend_of_record\nSF:b.py\nDA:7,0\nend_of_record\n"
    told = {(finding.path, finding.message.split(" not")[0]) for finding in only(ReportKind.LCOV, report).findings}
    assert told == {("a.py", "line 1 is"), ("a.py", "lines 5 to 9 are"), ("b.py", "line 7 is")}


JUNIT = b"""<testsuites><testsuite name="pytest">
<testcase classname="tests.a" name="test_one"><system-out>told</system-out></testcase><testcase name="test_two"><skipped/></testcase>
<testsuite><testcase classname="tests.b" name="test_three" file="tests/b.py" line="7">
<failure message="1 != 2">trace</failure></testcase></testsuite>
<testcase name="test_four" line="x"><error/></testcase>
</testsuite></testsuites>"""


def test_tests_count_and_each_failure_is_told() -> None:
    reading = only(ReportKind.JUNIT, JUNIT)
    assert (reading.component, reading.weight, reading.source) == (Component.TESTS, 3, "junit pytest")
    assert reading.score_ratio == pytest.approx(2 / 13)
    assert sum(finding.cost_ratio for finding in reading.findings) == pytest.approx(1 - reading.score_ratio)
    told = [(finding.message, finding.path, finding.line) for finding in reading.findings]
    assert told == [
        ("tests.b.test_three failed: 1 != 2", "tests/b.py", 7),
        ("test_four failed", "", None),
        ("only 1 tests passed", "", None),
    ]


def test_a_run_without_a_test_is_no_evidence_either_way() -> None:
    reading = only(ReportKind.JUNIT, b'<testsuite name="empty"/>')
    assert (reading.score_ratio, reading.findings[0].message) == (0.5, "no test passed")


def sarif(*results: dict[str, Any]) -> bytes:
    rules = [{"id": "R1", "defaultConfiguration": {"level": "error"}}, {"id": "R2"}]
    return json.dumps(
        {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "eslint", "rules": rules}}, "results": list(results)}]}
    ).encode()


def result(rule: str, line: int = 3, uri: str = "src/a.py", **more: Any) -> dict[str, Any]:
    place = {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}}
    return {"ruleId": rule, "message": {"text": "it is bad"}, "locations": [place], **more}


def test_findings_have_the_level_of_the_result_the_rule_or_the_standard() -> None:
    reading = only(ReportKind.SARIF, sarif(result("R1"), result("R2"), result("R1", level="note"), {"ruleId": "R3"}))
    assert (reading.component, reading.source) == (Component.STATIC_ANALYSIS, "eslint")
    costs = [finding.cost_ratio for finding in reading.findings]
    assert costs[0] / costs[1] == pytest.approx(3)
    assert costs[1] / costs[3] == pytest.approx(5)
    assert [(finding.rule, finding.line) for finding in reading.findings] == [("R1", 3), ("R2", 3), ("R3", None), ("R1", 3)]


def test_what_passed_was_waved_through_or_was_there_before_costs_nothing() -> None:
    kept = (result("R1", kind="pass"), result("R1", suppressions=[{"kind": "external"}]), result("R1", baselineState="unchanged"))
    assert only(ReportKind.SARIF, sarif(*kept, result("R1", level="none"))).score_ratio == 1


def test_with_a_change_findings_on_its_own_lines_count_alone() -> None:
    found = sarif(result("R1", 1), result("R2", 2, "file:///build/src/a.py"), result("R2", 2, "src/b.py"))
    assert [finding.rule for finding in only(ReportKind.SARIF, found, DIFF).findings] == ["R2"]


BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;">]><testsuite name="&y;"/>"""
OUTSIDE = b"""<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuite name="a">&x;</testsuite>"""


@pytest.mark.parametrize(
    ("kind", "content", "told"),
    [
        (ReportKind.JUNIT, BOMB, "line 1: it declares entities"),
        (ReportKind.JUNIT, OUTSIDE, "line 1: it declares entities"),
        (ReportKind.JUNIT, b"<testsuite>\n<testcase\n</testsuite>", "line 3: it is not XML"),
        (ReportKind.JUNIT, b"<html/>", "line 1: it begins with <html>"),
        (ReportKind.JUNIT, b'<?xml version="1.0" encoding="x-none"?><testsuite/>', "line 1: "),
        (ReportKind.JUNIT, b"<testsuite>" * (DEPTH_MAX + 2) + b"</testsuite>" * (DEPTH_MAX + 2), "nested more than 64"),
        (ReportKind.COBERTURA, b"<coverage><class name='x'><lines><line number='a'/></lines></class></coverage>", "no number or hits"),
        (ReportKind.LCOV, b"TN:\nDA:1,1\n", "line 2: DA before any SF"),
        (ReportKind.LCOV, b"SF:a\nDA:1\n", "line 2: DA wants numbers"),
        (ReportKind.LCOV, b"SF:a\nBRDA:x,0,0,1\n", "line 2: BRDA wants numbers"),
        (ReportKind.LCOV, b"hello\n", "it names no file"),
        (ReportKind.LCOV, b"SF:a\n\xff\n", "line 2: it is not UTF-8"),
        (ReportKind.COVERAGE_JSON, b"{}", "it has no files"),
        (ReportKind.COVERAGE_JSON, b'{"files":\n{"a": []}}', "executed_lines is not a list"),
        (ReportKind.COVERAGE_JSON, b'{"files": {"a": {"executed_lines": ["x"]}}}', "something else than line numbers"),
        (ReportKind.SARIF, b"[]", "it is not a JSON object"),
        (ReportKind.SARIF, b'{"runs":\n oops}', "line 2: it is not JSON"),
        (ReportKind.SARIF, b'{"runs": ' + b"9" * 5_000 + b"}", "more digits than are read"),
        (ReportKind.SARIF, b'{"version": "2.1.0"}', "it has no runs"),
        (ReportKind.SARIF, b'{"a": ' + b"[" * 100_000, "nested more than 64"),
        (ReportKind.DIFF, b"hello\n", "it is not a unified diff"),
        (ReportKind.DIFF, b"--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n one\n*two\n", "line 5: it is not a unified diff"),
    ],
)
def test_an_unreadable_report_is_refused_with_the_line_and_why(kind: ReportKind, content: bytes, told: str) -> None:
    with pytest.raises(AssayError, match=r"line \d+: ") as refused:
        read(kind, content, "", "", b"")
    assert told in refused.value.message
    assert refused.value.reason == "REPORT_UNREADABLE"
    assert int(refused.value.details["line"]) >= 1


@pytest.mark.parametrize(
    "content", [b'{"runs": [1, {"tool": 3, "results": {}}, {"results": [null, {"locations": 7, "ruleId": {}}]}]}', b'{"runs": []}']
)
def test_a_report_of_odd_shapes_breaks_nothing(content: bytes) -> None:
    assert all(0 <= reading.score_ratio <= 1 for reading in read(ReportKind.SARIF, content, "", "", b""))
