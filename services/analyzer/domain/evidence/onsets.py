"""Since when something may have been going on: a few CUSUMs a series, each the best onset for a shift of one size."""

from __future__ import annotations

import numpy as np

from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.evidence.shift_tests import Window
from services.analyzer.domain.evidence.table import Table


class Onsets(Table):
    """For each supposed shift a CUSUM (Page, Biometrika 1954) and the calls since it was 0 last.

    The CUSUMs only propose onsets. What came since is weighed without believing in the sizes.
    """

    cusum: Floats  # (rows, shifts)
    count: Floats
    total: Floats
    plain_total: Floats  # as total, of values that nothing was cut off
    onset_s: Floats

    def __init__(self, shift_count: int) -> None:
        super().__init__()
        for name in ("cusum", "count", "total", "plain_total", "onset_s"):
            self._column(name, np.float64, shift_count)

    def advance(self, rows: Ints, increment: Floats, window: Window, start_s: Floats) -> None:
        """Takes a window of each row in. Rows are distinct.

        `increment`, shape (rows, shifts): log-likelihood ratio of each shift against none.
        """
        before = self.cusum[rows]
        after = np.maximum(before + increment, 0)
        goes_on = after > 0
        self.cusum[rows] = after
        parts = (window.count, window.count * window.deviation, window.count * window.plain_deviation)
        for sums, part in zip((self.count, self.total, self.plain_total), parts, strict=True):
            sums[rows] = np.where(goes_on, sums[rows] + part[:, None], 0)
        self.onset_s[rows] = np.where(before > 0, self.onset_s[rows], start_s[:, None])

    def clear(self, rows: Ints) -> None:
        """Begins anew."""
        for array in (self.cusum, self.count, self.total, self.plain_total, self.onset_s):
            array[rows] = 0
