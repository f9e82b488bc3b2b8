"""What is new in windows of calls since they were looked at last, as a table: one row a series and window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from services.analyzer.domain.arrays import Bools, Floats, Ints
from services.analyzer.domain.metric import Outcome

_FLOAT_COLUMNS = frozenset(
    {
        *("latency_count", "latency_log_sum", "latency_log_square_sum", "latency_p95_s"),
        *("first_token_count", "first_token_log_sum", "first_token_log_square_sum", "cost_usd", "quality_sum"),
    }
)


@dataclass(frozen=True, slots=True)
class WindowColumns:
    """Arrays of one length, ordered by start. All but `latency_p95_s` are increments: what came since the window was looked at before.

    A window may come several times, with what was new each time.
    """

    series: Ints  # number of the series, as the engine gave it
    start_s: Ints  # seconds since 1970
    length_s: Ints
    outcome_counts: Ints  # (rows, 6), columns as in Outcome
    latency_count: Floats  # succeeded calls; the sums are of ln seconds
    latency_log_sum: Floats
    latency_log_square_sum: Floats
    first_token_count: Floats  # succeeded calls that were streamed
    first_token_log_sum: Floats
    first_token_log_square_sum: Floats
    latency_p95_s: Floats  # of the whole window so far, seconds; NaN where none
    cost_known_count: Ints
    cost_usd: Floats  # sum over the calls whose cost is known
    output_token_count: Ints  # sums over all calls, in practice the succeeded ones
    input_token_count: Ints
    task_count: Ints
    revision_count: Ints
    quality_count: Ints
    quality_sum: Floats

    def __len__(self) -> int:
        """How many rows."""
        return len(self.series)

    @property
    def end_s(self) -> Ints:
        """End of each window, exclusive, seconds since 1970."""
        return self.start_s + self.length_s

    @property
    def call_count(self) -> Ints:
        """All calls of each row, cancelled ones included."""
        count: Ints = self.outcome_counts.sum(axis=1)
        return count

    @property
    def succeeded_count(self) -> Ints:
        """Calls of each row that succeeded."""
        return self.outcome_counts[:, Outcome.SUCCEEDED.value]

    @property
    def decided_count(self) -> Ints:
        """Calls of each row that count for the success ratio: all but the cancelled ones."""
        return self.call_count - self.outcome_counts[:, Outcome.CANCELLED.value]

    def select(self, rows: Ints | Bools | slice) -> WindowColumns:
        """The rows at these places, or where a mask is true."""
        return WindowColumns(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    @classmethod
    def concatenated(cls, parts: Sequence[WindowColumns]) -> WindowColumns:
        """The rows of all parts, ordered by start; rows that start together stay in order."""
        if not parts:
            return EMPTY
        joined = cls(**{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)})
        return joined.select(np.argsort(joined.start_s, kind="stable"))


def _empty() -> WindowColumns:
    columns: dict[str, Any] = {
        field.name: np.zeros(0, np.float64 if field.name in _FLOAT_COLUMNS else np.int64) for field in fields(WindowColumns)
    }
    return WindowColumns(**{**columns, "outcome_counts": np.zeros((0, len(Outcome)), np.int64)})


EMPTY = _empty()
