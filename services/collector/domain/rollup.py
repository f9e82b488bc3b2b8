"""Tables of roll-ups: made from calls, merged, added up into longer windows or larger groups, always exactly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.collector.domain.arrays import Bools, Int32s, Ints, gathered, is_rising, order_by, run_starts, starts_of, sums_by_run
from services.collector.domain.histogram import BUCKET_STRIDE, Histogram, bucket_of, sum_entries
from services.collector.domain.measures import MEASURE_COUNT, Measure, Outcome

US_PER_MIN = 60_000_000


@dataclass(frozen=True, eq=False)
class Windows:
    """Roll-ups of many series and windows, as columns.

    Row r is the window of series `series_id[r]` that starts `start_min[r]` minutes after the Unix epoch (UTC), with
    `measures[r, Measure.…]`. Its histograms are the entries e with `entry_row[e] == r`: `entry_count[e]` durations in
    bucket `entry_bucket[e]` (see histogram.py for the numbering). Buckets without durations have no entry.

    What the functions of this module return is in order: rows by series and start, each pair once, none without
    content; entries by row and bucket, each pair once, none zero. All columns are int64 but `entry_bucket`, which is
    int32; `measures` has shape (rows, MEASURE_COUNT).
    """

    series_id: Ints
    start_min: Ints
    measures: Ints
    entry_row: Ints
    entry_bucket: Int32s
    entry_count: Ints

    def __len__(self) -> int:
        """The number of windows."""
        return self.series_id.size

    def first_entries(self) -> Ints:
        """Where the entries of each row begin and, one element more, where those of the last row end; shape (rows + 1,)."""
        return np.searchsorted(self.entry_row, np.arange(len(self) + 1))

    def entries_per_row(self) -> Ints:
        """How many entries each row has, shape (rows,)."""
        return np.diff(self.first_entries())

    def without_histograms(self) -> "Windows":
        """The windows with their measures alone."""
        none = np.zeros(0, np.int64)
        return Windows(self.series_id, self.start_min, self.measures, none, np.zeros(0, np.int32), none)

    def select(self, rows: Ints) -> "Windows":
        """The given rows alone, as often as they are given."""
        first = self.first_entries()
        counts = np.diff(first)[rows]
        return Windows(
            series_id=self.series_id[rows],
            start_min=self.start_min[rows],
            measures=self.measures[rows],
            entry_row=np.repeat(np.arange(rows.size), counts),
            entry_bucket=gathered(self.entry_bucket, first[rows], counts),
            entry_count=gathered(self.entry_count, first[rows], counts),
        )

    def repeated(self, rows: Ints, sign: Ints) -> "Windows":
        """The given rows, as often as they are given, each with its numbers times its `sign`."""
        chosen = self.select(rows)
        entry_sign = np.repeat(sign, chosen.entries_per_row())
        return replace(chosen, measures=chosen.measures * sign[:, None], entry_count=chosen.entry_count * entry_sign)


@dataclass(frozen=True, eq=False)
class CallColumns:
    """What the roll-ups need of a batch of calls, one element a call.

    `outcome` holds Outcome's numbers, `first_token_us` is -1 where the answer was not streamed, and `cost_nanos`
    counts only where `cost_known`.
    """

    series_id: Ints
    start_us: Ints
    outcome: Ints
    latency_us: Ints
    first_token_us: Ints
    input_tokens: Ints
    output_tokens: Ints
    cache_read_tokens: Ints
    cache_write_tokens: Ints
    reasoning_tokens: Ints
    cost_nanos: Ints
    cost_known: Bools


def rollup_calls(calls: CallColumns) -> Windows:
    """The one-minute windows of a batch of calls. Tasks and quality come later, by `rollup_measures`."""
    call_count = calls.series_id.size
    succeeded = calls.outcome == Outcome.SUCCEEDED
    streamed = np.flatnonzero(succeeded & (calls.first_token_us >= 0))
    measures = np.zeros((call_count, MEASURE_COUNT), np.int64)
    measures[np.arange(call_count), calls.outcome - 1] = 1
    measures[:, Measure.SUCCEEDED_LATENCY_US] = np.where(succeeded, calls.latency_us, 0)
    measures[:, Measure.OTHER_LATENCY_US] = np.where(succeeded, 0, calls.latency_us)
    measures[streamed, Measure.FIRST_TOKEN_US] = calls.first_token_us[streamed]
    measures[:, Measure.INPUT_TOKENS] = calls.input_tokens
    measures[:, Measure.OUTPUT_TOKENS] = calls.output_tokens
    measures[:, Measure.CACHE_READ_TOKENS] = calls.cache_read_tokens
    measures[:, Measure.CACHE_WRITE_TOKENS] = calls.cache_write_tokens
    measures[:, Measure.REASONING_TOKENS] = calls.reasoning_tokens
    measures[:, Measure.COST_NANOS] = np.where(calls.cost_known, calls.cost_nanos, 0)
    measures[:, Measure.COST_UNKNOWN_COUNT] = ~calls.cost_known

    latency_histogram = np.where(succeeded, Histogram.SUCCEEDED_LATENCY, Histogram.OTHER_LATENCY)
    latency_bucket = bucket_of(calls.latency_us) + latency_histogram * BUCKET_STRIDE
    first_token_bucket = bucket_of(calls.first_token_us[streamed]) + Histogram.FIRST_TOKEN * BUCKET_STRIDE
    return _summed(
        Windows(
            series_id=calls.series_id,
            start_min=calls.start_us // US_PER_MIN,
            measures=measures,
            entry_row=np.concatenate([np.arange(call_count), streamed]),
            entry_bucket=np.concatenate([latency_bucket, first_token_bucket]).astype(np.int32),
            entry_count=np.ones(call_count + streamed.size, np.int64),
        )
    )


def rollup_measures(series_id: Ints, start_min: Ints, values: Mapping[Measure, Ints]) -> Windows:
    """Windows of the given measures alone: what tasks and scores add to them or, where negative, take from them."""
    measures = np.zeros((series_id.size, MEASURE_COUNT), np.int64)
    for measure, column in values.items():
        measures[:, measure] = column
    none = np.empty(0, np.int64)
    return _summed(Windows(series_id, start_min, measures, none, np.empty(0, np.int32), none))


def merge(parts: Sequence[Windows]) -> Windows:
    """The sum of all parts, the same in any order and grouping: windows equal in series and start become one."""
    return _summed(stacked(parts))


def stacked(parts: Sequence[Windows]) -> Windows:
    """The rows of all parts one after another, not added up and in no order: for `rekey`, which does both."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return rollup_measures(np.empty(0, np.int64), np.empty(0, np.int64), {})
    first_row = starts_of(np.array([len(part) for part in parts]))
    return Windows(
        series_id=np.concatenate([part.series_id for part in parts]),
        start_min=np.concatenate([part.start_min for part in parts]),
        measures=np.concatenate([part.measures for part in parts]),
        entry_row=np.concatenate([part.entry_row + row for part, row in zip(parts, first_row, strict=True)]),
        entry_bucket=np.concatenate([part.entry_bucket for part in parts]),
        entry_count=np.concatenate([part.entry_count for part in parts]),
    )


