"""Stored windows come back as they were, are small, and damage shows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.collector.domain import varint
from services.collector.domain.chunk import (
    CHUNK_MIN_MAX,
    VERSION,
    Chunks,
    decode_chunks,
    decode_deltas,
    encode_chunks,
    encode_delta,
)
from services.collector.domain.histogram import ENTRY_BUCKET_COUNT
from services.collector.domain.measures import MEASURE_COUNT
from services.collector.domain.rollup import CallColumns, Windows, coarsen, merge, rollup_calls
from tests.collector.domain.rollup_cases import assert_same, call_lists, columns, differences


@given(differences(), st.sampled_from([1, 60, 360, CHUNK_MIN_MAX]))
@settings(max_examples=50)
def test_chunks_come_back(windows: Windows, chunk_min: int) -> None:
    chunks = encode_chunks(windows, chunk_min)
    assert_same(decode_chunks(chunks), windows)
    keys = list(zip(chunks.series_id.tolist(), chunks.start_min.tolist(), strict=True))
    assert len(keys) == len(set(keys)) == len(chunks.measures) == len(chunks.entries)
    assert (chunks.start_min % chunk_min == 0).all()


@given(st.lists(differences(), max_size=3))
@settings(max_examples=50)
def test_deltas_come_back_as_their_sum(parts: list[Windows]) -> None:
    assert_same(decode_deltas([encode_delta(part) for part in parts]), merge(parts))


def random_calls(count: int, series_count: int, minutes: int) -> CallColumns:
    """Calls as agents make them: seconds long, thousands of tokens, thousandths of a dollar."""
    random = np.random.default_rng(3)
    latency_us = random.lognormal(14.5, 0.6, count).astype(np.int64)
    tokens = random.integers(50, 5_000, (count, 5))
    return CallColumns(
        series_id=random.integers(1, series_count + 1, count),
        start_us=1_760_000_000_000_000 + random.integers(0, minutes * 60_000_000, count),
        outcome=np.where(random.random(count) < 0.95, 1, random.integers(2, 7, count)),
        latency_us=latency_us,
        first_token_us=latency_us // 5,
        input_tokens=tokens[:, 0],
        output_tokens=tokens[:, 1],
        cache_read_tokens=tokens[:, 2],
        cache_write_tokens=tokens[:, 3],
        reasoning_tokens=tokens[:, 4],
        cost_nanos=random.integers(100_000, 50_000_000, count),
        cost_known=np.ones(count, np.bool_),
    )


def test_a_window_of_one_call_takes_less_than_45_bytes() -> None:
    windows = rollup_calls(random_calls(7_000, series_count=50, minutes=100))
    chunks = encode_chunks(windows, 60)
    assert sum(map(len, chunks.measures + chunks.entries)) < 45 * len(windows)
    assert len(encode_delta(windows)) < 45 * len(windows)


def test_an_entry_of_a_busy_window_takes_less_than_one_and_a_half_bytes() -> None:
    windows = coarsen(rollup_calls(random_calls(9_000, series_count=1, minutes=1_500)), 15)
    assert sum(map(len, encode_chunks(windows, 360).entries)) < 1.5 * windows.entry_row.size


def numbers(*values: int) -> bytes:
    """Varints."""
    return varint.encode(np.array(values, np.uint64))[0].tobytes()


def chunk_of(measures: bytes, entries: bytes) -> Chunks:
    """One chunk with these bytes."""
    return Chunks(np.array([1]), np.array([0]), [measures], [entries])


ONE_ROW = numbers(VERSION, 1, 5, 1, 0b1, 2)
ONE_ENTRY = numbers(VERSION, 2 * 1300)


def test_the_format_is_what_the_description_says() -> None:
    windows = decode_chunks(chunk_of(ONE_ROW, ONE_ENTRY))
    assert (windows.start_min.tolist(), windows.measures[0, :2].tolist()) == ([5], [1, 0])
    assert (windows.entry_bucket.tolist(), windows.entry_count.tolist()) == ([1300], [1])


@pytest.mark.parametrize(
    ("measures", "entries", "message"),
    [
        (numbers(VERSION + 1, 1), ONE_ENTRY, "version 2"),
        (ONE_ROW, numbers(VERSION + 1), "version 2"),
        (b"", ONE_ENTRY, "empty"),
        (ONE_ROW[:-1], ONE_ENTRY, "fewer"),
        (ONE_ROW + b"\x00", ONE_ENTRY, "more"),
        (ONE_ROW, ONE_ENTRY[:-1], "cut off"),
        (ONE_ROW, ONE_ENTRY + b"\x00", "more"),
        (ONE_ROW, numbers(VERSION), "fewer"),
        (numbers(VERSION, 2**63, 5, 1, 1, 2), ONE_ENTRY, "above"),
        (numbers(VERSION, 1, CHUNK_MIN_MAX + 1, 1, 1, 2), ONE_ENTRY, "above"),
        (numbers(VERSION, 1, 5, ENTRY_BUCKET_COUNT + 1, 1, 2), ONE_ENTRY, "above"),
        (numbers(VERSION, 1, 5, 1, 1 << MEASURE_COUNT, 2), ONE_ENTRY, "above"),
        (ONE_ROW, numbers(VERSION, 2 * ENTRY_BUCKET_COUNT + 1), "above"),
        (ONE_ROW, numbers(VERSION, 2 * ENTRY_BUCKET_COUNT), "bucket"),
        (ONE_ROW, numbers(VERSION, 2 * 1300 + 1), "fewer"),
    ],
)
def test_damaged_chunks_are_refused(measures: bytes, entries: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode_chunks(chunk_of(measures, entries))


@given(call_lists.filter(bool), st.data())
def test_a_delta_that_is_cut_off_is_refused(calls: list[tuple[int, ...]], data: st.DataObject) -> None:
    delta = encode_delta(rollup_calls(columns(calls)))
    with pytest.raises(ValueError, match="chunk"):
        decode_deltas([delta[: data.draw(st.integers(0, len(delta) - 1))]])


def test_numbers_of_one_chunk_are_not_read_as_those_of_the_next() -> None:
    chunks = Chunks(np.array([1, 2]), np.array([0, 0]), [ONE_ROW[:-1], ONE_ROW + b"\x02"], [ONE_ENTRY, ONE_ENTRY])
    with pytest.raises(ValueError, match="fewer"):
        decode_chunks(chunks)


@pytest.mark.parametrize(
    ("entry_row", "entry_bucket"),
    [([0, 0], [5, 5]), ([0, 0], [5, 4]), ([1, 0], [4, 5])],
    ids=["twice", "falling", "rows"],
)
def test_windows_out_of_order_are_not_encoded(entry_row: list[int], entry_bucket: list[int]) -> None:
    none = np.zeros((2, MEASURE_COUNT), np.int64)
    windows = Windows(np.array([1, 2]), np.zeros(2, np.int64), none, np.array(entry_row), np.array(entry_bucket), np.ones(2, np.int64))
    with pytest.raises(ValueError, match="order"):
        encode_chunks(windows, 60)


@pytest.mark.parametrize("chunk_min", [0, CHUNK_MIN_MAX + 1])
def test_a_chunk_has_a_greatest_length(chunk_min: int) -> None:
    with pytest.raises(ValueError, match="minutes"):
        encode_chunks(merge([]), chunk_min)
