"""What `assay up` makes of the settings for TLS: whether they do for a whole suite, and how its own processes are reached."""

import socket
import ssl
from collections.abc import Mapping

from kit import listen
from kit.errors import AssayError, Kind
from kit.settings import TlsSettings
from kit.tls import ClientFiles, client_context


def checked(settings: TlsSettings, environment: Mapping[str, str]) -> TlsSettings:
    """The settings. Raises TLS_INCOMPLETE where the suite's processes could not reach each other with them, and says what is missing."""
    if settings.grpc_tls is not None and settings.client_tls is None:
        raise _incomplete("with ASSAY_TLS_CERTIFICATE set ASSAY_TLS_CA, too: the processes of the suite check each other's certificate")
    if settings.client_tls is not None and settings.grpc_tls is None:
        raise _incomplete("ASSAY_TLS_CA has the suite's processes reach each other by TLS: set ASSAY_TLS_CERTIFICATE and ASSAY_TLS_KEY")
    if (settings.tls_client_ca or settings.tls_http_client_ca) and settings.tls_client_certificate is None:
        raise _incomplete(
            "ASSAY_TLS_CLIENT_CA and ASSAY_TLS_HTTP_CLIENT_CA ask the suite's own processes for a certificate, too: "
            "set ASSAY_TLS_CLIENT_CERTIFICATE and ASSAY_TLS_CLIENT_KEY"
        )
    for server, name, ca in (("PostgreSQL", "DATABASE", settings.database_tls_ca), ("NATS", "NATS", settings.nats_tls_ca)):
        if ca is not None and not environment.get(f"ASSAY_{name}_URL"):
            raise _incomplete(
                f"the embedded {server} has no TLS, since it listens where this machine alone can reach it: "
                f"leave ASSAY_{name}_TLS_CA unset, or set ASSAY_{name}_URL"
            )
    return settings


def shown_url(address: str, settings: TlsSettings) -> str:
    """The gateway's URL for browsers, by the name that its certificate is for where that is known."""
    if settings.http_tls is None:
        return f"http://{address}"
    host, port = listen.parse(address)
    return f"https://{listen.join(settings.tls_server_name or host, port)}"


def connected(address: str, files: ClientFiles, timeout_s: float) -> ssl.SSLSocket:
    """A connection whose other side has shown a certificate that is trusted. Raises OSError."""
    host, port = listen.parse(address)
    context = client_context(files)
    plain = socket.create_connection((host, port), timeout=timeout_s)
    try:
        return context.wrap_socket(plain, server_hostname=files.server_name or host)
    except OSError:
        plain.close()
        raise


def _incomplete(message: str) -> AssayError:
    return AssayError(Kind.FAILED_PRECONDITION, "TLS_INCOMPLETE", message)
