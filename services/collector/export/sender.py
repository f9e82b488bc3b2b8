"""What the senders of the two kinds have in common."""

from typing import Protocol

from services.collector.store.exports import Progress


class TroubleError(Exception):
    """A target did not take something that may be sent again. `after_s` is how long it wants to be left alone, None if it did not say."""

    def __init__(self, detail: str, after_s: float | None) -> None:
        super().__init__(detail)
        self.after_s = after_s


class Sender(Protocol):
    """Sends to one target while its lease is held."""

    async def look(self, position: int) -> None:
        """Takes down what is due, whether or not the target can be reached."""
        ...

    async def step(self, position: int) -> Progress | None:
        """Sends the next part of what there is after a position, None if there is nothing.

        What was refused is counted and passed over. Raises TroubleError, and passing errors of the database; then the same is tried again.
        """
        ...

    @property
    def waiting_count(self) -> int:
        """How much is known to wait."""
        ...
