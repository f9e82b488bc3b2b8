"""Checks keys in the process that keeps them."""

from kit.access import Identity, key_invalid
from services.collector.access import keys
from services.collector.access.store import AccessStore


class StoreKeyChecker:
    """A KeyChecker that looks each key up anew, so that a revoked one stops at once."""

    def __init__(self, store: AccessStore) -> None:
        self._store = store

    async def check(self, secret: str) -> Identity:
        """Raises UNAUTHENTICATED KEY_INVALID, or UNAVAILABLE while the database is away."""
        try:
            credential = keys.parse(secret)
        except ValueError as error:
            raise key_invalid() from error
        identity = await self._store.identity_of(credential)
        if identity is None:
            raise key_invalid()
        return identity
