"""Reads reports of static analysers in SARIF 2.1.0."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from services.analyzer.domain.quality.penalty import ERROR_POINTS, NOTE_POINTS, WARNING_POINTS, Fault, judged
from services.analyzer.domain.quality.plain import LINES_ASSUMED
from services.analyzer.domain.quality.reading import Component, Reading
from services.analyzer.reading.diff import same_file
from services.analyzer.reading.documents import json_of, unreadable
from services.analyzer.reading.kinds import shortened

_POINTS: Mapping[str, float] = MappingProxyType({"error": ERROR_POINTS, "warning": WARNING_POINTS, "note": NOTE_POINTS, "none": 0.0})
# What was there before the change that is looked at, by the analyser's own comparison.
_NOT_NEW = frozenset({"unchanged", "absent"})


def sarif_readings(content: bytes, changed: Mapping[str, frozenset[int]] | None) -> list[Reading]:
    """One reading for each tool; with a change, of the findings on its lines alone. Raises AssayError."""
    runs = json_of(content).get("runs")
    if not isinstance(runs, list):
        raise unreadable(1, "it is not SARIF: it has no runs")
    line_count = LINES_ASSUMED if changed is None else float(sum(map(len, changed.values())))
    faults: dict[str, list[Fault]] = {}
    for run in runs:
        driver = _object(_object(_object(run).get("tool")).get("driver"))
        tool = shortened(str(driver.get("name", "unknown")))
        faults.setdefault(tool, []).extend(fault for fault in _faults(_object(run), driver) if changed is None or _is_on(fault, changed))
    return [judged(Component.STATIC_ANALYSIS, found, line_count, tool) for tool, found in faults.items()]


def _faults(run: Mapping[str, Any], driver: Mapping[str, Any]) -> Iterator[Fault]:
    rules = map(_object, _list(driver.get("rules")))
    levels = {str(rule.get("id")): _object(rule.get("defaultConfiguration")).get("level") for rule in rules}
    for result in map(_object, _list(run.get("results"))):
        if result.get("kind", "fail") != "fail" or result.get("suppressions") or result.get("baselineState") in _NOT_NEW:
            continue
        rule = str(result.get("ruleId", ""))
        level = result.get("level") or levels.get(rule) or "warning"  # the default of SARIF 2.1.0, 3.27.10
        message = str(_object(result.get("message")).get("text", rule))
        path, line = _place(result)
        yield Fault(shortened(rule), shortened(message), shortened(path), line, _POINTS.get(str(level), WARNING_POINTS))


def _place(result: Mapping[str, Any]) -> tuple[str, int | None]:
    for location in map(_object, _list(result.get("locations"))):
        physical = _object(location.get("physicalLocation"))
        line = _object(physical.get("region")).get("startLine")
        return str(_object(physical.get("artifactLocation")).get("uri", "")), line if isinstance(line, int) and line > 0 else None
    return "", None


def _is_on(fault: Fault, changed: Mapping[str, frozenset[int]]) -> bool:
    path = fault.path.removeprefix("file://").removeprefix("./")
    return any(fault.line in lines and same_file(path, ours) for ours, lines in changed.items())


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
