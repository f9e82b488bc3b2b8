"""Variable-length integers (LEB128, with zigzag for signed ones), a whole array at a time.

A number takes a byte for each seven bits, lowest first; all its bytes but the last have their top bit set. Most of
what roll-ups hold is small, so that most numbers are one byte.
"""

import numpy as np

from services.collector.domain.arrays import Bytes, Ints, Unsigned

_BYTES_MAX = 10
"""64 bits in groups of seven."""


def zigzag(values: Ints) -> Unsigned:
    """Signed to unsigned so that small stays small: 0, -1, 1, -2, … become 0, 1, 2, 3, …"""
    return ((values << 1) ^ (values >> 63)).view(np.uint64)


def unzigzag(values: Unsigned) -> Ints:
    """The inverse of `zigzag`."""
    signed = values.view(np.int64)
    return ((signed >> 1) & np.int64(2**63 - 1)) ^ -(signed & 1)


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


def decode(data: Bytes, ends: Ints) -> tuple[Unsigned, Ints]:
    """The values in `data`, and for each of the positions `ends` how many values end at or before it.

    Raises ValueError where the last value is cut off or a value has more than 64 bits.
    """
    if data.size and data[-1] >= 0x80:
        raise ValueError("the last integer is cut off")
    is_last = data < 0x80
    # Of the few bytes that are not the last of their value: where they are, and how many values end before them.
    before = np.flatnonzero(~is_last)
    value_of = before - np.arange(before.size)
    values = (data if not before.size else data[is_last]).astype(np.uint64)
    at = np.flatnonzero(np.diff(value_of, append=-1))
    for place in range(1, _BYTES_MAX + 1):  # from each value's last byte down to its first
        if not at.size:
            break
        value = value_of[at]
        higher = values[value]
        if place == _BYTES_MAX or (place == _BYTES_MAX - 1 and (higher >> np.uint64(64 - 7)).any()):
            raise ValueError("an integer has more than 64 bits")
        values[value] = (higher << np.uint64(7)) | (data[before[at]] & 0x7F)
        at = (at - 1)[(at > 0) & (value_of[at - 1] == value)]
    return values, ends - np.searchsorted(before, ends)
