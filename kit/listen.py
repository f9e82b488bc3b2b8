"""Addresses to listen on and to connect to: reading them, and refusing those beyond this machine while nothing encrypts."""

import ipaddress
import re
import socket

from kit.errors import AssayError, Kind

INSECURE_LISTEN_SETTING = "ASSAY_INSECURE_LISTEN"
INSECURE_CONNECT_SETTING = "ASSAY_INSECURE_CONNECT"
_ADDRESS = re.compile(r"(?:\[(?P<ipv6>[0-9a-fA-F:.]+)\]|(?P<host>[A-Za-z0-9.-]+)):(?P<port>[0-9]{1,5})")
PORT_MAX = 65_535


def parse(address: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[ipv6]:port`; port 0 lets the system pick one. Raises LISTEN_ADDRESS_INVALID."""
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match["port"]) > PORT_MAX:
        message = f"cannot listen on {address!r}: write host:port, such as 127.0.0.1:7001 or [::1]:7001"
        raise AssayError(Kind.INVALID_ARGUMENT, "LISTEN_ADDRESS_INVALID", message, details={"address": address})
    return match["ipv6"] or match["host"], int(match["port"])


def join(host: str, port: int) -> str:
    """The opposite of parse."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def require_safe(address: str, *, allow_insecure: bool) -> tuple[str, int]:
    """Host and port of an address that is to be served without TLS.

    Raises FAILED_PRECONDITION LISTEN_INSECURE when other machines could reach it, unless the setting allows that.
    """
    host, port = parse(address)
    if not allow_insecure and not is_loopback(host):
        message = (
            f"refusing to listen on {address} without TLS, where other machines could read keys and data; set ASSAY_TLS_CERTIFICATE "
            f"and ASSAY_TLS_KEY, listen on 127.0.0.1, or set {INSECURE_LISTEN_SETTING}=true if something in front of it encrypts"
        )
        raise AssayError(Kind.FAILED_PRECONDITION, "LISTEN_INSECURE", message, details={"address": address})
    return host, port


def require_safe_target(address: str, *, allow_insecure: bool) -> None:
    """Raises FAILED_PRECONDITION CONNECT_INSECURE for an address beyond this machine, unless the setting allows that."""
    if not allow_insecure and not is_loopback(address.rpartition(":")[0].strip("[]")):
        message = (
            f"refusing to connect to {address} without TLS, since keys and data could be read on the way; set ASSAY_TLS_CA to the "
            f"authority that signed its certificate, or {INSECURE_CONNECT_SETTING}=true if something between encrypts"
        )
        raise AssayError(Kind.FAILED_PRECONDITION, "CONNECT_INSECURE", message, details={"address": address})


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the host. A name other than localhost may point anywhere, so it is not."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def unavailable(address: str, why: str) -> AssayError:
    """What to say when binding fails, most often since another process has the port."""
    message = f"cannot listen on {address} ({why}): stop what listens there, or choose another address"
    return AssayError(Kind.FAILED_PRECONDITION, "ADDRESS_UNAVAILABLE", message, details={"address": address})


def bind(address: str, *, allow_insecure: bool) -> socket.socket:
    """A TCP socket bound to the address. Raises as require_safe does, and ADDRESS_UNAVAILABLE when binding fails."""
    host, port = require_safe(address, allow_insecure=allow_insecure)
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # or a restart would wait for old connections
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise unavailable(address, error.strerror or str(error)) from error
    return listener
