"""How far each series has come: its newest window, its present hour, and how many windows it has in a day."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from services.analyzer.domain.arrays import Bools, Floats, Ints
from services.analyzer.domain.evidence.configuration import DAY_S, HOUR_S, EngineConfiguration
from services.analyzer.domain.evidence.table import Table

_RATE_MEMORY_DAYS = 2.0
_MINUTES_A_DAY = 1_440.0


class Clocks(Table):
    """Time as each series knows it."""

    newest_s: Floats  # end of the newest window
    hour: npt.NDArray[np.int64]  # present hour since 1970; 0 before the first window
    hour_calls: Floats
    first_hour: npt.NDArray[np.int64]  # of which only a part was seen
    fresh_count: Floats  # calls since the last long pause
    window_weight: Floats  # windows seen, those of two days ago counting 1/e

    def __init__(self, configuration: EngineConfiguration) -> None:
        super().__init__()
        self._configuration = configuration
        self._column("newest_s", np.float64)
        self._column("hour", np.int64)
        self._column("hour_calls", np.float64)
        self._column("first_hour", np.int64)
        self._column("fresh_count", np.float64)
        # Before anything is known, as if there were a window every minute: the bar is never too low.
        self._column("window_weight", np.float64, fill=_RATE_MEMORY_DAYS * _MINUTES_A_DAY)

    def pass_to(self, rows: Ints, end_s: Floats) -> tuple[Bools, Bools]:
        """Goes on to windows that end then; which of them are late, and which follow upon a long pause. Rows are distinct.

        A clock that was a day ahead has been put right: as after a pause.
        """
        newest_s = self.newest_s[rows]
        is_put_back = newest_s - end_s > DAY_S
        is_paused = is_put_back | ((newest_s > 0) & (end_s - newest_s > self._configuration.gap_s))
        is_late = (newest_s - end_s > self._configuration.late_s) & ~is_put_back
        self.newest_s[rows] = np.where(is_put_back, end_s, np.maximum(newest_s, end_s))
        elapsed_days = np.clip(self.newest_s[rows] - newest_s, 0, self._configuration.gap_s) / DAY_S
        self.window_weight[rows] = (
            self.window_weight[rows] * np.exp(-np.where(newest_s > 0, elapsed_days, 0) / _RATE_MEMORY_DAYS) + ~is_late
        )
        self.fresh_count[rows[is_paused]] = 0
        paused = rows[is_paused]
        self.hour[paused] = self.first_hour[paused] = (end_s[is_paused] // HOUR_S).astype(np.int64)
        self.hour_calls[paused] = 0
        return is_late, is_paused

    def windows_per_day(self, rows: Ints) -> Floats:
        """How many windows a day the rows have lately had; at least one an hour."""
        rate: Floats = np.maximum(self.window_weight[rows] / _RATE_MEMORY_DAYS, 24.0)
        return rate

    def learn(self, rows: Ints, newest_s: Floats, windows_per_day: Floats, calls: Floats) -> None:
        """History was taught up to these instants. Rows are distinct."""
        self.newest_s[rows] = np.maximum(self.newest_s[rows], newest_s)
        self.window_weight[rows] = np.minimum(windows_per_day, _MINUTES_A_DAY) * _RATE_MEMORY_DAYS
        self.fresh_count[rows] += calls
