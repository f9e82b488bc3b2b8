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


def decode(data: Bytes) -> tuple[Unsigned, Ints]:
    """The values in `data`, and for each the position just behind its last byte.

    Raises ValueError where the last value is cut off or a value has more than 64 bits.
    """
    if data.size and data[-1] >= 0x80:
        raise ValueError("the last integer is cut off")
    last = np.flatnonzero(data < 0x80)
    begin = np.empty_like(last)
    begin[:1] = 0
    begin[1:] = last[:-1] + 1
    values = (data[begin] & 0x7F).astype(np.uint64)
    longer = np.flatnonzero(last > begin)
    for place in range(1, _BYTES_MAX):
        at = begin[longer] + place
        part = data[at] & 0x7F
        values[longer] |= part.astype(np.uint64) << np.uint64(7 * place)
        more = last[longer] > at
        if place == _BYTES_MAX - 1 and (more.any() or (part > 1).any()):
            raise ValueError("an integer has more than 64 bits")
        longer = longer[more]
    return values, last + 1
