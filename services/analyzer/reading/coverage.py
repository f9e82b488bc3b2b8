"""Reads coverage reports: Cobertura, LCOV and the JSON of coverage.py; of the lines that a change adds, if there is one."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from services.analyzer.domain.quality.penalty import FINDINGS_MAX
from services.analyzer.domain.quality.plain import coverage_reading
from services.analyzer.domain.quality.reading import Component, Finding, Reading, missing
from services.analyzer.reading.diff import same_file
from services.analyzer.reading.documents import json_of, text_of, unreadable, xml_of
from services.analyzer.reading.kinds import shortened

# Of each file, each line with what is covered there and what could be: one for itself and one for each branch that begins on it.
Covered = dict[str, dict[int, tuple[int, int]]]
_BRANCHES = re.compile(r"\((\d{1,6})/(\d{1,6})\)")
_LINE_NUMBER_MAX = 10_000_000


def cobertura(content: bytes) -> Covered:
    """What a Cobertura document says. Raises AssayError."""
    files: Covered = defaultdict(dict)
    for unit in xml_of(content, frozenset({"coverage"})).iter("class"):
        lines = files[unit.get("filename", "")]
        for line in unit.iterfind("./lines/line"):
            try:
                number, hits = int(line.get("number", "")), int(line.get("hits", ""))
            except ValueError:
                raise unreadable(1, f"class {shortened(unit.get('name', ''))}: a line has no number or hits") from None
            branches = _BRANCHES.search(line.get("condition-coverage", ""))
            taken, total = (int(branches[1]), int(branches[2])) if branches else (0, 0)
            _merge(lines, number, hits > 0, min(taken, total), total)
    return files


def lcov(content: bytes) -> Covered:
    """What an LCOV tracefile says. Raises AssayError."""
    files: Covered = {}
    lines: dict[int, tuple[int, int]] | None = None
    branches: dict[int, list[int]] = {}
    for position, row in enumerate(text_of(content).splitlines(), 1):
        key, _, value = row.strip().partition(":")
        if key == "SF":
            lines, branches = files.setdefault(value, {}), {}
        elif key in ("DA", "BRDA"):
            if lines is None:
                raise unreadable(position, f"{key} before any SF")
            _read_lcov(key, value.split(","), lines, branches, position)
        elif key == "end_of_record" and lines is not None:
            for number, (taken, total) in branches.items():
                known = lines.get(number, (0, 0))
                lines[number] = (known[0] + taken, known[1] + total)
            lines = None
    if not files:
        raise unreadable(1, "it is not an LCOV tracefile: it names no file (SF:)")
    return files


def _read_lcov(key: str, fields: list[str], lines: dict[int, tuple[int, int]], branches: dict[int, list[int]], position: int) -> None:
    try:
        if key == "DA":
            _merge(lines, int(fields[0]), int(fields[1]) > 0, 0, 0)
        else:
            counts = branches.setdefault(int(fields[0]), [0, 0])
            counts[0] += fields[3] not in ("-", "0")
            counts[1] += 1
    except (ValueError, IndexError):
        raise unreadable(position, f"{key} wants numbers") from None


def coverage_json(content: bytes) -> Covered:
    """What the JSON report of coverage.py says. Raises AssayError."""
    named = json_of(content).get("files")
    if not isinstance(named, dict):
        raise unreadable(1, "it is not a report of coverage.py: it has no files")
    files: Covered = {}
    for path, file in named.items():
        lines: dict[int, tuple[int, int]] = files.setdefault(path, {})
        for key, is_covered in (("executed_lines", True), ("missing_lines", False)):
            for number in _numbers(file, key, path):
                _merge(lines, number, is_covered, 0, 0)
        for key, taken in (("executed_branches", 1), ("missing_branches", 0)):
            for number in _numbers(file, key, path):
                known = lines.get(number, (0, 0))
                lines[number] = (known[0] + taken, known[1] + 1)
    return files


def _numbers(file: Any, key: str, path: str) -> Iterator[int]:
    """Line numbers; of a branch (from, to) the line that it begins on."""
    found = file.get(key, []) if isinstance(file, dict) else None
    if not isinstance(found, list):
        raise unreadable(1, f"{shortened(path)}: {key} is not a list")
    for one in found:
        number = one[0] if isinstance(one, list) and one else one
        if not isinstance(number, int):
            raise unreadable(1, f"{shortened(path)}: {key} has something else than line numbers")
        yield abs(number)


def _merge(lines: dict[int, tuple[int, int]], number: int, is_covered: bool, taken: int, branches: int) -> None:  # noqa: FBT001 - a column
    known = lines.get(number, (0, 0))
    if 0 <= number <= _LINE_NUMBER_MAX:
        lines[number] = (max(known[0], is_covered + taken), max(known[1], 1 + branches))


def coverage_readings(files: Covered, source: str, changed: Mapping[str, frozenset[int]] | None) -> list[Reading]:
    """One reading of all that is covered, or of the changed lines alone."""
    counted = files if changed is None else _restricted(files, changed)
    covered = sum(part for lines in counted.values() for part, _ in lines.values())
    total = sum(whole for lines in counted.values() for _, whole in lines.values())
    if not total:
        told = "it speaks of no line" if changed is None else "it speaks of none of the changed lines"
        return [missing(Component.COVERAGE, source, told)]
    gaps = sorted(_gaps(counted, total), key=lambda finding: -finding.cost_ratio)
    return [coverage_reading(covered, total, source, tuple(gaps[:FINDINGS_MAX]))]


def _restricted(files: Covered, changed: Mapping[str, frozenset[int]]) -> Covered:
    by_name: dict[str, list[str]] = defaultdict(list)
    for path in changed:
        by_name[PurePosixPath(path).name].append(path)
    result: Covered = {}
    # The longest path that fits is the surest: it comes last and stays.
    for path, lines in sorted(files.items(), key=lambda file: len(file[0])):
        for ours in by_name[PurePosixPath(path.replace("\\", "/")).name]:
            if same_file(path, ours):
                result[ours] = {number: parts for number, parts in lines.items() if number in changed[ours]}
    return result


def _gaps(files: Covered, total: int) -> Iterator[Finding]:
    """Runs of lines that are not covered whole, each with what it lacks of all."""
    for path, lines in files.items():
        first = last = lacking = 0
        for number in sorted(lines):
            covered, whole = lines[number]
            if whole > covered:
                first, last = first or number, number
                lacking += whole - covered
            elif lacking:
                yield _gap(path, first, last, lacking / total)
                first = lacking = 0
        if lacking:
            yield _gap(path, first, last, lacking / total)


def _gap(path: str, first: int, last: int, cost_ratio: float) -> Finding:
    told = f"line {first} is" if first == last else f"lines {first} to {last} are"
    return Finding(Component.COVERAGE, "uncovered", f"{told} not covered, or not in all ways", shortened(path), first, cost_ratio)
