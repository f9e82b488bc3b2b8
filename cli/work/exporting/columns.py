"""What an exported table consists of: named columns of simple kinds, alike for every format."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

# A value is None where nothing is known; times are datetimes in UTC.
Rows: TypeAlias = Sequence[Sequence[object]]


class Kind(Enum):
    """What the values of a column are."""

    TEXT = auto()
    INTEGER = auto()
    NUMBER = auto()
    TIME = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """A column; its name carries the unit."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class ExportTable:
    """Columns, and their rows a part at a time, so that the whole never stands in memory."""

    columns: Sequence[Column]
    parts: AsyncIterator[Rows]
