"""What is found, how bad it is, and what to do about it."""

from dataclasses import dataclass
from enum import Enum


class Grade(Enum):
    """How bad it is. TROUBLE alone makes the command fail: something does not work, or will lose data."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    TROUBLE = "trouble"


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, what was seen, and what to do; `advice` is empty where there is nothing to do."""

    subject: str
    grade: Grade
    seen: str
    advice: str = ""


def ok(subject: str, seen: str) -> Finding:
    """All is well."""
    return Finding(subject, Grade.OK, seen)


def note(subject: str, seen: str, advice: str = "") -> Finding:
    """Good to know, or not to be seen from here."""
    return Finding(subject, Grade.NOTE, seen, advice)


def warning(subject: str, seen: str, advice: str) -> Finding:
    """It works, and will not for ever."""
    return Finding(subject, Grade.WARNING, seen, advice)


def trouble(subject: str, seen: str, advice: str) -> Finding:
    """It does not work, or loses data."""
    return Finding(subject, Grade.TROUBLE, seen, advice)
