"""Reading code: what each analyser finds, that nothing in the code makes them look away, and that layout does not count."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from lizard import FileAnalyzer, get_extensions
from lizard_ext.lizardduplicate import LizardExtension

from kit.errors import AssayError
from services.analyzer.domain.quality.reading import Component, Reading
from services.analyzer.reading.kinds import ReportKind
from services.analyzer.reading.languages import language_named, language_of_path
from services.analyzer.reading.read import read
from services.analyzer.reading.ruff import points_of
from services.analyzer.reading.structure import structure_of

GOOD = '''"""Adds."""


def total(values: list[int]) -> int:
    """The sum."""
    result = 0
    for value in values:
        result += value
    return result
'''


def readings(code: str, language: str = "python") -> dict[str, Reading]:
    return {reading.source: reading for reading in read(ReportKind.CODE, code.encode(), language, "", b"")}


def rules(found: dict[str, Reading]) -> set[str]:
    return {finding.rule for reading in found.values() for finding in reading.findings}


def test_good_code_has_nothing_against_it() -> None:
    found = readings(GOOD)
    assert [(one.source, one.component, one.score_ratio) for one in found.values()] == [
        ("code", Component.CODE, 1.0),
        ("ruff", Component.STATIC_ANALYSIS, 1.0),
        ("bandit", Component.STATIC_ANALYSIS, 1.0),
    ]


@pytest.mark.parametrize(
    ("addition", "rule"),
    [
        ("import os\n", "F401"),
        ("print(undefined_name)\n", "F821"),
        ("def f(x: list[int] = []) -> None:\n    x.append(1)\n", "B006"),
        ("eval(input())\n", "B307"),
        ("def f() -> int:\n    return 1\n    print(2)\n", "unreachable"),
        ("def f() -> None:\n    while False:\n        print(2)\n", "unreachable"),
        ("def _helper() -> None:\n    print(2)\n", "unused"),
        ("def test_it() -> None:\n    total([1])\n", "test-without-check"),
        ("def f(a, b, c, d, e, g, h, i):\n    return a\n", "parameters"),
        ("def f(x):\n" + "".join(f"    if x == {n}:\n        return {n}\n" for n in range(12)) + "    return 0\n", "complexity"),
        ("def f(x):\n" + "".join(f"{'    ' * n}for a{n} in x:\n" for n in range(1, 5)) + f"{'    ' * 5}print(x)\n", "nesting"),
        ("def f(x):\n" + "".join(f"    x = x + call_{n}(x, {n}, '{n}')\n" for n in range(40)), "length"),
        ("".join(f"def f{n}(x):\n" + "".join(f"    y{i} = x.a{i}(x, b, [{i}])\n" for i in range(12)) for n in (1, 2)), "duplicate"),
        ("def f(:\n", "invalid-syntax"),
    ],
)
def test_what_is_wrong_is_found_and_costs(addition: str, rule: str) -> None:
    found = readings(GOOD + "\n\n" + addition)
    assert rule in rules(found)
    assert min(one.score_ratio for one in found.values() if not one.missing_reason) < 1


def test_a_test_that_checks_something_is_no_finding_nor_needs_a_docstring() -> None:
    checks = ("assert total([1]) == 1", "with pytest.raises(ValueError):\n        total([1])", "client.assert_called()", "check_total(1)")
    for number, check in enumerate(checks):
        assert {"test-without-check", "D103"}.isdisjoint(rules(readings(f"{GOOD}\n\ndef test_{number}() -> None:\n    {check}\n")))


@pytest.mark.parametrize("comment", ["# noqa", "# nosec", "# type: ignore  # noqa: F821  # nosec"])
def test_no_comment_makes_an_analyser_look_away(comment: str) -> None:
    assert {"F821", "B307"} <= rules(readings(f"{GOOD}\n\nvalue = eval(undefined_name)  {comment}\n"))


@pytest.mark.parametrize("comment", ["#lizard forgives", "# lizard forgives", "#lizard forgive global", "# GENERATED CODE"])
def test_no_comment_makes_lizard_look_away(comment: str) -> None:
    tangled = "def f(x):\n" + "".join(f"    if x == {n}:\n        return {n}\n" for n in range(12)) + "    return 0\n"
    assert "complexity" in rules(readings(f"{comment}\n{tangled.replace('(x):', f'(x):{chr(10)}    {comment}', 1)}"))


def test_a_configuration_nearby_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ruff.toml").write_text('lint.ignore = ["ALL"]\n')
    (tmp_path / ".bandit").write_text("[bandit]\nskips = B307\n")
    monkeypatch.chdir(tmp_path)
    assert {"F401", "B307"} <= rules(readings("import os\n\neval(input())\n"))


def test_code_is_read_and_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    readings(f"from pathlib import Path\n\nPath({str(mark)!r}).touch()\nraise SystemExit(1)\n")
    assert not mark.exists()


def test_layout_and_names_do_not_count() -> None:
    wide = GOOD.replace("values: list[int]", "values: list[int],").replace("total(values: list[int],)", "total(\n    values: list[int],\n)")
    renamed = wide.replace("result", "running_sum")
    assert [one.score_ratio for one in readings(renamed).values()] == [one.score_ratio for one in readings(GOOD).values()]


def test_code_of_a_newer_python_is_not_called_broken() -> None:
    found = readings('value = "a"\nprint(f"{value + "b"}")\n')
    assert "invalid-syntax" not in rules(found)


SNIPPETS = {
    "javascript": ("function f(a) { return a + 1; }\n", "function f(a { return a + 1; }\n"),
    "typescript": ("export const f = (a: number): number => a + 1;\n", "export const f = (a: number: number => a + 1;\n"),
    "tsx": ("const a = <b>{1}</b>;\n", "const a = <b>{1}</c;\n"),
    "java": ("class A { int f(int a) { return a + 1; } }\n", "class A { int f(int a) { return a + ; } }\n"),
    "go": ("package a\n\nfunc f(a int) int { return a + 1 }\n", "package a\n\nfunc f(a int int { return a + 1 }\n"),
    "c": ("int f(int a) { return a + 1; }\n", "int f(int a) { return a + 1 }\n"),
    "cpp": ("class A { public: int f(int a) { return a + 1; } };\n", "class A { public: int f(int a) { return a + 1; };\n"),
    "rust": ("fn f(a: i32) -> i32 { a + 1 }\n", "fn f(a: i32 -> i32 { a + 1 }\n"),
}


@pytest.mark.parametrize("language", SNIPPETS)
def test_other_languages_are_checked_for_syntax_and_shape(language: str) -> None:
    good, broken = SNIPPETS[language]
    assert readings(good, language)["code"].score_ratio == 1
    found = readings(broken, language)
    assert "syntax" in rules(found)
    assert found["code"].score_ratio < 0.9


def test_a_tangled_function_is_found_in_any_language() -> None:
    tangled = "func f(x int) int {\n" + "".join(f"\tif x == {n} && x > 0 {{\n\t\treturn {n}\n\t}}\n" for n in range(12)) + "\treturn 0\n}\n"
    assert {"complexity", "nesting"} <= rules(readings(f"package a\n\n{tangled}", "go"))


@pytest.mark.parametrize(("language", "path"), [("", "a.py"), ("Python", ""), ("py", "x.go"), ("python", "/etc/../a.txt")])
def test_the_language_is_told_or_seen_from_the_name(language: str, path: str) -> None:
    found = read(ReportKind.CODE, b"import os\n", language, path, b"")
    assert {finding.path for one in found for finding in one.findings} == {path}


def test_a_language_that_cannot_be_read_is_refused_with_those_that_can() -> None:
    with pytest.raises(AssayError, match="python, javascript") as refused:
        read(ReportKind.CODE, b"x", "cobol", "a.cob", b"")
    assert refused.value.reason == "LANGUAGE_UNKNOWN"
    assert language_of_path("README.md") is None


def test_content_that_is_no_text_is_refused_with_its_line() -> None:
    with pytest.raises(AssayError, match="line 2: it is not UTF-8"):
        read(ReportKind.CODE, b"a = 1\nb = '\xff'\n", "python", "", b"")


@pytest.mark.parametrize(("end", "error"), [(RuntimeError("x"), "RuntimeError"), (subprocess.TimeoutExpired("ruff", 5), "TimeoutExpired")])
def test_without_ruff_its_reading_is_missing_and_the_others_stand(monkeypatch: pytest.MonkeyPatch, end: Exception, error: str) -> None:
    def ends(*_arguments: object, **_more: object) -> None:
        raise end

    monkeypatch.setattr("services.analyzer.reading.code.linted", ends)
    found = readings(GOOD)
    assert (found["ruff"].missing_reason, found["bandit"].score_ratio) == (f"ruff could not be run: {error}", 1)


def test_ruff_that_fails_is_missing_and_not_taken_for_a_clean_bill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.analyzer.reading.ruff.find_ruff_bin", lambda: sys.executable)
    assert readings(GOOD)["ruff"].missing_reason == "ruff could not be run: RuntimeError"


def test_code_nested_too_deeply_for_one_analyser_is_still_read_by_others() -> None:
    found = readings(f"x = {'(' * 300}1{')' * 300}\n")
    assert {one.source: one.missing_reason for one in found.values()} == {"code": "", "ruff": "", "bandit": "bandit cannot read this code"}


def test_copies_are_those_that_lizard_finds_itself() -> None:
    body = "".join(f"    y{i} = x.a{i}(x, b, [{i}])\n" for i in range(12))
    text = f"def f(x, b):\n{body}\n\ndef g(x, b):\n{body}\n\n" + Path(__file__).read_text()
    extensions = get_extensions(["duplicate"])
    own = next(extension for extension in extensions if isinstance(extension, LizardExtension))
    info = FileAnalyzer(extensions).analyze_source_code("a.py", text)
    list(own.cross_file_process([info]))
    expected = [sorted((place.start_line, place.end_line) for place in places) for places in own.get_duplicates(70)]
    found = structure_of(text, language_named("python")).copies
    assert found
    assert [(copy.original_line, copy.first_line, copy.last_line) for copy in found] == [
        (places[0][0], first, last) for places in expected for first, last in places[1:]
    ]


def test_errors_of_syntax_are_counted_so_far_as_they_tell_something() -> None:
    found = readings("class A { int f( { } }\n" * 60, "java")
    assert 1 < len(found["code"].findings) <= 20


def test_a_rule_costs_by_the_longest_beginning_that_is_known() -> None:
    told: Sequence[str] = ("F821", "F401", "B006", "D103", "Q000")
    assert [points_of(rule) for rule in told] == [3.0, 0.5, 1.0, 0.1, 1.0]
