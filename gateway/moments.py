"""Reads times, durations and lists as people write them into a URL. Pure: the present is given."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from kit.errors import invalid

_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)([smhdw]?)", re.ASCII)
_UNIX_S = re.compile(r"\d{1,12}(?:\.\d{1,9})?", re.ASCII)
# A plus sign in a URL stands for a space, so an offset may arrive as " 02:00".
_RFC_3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d(?:\.\d{1,9})?)(?:([Zz])|([-+ ])(\d\d:\d\d))", re.ASCII)
_DURATION_HELP = "use a number with s, m, h, d or w, such as 15m, or seconds"
_MOMENT_HELP = "use RFC 3339 such as 2026-01-31T12:00:00Z, seconds since 1970, or a time from now such as -24h"


def duration(field: str, text: str) -> timedelta:
    """`90`, `90s`, `15m`, `1h`, `1d` or `2w` as a duration above zero. Raises FIELD_INVALID that names the field."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise invalid(field, _DURATION_HELP)
    try:
        length = timedelta(seconds=float(match[1]) * _UNIT_S[match[2] or "s"])
    except OverflowError:
        raise invalid(field, "is too long") from None
    if not length:
        raise invalid(field, "must be above zero")
    return length


def moment(field: str, text: str, now: datetime) -> datetime:
    """RFC 3339, seconds since 1970, `now`, or a duration back from now (`-24h`), in UTC.

    Raises FIELD_INVALID that names the field.
    """
    try:
        if text == "now":
            return now
        if text.startswith("-"):
            return now - duration(field, text[1:])
        if _UNIX_S.fullmatch(text):
            return datetime.fromtimestamp(float(text), UTC)
        if match := _RFC_3339.fullmatch(text):
            day, time, _zulu, sign, offset = match.groups()
            zone = f"{'+' if sign == ' ' else sign}{offset}" if offset else "+00:00"
            return datetime.fromisoformat(f"{day}T{time}{zone}").astimezone(UTC)
    except (OverflowError, ValueError):
        raise invalid(field, "there is no such time") from None
    raise invalid(field, _MOMENT_HELP)


def comma_list(values: Sequence[str]) -> list[str]:
    """The items of lists that may be written with commas, as repeated parameters, or both."""
    return [item.strip() for value in values for item in value.split(",") if item.strip()]
