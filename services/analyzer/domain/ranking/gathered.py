"""Evidence from windows of calls: sums that count the less the older they are, and in an incident those since its onset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

import numpy as np

from services.analyzer.domain.anomaly import Anomaly
from services.analyzer.domain.arrays import Bools, Floats, Ints
from services.analyzer.domain.metric import AnomalyKind, Direction, Metric
from services.analyzer.domain.ranking.evidence import Candidate, Evidence, Sum, dispersion_of

_Name = TypeVar("_Name", Candidate, str)

# A project's evidence is a table of candidates by kinds of task, 17 doubles a cell: at most 27 MB. Those with the most calls are kept.
CANDIDATES_KEPT_MAX = 500
TASK_TYPES_KEPT_MAX = 400
# Fewer windows than this do not tell how failures cluster.
_DISPERSION_WINDOWS_MIN = 5
# What is worse for a caller. Other volumes or missing fields are no reason to choose another provider, and silence follows from choosing.
_WORSE: Final = frozenset(
    {
        (Metric.SUCCESS_RATIO, Direction.DOWN),
        (Metric.QUALITY, Direction.DOWN),
        (Metric.LATENCY, Direction.UP),
        (Metric.LATENCY_P95, Direction.UP),
        (Metric.TIME_TO_FIRST_TOKEN, Direction.UP),
        (Metric.COST_PER_CALL, Direction.UP),
        (Metric.REVISIONS, Direction.UP),
    }
)
_OF_A_LEVEL = frozenset({AnomalyKind.SHIFT, AnomalyKind.SPIKE, AnomalyKind.DRIFT})


class Cell(NamedTuple):
    """A candidate on a kind of task."""

    candidate: Candidate
    task_type: str


@dataclass(frozen=True, slots=True)
class CellWindows:
    """Windows of cells, one row each.

    `cell`: place in `cells`. `start_s`, `end_s`: seconds since 1970. `sums`: shape (sums, rows), see `Sum`.
    """

    cells: tuple[Cell, ...]
    cell: Ints
    start_s: Floats
    end_s: Floats
    sums: Floats


NO_WINDOWS: Final = CellWindows((), np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros((len(Sum), 0)))


@dataclass(frozen=True, slots=True)
class Incident:
    """What is worse than usual, of whom (None: of all), and since when."""

    provider: str | None
    model: str | None
    task_type: str | None
    start_s: float
    words: str

    def covers(self, cell: Cell) -> bool:
        """Whether it concerns the cell."""
        pairs = ((self.provider, cell.candidate.provider), (self.model, cell.candidate.model), (self.task_type, cell.task_type))
        return all(meant in (None, value) for meant, value in pairs)


def incident_of(anomaly: Anomaly) -> Incident | None:
    """The incident that an open anomaly is; None if nobody is worse off for it. One of a single prompt is the whole cell's."""
    if anomaly.kind not in _OF_A_LEVEL or (anomaly.metric, anomaly.direction) not in _WORSE:
        return None
    scope = anomaly.scope
    return Incident(scope.provider, scope.model, scope.task_type, anomaly.start_s, anomaly.explanation)


def concatenated(parts: Sequence[CellWindows]) -> CellWindows:
    """The rows of all parts, at least one."""
    place: dict[Cell, int] = {}
    for part in parts:
        for cell in part.cells:
            place.setdefault(cell, len(place))
    numbers = [np.array([place[cell] for cell in part.cells], np.int64)[part.cell] for part in parts]
    return CellWindows(
        tuple(place),
        np.concatenate(numbers),
        np.concatenate([part.start_s for part in parts]),
        np.concatenate([part.end_s for part in parts]),
        np.concatenate([part.sums for part in parts], axis=1),
    )


