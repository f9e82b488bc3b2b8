"""The life of a delivery: what became of a try, when the next one is, and when it is given up."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import TypeAlias

from kit.errors import AssayError, Kind, invalid

DETAIL_LENGTH_MAX = 300
FIRST_RETRY_S = 5.0
RETRY_MAX_S = 900.0
RETRY_AFTER_MAX_S = 3_600.0  # what a receiver may ask for
GIVE_UP_AFTER = timedelta(hours=24)

SUBJECT_LENGTH_MAX = 200
BODY_LENGTH_MAX = 1_000_000  # characters of text and of HTML, each
ATTACHMENTS_MAX = 10
ATTACHMENT_BYTES_MAX = 3_000_000  # of all together: a gRPC message has 4 MB at most, and mail servers often refuse more than 10 MB


class DeliveryState(IntEnum):
    """Where a delivery is. The numbers are kept in PostgreSQL."""

    WAITING = 1
    SENT = 2
    DEAD = 3


class AttemptResult(IntEnum):
    """What became of a try. The numbers are kept in PostgreSQL."""

    SENT = 1
    RETRY = 2
    REFUSED = 3


@dataclass(frozen=True, slots=True)
class Sent:
    """The receiver has it. `reference` is what it calls the message, where that is needed to change it later."""

    reference: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """The receiver may take it later; `after_s` is what it asked for, None if it did not."""

    reason: str
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The receiver will not take it, however often it is tried."""

    reason: str


Result: TypeAlias = Sent | Retry | Refused


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that comes with a document."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Document:
    """What another service wants to be delivered. `html` may be empty. Attachments are kept beside it."""

    subject: str
    text: str
    html: str = ""


def check_document(document: Document, attachments: tuple[Attachment, ...]) -> None:
    """Raises FIELD_INVALID for one that is too large or has a line's end where none can be."""
    if not 1 <= len(document.subject) <= SUBJECT_LENGTH_MAX or not document.subject.isprintable():
        raise invalid("subject", f"must be one line of 1 to {SUBJECT_LENGTH_MAX} printable characters")
    if not document.text:
        raise invalid("text", "must not be empty: it is what is shown where there is no HTML")
    for name, body in (("text", document.text), ("html", document.html)):
        if len(body) > BODY_LENGTH_MAX:
            raise invalid(name, f"has at most {BODY_LENGTH_MAX} characters")
    if len(attachments) > ATTACHMENTS_MAX or sum(len(each.content) for each in attachments) > ATTACHMENT_BYTES_MAX:
        raise invalid("attachments", f"there are at most {ATTACHMENTS_MAX}, of {ATTACHMENT_BYTES_MAX} bytes together")
    for each in attachments:
        if not 1 <= len(each.name) <= 128 or not each.name.isprintable() or "/" in each.name or "\\" in each.name:
            raise invalid("attachments", "a name has 1 to 128 printable characters and no slash")
        main, slash, sub = each.content_type.partition("/")
        if not (slash and all(part and len(part) <= 64 and set(part) <= _TOKEN for part in (main, sub))) or main in {
            "multipart",
            "message",
        }:
            raise invalid("attachments", "a content type is like image/png")


_TOKEN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.+-")


def retry_time(result: Retry, attempt_count: int, created: datetime, now: datetime, chance: float) -> datetime | None:
    """When to try again after so many tries, None to give up. `chance` in 0..1 spreads those that failed together.

    The wait doubles with each try, up to a quarter of an hour, of which between half and all is waited. What the receiver asked for is
    waited in any case.
    """
    if now - created >= GIVE_UP_AFTER:
        return None
    wait_s = min(FIRST_RETRY_S * 2.0 ** min(attempt_count - 1, 32), RETRY_MAX_S) * (0.5 + chance / 2)
    if result.after_s is not None:
        wait_s = max(wait_s, min(result.after_s, RETRY_AFTER_MAX_S))
    return now + timedelta(seconds=wait_s)


def shown_detail(text: str) -> str:
    """What is kept of a receiver's answer: one line, not too long."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    return plain if len(plain) <= DETAIL_LENGTH_MAX else plain[: DETAIL_LENGTH_MAX - 1] + "…"


def delivery_unknown() -> AssayError:
    """The refusal of a delivery that the project has not."""
    return AssayError(Kind.NOT_FOUND, "DELIVERY_UNKNOWN", "the project has no such delivery")
