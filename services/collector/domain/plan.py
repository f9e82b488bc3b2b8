"""Which stored windows, added and subtracted, make up the windows of an answer.

Sums can be taken away again exactly. So a day of another zone than the project's is a day of the project's zone, less
the hours by which it begins too early, plus those by which it ends too early; a range of 30 days that begins at 10:07
is mostly days. Far fewer windows are read than if the short ones were added up.
"""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from services.collector.domain.arrays import Ints, ranges, starts_of
from services.collector.domain.rollup import Windows, rekey
from services.collector.domain.windows import Grid, Resolution, day_starts


@dataclass(frozen=True, eq=False)
class Level:
    """The stored windows of one resolution that an answer needs.

    Those that start in [`segment_start_min[s]`, `segment_end_min[s]`) make up segment s; segments are in order and do
    not overlap. Term t then adds the sum of segment `term_segment[t]`, times `term_sign[t]` (1 or -1), to the
    answer's window `term_window[t]`. Terms are ordered by segment.
    """

    resolution: Resolution
    segment_start_min: Ints
    segment_end_min: Ints
    term_segment: Ints
    term_window: Ints
    term_sign: Ints

    def assemble(self, stored: Windows) -> Windows:
        """What stored windows of this resolution contribute to the answer's, whose number takes the place of the start.

        Windows outside the segments are left out; those of a finer resolution may be among them. The answer is the sum
        (`merge`) over the levels; a part of them may be assembled at a time, for instance series by series.
        """
        segment = np.searchsorted(self.segment_start_min, stored.start_min, side="right") - 1
        inside = segment >= 0
        inside[inside] = stored.start_min[inside] < self.segment_end_min[segment[inside]]
        if np.array_equal(self.term_segment, np.arange(self.segment_start_min.size)) and (self.term_sign > 0).all():
            rows = np.flatnonzero(inside)
            chosen = stored if inside.all() else stored.select(rows)
            return rekey(chosen, start_min=self.term_window[segment[rows]])
        # Few are outside: adding them up, too, as one more segment takes less than leaving them out one by one.
        outside = self.segment_start_min.size
        sums = rekey(stored, start_min=np.where(inside, segment, outside))
        sums = sums.select(np.flatnonzero(sums.start_min < outside))
        terms_per_segment = np.bincount(self.term_segment, minlength=self.segment_start_min.size)
        term_counts = terms_per_segment[sums.start_min]
        term = ranges(starts_of(terms_per_segment)[sums.start_min], term_counts)
        rows = np.repeat(np.arange(len(sums)), term_counts)
        return rekey(sums.repeated(rows, self.term_sign[term]), start_min=self.term_window[term])


def plan(grid: Grid, project_zone: ZoneInfo) -> list[Level]:
    """How to make up the windows of `grid` from minutes, fifteen minutes and days of the project's zone.

    Each window goes by the next coarser resolution where that means reading less. Each level's segments begin and end
    where stored windows of its resolution do. Levels that are not needed are left out.
    """
    start, end = grid.boundary_min[:-1], grid.boundary_min[1:]
    # The quarter of an hour nearest to the range may lie outside of it.
    days = day_starts(project_zone, int(start[0]) - 15, int(end[-1]) + 15)
    near_start, near_end = (boundary + 7 - (boundary + 7) % 15 for boundary in (start, end))
    minutes, start, end = _level(Resolution.MINUTE, start, end, near_start, near_end)
    near_start, near_end = (_nearest(days, boundary) for boundary in (start, end))
    quarters, start, end = _level(Resolution.FIFTEEN_MINUTES, start, end, near_start, near_end)
    whole_days, _, _ = _level(Resolution.DAY, start, end, start, start)
    return [level for level in (minutes, quarters, whole_days) if level.segment_start_min.size]


def _nearest(points: Ints, boundary: Ints) -> Ints:
    """The point nearest to each boundary; the points reach from before the first one to after the last one."""
    after = np.searchsorted(points, boundary, side="right")
    before, next_one = points[after - 1], points[after]
    return np.where(boundary - before <= next_one - boundary, before, next_one)


def _level(resolution: Resolution, start: Ints, end: Ints, near_start: Ints, near_end: Ints) -> tuple[Level, Ints, Ints]:
    """One resolution's part of the windows [start, end), and what is left of each for the next coarser resolution.

    `near_start` and `near_end` are the coarser resolution's boundaries that are nearest. Going by them leaves
    [near_start, near_end), and corrects it here by what lies between them and the window's own ends. Where this would
    mean more than the window itself, the window is taken as it is, and nothing is left.
    """
    corrected = (near_end > near_start) & (abs(start - near_start) + abs(end - near_end) <= end - start)
    window = np.arange(start.size)
    from_min = np.concatenate([np.where(corrected, near_end, start), start[corrected]])
    to_min = np.concatenate([end, near_start[corrected]])
    level = _disjoint(resolution, from_min, to_min, np.concatenate([window, window[corrected]]))
    return level, near_start, np.where(corrected, near_end, near_start)


def _disjoint(resolution: Resolution, from_min: Ints, to_min: Ints, window: Ints) -> Level:
    """A level from stretches of time, negative where they lead backwards, cut so that none overlap."""
    cuts = np.unique(np.concatenate([from_min, to_min]))
    begin, finish = (
        np.searchsorted(cuts, np.minimum(from_min, to_min)),
        np.searchsorted(cuts, np.maximum(from_min, to_min)),
    )
    pieces = finish - begin
    segment = ranges(begin, pieces)
    used, term_segment = np.unique(segment, return_inverse=True)
    order = np.argsort(term_segment, kind="stable")
    return Level(
        resolution=resolution,
        segment_start_min=cuts[used],
        segment_end_min=cuts[np.minimum(used + 1, cuts.size - 1)],
        term_segment=term_segment[order],
        term_window=np.repeat(window, pieces)[order],
        term_sign=np.repeat(np.sign(to_min - from_min), pieces)[order],
    )
