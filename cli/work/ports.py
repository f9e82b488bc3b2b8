"""Where the suite's processes listen: as set, or on ports that are found free."""

import os
import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from kit import listen
from kit.errors import AssayError, Kind

# Ports to pick from. They are below those that systems give to outgoing connections (from 32,768 on Linux), one of
# which might otherwise take a process' port while it is restarted.
PICK_FROM = range(20_000, 32_000)
PICK_TRIES_MAX = 200

PORT_OPTION = "--port"
_ALL_PICKED = f"or have all ports picked with {PORT_OPTION} 0"


@dataclass(frozen=True)
class Addresses:
    """Where each process listens, "host:port"."""

    gateway: str
    collector: str
    writer: str


def choose(environment: Mapping[str, str], port: int | None, *, allow_all: bool = False) -> Addresses:
    """The addresses of the settings, each checked to be free; a port of 0 is replaced by a free one.

    `port` is the gateway's; with 0 all ports are picked. Addresses that other machines reach take `allow_all`. Raises ADDRESS_UNAVAILABLE,
    LISTEN_INSECURE or LISTEN_ADDRESS_INVALID with what to change.
    """

    def chosen(setting: str, default: str, port: int | None, remedy: str) -> str:
        address = environment.get(setting, default)
        host, set_port = listen.require_safe(address, allow_insecure=allow_all)
        return _checked(host, set_port if port is None else port, remedy)

    others = 0 if port == 0 else None
    return Addresses(
        gateway=chosen("ASSAY_GATEWAY_LISTEN", "127.0.0.1:8080", port, f"choose another one with {PORT_OPTION}"),
        collector=chosen("ASSAY_COLLECTOR_LISTEN", "127.0.0.1:7001", others, f"set ASSAY_COLLECTOR_LISTEN, {_ALL_PICKED}"),
        writer=chosen("ASSAY_COLLECTOR_WRITER_LISTEN", "127.0.0.1:7011", others, f"set ASSAY_COLLECTOR_WRITER_LISTEN, {_ALL_PICKED}"),
    )


def pick(host: str) -> int:
    """A port on which nothing listens. Raises ADDRESS_UNAVAILABLE."""
    # Random, so that suites that start at the same time do not all try the same ports.
    for port in random.sample(PICK_FROM, PICK_TRIES_MAX):
        if _refusal(host, port) is None:
            return port
    message = f"no free port was found on {host} from {PICK_FROM.start} to {PICK_FROM.stop - 1}: choose ports by settings"
    raise AssayError(Kind.FAILED_PRECONDITION, "ADDRESS_UNAVAILABLE", message, details={"address": host})


def reachable(address: str) -> str:
    """The address at which this machine reaches what listens there: every interface includes the loopback one."""
    host, port = listen.parse(address)
    return listen.join({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port)  # noqa: S104 - compared, not listened on


def _checked(host: str, port: int, remedy: str) -> str:
    if port == 0:
        return listen.join(host, pick(host))
    refused = _refusal(host, port)
    if refused is not None:
        message = f"port {port} on {host} cannot be used ({refused}): stop what listens there, {remedy}"
        raise AssayError(Kind.FAILED_PRECONDITION, "ADDRESS_UNAVAILABLE", message, details={"address": listen.join(host, port)})
    return listen.join(host, port)


def _refusal(host: str, port: int) -> str | None:
    """Why nothing can listen there, None when it can."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen()
    except OSError as error:
        return os.strerror(error.errno) if error.errno else str(error)
    return None
