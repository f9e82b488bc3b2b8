"""The installation's secret keys: from a setting, or from a file that is made at the first start."""

import base64
import hashlib
import hmac
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import Fernet


def load_keys(setting: str, file: Path | None) -> list[str]:
    """The keys in the setting, separated by commas; else those in the file, which is made with a new one if it is not there."""
    if setting.strip() or file is None:
        return [key.strip() for key in setting.split(",") if key.strip()]
    _make_file(file)
    return file.read_text().split()


def derived_keys(keys: Sequence[str], purpose: bytes) -> tuple[bytes, ...]:
    """Keys for one purpose, made from Fernet keys, of which they tell nothing. Raises ValueError for one that is none."""
    for key in keys:
        Fernet(key)  # raises ValueError unless it is 32 bytes in base64url
    return tuple(hmac.new(base64.urlsafe_b64decode(key), purpose, hashlib.sha256).digest() for key in keys)


def _make_file(file: Path) -> None:
    """Readable by its owner alone, and complete as soon as it is there: whoever comes second finds the first one's."""
    if file.exists():
        return
    descriptor, draft = tempfile.mkstemp(dir=file.parent, prefix=f"{file.name}.")
    with os.fdopen(descriptor, "wb") as writing:
        writing.write(Fernet.generate_key() + b"\n")
    try:
        os.link(draft, file)
    except FileExistsError:
        return
    finally:
        Path(draft).unlink()
