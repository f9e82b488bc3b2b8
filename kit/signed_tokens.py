"""Tokens that carry a few plain values and prove by an HMAC that they are ours, for links that need no key."""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

from kit.errors import AssayError, Kind

TOKEN_LENGTH_MAX = 1_024  # ours have some 250 characters
KEY_BYTES_MIN = 32


def sign(values: Sequence[Any], purpose: bytes, key: bytes) -> str:
    """The token of values that JSON can hold: its content and an HMAC-SHA256 of it, both in base64url. Another purpose does not take it."""
    payload = _encoded(json.dumps(list(values), separators=(",", ":")).encode())
    return f"{payload}.{_encoded(_mac(payload, purpose, key))}"


def opened(token: str, purpose: bytes, keys: Sequence[bytes]) -> list[Any]:
    """The values of a token that one of the keys has signed. Raises PERMISSION_DENIED LINK_INVALID for anything else."""
    payload, _, signature = token.partition(".")
    if len(token) > TOKEN_LENGTH_MAX or not token.isascii():
        raise link_invalid()
    # Each comparison takes the same time wherever the difference is; which key it was is no secret.
    if not any(hmac.compare_digest(_encoded(_mac(payload, purpose, key)), signature) for key in keys):
        raise link_invalid()
    values: list[Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return values


def link_invalid() -> AssayError:
    """The one refusal of every token that is not ours, whatever is wrong with it."""
    return AssayError(Kind.PERMISSION_DENIED, "LINK_INVALID", "this is no link of ours")


def link_expired() -> AssayError:
    """The refusal of a token that did hold."""
    return AssayError(Kind.PERMISSION_DENIED, "LINK_EXPIRED", "the link has expired: open the page instead")


def _mac(payload: str, purpose: bytes, key: bytes) -> bytes:
    if len(key) < KEY_BYTES_MIN:
        raise ValueError(f"a key of less than {KEY_BYTES_MIN} bytes signs nothing")
    return hmac.new(key, purpose + b"\n" + payload.encode(), hashlib.sha256).digest()


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
