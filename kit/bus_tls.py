"""NATS over TLS."""

import ssl

import nats.errors
from nats.aio.client import Client

from kit import tls


class TlsClient(Client):
    """A client that says who it is over TLS alone, with the files as they are when it connects.

    The library encrypts where the server's greeting asks for it, so that whoever can change that greeting would be told the password.
    """

    def __init__(self, files: tls.ClientFiles) -> None:
        super().__init__()
        self._contexts = tls.client_contexts(files)

    @property
    def ssl_context(self) -> ssl.SSLContext:
        return self._contexts.current

    def _connect_command(self) -> bytes:
        if not self._server_info.get("tls_required"):
            raise nats.errors.Error("the server does not ask for TLS")
        return super()._connect_command()
