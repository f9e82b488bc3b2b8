"""Random calls and windows for the tests of roll-ups, and a slow and plain roll-up to compare with."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import fields

import numpy as np
from hypothesis import strategies as st

from services.collector.domain.arrays import Ints
from services.collector.domain.histogram import BUCKET_STRIDE, DURATION_US_MAX, ENTRY_BUCKET_COUNT, Histogram, bucket_of
from services.collector.domain.measures import MEASURE_COUNT, Measure
from services.collector.domain.rollup import CallColumns, Windows, merge

START_US = 1_760_000_000_000_000

_call = st.tuples(
    st.integers(1, 4),  # series
    st.integers(START_US, START_US + 200 * 60_000_000),
    st.integers(1, 6),  # outcome
    st.integers(0, DURATION_US_MAX) | st.integers(0, 3_000),
    st.just(-1) | st.integers(0, DURATION_US_MAX),
    *[st.integers(0, 10**9)] * 5,  # tokens
    st.integers(0, 10**12),
    st.booleans(),
)
call_lists = st.lists(_call, max_size=40)


def columns(calls: Sequence[tuple[int, ...]]) -> CallColumns:
    """The calls as columns."""
    numbers = np.array(calls, np.int64).reshape(len(calls), 12)
    integers = {field.name: numbers[:, place] for place, field in enumerate(fields(CallColumns)[:-1])}
    return CallColumns(cost_known=numbers[:, -1].astype(np.bool_), **integers)


def entry_sums(calls: Sequence[tuple[int, ...]]) -> dict[tuple[int, int], tuple[list[int], dict[int, int]]]:
    """Measures and entries of each (series, minute), added up call by call."""
    measures: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0] * MEASURE_COUNT)
    entries: dict[tuple[int, int], Counter[int]] = defaultdict(Counter)
    for series, start, outcome, latency, first_token, *tokens, cost, known in calls:
        window = series, start // 60_000_000
        sums = measures[window]
        sums[outcome - 1] += 1
        latency_histogram = Histogram.SUCCEEDED_LATENCY if outcome == 1 else Histogram.OTHER_LATENCY
        sums[Measure.SUCCEEDED_LATENCY_US if outcome == 1 else Measure.OTHER_LATENCY_US] += latency
        entries[window][bucket(latency_histogram, latency)] += 1
        if outcome == 1 and first_token >= 0:
            sums[Measure.FIRST_TOKEN_US] += first_token
            entries[window][bucket(Histogram.FIRST_TOKEN, first_token)] += 1
        for offset, count in enumerate(tokens):
            sums[Measure.INPUT_TOKENS + offset] += count
        sums[Measure.COST_NANOS] += cost if known else 0
        sums[Measure.COST_UNKNOWN_COUNT] += not known
    return {window: (measures[window], dict(entries[window])) for window in measures}


def bucket(histogram: Histogram, duration_us: int) -> int:
    """The bucket of an entry."""
    return int(bucket_of(np.array([duration_us]))[0]) + histogram * BUCKET_STRIDE


def contents(windows: Windows) -> dict[tuple[int, int], tuple[list[int], dict[int, int]]]:
    """The windows in the form that `entry_sums` returns."""
    keys = list(zip(windows.series_id.tolist(), windows.start_min.tolist(), strict=True))
    entries: list[dict[int, int]] = [{} for _ in keys]
    columns = (windows.entry_row.tolist(), windows.entry_bucket.tolist(), windows.entry_count.tolist())
    for row, entry_bucket, count in zip(*columns, strict=True):
        entries[row][entry_bucket] = count
    return {key: (windows.measures[row].tolist(), entries[row]) for row, key in enumerate(keys)}


def assert_in_order(windows: Windows) -> None:
    """Each pair of series and start once, each entry once, all sorted, nothing empty."""
    keys = list(zip(windows.series_id.tolist(), windows.start_min.tolist(), strict=True))
    assert keys == sorted(set(keys))
    entries = list(zip(windows.entry_row.tolist(), windows.entry_bucket.tolist(), strict=True))
    assert entries == sorted(set(entries))
    assert windows.entry_count.all()
    assert all(any(measures) or entries for measures, entries in contents(windows).values())


def assert_same(left: Windows, right: Windows) -> None:
    """Equal in every column."""
    for name in ("series_id", "start_min", "measures", "entry_row", "entry_bucket", "entry_count"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name), name)


int64s = st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 300)


@st.composite
def differences(draw: st.DrawFn, ids: st.SearchStrategy[int] = int64s) -> Windows:
    """Windows in order, with measures, counts, series and starts from all of int64."""
    row_count = draw(st.integers(0, 6))
    width = draw(st.sampled_from([1, 2, MEASURE_COUNT]))
    measures = np.zeros((row_count, MEASURE_COUNT), np.int64)
    measures[:, :width] = drawn(draw, int64s, row_count * width).reshape(row_count, width)
    entry_count = draw(st.integers(0, 12)) if row_count else 0
    return merge(
        [
            Windows(
                series_id=drawn(draw, ids, row_count),
                start_min=drawn(draw, st.integers(-(10**9), 10**9) | st.integers(0, 600), row_count),
                measures=measures,
                entry_row=np.sort(drawn(draw, st.integers(0, max(row_count - 1, 0)), entry_count)),
                entry_bucket=drawn(draw, st.integers(0, ENTRY_BUCKET_COUNT - 1), entry_count).astype(np.int32),
                entry_count=drawn(draw, int64s, entry_count),
            )
        ]
    )


def drawn(draw: st.DrawFn, elements: st.SearchStrategy[int], count: int) -> Ints:
    """An array of `count` drawn elements."""
    return np.array(draw(st.lists(elements, min_size=count, max_size=count)), np.int64)
