"""Runs ruff on Python code, with rules of our own alone: neither the user's configuration nor a `noqa` in the code changes them."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from ruff import find_ruff_bin

from services.analyzer.domain.quality.penalty import ERROR_POINTS, NOTE_POINTS, WARNING_POINTS, Fault
from services.analyzer.reading.kinds import shortened

# It takes some tens of milliseconds; this is a file that it chokes on.
_TIMEOUT_S = 5.0
SYNTAX_RULE = "invalid-syntax"
# Between a warning and a note: what is left over. Below a note: a missing docstring.
_SOON_POINTS, _HINT_POINTS = 0.5, 0.1

# Points by the beginning of a rule's name, the longest that fits. Layout, import order and what hangs on Python's version are left out:
# they say nothing of how good an answer is. Security is bandit's, complexity lizard's.
_POINTS: Mapping[str, float] = MappingProxyType(
    dict.fromkeys(("F", "E9", "PLE", "T10"), ERROR_POINTS)
    | dict.fromkeys(("F811", "E722", "B", "BLE", "ASYNC"), WARNING_POINTS)
    | dict.fromkeys(("F401", "F841", "F842", "E7", "PLW", "DTZ", "RUF", "ERA"), _SOON_POINTS)
    | dict.fromkeys(("F541", "E731", "E741", "PLR", "PLC", "TRY", "SIM", "RET", "PIE", "C4", "PERF", "A", "ARG"), NOTE_POINTS)
    | dict.fromkeys(("D1",), _HINT_POINTS)
)
# Numbers in formulas, how many branches (lizard's), methods that might be functions, characters that look alike, `noqa` that is not needed.
_IGNORED = ("PLR2004", "PLR09", "PLR6301", "PLC0415", "RUF001", "RUF002", "RUF003", "RUF100", "D105", "D107", "TRY003")
# Rules that need the whole file: a part of it lacks what stands elsewhere.
_WHOLE_FILE = ("F401", "F7", "F811", "F821", "F822", "F841", "PLE", "D1", "RUF", "B", "ARG", "E9", "RET")
_TEST = re.compile(r"\s*(async )?def test")
_COMMAND = (
    *("check", "--isolated", "--no-cache", "--ignore-noqa", "--quiet", "--exit-zero", "--output-format", "json"),
    *("--stdin-filename", "answer.py", "--target-version", "py314", "--line-length", "200"),
)


@dataclass(frozen=True, slots=True)
class Linted:
    """What ruff says; without faults where the code does not parse."""

    faults: tuple[Fault, ...]
    syntax_error: Fault | None


def linted(text: str, path: str, *, is_whole: bool) -> Linted:
    """Lints Python code, a whole file or a part of one. Raises RuntimeError, OSError or TimeoutExpired if ruff cannot be run."""
    ignored = _IGNORED if is_whole else (*_IGNORED, *_WHOLE_FILE)
    rules = ("--select", ",".join(_POINTS), "--ignore", ",".join(ignored))
    done = subprocess.run(  # noqa: S603 - the program of our own environment, arguments of our own, the code on its standard input
        [find_ruff_bin(), *_COMMAND, *rules, "-"],
        input=text.encode(),
        capture_output=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"ruff ended with {done.returncode}")
    read = _read(json.loads(done.stdout), path)
    lines = text.splitlines()
    return replace(read, faults=tuple(fault for fault in read.faults if not _is_of_a_test(fault, lines)))


def _is_of_a_test(fault: Fault, lines: Sequence[str]) -> bool:
    """Whether it is a docstring that a test lacks: its name is its sentence."""
    is_docstring = fault.rule.startswith("D1") and fault.line is not None and fault.line <= len(lines)
    return is_docstring and bool(_TEST.match(lines[(fault.line or 1) - 1]))


def _read(found: Sequence[dict[str, object]], path: str) -> Linted:
    faults = []
    for one in found:
        rule = str(one["code"] or SYNTAX_RULE)
        location = one["location"]
        line = int(location["row"]) if isinstance(location, dict) else None
        fault = Fault(rule, shortened(str(one["message"])), path, line, points_of(rule))
        if rule == SYNTAX_RULE:
            return Linted((), fault)
        faults.append(fault)
    return Linted(tuple(faults), None)


def points_of(rule: str) -> float:
    """The points of a rule, by the longest beginning that is known."""
    known = max((start for start in _POINTS if rule.startswith(start)), key=len, default="")
    return _POINTS.get(known, WARNING_POINTS)
