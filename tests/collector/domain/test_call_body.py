"""The packed numbers of calls."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain import call_body
from services.collector.domain.arrays import Ints
from services.collector.domain.call_body import NUMBER_COUNT, Number, decode

number_lists = st.lists(st.lists(st.integers(-1, 2**62) | st.integers(-1, 300), min_size=NUMBER_COUNT, max_size=NUMBER_COUNT), max_size=8)


def encode(numbers: Ints) -> list[bytes]:
    """Each body by itself."""
    data, lengths = call_body.encode(numbers)
    ends = np.cumsum(lengths).tolist()
    return [data[begin:end].tobytes() for begin, end in zip([0, *ends], ends, strict=False)]


@given(number_lists)
def test_what_is_packed_is_unpacked(rows: list[list[int]]) -> None:
    numbers = np.array(rows, np.int64).reshape(len(rows), NUMBER_COUNT)
    bodies = encode(numbers)
    assert len(bodies) == len(rows)
    np.testing.assert_array_equal(decode(bodies), numbers)


def test_an_ordinary_call_takes_few_bytes() -> None:
    numbers = np.array([[2_500_000, 300_000, 12_000_000, 1_000, 200, 300, 0, 0, -1, 3, 1]], np.int64)
    assert len(encode(numbers)[0]) <= 25


def test_a_body_that_was_written_with_fewer_numbers_reads_as_none() -> None:
    numbers = np.array([[7] * NUMBER_COUNT, [300] * NUMBER_COUNT], np.int64)
    short = encode(numbers)[0][:4]
    decoded = decode([short, encode(numbers)[1], b""])
    assert decoded[0].tolist() == [7] * 4 + [-1] * (NUMBER_COUNT - 4)
    assert decoded[1].tolist() == [300] * NUMBER_COUNT
    assert decoded[2].tolist() == [-1] * NUMBER_COUNT


def test_a_body_that_is_cut_off_or_of_a_later_version_is_refused() -> None:
    body = encode(np.full((1, NUMBER_COUNT), 300, np.int64))[0]
    with pytest.raises(ValueError, match="cut off"):
        decode([body[:-1]])
    with pytest.raises(ValueError, match="cut off"):
        decode([body[:1], body])
    with pytest.raises(ValueError, match=f"{NUMBER_COUNT + 1} numbers"):
        decode([body + b"\1"])


def test_the_numbers_stand_where_stored_bodies_have_them() -> None:
    assert [number.name for number in Number] == [
        "LATENCY_US",
        "FIRST_TOKEN_US",
        "COST_NANOS",
        "INPUT_TOKENS",
        "OUTPUT_TOKENS",
        "CACHE_READ_TOKENS",
        "CACHE_WRITE_TOKENS",
        "REASONING_TOKENS",
        "REVISION_COUNT",
        "PRICE_ORIGIN",
        "PRICE_VERSION_ID",
    ]
    assert encode(np.array([[0, -1, 1, 127, 128, 0, 0, 0, -1, 3, 1]], np.int64)) == [
        b"\x01\x00\x02\x80\x01\x81\x01\x01\x01\x01\x00\x04\x02"
    ]
