"""Where the suite's processes listen: as set, or on ports that are found free."""

import os
import random
import socket
from collections.abc import Mapping, Set
from dataclasses import dataclass, fields

from kit import listen
from kit.errors import AssayError, Kind

# Ports to pick from. They are below those that systems give to outgoing connections (from 32,768 on Linux), one of
# which might otherwise take a process' port while it is restarted.
PICK_FROM = range(20_000, 32_000)
PICK_TRIES_MAX = 200

PORT_OPTION = "--port"
_OTLP_SETTING = "ASSAY_COLLECTOR_OTLP_LISTEN"
_ALL_PICKED = f"or have all ports picked with {PORT_OPTION} 0"


@dataclass(frozen=True)
class Addresses:
    """Where each process listens, "host:port"; `otlp` is empty where spans of OpenTelemetry are not taken."""

    gateway: str
    collector: str
    otlp: str
    writer: str
    analyzer: str
    alerter: str
    reporter: str

    @property
    def ports(self) -> frozenset[int]:
        """Their ports."""
        addresses = (getattr(self, field.name) for field in fields(self))
        return frozenset(listen.parse(address)[1] for address in addresses if address)


def choose(environment: Mapping[str, str], port: int | None, *, allow_all: bool = False) -> Addresses:
    """The addresses of the settings, each checked to be free; a port of 0 is replaced by a free one.

    `port` is the gateway's; with 0 all ports are picked. Addresses that other machines reach take `allow_all`. Raises ADDRESS_UNAVAILABLE,
    LISTEN_INSECURE or LISTEN_ADDRESS_INVALID with what to change.
    """

    taken: set[int] = set()

    def chosen(setting: str, default: str, port: int | None, remedy: str) -> str:
        address = environment.get(setting, default)
        if not address and setting == _OTLP_SETTING:
            return ""
        host, set_port = listen.require_safe(address, allow_insecure=allow_all)
        checked = _checked(host, set_port if port is None else port, remedy, taken)
        taken.add(listen.parse(checked)[1])
        return checked

    others = 0 if port == 0 else None
    return Addresses(
        gateway=chosen("ASSAY_GATEWAY_LISTEN", "127.0.0.1:8080", port, f"choose another one with {PORT_OPTION}"),
        collector=chosen("ASSAY_COLLECTOR_LISTEN", "127.0.0.1:7001", others, f"set ASSAY_COLLECTOR_LISTEN, {_ALL_PICKED}"),
        otlp=chosen(_OTLP_SETTING, "127.0.0.1:4317", others, f"set {_OTLP_SETTING}, {_ALL_PICKED}"),
        analyzer=chosen("ASSAY_ANALYZER_LISTEN", "127.0.0.1:7002", others, f"set ASSAY_ANALYZER_LISTEN, {_ALL_PICKED}"),
        alerter=chosen("ASSAY_ALERTER_LISTEN", "127.0.0.1:7003", others, f"set ASSAY_ALERTER_LISTEN, {_ALL_PICKED}"),
        reporter=chosen("ASSAY_REPORTER_LISTEN", "127.0.0.1:7004", others, f"set ASSAY_REPORTER_LISTEN, {_ALL_PICKED}"),
        writer=chosen("ASSAY_COLLECTOR_WRITER_LISTEN", "127.0.0.1:7011", others, f"set ASSAY_COLLECTOR_WRITER_LISTEN, {_ALL_PICKED}"),
    )


def pick(host: str, taken: Set[int] = frozenset()) -> int:
    """A port on which nothing listens, and none of those that are taken for what will listen. Raises ADDRESS_UNAVAILABLE."""
    # Random, so that suites that start at the same time do not all try the same ports.
    for port in random.sample(PICK_FROM, PICK_TRIES_MAX):
        if port not in taken and _refusal(host, port) is None:
            return port
    message = f"no free port was found on {host} from {PICK_FROM.start} to {PICK_FROM.stop - 1}: choose ports by settings"
    raise AssayError(Kind.FAILED_PRECONDITION, "ADDRESS_UNAVAILABLE", message, details={"address": host})


def reachable(address: str) -> str:
    """The address at which this machine reaches what listens there: every interface includes the loopback one."""
    host, port = listen.parse(address)
    return listen.join({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port)  # noqa: S104 - compared, not listened on


def _checked(host: str, port: int, remedy: str, taken: Set[int]) -> str:
    if port == 0:
        return listen.join(host, pick(host, taken))
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
