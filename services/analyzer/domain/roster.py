"""The series of a project and the groups that they are in, as numbers, so that sums over groups are sums over columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from services.analyzer.domain.arrays import Bools, Floats, Ints
from services.analyzer.domain.series import Scope, SeriesKey


def _prompt(key: SeriesKey) -> Scope | None:
    return Scope(prompt_name=key.prompt_name, prompt_version=key.prompt_version) if key.prompt_name else None


# From coarse to fine. The last two have no order between them.
_LEVELS: tuple[Callable[[SeriesKey], Scope | None], ...] = (
    lambda _: Scope(),
    lambda key: Scope(provider=key.provider),
    lambda key: Scope(task_type=key.task_type),
    lambda key: Scope(provider=key.provider, model=key.model),
    _prompt,
)
LEVEL_COUNT = len(_LEVELS)
PROJECT, PROVIDER, TASK_TYPE, MODEL, PROMPT = range(LEVEL_COUNT)
NO_GROUP = -1


def scope_at(level: int, key: SeriesKey) -> Scope | None:
    """The group of a level that the series is in; None if there is none (a series without a prompt)."""
    return _LEVELS[level](key)


class Roster:
    """Numbers of series and groups, in the order in which they were added."""

    def __init__(self) -> None:
        self.keys: list[SeriesKey] = []
        self.groups: list[Scope] = []
        self.group_level: Ints = np.zeros(0, np.int64)
        # Number of the group of each level, shape (series, levels); NO_GROUP where there is none.
        self.memberships: Ints = np.zeros((0, LEVEL_COUNT), np.int64)
        self._numbers: dict[SeriesKey, int] = {}
        self._group_numbers: dict[Scope, int] = {}

    def number(self, key: SeriesKey) -> int:
        """The number of a series that was added."""
        return self._numbers[key]

    def knows(self, key: SeriesKey) -> bool:
        """Whether the series was added."""
        return key in self._numbers

    def group_number(self, scope: Scope) -> int | None:
        """The number of a group, None where there is no such group."""
        return self._group_numbers.get(scope)

    def add(self, numbers: Sequence[int], keys: Sequence[SeriesKey]) -> None:
        """Takes in the series that are new, under the numbers that they have elsewhere: 0, 1, 2, … in order."""
        rows, levels = [], list(self.group_level.tolist())
        for number, key in zip(numbers, keys, strict=True):
            if key in self._numbers:
                continue
            self._numbers[key] = number
            self.keys.append(key)
            rows.append([self._group(level, key, levels) for level in range(LEVEL_COUNT)])
        if rows:
            self.memberships = np.concatenate([self.memberships, np.array(rows, np.int64)])
            self.group_level = np.array(levels, np.int64)

    def _group(self, level: int, key: SeriesKey, levels: list[int]) -> int:
        scope = scope_at(level, key)
        if scope is None:
            return NO_GROUP
        if scope not in self._group_numbers:
            self._group_numbers[scope] = len(self.groups)
            self.groups.append(scope)
            levels.append(level)
        return self._group_numbers[scope]

    def summed(self, series: Ints, values: Floats) -> Floats:
        """Sums over the groups of values that belong to series, shape (groups,)."""
        total = np.zeros(len(self.groups))
        for level in range(LEVEL_COUNT):
            group = self.memberships[series, level]
            inside = group != NO_GROUP
            total += np.bincount(group[inside], values[inside], len(self.groups))
        return total

    def members(self, group: int) -> Ints:
        """The numbers of the series in a group, ascending."""
        return np.flatnonzero(self.memberships[:, self.group_level[group]] == group)

    def touched(self, series: Ints) -> Bools:
        """Which groups have one of these series."""
        is_touched = np.zeros(len(self.groups), np.bool_)
        groups = self.memberships[series]
        is_touched[groups[groups != NO_GROUP]] = True
        return is_touched


def grown(array: Floats, count: int) -> Floats:
    """The array with zeros appended, so that it has `count` rows."""
    return np.concatenate([array, np.zeros((count - len(array), *array.shape[1:]), array.dtype)]) if count > len(array) else array
