"""Reads changes in unified diff format: what was added where, and how good it is."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from unidiff.errors import UnidiffParseError
from unidiff.patch import Hunk, PatchedFile, PatchSet

from services.analyzer.domain.quality.penalty import Fault
from services.analyzer.domain.quality.reading import Component, Reading, missing
from services.analyzer.reading.code import Source, source_readings
from services.analyzer.reading.documents import text_of, unreadable
from services.analyzer.reading.kinds import shortened
from services.analyzer.reading.languages import Language, language_of_path
from services.analyzer.reading.python_tree import parsed

# The files with most new lines are read; a change of more is no answer to one question.
_FILES_MAX = 100
# Git and others show so many unchanged lines after a change, unless the file ends before or somebody asks for more.
_CONTEXT_USUAL = 3
_TEST_BEGINS = re.compile(r"\s*(?:(?:async )?def test\w*\(|(?:it|test)\(|@Test\b|func Test\w*\(|#\[(?:\w+::)?test\])")
_LOST_TEST_POINTS = 1.0


@dataclass
class _Counted:
    """Lines, and how many of them were taken."""

    lines: Iterable[str]
    count: int = 0

    def __iter__(self) -> Iterator[str]:
        for line in self.lines:
            self.count += 1
            yield line


def patch_of(content: bytes) -> PatchSet:
    """The change. Raises AssayError where it is none, or changes no file."""
    lines = _Counted(text_of(content).splitlines(keepends=True))
    try:
        patch = PatchSet(lines)
    except (UnidiffParseError, ValueError) as error:
        raise unreadable(max(lines.count, 1), f"it is not a unified diff ({str(error).strip()[:80]})") from None
    if not patch:
        raise unreadable(1, "it is not a unified diff: it names no file")
    return patch


def changed_lines(content: bytes) -> Mapping[str, frozenset[int]]:
    """The new lines of each file that a change leaves behind, by its new path. Raises AssayError."""
    return {file.path: _added(file) for file in patch_of(content) if not file.is_removed_file}


def same_file(told: str, ours: str) -> bool:
    """Whether two paths may name one file: one is the end of the other, at a folder. Reports begin theirs wherever they were made."""
    told = told.replace("\\", "/").removeprefix("./")
    return told == ours or told.endswith(f"/{ours}") or ours.endswith(f"/{told}")


def diff_readings(content: bytes) -> list[Reading]:
    """The readings of what a change adds, and of the tests it takes away. Raises AssayError."""
    patch = patch_of(content)
    files = sorted((file for file in patch if not file.is_removed_file and file.added), key=lambda file: -file.added)[:_FILES_MAX]
    sources = [source for file in files for source in _sources(file)]
    lost = _lost_tests(patch)
    if not sources and not lost:
        return [missing(Component.CODE, "code", "the change adds nothing in a language that can be read")]
    return source_readings(sources, lost)


def _sources(file: PatchedFile) -> Iterator[Source]:
    """A file as far as the diff shows it: all of it, or each of its parts."""
    language, path = language_of_path(file.path), shortened(file.path)
    if language is None:
        return
    if file.is_added_file:
        yield Source("".join(map(_target, file)), language, path)
        return
    is_whole = len(file) == 1 and _is_all(file[0])
    for hunk in file:
        first = 1 if is_whole else hunk.target_start
        added = frozenset(line.target_line_no - first + 1 for line in hunk if line.is_added and line.target_line_no)
        if added:
            text = _target(hunk) if is_whole else _part(_target(hunk), language)
            yield Source(text, language, path, added, is_whole=is_whole, first_line=first)


def _is_all(hunk: Hunk) -> bool:
    """Whether a hunk shows a whole file: from its first line to the last, as it seems where it does not end with just the usual lines."""
    after = 0
    for line in reversed(hunk):
        if not line.is_context:
            break
        after += 1
    return hunk.target_start <= 1 and after != _CONTEXT_USUAL


def _target(hunk: Hunk) -> str:
    return "".join(line.value for line in hunk if line.is_added or line.is_context)


def _part(text: str, language: Language) -> str:
    """A part of a file so that it parses by itself, if it does without some of the unchanged lines around it: those are left empty."""
    lines = text.splitlines(keepends=True)
    if language.name != "python":
        return text
    for before, after in sorted(product(range(_CONTEXT_USUAL + 1), repeat=2), key=sum):
        part = ["\n"] * before + _dedented(lines[before : len(lines) - after])
        if parsed("".join(part)) is not None:
            return "".join(part)
    return text


def _dedented(lines: list[str]) -> list[str]:
    """Lines moved to the left as far as the first of them allows."""
    margin = next((len(line) - len(line.lstrip()) for line in lines if line.strip()), 0)
    return [line[min(margin, len(line) - len(line.lstrip(" \t"))) :] for line in lines]


def _added(file: PatchedFile) -> frozenset[int]:
    return frozenset(line.target_line_no for hunk in file for line in hunk if line.is_added and line.target_line_no)


def _lost_tests(patch: PatchSet) -> list[Fault]:
    """One fault for each file that has fewer tests than before; tests that moved to another file of the change are not lost."""
    gone = {file.path: _test_count(file, added=False) - _test_count(file, added=True) for file in patch}
    spare = -sum(count for count in gone.values() if count < 0)
    faults = []
    for path, count in gone.items():
        lost = max(count - spare, 0)
        spare = max(spare - max(count, 0), 0)
        if lost:
            faults.append(Fault("tests-removed", f"{lost} fewer tests than before", path, None, lost * _LOST_TEST_POINTS))
    return faults


def _test_count(file: PatchedFile, *, added: bool) -> int:
    return sum((line.is_added if added else line.is_removed) and bool(_TEST_BEGINS.match(line.value)) for hunk in file for line in hunk)
