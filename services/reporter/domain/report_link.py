"""Signed links to one report: who has it may see the report, until the link expires."""

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from kit.errors import AssayError, Kind

TOKEN_LENGTH_MAX = 512  # ours have some 200 characters
_VERSION = 1
# What projects and reports can be called: nothing else reaches the database without proof.
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class ReportLink:
    """Which report, until when. Seconds are kept, fractions are not."""

    project: str
    report_id: str
    expire_time: datetime


def sign(link: ReportLink, key: bytes) -> str:
    """The token: what it is for and an HMAC-SHA256 of it by the report's own key, both in base64url."""
    content = json.dumps([_VERSION, link.project, link.report_id, int(link.expire_time.timestamp())], separators=(",", ":"))
    payload = _encoded(content.encode())
    return f"{payload}.{_encoded(_mac(payload, key))}"


def claimed(token: str) -> ReportLink:
    """What a token says it is for; `verify` it with that report's key. Raises LINK_INVALID."""
    payload = token.partition(".")[0]
    if len(token) > TOKEN_LENGTH_MAX or not token.isascii():
        raise link_invalid()
    try:
        content = json.loads(base64.b64decode(payload + "=" * (-len(payload) % 4), altchars=b"-_", validate=True))
        match content:
            case [1, str(project), str(report_id), int(expire_s)] if _NAME.fullmatch(project) and _NAME.fullmatch(report_id):
                return ReportLink(project, report_id, datetime.fromtimestamp(expire_s, UTC))
    except (ValueError, OverflowError, OSError, RecursionError):
        pass
    raise link_invalid()


def verify(token: str, key: bytes, now: datetime) -> None:
    """Raises PERMISSION_DENIED LINK_INVALID unless the key has signed the token, and LINK_EXPIRED for one that did hold."""
    payload, _, signature = token.partition(".")
    if not hmac.compare_digest(_encoded(_mac(payload, key)), signature):
        raise link_invalid()
    if now >= claimed(token).expire_time:
        raise AssayError(Kind.PERMISSION_DENIED, "LINK_EXPIRED", "the link has expired: open the page instead")


def link_invalid() -> AssayError:
    """The one refusal of every token that is not ours, so that nothing is learnt about which reports there are."""
    return AssayError(Kind.PERMISSION_DENIED, "LINK_INVALID", "this is no link of ours")


def _mac(payload: str, key: bytes) -> bytes:
    return hmac.new(key, b"assay report link\n" + payload.encode(), hashlib.sha256).digest()


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
