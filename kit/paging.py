"""Pages of a listing as AIP-158 has them: sizes, and opaque tokens that belong to one query."""

import base64
import hashlib
import json
from typing import TypeAlias

from kit.errors import AssayError, Kind, invalid

Position: TypeAlias = "str | int | float | bool | list[Position] | dict[str, Position] | None"

# A position is a few column values; anything longer was not made here, and is not worth decoding.
TOKEN_LENGTH_MAX = 2_048


def page_size(requested: int, default: int, maximum: int) -> int:
    """How many items a page has: 0 means `default`, too many are capped. Raises FIELD_INVALID when negative."""
    if requested < 0:
        raise invalid("page_size", "must not be negative")
    return min(requested or default, maximum)


def encode_token(query_fingerprint: str, position: Position) -> str:
    """The token of the page that starts after `position`, for the query that the fingerprint tells from others.

    Whoever has the token can read and change the position, so it may hold no secret and select only what the query
    itself would: put the project and the filters in the fingerprint, and in the query again when the token returns.
    """
    content = json.dumps([_digest(query_fingerprint), position], separators=(",", ":"))
    token = base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")
    if len(token) > TOKEN_LENGTH_MAX:
        raise ValueError(f"a page token of {len(token)} characters is longer than {TOKEN_LENGTH_MAX}")
    return token


def decode_token(token: str, query_fingerprint: str) -> Position:
    """The position in a token. Raises INVALID_ARGUMENT PAGE_TOKEN_INVALID for garbage and for another query's token."""
    if len(token) > TOKEN_LENGTH_MAX:
        raise _token_invalid()
    try:
        padded = token + "=" * (-len(token) % 4)
        content = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError):  # a ValueError, too, when it is not base64 or not UTF-8
        raise _token_invalid() from None
    if not isinstance(content, list) or len(content) != 2 or content[0] != _digest(query_fingerprint):
        raise _token_invalid()
    position: Position = content[1]
    return position


def _digest(query_fingerprint: str) -> str:
    return hashlib.blake2b(query_fingerprint.encode(), digest_size=9).hexdigest()


def _token_invalid() -> AssayError:
    return AssayError(
        Kind.INVALID_ARGUMENT,
        "PAGE_TOKEN_INVALID",
        "page_token: not a token of this query; start again without one",
        details={"field": "page_token"},
    )
