"""Reads test reports in JUnit's XML."""

from xml.etree.ElementTree import Element

from junitparser import TestCase

from services.analyzer.domain.quality.penalty import FINDINGS_MAX
from services.analyzer.domain.quality.plain import PASSES_PER_FAILURE, run_score
from services.analyzer.domain.quality.reading import Component, Finding, Reading
from services.analyzer.reading.documents import xml_of
from services.analyzer.reading.kinds import shortened

_ROOTS = frozenset({"testsuites", "testsuite"})


def junit_readings(content: bytes) -> list[Reading]:
    """One reading of all tests of a report; skipped ones count neither way. Raises AssayError."""
    root = xml_of(content, _ROOTS)
    passed, failed = 0, []
    for element in root.iter("testcase"):
        if not len(element):  # nearly all of them, and there may be half a million
            passed += 1
            continue
        case = _case(element)
        if case.is_failure or case.is_error:
            failed.append(element)
        elif not case.is_skipped:
            passed += 1
    suite = root if root.tag == "testsuite" else next(root.iter("testsuite"), root)
    source = shortened(f"junit {suite.get('name', '')}".strip())
    findings = _findings(passed, failed)
    return [Reading(Component.TESTS, run_score(passed, len(failed)), max(passed + len(failed), 1), findings, source)]


def _findings(passed_count: int, failed: list[Element]) -> tuple[Finding, ...]:
    """Each failure with its part of what is lost, and what is lost because there are not more tests."""
    lost = 1 - run_score(passed_count, len(failed))
    part = lost / (1 + PASSES_PER_FAILURE * len(failed))
    found = [_failure(element, part * PASSES_PER_FAILURE) for element in failed[:FINDINGS_MAX]]
    told = f"only {passed_count} tests passed" if passed_count else "no test passed"
    return (*found, Finding(Component.TESTS, "few-tests", told, "", None, part))


def _failure(element: Element, cost_ratio: float) -> Finding:
    name = ".".join(part for part in (element.get("classname", ""), element.get("name", "")) if part)
    message = next((result.message for result in _case(element).result if result.message), "")
    line = element.get("line", "")
    told = shortened(f"{name} failed: {message}" if message else f"{name} failed")
    return Finding(Component.TESTS, "failed", told, shortened(element.get("file", "")), int(line) if _is_line(line) else None, cost_ratio)


def _case(element: Element) -> TestCase:
    case: TestCase = TestCase.fromelem(element)  # type: ignore[no-untyped-call]  # junitparser is typed in part
    return case


def _is_line(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 9
