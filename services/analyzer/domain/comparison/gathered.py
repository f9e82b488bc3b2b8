"""What a prompt's versions did, window by window, laid out so that they can be compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from services.analyzer.domain.arrays import Bools, Floats, Ints
from services.analyzer.domain.comparison.strata import ComparedMetric, Stratum, Sums

# The tables of a comparison have versions by strata by windows cells of 20 doubles: at most 32 MB. The strata with the most calls are kept.
STRATA_MAX: Final = 100
TASK_TYPES_TOLD_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class PromptWindows:
    """Windows of one prompt, one row each.

    `version`, `stratum`: places in `versions` and `strata`. `start_s`, `end_s`: seconds since 1970. `calls`: all calls, shape (rows,).
    `sums`: by metric, each of shape (rows,).
    """

    versions: tuple[str, ...]
    strata: tuple[Stratum, ...]
    version: Ints
    stratum: Ints
    start_s: Floats
    end_s: Floats
    calls: Floats
    sums: Mapping[ComparedMetric, Sums]


@dataclass(frozen=True, slots=True)
class VersionUse:
    """How a version was used: its calls, and the windows of the first and of the last; kinds of task, the most frequent first."""

    version: str
    call_count: int
    first_s: float
    last_s: float
    task_types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PromptTable:
    """The same for some versions, as tables. `sums`: shape (windows, versions, strata); `calls` likewise; `end_s`: shape (windows,)."""

    versions: tuple[str, ...]
    strata: tuple[Stratum, ...]
    end_s: Floats
    calls: Floats
    sums: Mapping[ComparedMetric, Sums]

    def simultaneous_ratio(self, version: int, baseline: int) -> float:
        """Share of a version's calls that the baseline had company for: calls of the same stratum in the same window."""
        calls = self.calls[:, version]
        return float(calls[self.calls[:, baseline] > 0].sum() / max(calls.sum(), 1.0))


def uses_of(windows: PromptWindows) -> dict[str, VersionUse]:
    """How each version with calls was used, those used last first."""
    uses = []
    for number, version in enumerate(windows.versions):
        rows = np.flatnonzero((windows.version == number) & (windows.calls > 0))
        if len(rows):
            calls = _summed(windows.stratum[rows], windows.calls[rows], len(windows.strata))
            first_s, last_s = float(windows.start_s[rows].min()), float(windows.end_s[rows].max())
            uses.append(VersionUse(version, int(calls.sum()), first_s, last_s, _task_types(windows.strata, calls)))
    return {use.version: use for use in sorted(uses, key=lambda use: (-use.last_s, -use.first_s, use.version))}


def table_of(windows: PromptWindows, versions: Sequence[str]) -> PromptTable:
    """The tables of these versions."""
    number_of = {version: number for number, version in enumerate(versions)}
    version = np.array([number_of.get(each, -1) for each in windows.versions], np.int64)[windows.version]
    strata, stratum_of = _busiest(windows, version >= 0)
    stratum = stratum_of[windows.stratum]
    start_s, window = np.unique(windows.start_s, return_inverse=True)
    shape = (len(start_s), len(versions), len(strata))
    is_kept = (version >= 0) & (stratum >= 0)
    cell = np.ravel_multi_index((window[is_kept], version[is_kept], stratum[is_kept]), shape)
    end_s = np.zeros(len(start_s))
    np.maximum.at(end_s, window, windows.end_s)

    def laid_out(values: Floats) -> Floats:
        return _summed(cell, values[is_kept], int(np.prod(shape))).reshape(shape)

    sums = {metric: each.mapped(laid_out) for metric, each in windows.sums.items()}
    return PromptTable(tuple(versions), strata, end_s, laid_out(windows.calls), sums)


def _task_types(strata: Sequence[Stratum], calls: Floats) -> tuple[str, ...]:
    count: dict[str, float] = {}
    for stratum, number in zip(strata, calls.tolist(), strict=True):
        if number:
            count[stratum.task_type] = count.get(stratum.task_type, 0.0) + number
    return tuple(sorted(count, key=lambda name: (-count[name], name))[:TASK_TYPES_TOLD_MAX])


def _busiest(windows: PromptWindows, is_asked: Bools) -> tuple[tuple[Stratum, ...], Ints]:
    """The strata with the most calls in their order, and the place of each of all among them, -1 for those that are left out."""
    calls = _summed(windows.stratum, np.where(is_asked, windows.calls, 0.0), len(windows.strata))
    kept = sorted(np.argsort(-calls, kind="stable")[:STRATA_MAX].tolist(), key=lambda place: windows.strata[place])
    place_of = np.full(len(windows.strata), -1)
    place_of[kept] = np.arange(len(kept))
    return tuple(windows.strata[place] for place in kept), place_of


def _summed(place: Ints, value: Floats, count: int) -> Floats:
    return np.asarray(np.bincount(place, value, count), np.float64)
