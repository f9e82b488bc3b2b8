"""How the pool and its processes talk: a length, a JSON object, and what follows it."""

import json
import struct
from typing import Any, BinaryIO

LENGTH = struct.Struct(">I")
# Two hundred findings of each of a few tools; a process that says more is out of its mind.
REPLY_BYTES_MAX = 4 * 1024 * 1024


def frame(value: dict[str, Any]) -> bytes:
    """One JSON object with its length before it."""
    body = json.dumps(value).encode()
    return LENGTH.pack(len(body)) + body


def read_frame(source: BinaryIO) -> dict[str, Any] | None:
    """The next object, None at the end of the input."""
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    value: dict[str, Any] = json.loads(source.read(LENGTH.unpack(head)[0]))
    return value
