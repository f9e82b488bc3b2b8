"""Connections to where receivers are: names are resolved here, the addresses checked, and those very addresses connected to."""

import asyncio
import socket
from collections.abc import Sequence

from kit.errors import AssayError, Kind
from services.alerter.domain.notification.address import Network, is_allowed

ADDRESSES_MAX = 4  # of a name, that are tried one after the other
CONNECT_TIMEOUT_S = 10.0
TARGET_FORBIDDEN = "TARGET_FORBIDDEN"


async def checked_addresses(host: str, port: int, allowed: Sequence[Network]) -> list[str]:
    """The addresses of a host that may be connected to.

    Raises PERMISSION_DENIED TARGET_FORBIDDEN if it has addresses and none may, and OSError if it has none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    good = [address for address in addresses if is_allowed(address, allowed)]
    if not good:
        message = (
            "the receiver's address is inside of a network that messages may not be sent to: ASSAY_ALERTER_ALLOWED_TARGETS can allow it"
        )
        raise AssayError(Kind.PERMISSION_DENIED, TARGET_FORBIDDEN, message)
    return good[:ADDRESSES_MAX]


async def connected_socket(host: str, port: int, allowed: Sequence[Network]) -> socket.socket:
    """A connection to one of the host's checked addresses. Raises as checked_addresses, OSError and TimeoutError."""
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        addresses = await checked_addresses(host, port, allowed)
        for number, address in enumerate(addresses, 1):
            made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
            made.settimeout(0)
            try:
                await asyncio.get_running_loop().sock_connect(made, (address, port))
            except BaseException as error:
                made.close()
                if not isinstance(error, OSError) or number == len(addresses):
                    raise
            else:
                return made
    raise AssertionError("there is at least one address")
