"""Readings of code: a file, or the files of a change, in one of the languages that can be read."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from services.analyzer.domain.quality.penalty import LINES_MIN, WARNING_POINTS, Fault, judged
from services.analyzer.domain.quality.reading import Component, Reading, missing
from services.analyzer.reading.documents import text_of
from services.analyzer.reading.kinds import shortened
from services.analyzer.reading.languages import Language
from services.analyzer.reading.python_tree import parsed, tree_faults
from services.analyzer.reading.ruff import linted
from services.analyzer.reading.security import security_faults
from services.analyzer.reading.structure import Structure, shape_faults, structure_of
from services.analyzer.reading.syntax import syntax_faults

# Code that does not parse does not run, however long it is: these points a hundred lines leave an eighth of the score.
_BROKEN_POINTS_PER_LINE = 0.15
# Grammars of C and C++ cannot know what macros stand for: what does not parse there is a hint, and many hints say no more than a few.
_MACRO_LANGUAGES = frozenset({"c", "cpp"})
_HINTS_MAX = 5


@dataclass(frozen=True, slots=True)
class Source:
    """Code to be read. `is_whole` is false for a part of a file, which begins at `first_line` of it.

    `added_lines` None: all of it is new; else only what lies in those lines of the text counts, the first being 1.
    """

    text: str
    language: Language
    path: str = ""
    added_lines: frozenset[int] | None = None
    is_whole: bool = True
    first_line: int = 1


@dataclass
class _Found:
    """What the analysers found in all sources so far, in how many lines, and why one of them failed."""

    line_count: float = 0.0
    shape: list[Fault] = field(default_factory=list)
    lint: list[Fault] = field(default_factory=list)
    security: list[Fault] = field(default_factory=list)
    lint_line_count: float = 0.0
    security_line_count: float = 0.0
    failures: dict[str, str] = field(default_factory=dict)


def file_readings(content: bytes, language: Language, path: str) -> list[Reading]:
    """The readings of one whole file. Raises AssayError where it is no text."""
    return source_readings([Source(text_of(content), language, shortened(path))])


def source_readings(sources: Sequence[Source], more: Sequence[Fault] = ()) -> list[Reading]:
    """The readings of all sources together, with `more` faults that lie in none of them: of the code itself, and of ruff and bandit."""
    found = _Found(shape=list(more))
    for source in sources:
        _read(source, found)
    readings = [judged(Component.CODE, found.shape, found.line_count, "code")]
    for tool, faults, line_count in (("ruff", found.lint, found.lint_line_count), ("bandit", found.security, found.security_line_count)):
        if line_count:
            readings.append(judged(Component.STATIC_ANALYSIS, faults, line_count, tool))
        if tool in found.failures:
            readings.append(missing(Component.STATIC_ANALYSIS, tool, found.failures[tool]))
    return readings


def _read(source: Source, found: _Found) -> None:
    structure = structure_of(source.text, source.language)
    line_count = _counted_lines(source, structure)
    found.line_count += line_count
    found.shape += _weighed_shapes(source, structure)
    if source.language.name == "python":
        _read_python(source, found, line_count)
    elif source.is_whole:
        found.shape += _broken(syntax_faults(source.text.encode(), source.language, source.path), source, line_count)


def _read_python(source: Source, found: _Found, line_count: float) -> None:
    tree = parsed(source.text)
    if not source.is_whole and tree is None:
        return
    if tree is not None and source.is_whole:
        found.shape += _on_added(source, list(tree_faults(tree, source.path)))
    try:
        lint = linted(source.text, source.path, is_whole=source.is_whole)
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        found.failures["ruff"] = f"ruff could not be run: {type(error).__name__}"
    else:
        found.lint_line_count += line_count
        if lint.syntax_error is not None:
            broken = replace(lint.syntax_error, points=_broken_points(line_count))
            found.shape.append(broken)
            found.lint.append(broken)
            return
        found.lint += _on_added(source, lint.faults)
    security = security_faults(source.text, source.path) if tree is not None else None
    if security is None:
        found.failures["bandit"] = "bandit cannot read this code"
    else:
        found.security_line_count += line_count
        found.security += _on_added(source, security)


def _broken(faults: Sequence[Fault], source: Source, line_count: float) -> list[Fault]:
    """Syntax errors with their points: in most languages one is enough to break it all, and the first of them bears it."""
    if source.language.name in _MACRO_LANGUAGES:
        return [replace(fault, points=WARNING_POINTS) for fault in faults[:_HINTS_MAX]]
    if not faults:
        return []
    return [replace(faults[0], points=max(_broken_points(line_count), faults[0].points)), *faults[1:]]


def _broken_points(line_count: float) -> float:
    return _BROKEN_POINTS_PER_LINE * max(line_count, LINES_MIN)


def _counted_lines(source: Source, structure: Structure) -> float:
    if source.added_lines is None:
        return structure.line_count
    lines = source.text.splitlines()
    return float(sum(number <= len(lines) and bool(lines[number - 1].strip()) for number in source.added_lines))


def _on_added(source: Source, faults: Sequence[Fault]) -> list[Fault]:
    """The faults that lie on new lines, with the lines that they have in the file."""
    if source.added_lines is None:
        return list(faults)
    return [_moved(source, fault) for fault in faults if fault.line in source.added_lines]


def _weighed_shapes(source: Source, structure: Structure) -> list[Fault]:
    """Faults of functions and copies, each for the part of its lines that is new: a change does not answer for what was there before."""
    found = []
    for fault, lines in shape_faults(structure, source.path):
        new_count = len(lines) if source.added_lines is None else sum(line in source.added_lines for line in lines)
        if new_count:
            found.append(_moved(source, replace(fault, points=fault.points * new_count / len(lines))))
    return found


def _moved(source: Source, fault: Fault) -> Fault:
    return replace(fault, line=fault.line and fault.line + source.first_line - 1)
