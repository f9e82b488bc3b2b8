"""The three levels of stored roll-ups, and the way from each to the next coarser one."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from services.collector.domain.arrays import run_starts
from services.collector.domain.rollup import Windows, coarsen, rekey
from services.collector.domain.windows import MINUTES_PER_DAY, Resolution, day_starts, floor_to


@dataclass(frozen=True, slots=True)
class Level:
    """One level: the length of its windows, that of a stored chunk of them, and when what waits for it is folded in.

    Waiting is bounded by the age of the oldest delta and by the bytes of all; a reader adds what waits, so that neither changes an answer.
    """

    number: int
    resolution: Resolution
    chunk_min: int
    fold_after_s: float
    fold_after_bytes: int


# A fold writes every chunk that it touches anew, so that the longer a chunk, the rarer its folds.
MINUTES = Level(0, Resolution.MINUTE, 60, fold_after_s=8.0, fold_after_bytes=4 * 1024 * 1024)
QUARTERS = Level(1, Resolution.FIFTEEN_MINUTES, 6 * 60, fold_after_s=60.0, fold_after_bytes=4 * 1024 * 1024)
DAYS = Level(2, Resolution.DAY, 32 * MINUTES_PER_DAY, fold_after_s=300.0, fold_after_bytes=4 * 1024 * 1024)
LEVELS = (MINUTES, QUARTERS, DAYS)


def level_of(resolution: Resolution) -> Level:
    """The level whose windows have that length."""
    return next(level for level in LEVELS if level.resolution is resolution)


def next_level(level: Level) -> Level | None:
    """The next coarser level, None after the last."""
    return LEVELS[level.number + 1] if level.number + 1 < len(LEVELS) else None


def as_level(windows: Windows, level: Level, zone: ZoneInfo) -> Windows:
    """Adds up windows of a finer level into those of this one; `zone` is the project's, whose days are meant."""
    if level is DAYS:
        return as_days(windows, zone)
    return coarsen(windows, int(level.resolution))


def as_days(windows: Windows, zone: ZoneInfo) -> Windows:
    """Adds up windows into days of the zone."""
    if not len(windows):
        return windows
    starts = day_starts(zone, int(windows.start_min.min()), int(windows.start_min.max()) + 1)
    return rekey(windows, start_min=floor_to(starts, windows.start_min))


def chunk_number(start_min: int, level: Level) -> int:
    """The chunk that a window is kept in."""
    return start_min // level.chunk_min


def chunk_numbers(windows: Windows, level: Level) -> tuple[list[int], list[int]]:
    """The distinct (series, chunk) pairs of the windows, in order, as the windows must be."""
    chunk = windows.start_min // level.chunk_min
    first = np.flatnonzero(run_starts(windows.series_id, chunk))
    return windows.series_id[first].tolist(), chunk[first].tolist()
