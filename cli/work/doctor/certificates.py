"""The files for TLS: whether they can be read, fit each other, and for how long they hold."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from cli.work.doctor.finding import Finding, note, ok, trouble, warning
from kit.errors import AssayError
from kit.settings import TlsSettings
from kit.tls import checked_server_context, client_context, read_pem

# Long enough to get a new one from an authority that works by hand.
WARN_BEFORE = timedelta(days=21)
_OTHERS_MAY_READ = 0o077

_CERTIFICATES = {
    "ASSAY_TLS_CERTIFICATE": "tls_certificate",
    "ASSAY_TLS_CLIENT_CERTIFICATE": "tls_client_certificate",
    "ASSAY_TLS_CLIENT_CA": "tls_client_ca",
    "ASSAY_TLS_HTTP_CLIENT_CA": "tls_http_client_ca",
    "ASSAY_TLS_CA": "tls_ca",
    "ASSAY_DATABASE_TLS_CA": "database_tls_ca",
    "ASSAY_NATS_TLS_CA": "nats_tls_ca",
}
_KEYS = {"ASSAY_TLS_KEY": "tls_key", "ASSAY_TLS_CLIENT_KEY": "tls_client_key"}


def look_at_certificates(settings: TlsSettings, now: datetime) -> list[Finding]:
    """All files that the settings name."""
    findings: list[Finding] = []
    for setting, name in _CERTIFICATES.items():
        path: Path | None = getattr(settings, name)
        if path is not None:
            findings.append(_certificate(setting, path, now))
    for setting, name in _KEYS.items():
        key: Path | None = getattr(settings, name)
        if key is not None and key.exists() and key.stat().st_mode & _OTHERS_MAY_READ:
            findings.append(trouble("certificates", f"others may read {key} ({setting})", f"chmod 600 {key}, and replace the key in it"))
    findings += [
        trouble("certificates", f"{what} cannot be used: {why}", "name a certificate and the key that it was made for")
        for what, why in _unusable(settings)
    ]
    return findings or [note("certificates", "none: plain connections, within this machine unless a setting says otherwise")]


def _certificate(setting: str, path: Path, now: datetime) -> Finding:
    """The certificate of the file that ends first, of the valid ones of a bundle of authorities the first to end."""
    try:
        found = x509.load_pem_x509_certificates(read_pem(path))
    except (OSError, ValueError) as error:
        return trouble("certificates", f"{path} ({setting}) cannot be read: {error}", "name a file in PEM form that this user may read")
    valid = [each for each in found if each.not_valid_after_utc > now]
    ends = min((each.not_valid_after_utc for each in valid), default=found[0].not_valid_after_utc)
    seen = f"{path} ({setting}) holds until {ends:%Y-%m-%d %H:%M} UTC"
    is_own = setting.endswith("CERTIFICATE")
    if not valid or (is_own and found[0] not in valid):
        return trouble("certificates", f"{path} ({setting}) ended on {found[0].not_valid_after_utc:%Y-%m-%d}", "renew it in its place")
    if found[0].not_valid_before_utc > now:
        return trouble("certificates", f"{path} ({setting}) does not hold yet", "check the clock of this machine")
    if is_own and ends - now < WARN_BEFORE:
        return warning("certificates", seen, "renew it in its place: processes take it up without a restart")
    return ok("certificates", seen)


def _unusable(settings: TlsSettings) -> Iterator[tuple[str, str]]:
    """What contexts cannot be made of, and why."""
    tries: list[tuple[str, Callable[[], object]]] = []
    if (served := settings.grpc_tls) is not None:
        tries.append(("ASSAY_TLS_CERTIFICATE with ASSAY_TLS_KEY", lambda: checked_server_context(served)))
    if (reached := settings.client_tls) is not None:
        tries.append(("ASSAY_TLS_CA with ASSAY_TLS_CLIENT_CERTIFICATE", lambda: client_context(reached)))
    for what, attempt in tries:
        try:
            attempt()
        except (OSError, ValueError, AssayError) as error:
            yield what, str(error)