def rekey(windows: Windows, *, series_id: Ints | None = None, start_min: Ints | None = None) -> Windows:
    """Gives each row another series, another start, or both, and adds up the rows that become equal by it.

    Either may be a number of another kind: of a group of series, of a window in an answer. The entries of each row must
    be in order; where the rows are, too, and none become equal, nothing is left to do.
    """
    renamed = replace(
        windows,
        series_id=windows.series_id if series_id is None else series_id,
        start_min=windows.start_min if start_min is None else start_min,
    )
    return renamed if is_rising(renamed.series_id, renamed.start_min) else _summed(renamed)


def coarsen(windows: Windows, window_min: int) -> Windows:
    """Adds up into windows of `window_min` minutes, counted from the epoch. For local days, `rekey` by `floor_to`."""
    return rekey(windows, start_min=windows.start_min - windows.start_min % window_min)


def _summed(windows: Windows) -> Windows:
    """Adds up equal rows and equal entries, drops what is empty, and puts all in order."""
    if is_rising(windows.series_id, windows.start_min):
        return _without_empty_rows(_with_summed_entries(windows))
    order = order_by(windows.series_id, windows.start_min)
    series_id, start_min = windows.series_id[order], windows.start_min[order]
    begins = run_starts(series_id, start_min)
    first = np.flatnonzero(begins)
    measures = sums_by_run(windows.measures[order], first)
    new_row = np.empty(order.size, np.int64)
    new_row[order] = np.cumsum(begins) - 1
    row, bucket, count = sum_entries(new_row[windows.entry_row], windows.entry_bucket, windows.entry_count)
    return _without_empty_rows(Windows(series_id[first], start_min[first], measures, row, bucket, count))


def _with_summed_entries(windows: Windows) -> Windows:
    """Adds up equal entries, drops those that are zero, and puts them in order; mostly all of that is so already."""
    row, bucket, count = windows.entry_row, windows.entry_bucket, windows.entry_count
    if not is_rising(row, bucket):
        row, bucket, count = sum_entries(row, bucket, count)
    elif not count.all():
        row, bucket, count = row[count != 0], bucket[count != 0], count[count != 0]
    return replace(windows, entry_row=row, entry_bucket=bucket, entry_count=count)


def _without_empty_rows(windows: Windows) -> Windows:
    """Leaves out the rows that have neither a measure other than 0 nor an entry."""
    filled: Bools = np.any(windows.measures != 0, axis=1)
    filled[windows.entry_row] = True
    if filled.all():
        return windows
    return Windows(
        series_id=windows.series_id[filled],
        start_min=windows.start_min[filled],
        measures=windows.measures[filled],
        entry_row=(np.cumsum(filled) - 1)[windows.entry_row],
        entry_bucket=windows.entry_bucket,
        entry_count=windows.entry_count,
    )
