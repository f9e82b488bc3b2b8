"""Makes up requests that nobody would send: for any message type, from its descriptor."""

import random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

FILL_RATIO = 0.6  # of the fields of a message
REPEATED_MAX = 4
DEPTH_MAX = 4
INTEGERS = (0, 1, -1, 59, 60, 1_000, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 10**15 + 1)
UNSIGNED_INTEGERS = (0, 1, 2**32 - 1)
FLOATS = (0.0, -0.0, 0.5, 1.0, -1.0, 1e308, float("inf"), float("-inf"), float("nan"), 5e-324)
TEXTS = (
    "",
    "a",
    "default",
    "\x00",
    "x" * 65,
    "x" * 2_000,
    "'; DROP TABLE collector.call; --",
    "Ünïcödé ✓",
    "\u202e",
    "../../etc/passwd",
    "%s%n",
    "-24h",
)
BYTE_TEXTS = (b"", b"\x00", b"\xff\xfe", b"<xml", b"x" * 2_000)
GARBAGE_BYTES_MAX = 300


def garbage(rng: random.Random) -> bytes:
    """Bytes that are no message, as a rule."""
    return rng.randbytes(rng.randrange(1, GARBAGE_BYTES_MAX))


def damaged(rng: random.Random, data: bytes) -> bytes:
    """A message of which some bytes were changed, lost or doubled."""
    damaged_data = bytearray(data or b"\n\x01a")
    for _ in range(rng.randrange(1, 5)):
        place = rng.randrange(len(damaged_data))
        if rng.random() < 0.6:
            damaged_data[place] = rng.randrange(256)
        elif rng.random() < 0.5:
            damaged_data = damaged_data[: place + 1]
        else:
            damaged_data[place:place] = damaged_data[: place + 1]
    return bytes(damaged_data)


def message(rng: random.Random, kind: type[Message], depth: int = 0) -> Message:
    """A message of the type with values that are extreme rather than likely."""
    made = kind()
    for field in kind.DESCRIPTOR.fields:
        if rng.random() < FILL_RATIO and depth < DEPTH_MAX:
            _fill(rng, made, field, depth)
    return made


def _fill(rng: random.Random, made: Message, field: Any, depth: int) -> None:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        entries = getattr(made, field.name)
        for _ in range(rng.randrange(REPEATED_MAX)):
            entries[rng.choice(TEXTS)] = rng.choice(TEXTS)
    elif field.is_repeated:
        getattr(made, field.name).extend(_value(rng, field, depth) for _ in range(rng.randrange(REPEATED_MAX)))
    elif field.message_type is not None:
        getattr(made, field.name).CopyFrom(_value(rng, field, depth))
    else:
        setattr(made, field.name, _value(rng, field, depth))


def _value(rng: random.Random, field: Any, depth: int) -> Any:
    if field.message_type is not None:
        return message(rng, GetMessageClass(field.message_type), depth + 1)
    kind = field.cpp_type
    if kind == FieldDescriptor.CPPTYPE_ENUM:
        return rng.choice((*field.enum_type.values_by_number, 77))
    if kind == FieldDescriptor.CPPTYPE_STRING:
        return rng.choice(BYTE_TEXTS if field.type == FieldDescriptor.TYPE_BYTES else TEXTS)
    if kind in {FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT}:
        return rng.choice(FLOATS)
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return rng.random() < 0.5
    if kind == FieldDescriptor.CPPTYPE_INT32:
        return rng.choice([number for number in INTEGERS if abs(number) <= 2**31 - 1])
    if kind == FieldDescriptor.CPPTYPE_INT64:
        return rng.choice(INTEGERS)
    return rng.choice(UNSIGNED_INTEGERS)
