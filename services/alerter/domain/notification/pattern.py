"""Regular expressions whose matching takes time linear in the text: users write them, and each is tried on every alert.

A pattern becomes Glushkov's automaton: one position a character of the pattern, and for each position those that may follow it, as bits
of an integer. Sets of positions are followed side by side, so that nothing is ever tried twice, and steps once made are remembered.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

PATTERN_LENGTH_MAX = 256  # characters
POSITION_COUNT_MAX = 512  # after counted repeats were written out; a step of the match looks at each at most once
NESTING_MAX = 20  # of groups; the parser calls itself for each
REPEAT_MAX = 100
STEPS_REMEMBERED_MAX = 4_096  # a pattern; some 400 kB

_SPECIAL = frozenset("\\^$.|?*+()[]{}")
_Range: TypeAlias = tuple[str, str]
_CLASSES: dict[str, tuple[_Range, ...]] = {
    "d": (("0", "9"),),
    "w": (("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z")),
    "s": ((" ", " "), ("\t", "\r")),
}
_CONTROL = {"n": "\n", "r": "\r", "t": "\t"}


class PatternError(ValueError):
    """A pattern that is none, or uses what is not supported; the text says what."""


@dataclass(frozen=True, slots=True)
class _Characters:
    """Characters in, or out of, a few ranges."""

    ranges: tuple[_Range, ...]
    is_negated: bool = False

    def __contains__(self, character: str) -> bool:
        return any(low <= character <= high for low, high in self.ranges) is not self.is_negated


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of the automaton: whether it matches nothing at all, and at which positions it begins and ends, as bits."""

    is_nullable: bool
    first: int
    last: int


class _Automaton:
    """Positions as they are added: the characters of each, and which may follow it, as bits."""

    def __init__(self) -> None:
        self.characters: list[_Characters] = []
        self.follow: list[int] = []

    def add(self, characters: _Characters) -> _Piece:
        if len(self.characters) >= POSITION_COUNT_MAX:
            raise PatternError(f"with its repeats written out it has more than {POSITION_COUNT_MAX} characters")
        bit = 1 << len(self.characters)
        self.characters.append(characters)
        self.follow.append(0)
        return _Piece(is_nullable=False, first=bit, last=bit)

    def join(self, left: _Piece, right: _Piece) -> _Piece:
        """The one and then the other."""
        self.link(left.last, right.first)
        return _Piece(
            is_nullable=left.is_nullable and right.is_nullable,
            first=left.first | (right.first if left.is_nullable else 0),
            last=right.last | (left.last if right.is_nullable else 0),
        )

    def link(self, last: int, first: int) -> None:
        for position in _positions(last):
            self.follow[position] |= first


_NOTHING = _Piece(is_nullable=True, first=0, last=0)
_Node: TypeAlias = Callable[[_Automaton], _Piece]  # adds its positions; a counted repeat calls its inner one several times


class Pattern:
    """A pattern that matches whole texts.

    It has literals, `.`, classes in brackets, backslash d, w, s and their opposites, groups, `|`, `*`, `+`, `?` and counted repeats; a `^`
    at the begin and a `$` at the end change nothing. Raises PatternError for anything else, and for one that is too large.
    """

    __slots__ = ("_automaton", "_piece", "_steps")

    def __init__(self, text: str) -> None:
        if len(text) > PATTERN_LENGTH_MAX:
            raise PatternError(f"longer than {PATTERN_LENGTH_MAX} characters")
        self._automaton = _Automaton()
        self._piece = _Parser(text).whole()(self._automaton)
        self._steps: dict[tuple[int, str], tuple[int, int]] = {}

    def matches(self, text: str) -> bool:
        """Whether the pattern matches all of the text."""
        reached, expected = 0, self._piece.first
        for character in text:
            if not expected:
                return False
            reached, expected = self._step(expected, character)
        return bool(reached & self._piece.last) if text else self._piece.is_nullable

    def _step(self, expected: int, character: str) -> tuple[int, int]:
        known = self._steps.get((expected, character))
        if known is None:
            if len(self._steps) >= STEPS_REMEMBERED_MAX:
                self._steps.clear()
            known = self._steps[expected, character] = self._made_step(expected, character)
        return known

    def _made_step(self, expected: int, character: str) -> tuple[int, int]:
        reached = following = 0
        for position in _positions(expected):
            if character in self._automaton.characters[position]:
                reached |= 1 << position
                following |= self._automaton.follow[position]
        return reached, following


def _positions(bits: int) -> list[int]:
    found = []
    while bits:
        lowest = bits & -bits
        found.append(lowest.bit_length() - 1)
        bits ^= lowest
    return found


