"""The numbers of a call that nothing is searched by, packed into a few bytes; a whole batch at a time.

A body is one varint for each number, in the order of `Number`: the number plus one, so that -1, the only negative one, is 0. New numbers
are appended to the list: a body that was written before has fewer, and they read as -1.
"""

from collections.abc import Sequence
from enum import IntEnum

import numpy as np

from services.collector.domain import varint
from services.collector.domain.arrays import Bytes, Ints, starts_of


class Number(IntEnum):
    """The columns of a batch's numbers. In each of them -1 says that there is none."""

    LATENCY_US = 0
    FIRST_TOKEN_US = 1
    COST_NANOS = 2
    INPUT_TOKENS = 3  # -1 where the usage as a whole is not known
    OUTPUT_TOKENS = 4
    CACHE_READ_TOKENS = 5
    CACHE_WRITE_TOKENS = 6
    REASONING_TOKENS = 7
    REVISION_COUNT = 8
    PRICE_ORIGIN = 9  # of domain/price.py
    PRICE_VERSION_ID = 10


NUMBER_COUNT = len(Number)


def encode(numbers: Ints) -> tuple[Bytes, Ints]:
    """The bodies of the rows of `numbers`, shape (calls, NUMBER_COUNT), laid end to end, and how many bytes each has."""
    data, end = varint.encode((numbers.ravel() + 1).view(np.uint64))
    return data, np.diff(end[NUMBER_COUNT - 1 :: NUMBER_COUNT], prepend=0)


def decode(bodies: Sequence[bytes]) -> Ints:
    """The inverse of `encode`. Raises ValueError for a body that is cut off or has more numbers than this version knows."""
    if not bodies:
        return np.empty((0, NUMBER_COUNT), np.int64)
    data: Bytes = np.frombuffer(b"".join(bodies), np.uint8)
    body_end = np.cumsum([len(body) for body in bodies])
    if (data[body_end - 1] >= 0x80).any():
        raise ValueError("a call's body is cut off")
    values, value_count = varint.decode(data, body_end)
    counts = np.diff(value_count, prepend=0)
    if counts.max() > NUMBER_COUNT:
        raise ValueError(f"a call's body has {counts.max()} numbers, this version knows {NUMBER_COUNT}")
    numbers = np.full((len(bodies), NUMBER_COUNT), -1, np.int64)
    row = np.repeat(np.arange(len(bodies)), counts)
    numbers[row, np.arange(row.size) - starts_of(counts)[row]] = values.astype(np.int64) - 1
    return numbers
