"""What was measured of groups in windows, as a table that conditions are computed on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from services.alerter.domain.arrays import Floats

Key: TypeAlias = tuple[str, ...]
"""Values of the dimensions that a rule groups by, in its order."""

QUANTILE_SUFFIX = "_s"
"""Columns of this ending are durations of a window, which do not add up; `latency_sum_s` alone does."""
LATENCY_SUM_COLUMN = "latency_sum_s"


@dataclass(frozen=True, eq=False, slots=True)
class Table:
    """A row a group, a step a column: every array has shape (groups, steps). Sums are 0 and quantiles NaN where there are no calls."""

    keys: Sequence[Key]
    step_count: int
    columns: Mapping[str, Floats]

    def sliding(self, count: int) -> "Table":
        """The table whose step i covers the `count` steps that end with it; the first ones cover what there is.

        Sums are exact. Quantiles do not add up, and stay those of single steps.
        """
        if count == 1:
            return self
        return Table(
            self.keys,
            self.step_count,
            {name: _moving_sum(column, count) if adds_up(name) else column for name, column in self.columns.items()},
        )

    def aligned(self, keys: Sequence[Key]) -> "Table":
        """The table with these groups, in this order; one that it has not is one without calls."""
        place = {key: number for number, key in enumerate(self.keys)}
        rows = np.array([place.get(key, -1) for key in keys], np.int64)
        return Table(keys, self.step_count, {name: _taken(column, rows, name) for name, column in self.columns.items()})


def adds_up(column: str) -> bool:
    """Whether values of a column over parts of a window add up to that of the whole."""
    return not column.endswith(QUANTILE_SUFFIX) or column == LATENCY_SUM_COLUMN


def empty_value(column: str) -> float:
    """What a column has where there are no calls."""
    return 0.0 if adds_up(column) else np.nan


def all_keys(tables: Iterable[Table]) -> list[Key]:
    """The groups that any of the tables has, each once."""
    return list(dict.fromkeys(key for table in tables for key in table.keys))


def _moving_sum(column: Floats, count: int) -> Floats:
    # Sums are of whole numbers, mostly below 2^53, so that taking away again is exact; the few that are not (latencies, scores) lose less
    # than 1e-9.
    total = np.cumsum(column, axis=1)
    moved = total.copy()
    moved[:, count:] -= total[:, :-count]
    return moved


def _taken(column: Floats, rows: "np.typing.NDArray[np.int64]", name: str) -> Floats:
    taken = np.full((rows.size, column.shape[1]), empty_value(name))
    known = rows >= 0
    taken[known] = column[rows[known]]
    return taken
