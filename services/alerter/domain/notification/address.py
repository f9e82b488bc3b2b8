"""Which network addresses a message may be sent to: none inside of the network that Assay runs in, unless a setting says so."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from kit.errors import invalid

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

# IPv6 addresses that stand for IPv4 ones, by a gateway on the way: RFC 6052's prefix, and the one that sites choose from (RFC 8215).
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


def parse_networks(written: str) -> tuple[Network, ...]:
    """Networks and addresses that are separated by commas. Raises FIELD_INVALID."""
    try:
        return tuple(ip_network(part.strip(), strict=False) for part in written.split(",") if part.strip())
    except ValueError as error:
        raise invalid("allowed_targets", f"{error}: write networks like 10.0.0.0/8, separated by commas") from error


def is_allowed(address: str, allowed: Sequence[Network]) -> bool:
    """Whether this address may be connected to: a public one, or one of the allowed networks.

    Not public are loopback, private, link-local (the metadata of clouds among them), shared, reserved, multicast and unspecified ones,
    also where an IPv6 address only wraps one of them. Anything that is no address is not allowed.
    """
    try:
        given = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(_is_public(each) or _is_listed(each, allowed) for each in _meant(given))


def _meant(address: Address) -> list[Address]:
    """The address, or the one that is reached through it; Teredo names two, and each must be allowed."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.teredo is not None:
        return list(address.teredo)
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and any(address in network for network in _TRANSLATED):
        inner = IPv4Address(int(address) & 0xFFFF_FFFF)
    if inner is None and int(address) >> 32 == 0 and int(address) > 1:
        inner = IPv4Address(int(address))  # ::127.0.0.1, the IPv4-compatible addresses of old
    return [address if inner is None else inner]


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


def _is_listed(address: Address, allowed: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in allowed)
