"""Checks of texts as received: required, not too long, UTF-8 without U+0000."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.collector.domain.refusals import Fault, Reason


@dataclass(frozen=True, slots=True)
class TextRule:
    """What a text field must be; lengths in bytes of UTF-8."""

    field: str
    bytes_max: int
    is_required: bool = False

    def fault(self, text: bytes) -> Fault | None:
        """What is wrong with a text; None if nothing is."""
        if not text:
            return Fault(self.field, Reason.MISSING, "must not be empty") if self.is_required else None
        if len(text) > self.bytes_max:
            return Fault(self.field, Reason.TOO_LONG, f"must have at most {self.bytes_max} bytes")
        if not _is_valid(text):
            return Fault(self.field, Reason.INVALID_TEXT, "must be valid UTF-8 without U+0000")
        return None

    def faults(self, texts: Sequence[bytes]) -> dict[int, Fault]:
        """What is wrong with which of many texts, by place: nearly always nothing, found without looking at each."""
        if not texts or (self._lengths_fit(texts) and _are_valid(texts)):
            return {}
        return {place: fault for place, text in enumerate(texts) if (fault := self.fault(text))}

    def _lengths_fit(self, texts: Sequence[bytes]) -> bool:
        if self.is_required and not all(texts):
            return False
        return max(map(len, texts)) <= self.bytes_max


def _is_valid(text: bytes) -> bool:
    if b"\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _are_valid(texts: Sequence[bytes]) -> bool:
    # The line feed between them keeps the halves of a character, split over two texts, from making a whole one.
    return _is_valid(b"\n".join(texts))
