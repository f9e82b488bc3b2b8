"""What lizard sees in code of any language: how long and how tangled its functions are, and what stands in it twice."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lizard import FileAnalyzer, get_extensions

from services.analyzer.domain.quality.penalty import Fault
from services.analyzer.reading.duplicates import Duplicates
from services.analyzer.reading.kinds import shortened
from services.analyzer.reading.languages import Language

# Sizes are counted in tokens, which no formatter changes; so many make a line of ordinary code.
TOKENS_PER_LINE = 9.0
# A copy is worth a word from about eight lines.
_DUPLICATE_TOKENS_MIN = 70
# More copies than these say nothing new, and finding them all takes long where everything resembles everything.
_DUPLICATES_MAX = 50
# Comments by which code asks lizard to look away: they are broken before it sees them.
_LOOK_AWAY = re.compile(r"(?<=lizard) (?=forgive)|(?<=GENERATED) (?=CODE)")


@dataclass(frozen=True, slots=True)
class FunctionShape:
    """A function, from its first to its last line."""

    name: str
    first_line: int
    last_line: int
    token_count: int
    parameter_count: int
    cyclomatic_complexity: int
    cognitive_complexity: int


@dataclass(frozen=True, slots=True)
class Copy:
    """Lines that stand elsewhere as well."""

    first_line: int
    last_line: int
    original_line: int


@dataclass(frozen=True, slots=True)
class Structure:
    """The shape of a file."""

    token_count: int
    functions: tuple[FunctionShape, ...]
    copies: tuple[Copy, ...]

    @property
    def line_count(self) -> float:
        """How many lines of ordinary code it has, however it is laid out."""
        return self.token_count / TOKENS_PER_LINE


def structure_of(text: str, language: Language) -> Structure:
    """Measures a file or a part of one."""
    duplicates = Duplicates()
    info = FileAnalyzer(get_extensions(["cognitive", duplicates])).analyze_source_code(language.file_name, _LOOK_AWAY.sub("-", text))
    list(duplicates.cross_file_process([info]))
    functions = tuple(
        FunctionShape(
            name=function.name,
            first_line=function.start_line,
            last_line=function.end_line,
            token_count=function.token_count,
            parameter_count=len(function.parameters),
            cyclomatic_complexity=function.cyclomatic_complexity,
            cognitive_complexity=getattr(function, "cognitive_complexity", 0),
        )
        for function in info.function_list
    )
    copies = _copies(duplicates.get_duplicates(_DUPLICATE_TOKENS_MIN))
    return Structure(info.token_count, functions, tuple(islice(copies, _DUPLICATES_MAX)))


def _copies(found: Iterator[Sequence[Any]]) -> Iterator[Copy]:
    for snippets in found:
        places = sorted({(snippet.start_line, snippet.end_line) for snippet in snippets})
        for first, last in places[1:]:
            yield Copy(first, last, places[0][0])


@dataclass(frozen=True, slots=True)
class _Bound:
    """Up to `free` costs nothing, `unit` beyond it one `points`; from there it grows as the square, and later evenly."""

    free: float
    unit: float
    points: float

    def over(self, value: float) -> float:
        excess = max(value - self.free, 0.0) / self.unit
        return self.points * (excess**2 if excess <= _EVEN_FROM else _EVEN_FROM * (2 * excess - _EVEN_FROM))


# Twice as tangled is more than twice as hard to follow, but at some point it is merely hopeless.
_EVEN_FROM = 2.0
# McCabe's own limit is 10, SonarSource's 15, pylint's 5 parameters and 50 statements: costs begin at about half, so that splitting pays.
_CYCLOMATIC = _Bound(free=5, unit=5, points=0.3)
_COGNITIVE = _Bound(free=5, unit=6, points=0.3)
_LENGTH = _Bound(free=250, unit=250, points=0.3)
_PARAMETERS = _Bound(free=5, unit=3, points=0.3)


def shape_faults(structure: Structure, path: str) -> Iterator[tuple[Fault, range]]:
    """What is too long, too tangled or there twice, each with the lines that it lies in."""
    for function in structure.functions:
        measures = (
            ("complexity", function.cyclomatic_complexity, _CYCLOMATIC, "paths through it"),
            ("nesting", function.cognitive_complexity, _COGNITIVE, "of cognitive complexity"),
            ("length", function.token_count, _LENGTH, "tokens"),
            ("parameters", function.parameter_count, _PARAMETERS, "parameters"),
        )
        lines = range(function.first_line, max(function.first_line, function.last_line) + 1)
        for rule, value, bound, words in measures:
            if (points := bound.over(value)) > 0:
                yield Fault(rule, shortened(f"{function.name} has {value} {words}"), path, function.first_line, points), lines
    for copy in structure.copies:
        lines = range(copy.first_line, max(copy.first_line, copy.last_line) + 1)
        told = f"the {len(lines)} lines from here stand {copy.first_line - copy.original_line} lines above as well"
        yield Fault("duplicate", told, path, copy.first_line, 1 + len(lines) / 10), lines
