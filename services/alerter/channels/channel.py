"""What every channel is."""

from typing import Protocol

from services.alerter.domain.notification.delivery import Result
from services.alerter.domain.notification.receiver import Receiver
from services.alerter.render.outgoing import Outgoing


class Channel(Protocol):
    """Sends messages to receivers of one sort. It keeps nothing between two messages."""

    async def send(self, message: Outgoing, receiver: Receiver) -> Result:
        """Tries once, within SEND_TIMEOUT_S, and tells what became of it; trouble with the receiver is an answer, and not raised."""
        ...


# For one try, resolving, connecting and answering together; a lease of a delivery is longer.
SEND_TIMEOUT_S = 30.0
