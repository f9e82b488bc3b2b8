"""What the engine tells: series and metrics in alarm, what is normal, and shifts that became normal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any

import numpy as np

from services.analyzer.domain.arrays import Bools, Floats, Ints
from services.analyzer.domain.metric import Metric


class Season(IntEnum):
    """What decides the centre of a baseline for the greater part."""

    FLAT = 0
    HOUR_OF_DAY = 1
    HOUR_OF_WEEK = 2


class Parent(IntEnum):
    """From whom a series borrows."""

    NONE = 0
    PROVIDER_TASK = 1
    PROVIDER = 2
    TASK = 3


@dataclass(frozen=True, slots=True)
class Signals:
    """One row for each metric of each observed series that is in alarm now, or was and is no longer; the ended ones come first.

    `is_alarm`: False when it was in alarm and has been normal for long enough, or when the shift became normal (`is_accepted`).
    `log10_e`: the strongest evidence against normal so far, as an e-value; `p_value` is NaN where there is none.
    `onset_s`: when it began, as estimated; `seen_s`: end of the newest window taken in. Both in seconds since 1970.
    `observed` and `expected`: means since the onset, in the metric's unit; expected lies in `low` to `high` with 95 %.
    `call_count`: calls (tasks, scores, hours) since the onset. `affected_count`: how many of them show it: counted for ratios, and for
    other metrics estimated as those beyond the expected 95 % quantile.
    """

    series: Ints
    metric: Ints
    kind: Ints
    direction: Ints
    is_alarm: Bools
    is_accepted: Bools
    log10_e: Floats
    p_value: Floats
    onset_s: Floats
    seen_s: Floats
    observed: Floats
    expected: Floats
    low: Floats
    high: Floats
    call_count: Ints
    affected_count: Ints

    def __len__(self) -> int:
        """How many rows."""
        return len(self.series)

    @classmethod
    def concatenated(cls, parts: Sequence[Signals]) -> Signals:
        """The rows of all parts, in order."""
        if not parts:
            return NO_SIGNALS
        return cls(**{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)})


def _no_signals() -> Signals:
    kinds = {"Ints": np.int64, "Floats": np.float64, "Bools": np.bool_}
    empty: dict[str, Any] = {field.name: np.zeros(0, kinds[str(field.type)]) for field in fields(Signals)}
    return Signals(**empty)


NO_SIGNALS = _no_signals()


@dataclass(frozen=True, slots=True)
class BaselineColumns:
    """What is normal, one row a question. Values are in the metric's unit; NaN where nothing is known.

    `spread`: standard deviation of one call around the centre: of its logarithm for latency, time to first token, cost and tokens.
    `low`, `high`: where 95 % of the means of an hour's calls lie. `season`, `parent`: values of `Season` and `Parent`.
    `call_count`: calls behind the baseline, old ones counting less. `confidence_ratio`: n / (n + 100) where the centre is as
    certain as a mean of n calls would be. `borrowed_ratio`: share of the centre that comes from the parent.
    """

    series: Ints
    time_s: Floats
    centre: Floats
    spread: Floats
    low: Floats
    high: Floats
    season: Ints
    call_count: Ints
    confidence_ratio: Floats
    borrowed_ratio: Floats
    parent: Ints


@dataclass(frozen=True, slots=True)
class AcceptedShift:
    """A level that became normal. `onset_s`: since when it stood, as estimated; `time_s`: end of the newest window when it was accepted."""

    series: int
    metric: Metric
    from_value: float
    to_value: float
    onset_s: float
    time_s: float
