"""Checks of single fields that several messages share."""

from collections.abc import Mapping

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from kit.errors import invalid

S_PER_MIN = 60


def text_of(value: str, field: str, bytes_max: int) -> str:
    """The text; raises FIELD_INVALID when it is too long or has a character that the database cannot keep."""
    if len(value.encode()) > bytes_max:
        raise invalid(field, f"must be at most {bytes_max} bytes")
    if "\0" in value:
        raise invalid(field, "must not contain U+0000")
    return value


def seconds_of(message: Duration, field: str, most_s: float) -> float:
    """A duration in seconds. Raises FIELD_INVALID when it is negative or longer than `most_s`."""
    seconds = message.seconds + message.nanos / 1e9
    if not 0 <= seconds <= most_s:
        raise invalid(field, f"must be 0 to {most_s:g} s")
    return seconds


def minutes_of(message: Duration, field: str, most_s: int) -> int:
    """A duration of whole minutes, in seconds. Raises FIELD_INVALID when it is none, shorter than one or longer than `most_s`."""
    if message.nanos or message.seconds % S_PER_MIN or not S_PER_MIN <= message.seconds <= most_s:
        raise invalid(field, f"must be a whole number of minutes, at least one, and at most {most_s // S_PER_MIN}")
    return int(message.seconds)


def labels_of(labels: Mapping[str, str], field: str, count_max: int) -> dict[str, str]:
    """The labels that are asked for. Raises FIELD_INVALID for too many or too long ones."""
    if len(labels) > count_max:
        raise invalid(field, f"must be at most {count_max}")
    return {text_of(name, field, 128): text_of(value, field, 256) for name, value in labels.items()}


def microseconds_of(moment: Timestamp, field: str) -> int:
    """A time in microseconds since the epoch. Raises FIELD_INVALID for one that is none."""
    if not 0 <= moment.nanos < 1_000_000_000 or not -62_135_596_800 <= moment.seconds <= 253_402_300_799:
        raise invalid(field, "is not a valid time")
    return moment.seconds * 1_000_000 + moment.nanos // 1_000
