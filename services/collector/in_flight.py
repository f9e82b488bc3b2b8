"""Bounds what is on its way to the bus, so that a slow disk there does not fill the memory here."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from kit.errors import AssayError, Kind

# The bus takes 128 MB of unanswered messages for a stream before it refuses; half of it leaves room for other fronts.
IN_FLIGHT_BYTES_MAX = 64 * 1024 * 1024
IN_FLIGHT_RETRY_S = 1.0


class InFlight:
    """Counts the bytes that are being published."""

    def __init__(self, bytes_max: int = IN_FLIGHT_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._bytes = 0

    @contextmanager
    def holding(self, payloads: Sequence[bytes]) -> Iterator[None]:
        """Holds room for payloads during the block; an idle front takes any. Raises BUS_UNAVAILABLE if full."""
        size = sum(map(len, payloads))
        if self._bytes and self._bytes + size > self._bytes_max:
            raise AssayError(
                Kind.UNAVAILABLE,
                "BUS_UNAVAILABLE",
                "more is on its way to the bus than it takes up: send the same batch again",
                retry_after_s=IN_FLIGHT_RETRY_S,
            )
        self._bytes += size
        try:
            yield
        finally:
            self._bytes -= size
