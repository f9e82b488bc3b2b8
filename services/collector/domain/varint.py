"""Variable-length integers (LEB128, with zigzag for signed ones), a whole array at a time.

A number takes a byte for each seven bits, lowest first; all its bytes but the last have their top bit set. Most of
what roll-ups hold is small, so that most numbers are one byte.
"""

import numpy as np

from services.collector.domain.arrays import AnyUnsigned, Bytes, Ints, Unsigned

_BYTES_MAX = 10
"""64 bits in groups of seven."""

_DTYPES = [np.uint8, np.uint8, np.uint16, *[np.uint32] * 2, *[np.uint64] * 6]
"""The narrowest type for values of so many bytes."""


def zigzag(values: Ints) -> Unsigned:
    """Signed to unsigned so that small stays small: 0, -1, 1, -2, … become 0, 1, 2, 3, …"""
    return ((values << 1) ^ (values >> 63)).view(np.uint64)


def unzigzag(values: AnyUnsigned) -> Ints:
    """The inverse of `zigzag`."""
    signed: Ints = values.astype(np.int64)
    odd = signed & 1
    signed >>= 1
    signed &= 2**63 - 1
    signed ^= -odd
    return signed


def encode(values: Unsigned) -> tuple[Bytes, Ints]:
    """The bytes of all values, and for each value the position just behind its last byte."""
    length = np.ones(values.size, np.int64)
    longer = [np.flatnonzero(values >= 0x80)]  # longer[k]: the values that have more than k + 1 bytes
    while longer[-1].size:
        length[longer[-1]] += 1
        longer.append(longer[-1][values[longer[-1]] >> np.uint64(7 * len(longer) + 7) != 0])
    end = np.cumsum(length)
    begin = end - length
    data = np.empty(int(end[-1]) if end.size else 0, np.uint8)
    data[begin] = values.astype(np.uint8) & 0x7F
    for place, position in enumerate(longer[:-1], start=1):
        at = begin[position] + place
        data[at - 1] |= 0x80
        data[at] = (values[position] >> np.uint64(7 * place)).astype(np.uint8) & 0x7F
    return data, end


def decode(data: Bytes, ends: Ints) -> tuple[AnyUnsigned, Ints]:
    """The values in `data`, and for each of the positions `ends` how many values end at or before it.

    Values are as narrow as the longest of them allows: most data is small numbers, and moving them is what takes time.
    Raises ValueError where the last value is cut off or a value has more than 64 bits.
    """
    if data.size and data[-1] >= 0x80:
        raise ValueError("the last integer is cut off")
    is_last = data < 0x80
    # Of the few bytes that are not the last of their value: where they are, and how many values end before them.
    before = np.flatnonzero(~is_last)
    value_of = before - np.arange(before.size)
    at = np.flatnonzero(np.diff(value_of, append=-1))
    length_max = 1 + int(np.diff(at, prepend=-1).max(initial=0))
    if length_max > _BYTES_MAX:
        raise ValueError("an integer has more than 64 bits")
    values = (data[is_last] if before.size else data).astype(_DTYPES[length_max])
    while at.size:  # from each value's last byte down to its first
        value = value_of[at]
        higher = values[value]
        if length_max == _BYTES_MAX and (higher >> 57).any():
            raise ValueError("an integer has more than 64 bits")
        values[value] = (higher << 7) | (data[before[at]] & 0x7F)
        at = (at - 1)[(at > 0) & (value_of[at - 1] == value)]
    return values, ends - np.searchsorted(before, ends)
