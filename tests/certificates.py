"""Certificates of our own making, on disk as an operator has them, and renewed there."""

import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography import x509

from kit.tls import ClientFiles, ServerFiles

HOSTS = ("localhost", "127.0.0.1")


@dataclass(frozen=True)
class Pair:
    """A certificate with its key. `serial` is that of the certificate as it is on disk now."""

    certificate: Path
    key: Path

    @property
    def serial(self) -> int:
        return serial_of(self.certificate.read_text())


class Authority:
    """Signs certificates into a directory."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._name = name
        self._authority = trustme.CA(organization_name=name)
        self.path = directory / f"{name}-ca.pem"
        self._authority.cert_pem.write_to_path(str(self.path))

    def pair(self, name: str, *hosts: str) -> Pair:
        """A new certificate for these hosts, in place of the one that had this name, file by file as careful tools do it."""
        issued = self._authority.issue_cert(*(hosts or HOSTS))
        made = Pair(self._directory / f"{name}.pem", self._directory / f"{name}.key")
        chain = b"".join(each.bytes() for each in issued.cert_chain_pems)
        for path, content in ((made.key, issued.private_key_pem.bytes()), (made.certificate, chain)):
            partial = path.with_suffix(".partial")
            partial.write_bytes(content)
            partial.replace(path)
        return made

    def server_files(self, name: str = "server", client_ca: "Authority | None" = None, hosts: tuple[str, ...] = HOSTS) -> ServerFiles:
        """What to serve with."""
        pair = self.pair(name, *hosts)
        return ServerFiles(pair.certificate, pair.key, None if client_ca is None else client_ca.path)

    def client_files(self, own: Pair | None = None, server_name: str = "") -> ClientFiles:
        """Trusts this authority, and shows a certificate if one is given."""
        return ClientFiles(self.path, None if own is None else own.certificate, None if own is None else own.key, server_name)


def serial_of(pem: str) -> int:
    """The serial number of the first certificate in a text."""
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


def served_serial(address: str, own: Pair | None = None) -> int:
    """The serial number of the certificate that a new connection to the address is shown. It is not checked."""
    host, _, port = address.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])  # gRPC insists on it
    if own is not None:
        context.load_cert_chain(own.certificate, own.key)
    with socket.create_connection((host, int(port)), timeout=10) as plain, context.wrap_socket(plain) as connection:
        shown = connection.getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown).serial_number
