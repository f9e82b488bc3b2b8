"""Writes columns of numbers as packed repeated fields, whole columns at a time: a fifth of the time that filling messages takes."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from google.protobuf.descriptor import Descriptor

from services.collector.domain import varint
from services.collector.domain.arrays import Floats, Ints

_LENGTH_DELIMITED = 2
"""The wire type of whatever has a length: packed fields and messages."""


def packed(message: Descriptor, columns: Mapping[str, Ints | Floats], bounds: Ints) -> list[bytes]:
    """A serialised message for each stretch of rows from one bound to the next, with these columns as its repeated fields.

    Columns are of int64 or double, by the names of their fields.
    """
    fields = [_field_of_each(message.fields_by_name[name].number, column, bounds) for name, column in columns.items()]
    return [b"".join(parts) for parts in zip(*fields, strict=True)]


def field(number: int, payload: bytes) -> bytes:
    """One field that has a length."""
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(payload)) + payload


def _field_of_each(number: int, column: Ints | Floats, bounds: Ints) -> list[bytes]:
    if column.dtype == np.float64:
        data, ends = column.astype("<f8").tobytes(), bounds * 8
    else:
        encoded, value_end = varint.encode(np.ascontiguousarray(column).view(np.uint64))
        data, ends = encoded.tobytes(), np.append(0, value_end)[bounds]
    return [field(number, data[begin:end]) for begin, end in pairwise(ends.tolist())]


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
