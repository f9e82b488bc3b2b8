"""Secrets of keys and logins, and for how long they hold. Pure but for the randomness of what it makes.

A key's secret reads `assay_<key_id>_<random>`. The id is public and finds the row. The random part has 256 bits, so
there is nothing to guess, and a plain SHA-256 of the whole secret is the right thing to store: slow password hashes
make up for secrets that people choose, and would cost every check milliseconds here.
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

LOGIN_TOKEN_LIFETIME = timedelta(minutes=15)
SESSION_LIFETIME = timedelta(hours=12)

_KEY_ID = re.compile(r"[a-z2-7]{12}")
_SECRET = re.compile(r"assay_(?P<key_id>[a-z2-7]{12})_[A-Za-z0-9_-]{43}")
_LOGIN_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_KEY_ID_BYTES = 8  # base32 makes 13 characters of them, of which the first 12 hold 60 bits
_RANDOM_BYTES = 32


@dataclass(frozen=True)
class Credential:
    """What a secret says: which key it claims to be, and the hash that proves it."""

    key_id: str
    secret_hash: bytes


def new_secret() -> str:
    """A key's secret that nobody else has."""
    key_id = base64.b32encode(secrets.token_bytes(_KEY_ID_BYTES)).decode().lower()[:12]
    return f"assay_{key_id}_{secrets.token_urlsafe(_RANDOM_BYTES)}"


def parse(secret: str) -> Credential:
    """The secret's key id and hash. Raises ValueError if it is none of ours by its form."""
    match = _SECRET.fullmatch(secret)
    if match is None:
        raise ValueError("a key's secret reads assay_<12 characters>_<43 characters>")
    return Credential(match["key_id"], _hash_of(secret))


def proves(credential: Credential, stored_hash: bytes) -> bool:
    """Whether the secret is the stored one, compared in constant time."""
    return hmac.compare_digest(credential.secret_hash, stored_hash)


def new_login_token() -> str:
    """A token for one login: 43 characters that are safe in an address."""
    return secrets.token_urlsafe(_RANDOM_BYTES)


def login_token_hash(token: str) -> bytes:
    """The hash by which a login token is found. Raises ValueError if it is none of ours by its form."""
    if not _LOGIN_TOKEN.fullmatch(token):
        raise ValueError("a login token has 43 characters")
    return _hash_of(token)


def holds(expire_time: datetime | None, revoke_time: datetime | None, now: datetime) -> bool:
    """Whether a key works at this time. None: without end, not revoked. The moment of expiry is already too late."""
    return revoke_time is None and (expire_time is None or now < expire_time)


def capped(end: datetime, parent_end: datetime | None) -> datetime:
    """When something ends that may not outlive the key it came from."""
    return end if parent_end is None else min(end, parent_end)


def is_key_id(text: str) -> bool:
    """Whether a key could have this id."""
    return _KEY_ID.fullmatch(text) is not None


def _hash_of(text: str) -> bytes:
    return hashlib.sha256(text.encode("ascii")).digest()
