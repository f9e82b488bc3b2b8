"""Which addresses are understood, and which are safe to listen on without TLS."""

import socket

import pytest

from kit import listen
from kit.errors import AssayError


@pytest.mark.parametrize(
    ("address", "parsed"),
    [
        ("127.0.0.1:7001", ("127.0.0.1", 7001)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:65535", ("::1", 65535)),
        ("db-1.example.com:80", ("db-1.example.com", 80)),
    ],
)
def test_addresses_are_read_and_written(address: str, parsed: tuple[str, int]) -> None:
    assert listen.parse(address) == parsed
    assert listen.join(*parsed) == address


@pytest.mark.parametrize("address", ["", "7001", ":7001", "127.0.0.1", "127.0.0.1:", "::1:80", "h:65536", "h:-1", "a b:1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(AssayError) as caught:
        listen.parse(address)
    assert caught.value.reason == "LISTEN_ADDRESS_INVALID"


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.1", False),
        ("localhost.example.com", False),
    ],
)
def test_only_loopback_is_safe_without_tls(host: str, is_loopback: bool) -> None:
    address = listen.join(host, 1)
    assert listen.require_safe(address, allow_insecure=True) == (host, 1)
    if is_loopback:
        assert listen.require_safe(address, allow_insecure=False) == (host, 1)
    else:
        with pytest.raises(AssayError, match="ASSAY_INSECURE_LISTEN=true") as caught:
            listen.require_safe(address, allow_insecure=False)
        assert caught.value.reason == "LISTEN_INSECURE"


def test_a_socket_is_bound_once() -> None:
    with listen.bind("127.0.0.1:0", allow_insecure=False) as bound:
        address = listen.join(*bound.getsockname())
        with pytest.raises(AssayError, match=f"cannot listen on {address} \\(Address already in use\\)") as caught:
            listen.bind(address, allow_insecure=False)
    assert caught.value.reason == "ADDRESS_UNAVAILABLE"


def test_a_host_that_has_no_address_is_one_clear_error() -> None:
    with pytest.raises(AssayError, match=r"cannot listen on no-such-host\.invalid:0 \([A-Z][a-z]+ .*\): ") as caught:
        listen.bind("no-such-host.invalid:0", allow_insecure=True)
    assert caught.value.reason == "ADDRESS_UNAVAILABLE"


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_a_socket_may_be_of_ipv6() -> None:
    try:
        bound = listen.bind("[::1]:0", allow_insecure=False)
    except AssayError:
        pytest.skip("this machine has no IPv6 loopback")
    with bound:
        assert bound.family is socket.AF_INET6
