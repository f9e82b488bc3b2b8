"""Reading changes: what is new counts, what was there before does not, and tests that go are missed."""

import difflib

import pytest

from services.analyzer.domain.quality.reading import Component, Reading
from services.analyzer.reading.diff import changed_lines, same_file
from services.analyzer.reading.kinds import ReportKind
from services.analyzer.reading.read import read

BEFORE = '"""Sums."""\n\nimport os\n\n\ndef total(values: list[int]) -> int:\n    """The sum."""\n    return sum(values)\n' + "\n" * 3
MANY = BEFORE + "".join(f'def f{n}() -> int:\n    """It is {n}."""\n    return {n}\n\n\n' for n in range(20))


def diff(before: str, after: str, path: str = "src/a.py", context: int = 3) -> bytes:
    lines = difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{path}", f"b/{path}", n=context)
    return "".join(lines).encode()


def readings(change: bytes) -> dict[str, Reading]:
    return {reading.source: reading for reading in read(ReportKind.DIFF, change, "", "", b"")}


def found(change: bytes) -> set[tuple[str, str, int | None]]:
    return {(finding.rule, finding.path, finding.line) for one in readings(change).values() for finding in one.findings}


def test_only_what_is_new_is_found_with_its_own_lines() -> None:
    after = MANY.replace("    return 7\n", "    return 7 if eval('x') is 8 else None\n")
    line = after.splitlines().index("    return 7 if eval('x') is 8 else None") + 1
    for context in (3, 10_000):
        rules = found(diff(MANY, after, context=context))
        assert {("F632", "src/a.py", line), ("B307", "src/a.py", line)} <= rules
        assert all(place == line for _, _, place in rules)  # the unused import above was there before


def test_a_new_file_is_read_whole() -> None:
    change = b"--- /dev/null\n" + diff("", BEFORE).split(b"\n", 1)[1]
    assert ("F401", "src/a.py", 3) in found(change)


def test_a_part_that_does_not_parse_alone_is_measured_by_its_shape() -> None:
    before = "values = {\n" + "".join(f'    "{n}": {n},\n' for n in range(30)) + "}\n"
    change = diff(before, before.replace(" 14,", " 14 + 1,"))
    assert list(readings(change)) == ["code"]


def test_a_tangled_function_costs_for_the_part_that_is_new() -> None:
    tangled = "def f(x):\n" + "".join(f"    if x == {n}:\n        return {n}\n" for n in range(14)) + "    return 0\n"
    all_new = b"--- /dev/null\n" + diff("", tangled).split(b"\n", 1)[1]
    one_line = diff(tangled, tangled.replace("return 0", "return -1"), context=10_000)
    points = [-len(one.findings) and one.findings[0].cost_ratio for one in (readings(all_new)["code"], readings(one_line)["code"])]
    assert points[0] > 3 * points[1] > 0


def test_tests_that_go_are_missed_unless_they_move() -> None:
    tests = "".join(f"def test_{n}() -> None:\n    assert f({n}) == {n}\n\n\n" for n in range(6))
    gone = diff(tests, tests.split("def test_4")[0], "tests/test_a.py")
    assert ("tests-removed", "tests/test_a.py", None) in found(gone)
    moved = gone + diff(
        "", "def test_4() -> None:\n    assert f(4) == 4\n\n\ndef test_5() -> None:\n    assert f(5) == 5\n", "tests/test_b.py"
    )
    assert not any(rule == "tests-removed" for rule, _, _ in found(moved))


def test_other_languages_are_read_and_other_files_left_alone() -> None:
    go = b"--- /dev/null\n" + diff("", "package a\n\nfunc f( int { return 1 }\n", "a.go").split(b"\n", 1)[1]
    assert any(rule == "syntax" for rule, _, _ in found(go))
    (reading,) = read(ReportKind.DIFF, diff("one\n", "two\n", "README.md"), "", "", b"")
    assert (reading.component, reading.missing_reason) == (Component.CODE, "the change adds nothing in a language that can be read")


def test_a_part_of_a_file_in_another_language_is_measured_by_its_shape() -> None:
    before = "package a\n" + "".join(f"\nfunc f{n}(a int) int {{\n\treturn a + {n}\n}}\n" for n in range(9))
    assert readings(diff(before, before.replace("a + 5", "a + 55")))["code"].score_ratio == 1


def test_a_removed_file_leaves_no_lines() -> None:
    removed = b"--- a/a.py\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-one = 1\n"
    assert changed_lines(removed + diff("one = 1\n", "one = 1\ntwo = 2\n", "b.py")) == {"b.py": frozenset({2})}
    assert readings(removed)["code"].missing_reason


@pytest.mark.parametrize(
    ("told", "ours", "expected"),
    [
        ("src/a.py", "src/a.py", True),
        ("/build/src/a.py", "src/a.py", True),
        ("./a.py", "src/a.py", True),
        ("src\\a.py", "src/a.py", True),
        ("ba.py", "src/a.py", False),
        ("lib/a.py", "src/a.py", False),
    ],
)
def test_paths_name_one_file_if_one_ends_with_the_other(told: str, ours: str, expected: bool) -> None:
    assert same_file(told, ours) is expected
