"""Reads the fields of a row of a series: when, and how much."""

import math
import re
from datetime import UTC, datetime

from kit.errors import invalid

# What programs write where there is no value.
_MISSING = frozenset({"", "na", "n/a", "null", "none", "nil", "-"})
# Years 1 and 9999, as ISO 8601 has them.
_SECONDS_MIN, _SECONDS_MAX = -62_135_596_800.0, 253_402_300_800.0
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_SHOWN_LENGTH_MAX = 40


def seconds_of(text: str) -> float:
    """A timestamp in seconds since the epoch. Raises AssayError for one that is neither ISO 8601 nor seconds since the epoch."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        seconds = float(text)
        if _SECONDS_MIN <= seconds <= _SECONDS_MAX:
            return seconds
        raise invalid("timestamp", f"{_shown(text)} is no time in seconds since 1970: divide milliseconds by 1,000")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid("timestamp", f"{_shown(text)} is no time: write it as 2026-05-01T12:00:00Z or as seconds since 1970") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def value_of(text: str) -> float:
    """A value, NaN where it is missing. Raises AssayError for what is no number."""
    text = text.strip()
    if text.lower() in _MISSING:
        return math.nan
    try:
        return float(text)
    except ValueError:
        raise invalid("value", f"{_shown(text)} is no number: write it as 12.5, and leave it empty where it is missing") from None


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_LENGTH_MAX else text[:_SHOWN_LENGTH_MAX] + "…")
