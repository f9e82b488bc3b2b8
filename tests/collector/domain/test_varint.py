"""Variable-length integers, a whole array at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain import varint

uint64s = st.integers(0, 2**64 - 1) | st.integers(0, 300) | st.integers(0, 63).map(lambda bit: 1 << bit)


def plain_varint(value: int) -> bytes:
    """One integer, byte by byte."""
    parts = []
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


@given(st.lists(uint64s))
def test_bytes_are_those_of_leb128_and_come_back(values: list[int]) -> None:
    data, end = varint.encode(np.array(values, np.uint64))
    expected = [plain_varint(value) for value in values]
    assert data.tobytes() == b"".join(expected)
    assert end.tolist() == np.cumsum([len(part) for part in expected]).tolist()
    decoded, counts = varint.decode(data, end)
    assert decoded.tolist() == values
    assert counts.tolist() == list(range(1, len(values) + 1))


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3)))
def test_zigzag_comes_back_and_keeps_small_small(values: list[int]) -> None:
    encoded = varint.zigzag(np.array(values, np.int64))
    assert encoded.tolist() == [2 * value if value >= 0 else -2 * value - 1 for value in values]
    assert varint.unzigzag(encoded).tolist() == values


@pytest.mark.parametrize(
    "data",
    [b"\x80", b"\x01\xff", b"\xff" * 9 + b"\x02", b"\xff" * 10 + b"\x01", b"\x01" + b"\x80" * 12 + b"\x00\x05"],
    ids=["cut off", "cut off after another", "65 bits", "11 bytes", "14 bytes"],
)
def test_bytes_that_are_no_integers_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="integer"):
        varint.decode(np.frombuffer(data, np.uint8), np.array([len(data)]))