class _Parser:
    """Recursive descent over the text of a pattern."""

    def __init__(self, text: str) -> None:
        self._text = text.removeprefix("^")
        if self._text.endswith("$") and not self._text.endswith("\\$"):
            self._text = self._text[:-1]
        self._at = 0

    def whole(self) -> _Node:
        node = self._alternatives(0)
        if self._at < len(self._text):
            raise PatternError("a ) without its (")
        return node

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, expected: str = "") -> str:
        character = self._peek()
        if not character or (expected and character != expected):
            raise PatternError(f"a {expected} is missing" if expected else "it ends too early")
        self._at += 1
        return character

    def _alternatives(self, depth: int) -> _Node:
        if depth > NESTING_MAX:
            raise PatternError(f"groups are nested deeper than {NESTING_MAX}")
        branches = [self._sequence(depth)]
        while self._peek() == "|":
            self._take()
            branches.append(self._sequence(depth))
        return branches[0] if len(branches) == 1 else _any_of(branches)

    def _sequence(self, depth: int) -> _Node:
        parts = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._repeated(depth))
        return _all_of(parts)

    def _repeated(self, depth: int) -> _Node:
        atom = self._atom(depth)
        match self._peek():
            case "*":
                bounds: tuple[int, int | None] = (0, None)
            case "+":
                bounds = (1, None)
            case "?":
                bounds = (0, 1)
            case "{":
                bounds = self._counts()
            case _:
                return atom
        self._take()
        if self._peek() in ("*", "+", "?", "{"):
            raise PatternError("a repeat of a repeat takes a group")
        return _repeat(atom, *bounds)

    def _counts(self) -> tuple[int, int | None]:
        """What stands in braces; the closing one is left to be taken."""
        end = self._text.find("}", self._at)
        low, comma, high = self._text[self._at + 1 : max(end, self._at)].partition(",")
        if not (low.isdecimal() and low.isascii()) or (high and not (high.isdecimal() and high.isascii())) or len(low + high) > 6:
            raise PatternError("a repeat is written {2}, {2,} or {2,5}")
        least = int(low)
        most = (int(high) if high else None) if comma else least
        if max(least, most or 0) > REPEAT_MAX or (most is not None and most < least):
            raise PatternError(f"a repeat counts from less to more, and to {REPEAT_MAX} at most")
        self._at = end
        return least, most

    def _atom(self, depth: int) -> _Node:
        character = self._take()
        match character:
            case "(":
                return self._group(depth)
            case "[":
                return _one_of(self._bracket())
            case ".":
                return _one_of(_Characters((), is_negated=True))
            case "\\":
                return _one_of(self._escaped())
            case _ if character in _SPECIAL:
                raise PatternError(f"a {character} out of place; write \\{character} for the character itself")
        return _one_of(_Characters(((character, character),)))

    def _group(self, depth: int) -> _Node:
        if self._peek() == "?":
            self._take()
            if self._peek() != ":":
                raise PatternError("of groups that begin with (? there is only (?:")
            self._take()
        node = self._alternatives(depth + 1)
        self._take(")")
        return node

    def _escaped(self) -> _Characters:
        character = self._take()
        if character.lower() in _CLASSES:
            return _Characters(_CLASSES[character.lower()], is_negated=character.isupper())
        literal = _CONTROL.get(character, character)
        if literal == character and character.isalnum():
            raise PatternError(f"there is no \\{character}")
        return _Characters(((literal, literal),))

    def _bracket(self) -> _Characters:
        is_negated = self._peek() == "^"
        if is_negated:
            self._take()
        ranges = list(self._member())
        while self._peek() != "]":
            ranges += self._member()
        self._take("]")
        return _Characters(tuple(ranges), is_negated=is_negated)

    def _member(self) -> tuple[_Range, ...]:
        low = self._single()
        is_range = self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in ("", "]")
        if not is_range:
            return low
        self._take("-")
        high = self._single()
        if len(low) != 1 or len(high) != 1 or low[0][0] != low[0][1] or high[0][0] != high[0][1] or low[0][0] > high[0][0]:
            raise PatternError("a range goes from one character to a later one")
        return ((low[0][0], high[0][0]),)

    def _single(self) -> tuple[_Range, ...]:
        character = self._take()
        if character != "\\":
            return ((character, character),)
        escaped = self._escaped()
        if escaped.is_negated:
            raise PatternError("in brackets there is no \\D, \\W or \\S")
        return escaped.ranges


def _one_of(characters: _Characters) -> _Node:
    return lambda automaton: automaton.add(characters)


def _all_of(parts: list[_Node]) -> _Node:
    def build(automaton: _Automaton) -> _Piece:
        piece = _NOTHING
        for part in parts:
            piece = automaton.join(piece, part(automaton))
        return piece

    return build


def _any_of(branches: list[_Node]) -> _Node:
    def build(automaton: _Automaton) -> _Piece:
        pieces = [branch(automaton) for branch in branches]
        first = last = 0
        for piece in pieces:
            first, last = first | piece.first, last | piece.last
        return _Piece(is_nullable=any(piece.is_nullable for piece in pieces), first=first, last=last)

    return build


def _repeat(inner: _Node, least: int, most: int | None) -> _Node:
    """The inner one so many times; `most` None: any number of times."""

    def build(automaton: _Automaton) -> _Piece:
        whole = _NOTHING
        for _ in range(least):
            whole = automaton.join(whole, inner(automaton))
        if most is None:
            piece = inner(automaton)
            automaton.link(piece.last, piece.first)
            return automaton.join(whole, _Piece(is_nullable=True, first=piece.first, last=piece.last))
        for _ in range(most - least):
            piece = inner(automaton)
            whole = automaton.join(whole, _Piece(is_nullable=True, first=piece.first, last=piece.last))
        return whole

    return build
