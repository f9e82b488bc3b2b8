"""TLS as gRPC takes it: credentials made of files, and renewed with them."""

from collections.abc import Callable
from typing import cast

import grpc

from kit.tls import ClientFiles, Reloaded, ServerFiles, checked_server_context, client_context, read_pem


def server_credentials(files: ServerFiles) -> grpc.ServerCredentials:
    """Each connection gets the certificate that is then on disk. Raises AssayError TLS_FILES_UNUSABLE."""
    reloaded = Reloaded(files.paths, lambda: _server_configuration(files))
    used = reloaded.current

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        """Asked by gRPC at every connection, from any of its threads; None: as before."""
        nonlocal used
        current = reloaded.current
        if current is used:
            return None
        used = current
        return current

    # The stubs have it that a fetcher always gives a configuration.
    fetcher = cast("Callable[[], grpc.ServerCertificateConfiguration]", fetch)
    return grpc.dynamic_ssl_server_credentials(used, fetcher, require_client_authentication=files.client_ca is not None)


def channel_credentials(files: ClientFiles) -> Reloaded[grpc.ChannelCredentials]:
    """Credentials of a channel, which keeps those that it was made with. Raises AssayError TLS_FILES_UNUSABLE."""
    return Reloaded(files.paths, lambda: _channel_credentials(files))


def _server_configuration(files: ServerFiles) -> grpc.ServerCertificateConfiguration:
    checked_server_context(files)  # gRPC itself would find out in the middle of a handshake
    pair = (read_pem(files.key), read_pem(files.certificate))
    client_ca = None if files.client_ca is None else read_pem(files.client_ca)
    return grpc.ssl_server_certificate_configuration([pair], client_ca)


def _channel_credentials(files: ClientFiles) -> grpc.ChannelCredentials:
    client_context(files)  # as above
    key, certificate = (None if path is None else read_pem(path) for path in (files.key, files.certificate))
    return grpc.ssl_channel_credentials(read_pem(files.ca), key, certificate)
