"""Signed links: what somebody may do from a message, without a key, until the link expires."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from kit import signed_tokens

_VERSION = 1
_PURPOSE = b"assay link"


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
    """The token of a claim. Seconds are kept, fractions are not."""
    expire_s = int(claim.expire_time.timestamp())
    values = [_VERSION, claim.action.value, claim.project, claim.group_id, claim.receiver, expire_s]
    return signed_tokens.sign(values, _PURPOSE, key)


def verify(token: str, keys: tuple[bytes, ...], now: datetime) -> LinkClaim:
    """The claim of a token that one of the keys has signed and that holds now.

    Raises PERMISSION_DENIED LINK_INVALID for anything else, whatever is wrong with it, and LINK_EXPIRED for one that did hold.
    """
    claim = _claim(signed_tokens.opened(token, _PURPOSE, keys))
    if now >= claim.expire_time:
        raise signed_tokens.link_expired()
    return claim


def _claim(values: list[Any]) -> LinkClaim:
    """What we have signed before; another version of Assay may have written it otherwise."""
    match values:
        case [1, str(action), str(project), str(group_id), str(receiver), int(expire_s)]:
            return LinkClaim(LinkAction(action), project, group_id, receiver, datetime.fromtimestamp(expire_s, UTC))
    raise signed_tokens.link_invalid()
