"""What can be erased, and by what it is known afterwards."""

import hashlib
import json
from dataclasses import dataclass
from enum import IntEnum


class ErasureKind(IntEnum):
    """What an erasure is about. The numbers are stored."""

    TASK = 1
    LABEL = 2
    PROJECT = 3


@dataclass(frozen=True, slots=True)
class ErasedSubject:
    """A task by its id, a label by its key and value, or the project by its name; `key` is empty but for labels."""

    kind: ErasureKind
    value: str
    key: str = ""

    @property
    def fingerprint(self) -> str:
        """SHA-256 in hexadecimal: what is left to know it by when the value is forgotten. The contract says of what."""
        parts = [self.kind.name.lower(), *([self.key] if self.kind is ErasureKind.LABEL else []), self.value]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def label_text(key: str, value: str) -> str:
    """What stands in the `extras` of every call that has the label, and mostly of no other."""
    return f"{json.dumps(key, ensure_ascii=False)}:{json.dumps(value, ensure_ascii=False)}"


def has_label(extras: str, key: str, value: str) -> bool:
    """Whether a call with these extras, JSON or empty, has the label."""
    return bool(extras) and json.loads(extras).get("labels", {}).get(key) == value
