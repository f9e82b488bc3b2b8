"""What series borrow from those of the same provider and task, of the same provider, or of the same task."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from services.analyzer.domain.arrays import Bools, Floats, Ints
from services.analyzer.domain.evidence.baseline import Baselines, Prior
from services.analyzer.domain.series import SeriesKey
from services.analyzer.domain.signals import Parent

# With fewer children of so many calls, nobody knows how much children of a parent differ.
_CHILDREN_MIN = 3
_CHILD_CALLS_MIN = 30
# No child says more on the spread than one of so many windows.
_CHILD_WINDOWS_MAX = 50.0
# Children are never believed to be more alike than this, as a part of the variance of one call: what is borrowed is worth 100 calls.
_VARIANCE_MIN_RATIO = 0.01


class _Children(NamedTuple):
    """What series say to their parents: whether they say anything, level, variance of its error, variance of one call, its weight."""

    is_grown: Bools
    level: Floats
    error: Floats
    spread: Floats
    windows: Floats


class Families:
    """Who belongs to whom."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, ...], int] = {}
        self._parents: list[tuple[int, int, int, int]] = []

    def add(self, key: SeriesKey) -> None:
        """The next series."""
        names = (("both", key.provider, key.task_type), ("provider", key.provider), ("task", key.task_type), ("all",))
        both, provider, task, everyone = (self._numbers.setdefault(name, len(self._numbers)) for name in names)
        self._parents.append((both, provider, task, everyone))

    def prior(self, baselines: Baselines) -> Prior:
        """For each series the closest parent with enough children: their mean, and how much a child of it differs from that.

        The spread of calls is borrowed from all series if there is no closer parent: it differs far less than levels do.
        """
        groups = np.array(self._parents, np.int64).reshape(-1, 4)
        prior = Prior.nothing(len(groups))
        children = _children(baselines, len(groups))
        mean, variance, parent = prior.mean, prior.variance, prior.parent
        _, _, spread, is_known = self._level(groups[:, 3], children)
        spread = np.where(is_known, spread, np.nan)
        for level in (Parent.TASK, Parent.PROVIDER, Parent.PROVIDER_TASK):
            its_mean, its_variance, its_spread, is_known = self._level(groups[:, level - 1], children)
            mean, variance = np.where(is_known, its_mean, mean), np.where(is_known, its_variance, variance)
            spread, parent = np.where(is_known, its_spread, spread), np.where(is_known, level, parent)
        return Prior(mean, variance, parent, spread)

    def _level(self, group: Ints, children: _Children) -> tuple[Floats, Floats, Floats, Bools]:
        """Mean, variance of a child's level around it, spread of calls, and whether enough is known: of the group of each series.

        Mean and variance are those of a random-effects model by moments: the variance of the children's levels less that of their
        errors (Hedges, Journal of Educational Statistics 1983).
        """

        def sum_of(values: Floats | Bools) -> Floats:
            return np.bincount(group, np.where(children.is_grown, values, 0), minlength=len(self._numbers)).astype(np.float64)[group]

        count = sum_of(children.is_grown)
        own_count = np.maximum(count, 1)

        def mean_of(values: Floats) -> Floats:
            return sum_of(values) / own_count

        mean = mean_of(children.level)
        spread = sum_of(children.windows * children.spread) / np.maximum(sum_of(children.windows), 1)
        between = mean_of((children.level - mean) ** 2) * own_count / np.maximum(own_count - 1, 1) - mean_of(children.error)
        # The mean itself is uncertain, and so is the variance that few children have shown.
        variance = np.maximum(between, _VARIANCE_MIN_RATIO * spread) * (1 + 2 / own_count)
        return mean, variance, spread, count >= _CHILDREN_MIN


def _children(baselines: Baselines, row_count: int) -> _Children:
    rows = np.arange(row_count)
    calls = baselines.call_count[rows]
    spread, windows = baselines.own_spread(rows)
    safe = np.maximum(calls, 1)
    is_grown = (calls >= _CHILD_CALLS_MIN) & (windows > 0)
    return _Children(is_grown, baselines.value_sum[rows] / safe, spread / safe, spread, np.minimum(windows, _CHILD_WINDOWS_MAX))
