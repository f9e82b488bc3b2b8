"""Calls as they are stored, and the windows that they add up to."""

from collections.abc import Sequence
from datetime import date
from typing import TypeAlias

import numpy as np

from services.collector.domain import call_body
from services.collector.domain.batch import rollup_columns
from services.collector.domain.measures import Measure
from services.collector.domain.rollup import US_PER_MIN, Windows, merge, rollup_calls, rollup_measures

CallRow: TypeAlias = "tuple[int, int, int, date, bytes, int | None]"
"""Series, start in microseconds, outcome, day of receipt, body, and score in billionths or None."""


def windows_of_calls(rows: Sequence[CallRow]) -> Windows:
    """The minutes of some calls, at least one, with their scores."""
    series_id, start_us, outcome, _, bodies, scores = zip(*rows, strict=True)
    series, start = np.array(series_id, np.int64), np.array(start_us, np.int64)
    windows = rollup_calls(rollup_columns(series, start, np.array(outcome, np.int64), call_body.decode(bodies)))
    scored = np.array([score is not None for score in scores])
    sums = np.array([score or 0 for score in scores], np.int64)[scored]
    values = {Measure.QUALITY_SUM_NANOS: sums, Measure.QUALITY_COUNT: np.ones_like(sums)}
    return merge([windows, rollup_measures(series[scored], start[scored] // US_PER_MIN, values)])


def taken_away(windows: Windows) -> Windows:
    """What is to be added to windows so that these are no longer in them."""
    return windows.repeated(np.arange(len(windows)), np.full(len(windows), -1))
