"""Signed links: what somebody may do from a message, without a key, until the link expires."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from kit.errors import AssayError, Kind

TOKEN_LENGTH_MAX = 1_024  # ours have some 250 characters
KEY_BYTES_MIN = 32
_VERSION = 1


class LinkAction(Enum):
    """What a link is for."""

    ACKNOWLEDGE = "acknowledge"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class LinkClaim:
    """What a token says: who was sent it may do this to all alerts of a group until then."""

    action: LinkAction
    project: str
    group_id: str
    receiver: str
    expire_time: datetime


def sign(claim: LinkClaim, key: bytes) -> str:
    """The token of a claim: its content and an HMAC-SHA256 of it, both in base64url. Seconds are kept, fractions are not."""
    _check_key(key)
    expire_s = int(claim.expire_time.timestamp())
    content = json.dumps([_VERSION, claim.action.value, claim.project, claim.group_id, claim.receiver, expire_s], separators=(",", ":"))
    payload = _encoded(content.encode())
    return f"{payload}.{_encoded(_mac(payload, key))}"


def verify(token: str, keys: tuple[bytes, ...], now: datetime) -> LinkClaim:
    """The claim of a token that one of the keys has signed and that holds now.

    Raises PERMISSION_DENIED LINK_INVALID for anything else, whatever is wrong with it, and LINK_EXPIRED for one that did hold.
    """
    payload, _, signature = token.partition(".")
    if len(token) > TOKEN_LENGTH_MAX or not token.isascii():
        raise _link_invalid()
    # Each comparison takes the same time wherever the difference is; which key it was is no secret.
    if not any(hmac.compare_digest(_encoded(_mac(payload, key)), signature) for key in keys):
        raise _link_invalid()
    claim = _claim(payload)
    if now >= claim.expire_time:
        raise AssayError(Kind.PERMISSION_DENIED, "LINK_EXPIRED", "the link has expired: open the page instead")
    return claim


def _claim(payload: str) -> LinkClaim:
    """What we have signed before; another version of Assay may have written it otherwise."""
    match json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))):
        case [1, str(action), str(project), str(group_id), str(receiver), int(expire_s)]:
            return LinkClaim(LinkAction(action), project, group_id, receiver, datetime.fromtimestamp(expire_s, UTC))
    raise _link_invalid()


def _mac(payload: str, key: bytes) -> bytes:
    _check_key(key)
    return hmac.new(key, b"assay link\n" + payload.encode(), hashlib.sha256).digest()


def _check_key(key: bytes) -> None:
    if len(key) < KEY_BYTES_MIN:
        raise ValueError(f"a key of less than {KEY_BYTES_MIN} bytes signs nothing")


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _link_invalid() -> AssayError:
    return AssayError(Kind.PERMISSION_DENIED, "LINK_INVALID", "this is no link of ours")
