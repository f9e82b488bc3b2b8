"""Reads what Assay says beside a status code: `google.rpc.Status` in the trailers.

The messages of google.rpc are in a distribution of its own that agents need not install for two fields, so they are
read off the wire here: https://protobuf.dev/programming-guides/encoding/.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration

DETAILS_KEY = "grpc-status-details-bin"
_STATUS_DETAILS, _ANY_TYPE, _ANY_VALUE, _REASON, _RETRY_DELAY = 3, 1, 2, 1, 1


@dataclass(frozen=True, slots=True)
class Details:
    """The machine-readable reason, "" for none, and after how many seconds trying again makes sense."""

    reason: str = ""
    retry_after_s: float | None = None


def read_details(trailers: Sequence[tuple[str, str | bytes]]) -> Details:
    """What the trailers say; nothing, if they are not what they should be."""
    reason, retry_after_s = "", None
    try:
        for status in (value for key, value in trailers if key == DETAILS_KEY and isinstance(value, bytes)):
            for packed in _values(status, _STATUS_DETAILS):
                name = next(_values(packed, _ANY_TYPE), b"").rpartition(b".")[2]
                value = next(_values(packed, _ANY_VALUE), b"")
                if name == b"ErrorInfo":
                    reason = next(_values(value, _REASON), b"").decode()
                elif name == b"RetryInfo":
                    delay = Duration.FromString(next(_values(value, _RETRY_DELAY), b""))
                    retry_after_s = delay.seconds + delay.nanos / 1e9
    except (ValueError, IndexError):  # protobuf's DecodeError is a ValueError
        return Details()
    return Details(reason, retry_after_s)


def _values(message: bytes, wanted: int) -> Iterator[bytes]:
    """The values of the field with that number, as far as it is a text, bytes or message."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        match tag & 7:
            case 0:  # varint
                _, place = _varint(message, place)
            case 1:  # 64 bits
                place += 8
            case 5:  # 32 bits
                place += 4
            case 2:  # length-delimited
                size, place = _varint(message, place)
                if tag >> 3 == wanted:
                    yield message[place : place + size]
                place += size
            case kind:
                raise ValueError(f"wire type {kind}")


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """The number that begins at a place, and the place after it."""
    number, shift = 0, 0
    while True:
        byte = message[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place
        shift += 7
