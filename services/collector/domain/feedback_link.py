"""Links by which people without a key vote on an answer: what such a link says, and until when."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kit import signed_tokens

_VERSION = 1
_PURPOSE = b"assay feedback"


@dataclass(frozen=True, slots=True)
class FeedbackClaim:
    """What a token says: who has it may vote on a call or a task of a project until then. `title` is what people see it called."""

    project: str
    is_task: bool
    subject_id: str
    title: str
    expire_time: datetime


def sign(claim: FeedbackClaim, key: bytes) -> str:
    """The token of a claim. Seconds are kept, fractions are not."""
    expire_s = int(claim.expire_time.timestamp())
    values = [_VERSION, claim.project, claim.is_task, claim.subject_id, claim.title, expire_s]
    return signed_tokens.sign(values, _PURPOSE, key)


def verify(token: str, keys: tuple[bytes, ...], now: datetime) -> FeedbackClaim:
    """The claim of a token that one of the keys has signed and that holds now.

    Raises PERMISSION_DENIED LINK_INVALID for anything else, whatever is wrong with it, and LINK_EXPIRED for one that did hold.
    """
    claim = _claim(signed_tokens.opened(token, _PURPOSE, keys))
    if now >= claim.expire_time:
        raise signed_tokens.link_expired()
    return claim


def _claim(values: list[Any]) -> FeedbackClaim:
    """What we have signed before; another version of Assay may have written it otherwise."""
    match values:
        case [1, str(project), bool(is_task), str(subject_id), str(title), int(expire_s)]:
            return FeedbackClaim(project, is_task, subject_id, title, datetime.fromtimestamp(expire_s, UTC))
    raise signed_tokens.link_invalid()
