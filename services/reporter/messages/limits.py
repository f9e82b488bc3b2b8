"""Checks of single fields that several messages share."""

import re
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from kit import paging
from kit.errors import invalid

_CHOSEN_ID = re.compile(r"[A-Za-z0-9_.-]+")


def text_of(value: str, field: str, bytes_max: int) -> str:
    """The text; raises FIELD_INVALID when it is too long or has a character that the database cannot keep."""
    if len(value.encode()) > bytes_max:
        raise invalid(field, f"must be at most {bytes_max} bytes")
    if "\0" in value:
        raise invalid(field, "must not contain U+0000")
    return value


def id_of(value: str, field: str, length_max: int = 64) -> str:
    """An id that a caller has chosen. Raises FIELD_INVALID."""
    if len(value) > length_max or not _CHOSEN_ID.fullmatch(value):
        raise invalid(field, f"has 1 to {length_max} of [A-Za-z0-9_.-]")
    return value


def time_of(message: Timestamp, field: str) -> datetime:
    """A time, to the microsecond. Raises FIELD_INVALID for one that is none."""
    if not 0 <= message.nanos < 1_000_000_000 or not -62_135_596_800 <= message.seconds <= 253_402_300_799:
        raise invalid(field, "is not a valid time")
    return datetime.fromtimestamp(message.seconds, UTC).replace(microsecond=message.nanos // 1_000)


def timestamp(moment: datetime | None) -> Timestamp | None:
    """A time as the contract has it, None for None."""
    if moment is None:
        return None
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def listing_position(token: str, query: str) -> tuple[datetime, str] | None:
    """The time and id before which a page of the latest begins; None for the first page. Raises PAGE_TOKEN_INVALID."""
    if not token:
        return None
    match paging.decode_token(token, query):
        case [str(moment), str(name)]:
            try:
                return datetime.fromisoformat(moment), name
            except ValueError:
                pass
    raise _token_invalid()


def name_position(token: str, query: str) -> str:
    """The id behind which a page begins; empty for the first page. Raises PAGE_TOKEN_INVALID."""
    position = paging.decode_token(token, query) if token else ""
    if not isinstance(position, str):
        raise _token_invalid()
    return position


def _token_invalid() -> Exception:
    return invalid("page_token", "not a token of this query; start again without one", "PAGE_TOKEN_INVALID")
