"""Matchers: what labels have to be like, as Alertmanager writes it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from kit.errors import invalid
from services.alerter.domain.notification.pattern import Pattern, PatternError

LABEL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
VALUE_LENGTH_MAX = 1_024  # characters, as of a label
MATCHERS_MAX = 32  # of one route, rule or silence

_WRITTEN = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)


class MatchOperator(Enum):
    """How a label's value is compared."""

    EQUAL = "="
    NOT_EQUAL = "!="
    MATCHES = "=~"
    MATCHES_NOT = "!~"


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on one label; a label that is missing has the empty value. Patterns match the whole value.

    Raises FIELD_INVALID (field `matchers`) for a name, a value or a pattern that cannot be.
    """

    name: str
    operator: MatchOperator
    value: str
    _pattern: Pattern | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not LABEL_NAME.fullmatch(self.name):
            raise invalid("matchers", "a label's name has 1 to 128 of [A-Za-z0-9_] and does not begin with a digit")
        if len(self.value) > VALUE_LENGTH_MAX:
            raise invalid("matchers", f"a value has at most {VALUE_LENGTH_MAX} characters")
        object.__setattr__(self, "_pattern", self._made_pattern())

    def _made_pattern(self) -> Pattern | None:
        if self.operator in {MatchOperator.EQUAL, MatchOperator.NOT_EQUAL}:
            return None
        try:
            return Pattern(self.value)
        except PatternError as error:
            raise invalid("matchers", f"the pattern of {self.name}: {error}") from error

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels fulfil the condition."""
        value = labels.get(self.name, "")
        is_alike = self._pattern.matches(value) if self._pattern is not None else value == self.value
        return is_alike is (self.operator in {MatchOperator.EQUAL, MatchOperator.MATCHES})

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{self.operator.value}"{escaped}"'


def all_match(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Whether the labels fulfil every condition; without any they do."""
    return all(matcher.matches(labels) for matcher in matchers)


def parse_matcher(written: str) -> Matcher:
    """A matcher as str() writes it; the quotes may be left out. Raises FIELD_INVALID."""
    found = _WRITTEN.fullmatch(written)
    if found is None:
        raise invalid("matchers", 'a matcher is written like severity="CRITICAL", with =, !=, =~ or !~')
    name, operator, value = found.groups()
    if value.startswith('"'):
        quoted = _QUOTED.fullmatch(value)
        if quoted is None:
            raise invalid("matchers", "a quote is not closed")
        value = re.sub(r"\\(.)", lambda escaped: "\n" if escaped[1] == "n" else escaped[1], quoted[1], flags=re.DOTALL)
    return Matcher(name, MatchOperator(operator), value)
