"""Tables small enough to be computed on, whatever the number of series."""

from collections.abc import Sequence

import numpy as np

from services.reporter.domain.period_data import ROWS_MAX, SeriesKey, Sum, Table


def bounded(tables: Sequence[Table], rows_max: int = ROWS_MAX) -> tuple[list[Table], int]:
    """The tables with at most `rows_max` rows together, and how many series were left out for it.

    Prompts are added up first; where that is not enough, the series with the most calls are kept.
    """
    if sum(map(len, tables)) <= rows_max:
        return list(tables), 0
    coarse = [_without_prompts(table) for table in tables]
    if sum(map(len, coarse)) <= rows_max:
        return coarse, 0
    calls: dict[SeriesKey, float] = {}
    rows: dict[SeriesKey, int] = {}
    for table in coarse:
        size = len(table.keys)
        call_counts = np.bincount(table.series, table.sums[Sum.CALLS], size)
        for key, call_count, row_count in zip(table.keys, call_counts, np.bincount(table.series, minlength=size), strict=True):
            calls[key] = calls.get(key, 0.0) + float(call_count)
            rows[key] = rows.get(key, 0) + int(row_count)
    by_calls = sorted(calls, key=lambda key: (-calls[key], key))
    fitting = int(np.searchsorted(np.cumsum([rows[key] for key in by_calls]), rows_max, side="right"))
    kept = set(by_calls[:fitting])
    smaller = [table.where(np.isin(table.series, [place for place, key in enumerate(table.keys) if key in kept])) for table in coarse]
    return smaller, len(by_calls) - fitting


def _without_prompts(table: Table) -> Table:
    """The sums over all prompts and their versions."""
    numbers: dict[SeriesKey, int] = {}
    coarse = [numbers.setdefault(key._replace(prompt_name="", prompt_version=""), len(numbers)) for key in table.keys]
    series = np.array(coarse, np.int64)[table.series]
    cells, row = np.unique(np.stack([series, table.start_s]), axis=1, return_inverse=True)
    sums = np.zeros((table.sums.shape[0], cells.shape[1]))
    for which, values in enumerate(table.sums):
        sums[which] = np.bincount(row.reshape(-1), values, cells.shape[1])
    return Table(tuple(numbers), cells[0], cells[1], sums)
