"""Gathers what a change is scored by: files of code, a diff, and reports."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kit.errors import AssayError, Kind, invalid
from services.analyzer.reading.kinds import CONTENT_BYTES_MAX, ReportKind

# First with all lines of the files that change, so that they can be read whole; if that is too much, as git shows it.
_CONTEXT_LINE_COUNTS = (1_000_000, 3)
_GIT_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence, as the readers take it."""

    kind: ReportKind
    content: bytes
    name: str
    diff: bytes = b""


def gathered(
    files: Sequence[Path], *, diff: str | None, coverage: Sequence[Path], junit: Sequence[Path], sarif: Sequence[Path]
) -> list[Piece]:
    """All evidence that is named. Raises AssayError where there is none, or something cannot be read."""
    change = b"" if diff is None else _diff(diff)
    pieces = [Piece(ReportKind.CODE, _content(file), str(file)) for file in files]
    if diff is not None:
        pieces.append(Piece(ReportKind.DIFF, change, diff))
    pieces += (Piece(ReportKind.JUNIT, _content(file), str(file)) for file in junit)
    for file in coverage:
        content = _content(file)
        pieces.append(Piece(coverage_kind(content), content, str(file), change))
    pieces += (Piece(ReportKind.SARIF, _content(file), str(file), change) for file in sarif)
    if not pieces:
        raise invalid("evidence", "there is none: name files, --diff, --coverage, --junit or --sarif")
    return pieces


def coverage_kind(content: bytes) -> ReportKind:
    """The format of a coverage report, by how it begins."""
    start = content[:1_024].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    return {b"<": ReportKind.COBERTURA, b"{": ReportKind.COVERAGE_JSON}.get(start, ReportKind.LCOV)


def _content(file: Path) -> bytes:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise invalid(str(file), f"it cannot be read ({error.strerror})") from None
    if len(content) > CONTENT_BYTES_MAX:
        raise invalid(str(file), f"it has more than {CONTENT_BYTES_MAX // 1024**2} MB, which is too much to be read", "CONTENT_TOO_LARGE")
    return content


def _diff(told: str) -> bytes:
    """The diff in a file, or of a range of git."""
    if Path(told).is_file():
        return _content(Path(told))
    for context in _CONTEXT_LINE_COUNTS:
        change = _git_diff(told, context)
        if not change.strip():
            raise AssayError(Kind.FAILED_PRECONDITION, "CHANGE_EMPTY", f"{told} changes nothing")
        if len(change) <= CONTENT_BYTES_MAX:
            return change
    raise invalid(told, f"the change has more than {CONTENT_BYTES_MAX // 1024**2} MB, which is too much to be read", "CONTENT_TOO_LARGE")


def _git_diff(revisions: str, context: int) -> bytes:
    git = shutil.which("git")
    if git is None:
        raise AssayError(Kind.FAILED_PRECONDITION, "GIT_MISSING", f"{revisions} is no file, and there is no git to ask for the range")
    command = [git, "diff", "--no-color", "--no-ext-diff", "--no-textconv", f"--unified={context}", "--end-of-options", revisions, "--"]
    done = subprocess.run(command, capture_output=True, timeout=_GIT_TIMEOUT_S, check=False)  # noqa: S603 - the range comes after the options
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip().splitlines()
        raise invalid("--diff", f"{revisions!r} is neither a file nor a range of git ({told[0] if told else 'git failed'})")
    return done.stdout