def evidence_of(windows: CellWindows, incidents: Sequence[tuple[Incident, CellWindows]], *, as_of_s: float, half_life_s: float) -> Evidence:
    """What windows say at a moment; `incidents` with the windows since their onsets, of which the first that concerns a cell counts."""
    candidates, task_types = _kept(windows)
    shape = (len(candidates), len(task_types))
    places = _places(windows, candidates, task_types)
    sums = _decayed(windows, places, shape, as_of_s, half_life_s)
    quiet_since = np.full(shape, np.inf)
    words: dict[tuple[Candidate, str], str] = {}
    for incident, since in incidents:
        of_since = _places(since, candidates, task_types)
        fresh = _decayed(since, of_since, shape, as_of_s, half_life_s)
        for cell, (row, column) in zip(since.cells, of_since.tolist(), strict=True):
            if row >= 0 and cell not in words and incident.covers(cell) and fresh[Sum.CALLS, row, column] > 0:
                words[cell] = incident.words
                sums[:, row, column] = fresh[:, row, column]
                quiet_since[row, column] = incident.start_s
    dispersion, last_call_s = _by_cell(windows, places, quiet_since, as_of_s)
    return Evidence(candidates, task_types, sums, dispersion, last_call_s, as_of_s, words)


def _kept(windows: CellWindows) -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """The candidates and kinds of task in their order, without those beyond the limits."""
    calls = np.bincount(windows.cell, windows.sums[Sum.CALLS], len(windows.cells))
    by_candidate: dict[Candidate, float] = {}
    by_task: dict[str, float] = {}
    for (candidate, task_type), count in zip(windows.cells, calls.tolist(), strict=True):
        by_candidate[candidate] = by_candidate.get(candidate, 0.0) + count
        by_task[task_type] = by_task.get(task_type, 0.0) + count
    return tuple(sorted(_busiest(by_candidate, CANDIDATES_KEPT_MAX))), tuple(sorted(_busiest(by_task, TASK_TYPES_KEPT_MAX)))


def _busiest(counts: Mapping[_Name, float], number: int) -> list[_Name]:
    return sorted(counts, key=lambda name: (-counts[name], name))[:number]


def _places(windows: CellWindows, candidates: Sequence[Candidate], task_types: Sequence[str]) -> Ints:
    """Row and column of each cell in the table, shape (cells, 2); -1, -1 for those that are not kept."""
    row_of = {candidate: place for place, candidate in enumerate(candidates)}
    column_of = {task_type: place for place, task_type in enumerate(task_types)}
    found = [
        (row_of[cell.candidate], column_of[cell.task_type]) if cell.candidate in row_of and cell.task_type in column_of else (-1, -1)
        for cell in windows.cells
    ]
    return np.array(found, np.int64).reshape(-1, 2)


def _decayed(windows: CellWindows, places: Ints, shape: tuple[int, int], as_of_s: float, half_life_s: float) -> Floats:
    """Sums by cell, shape (sums, candidates, task types); a window counts by the age of its middle."""
    age_s = np.maximum(as_of_s - (windows.start_s + windows.end_s) / 2, 0.0)
    decay = 0.5 ** (age_s / half_life_s)
    is_kept: Bools = places[:, 0] >= 0
    rows, columns = places[is_kept].T
    sums = np.zeros((len(Sum), *shape))
    for number in Sum:
        of_cell = np.bincount(windows.cell, windows.sums[number] * decay, len(windows.cells))
        np.add.at(sums[number], (rows, columns), of_cell[is_kept])
    return sums


def _by_cell(windows: CellWindows, places: Ints, quiet_since_s: Floats, as_of_s: float) -> tuple[Floats, Floats]:
    """How failures cluster in each cell, as far as its incident does not make it seem so, and when it was called last."""
    count = len(windows.cells)
    is_kept: Bools = places[:, 0] >= 0
    rows, columns = places[is_kept].T
    has_calls = windows.sums[Sum.CALLS] > 0
    last_s = np.full(count, -np.inf)
    np.maximum.at(last_s, windows.cell[has_calls], windows.end_s[has_calls])
    quiet_s = np.full(count, np.inf)
    quiet_s[is_kept] = quiet_since_s[rows, columns]
    before = np.flatnonzero(has_calls & (windows.end_s <= quiet_s[windows.cell]))
    clustered = dispersion_of(windows.cell[before], windows.sums[Sum.CALLS, before], windows.sums[Sum.SUCCEEDED, before], count)
    is_told = np.bincount(windows.cell[before], minlength=count) >= _DISPERSION_WINDOWS_MIN
    dispersion, last_call_s = np.ones(quiet_since_s.shape), np.full(quiet_since_s.shape, np.nan)
    dispersion[rows, columns] = np.where(is_told, clustered, 1.0)[is_kept]
    last_call_s[rows, columns] = np.where(np.isfinite(last_s), np.minimum(last_s, as_of_s), np.nan)[is_kept]
    return dispersion, last_call_s
