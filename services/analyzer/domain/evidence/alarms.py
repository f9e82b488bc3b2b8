"""Which series are in alarm, since when, and how they come out of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from services.analyzer.domain.arrays import Bools, Floats, Ints
from services.analyzer.domain.evidence.table import Table


class Alarms(Table):
    """One alarm at most for each series of a metric; sums since its onset."""

    is_on: Bools
    sign: npt.NDArray[np.int8]  # of the shift, on the metric's scale
    kind: npt.NDArray[np.int8]
    onset_s: Floats
    begin_s: Floats  # when it was told, and what was known by then
    begin_count: Floats
    begin_total: Floats
    begin_expected: Floats
    seen_s: Floats
    count: Floats
    total: Floats  # sum of values
    expected: Floats  # sum of expected values
    low: Floats
    high: Floats
    back: Floats  # evidence that it is over
    log_e: Floats
    clear_s: Floats  # start of the newest window after which there was no evidence of anything

    def __init__(self) -> None:
        super().__init__()
        self._column("is_on", np.bool_)
        for name in ("sign", "kind"):
            self._column(name, np.int8)
        for name in (
            "onset_s",
            "begin_s",
            "begin_count",
            "begin_total",
            "begin_expected",
            "seen_s",
            "count",
            "total",
            "expected",
            "low",
            "high",
            "back",
            "log_e",
            "clear_s",
        ):
            self._column(name, np.float64)

    def begin(self, rows: Ints, **columns: Floats | Ints) -> None:
        """Rows go into alarm with these values."""
        self.is_on[rows] = True
        self.back[rows] = 0
        for name, values in columns.items():
            getattr(self, name)[rows] = values
