"""Reads one piece of evidence, by its kind. Runs in a process of the pool; tests call it directly."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from services.analyzer.domain.quality.reading import Reading
from services.analyzer.reading.code import file_readings
from services.analyzer.reading.coverage import Covered, cobertura, coverage_json, coverage_readings, lcov
from services.analyzer.reading.diff import changed_lines, diff_readings
from services.analyzer.reading.junit import junit_readings
from services.analyzer.reading.kinds import ReportKind
from services.analyzer.reading.languages import Language, language_named, language_of_path
from services.analyzer.reading.sarif import sarif_readings

_COVERAGE: Mapping[ReportKind, Callable[[bytes], Covered]] = MappingProxyType(
    {ReportKind.COBERTURA: cobertura, ReportKind.LCOV: lcov, ReportKind.COVERAGE_JSON: coverage_json}
)


def read(kind: ReportKind, content: bytes, language: str, path: str, diff: bytes) -> list[Reading]:
    """The readings of a piece of evidence. `path` and `diff` are as in ReaderPool.read.

    Raises AssayError REPORT_UNREADABLE with the line, and LANGUAGE_UNKNOWN for code in a language that cannot be read.
    """
    if kind is ReportKind.CODE:
        return file_readings(content, _language(language, path), path)
    if kind is ReportKind.DIFF:
        return diff_readings(content)
    if kind is ReportKind.JUNIT:
        return junit_readings(content)
    changed = changed_lines(diff) if diff else None
    if kind is ReportKind.SARIF:
        return sarif_readings(content, changed)
    return coverage_readings(_COVERAGE[kind](content), kind.value, changed)


def _language(name: str, path: str) -> Language:
    told = None if name else language_of_path(path)
    return told or language_named(name)
