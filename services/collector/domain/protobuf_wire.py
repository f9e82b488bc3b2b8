"""Protobuf's wire format, as far as other people's messages are written here: many small ones whose parts repeat.

Writing the bytes takes a fraction of making and serialising objects, since what repeats, labels above all, is made once.
"""

import struct

_VARINT, _DOUBLE, _BYTES = 0, 1, 2
_double = struct.Struct("<d")


_ONE_BYTE = [bytes([value]) for value in range(0x80)]


def unsigned(value: int) -> bytes:
    """A number as a varint."""
    if value <= 0x7F:
        return _ONE_BYTE[value]
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def zigzag(value: int) -> int:
    """A signed number as an unsigned one that is small where it is small."""
    return value << 1 if value >= 0 else (-value << 1) - 1


def number_tag(field: int) -> int:
    """What stands before a number."""
    return field << 3 | _VARINT


def bytes_tag(field: int) -> int:
    """What stands before a length and so many bytes."""
    return field << 3 | _BYTES


def number_field(field: int, value: int) -> bytes:
    """A field of type uint64, int64 or enum; the value must not be negative."""
    return unsigned(number_tag(field)) + unsigned(value)


def double_field(field: int, value: float) -> bytes:
    """A field of type double."""
    return unsigned(field << 3 | _DOUBLE) + _double.pack(value)


def bytes_field(field: int, content: bytes) -> bytes:
    """A field of type bytes, or a message."""
    return unsigned(bytes_tag(field)) + unsigned(len(content)) + content


def text_field(field: int, content: str) -> bytes:
    """A field of type string."""
    return bytes_field(field, content.encode())
