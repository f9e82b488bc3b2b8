"""Encrypts what receivers must keep secret. The database holds no secret in clear, nor the key."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from kit.errors import AssayError, Kind
from kit.secret_keys import derived_keys

KEYS_MAX = 8


class SecretBox:
    """Seals with the first key, opens with any: put a new key first and keep the old one until all is sealed anew.

    Keys are Fernet's, 32 bytes in base64url. Raises FAILED_PRECONDITION SECRETS_KEY_INVALID for others. Without any key nothing can be
    kept secret: whatever needs it raises SECRETS_KEY_MISSING.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if len(keys) > KEYS_MAX:
            raise _key_invalid()
        try:
            self._fernets = [Fernet(key) for key in keys]
        except ValueError as error:
            raise _key_invalid() from error
        self._link_keys = derived_keys(keys, b"assay links")

    @property
    def link_keys(self) -> tuple[bytes, ...]:
        """Keys for signed links, made from the secret ones: the first signs, empty where there is none."""
        return self._link_keys

    def seal(self, values: Mapping[str, Any]) -> bytes:
        """Encrypts values that JSON can hold; nothing stays nothing."""
        return self._all().encrypt(json.dumps(dict(values)).encode()) if values else b""

    def open(self, sealed: bytes) -> dict[str, Any]:
        """Raises FAILED_PRECONDITION SECRETS_UNREADABLE where the key that sealed it is not there any more."""
        if not sealed:
            return {}
        try:
            opened: dict[str, Any] = json.loads(self._all().decrypt(sealed))
        except InvalidToken:
            message = "the secrets of a receiver were encrypted with a key that ASSAY_SECRETS_KEY has not: add it, or set the secrets again"
            raise AssayError(Kind.FAILED_PRECONDITION, "SECRETS_UNREADABLE", message) from None
        return opened

    def is_current(self, sealed: bytes) -> bool:
        """Whether it was sealed with the first key."""
        try:
            self._fernets[0].decrypt(sealed)
        except InvalidToken:
            return False
        return True

    def _all(self) -> MultiFernet:
        if not self._fernets:
            message = "set ASSAY_SECRETS_KEY or ASSAY_SECRETS_KEY_FILE, so that secrets can be kept"
            raise AssayError(Kind.FAILED_PRECONDITION, "SECRETS_KEY_MISSING", message)
        return MultiFernet(self._fernets)


def _key_invalid() -> AssayError:
    message = f"ASSAY_SECRETS_KEY takes up to {KEYS_MAX} keys of 32 bytes in base64url, separated by commas"
    return AssayError(Kind.FAILED_PRECONDITION, "SECRETS_KEY_INVALID", message)
