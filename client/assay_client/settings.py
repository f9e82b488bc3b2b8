"""Settings of a client: by argument, else from the environment, else as they come."""

import ipaddress
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DEFAULT_URL = "127.0.0.1:7001"
BYTES_MAX_LEAST = 1024 * 1024
_TRUE = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a client can be told. Wrong values raise ValueError, which names the setting."""

    url: str = DEFAULT_URL
    key: str = ""
    project: str = ""
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_server_name: str = ""
    insecure_connect: bool = False
    bytes_max: int = 32 * 1024 * 1024
    batch_age_s: float = 0.5
    exit_timeout_s: float = 2.0
    flush_on_sigterm: bool = True
    spill_dir: Path | None = None
    spill_bytes_max: int = 256 * 1024 * 1024

    def __post_init__(self) -> None:
        host, _, port = self.url.rpartition(":")
        if not host or not port.isdecimal() or "://" in self.url:
            raise ValueError(f"url (ASSAY_URL) is the collector's gRPC address, such as {DEFAULT_URL}, and not {self.url!r}")
        if not self.key.isascii() or not self.key.isprintable():
            raise ValueError("key (ASSAY_KEY) has characters that no key has")
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate (ASSAY_TLS_CLIENT_CERTIFICATE) and tls_key (ASSAY_TLS_CLIENT_KEY) go together")
        if self.tls_certificate is not None and self.tls_ca is None:
            raise ValueError("tls_certificate (ASSAY_TLS_CLIENT_CERTIFICATE) needs tls_ca (ASSAY_TLS_CA)")
        if self.tls_ca is None and not self.insecure_connect and not _is_loopback(host.strip("[]")):
            raise ValueError(
                f"refusing to connect to {self.url} without TLS, since key and data could be read on the way: set tls_ca (ASSAY_TLS_CA), "
                "or insecure_connect (ASSAY_INSECURE_CONNECT) if something between encrypts"
            )
        if self.bytes_max < BYTES_MAX_LEAST:
            raise ValueError(f"bytes_max (ASSAY_CLIENT_BYTES_MAX) is at least {BYTES_MAX_LEAST:,}")
        for name in ("batch_age_s", "exit_timeout_s", "spill_bytes_max"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} (ASSAY_CLIENT_{name.upper()}) is 0 or more")

    @property
    def tls_files(self) -> tuple[Path, ...]:
        """The files that connections are made with."""
        return tuple(path for path in (self.tls_ca, self.tls_certificate, self.tls_key) if path is not None)


_READERS: dict[str, tuple[str, Callable[[str], object]]] = {
    "url": ("ASSAY_URL", str),
    "key": ("ASSAY_KEY", str.strip),
    "project": ("ASSAY_PROJECT", str),
    "tls_ca": ("ASSAY_TLS_CA", Path),
    "tls_certificate": ("ASSAY_TLS_CLIENT_CERTIFICATE", Path),
    "tls_key": ("ASSAY_TLS_CLIENT_KEY", Path),
    "tls_server_name": ("ASSAY_TLS_SERVER_NAME", str),
    "insecure_connect": ("ASSAY_INSECURE_CONNECT", lambda text: text.lower() in _TRUE),
    "bytes_max": ("ASSAY_CLIENT_BYTES_MAX", int),
    "batch_age_s": ("ASSAY_CLIENT_BATCH_AGE_S", float),
    "exit_timeout_s": ("ASSAY_CLIENT_EXIT_TIMEOUT_S", float),
    "flush_on_sigterm": ("ASSAY_CLIENT_FLUSH_ON_SIGTERM", lambda text: text.lower() in _TRUE),
    "spill_dir": ("ASSAY_CLIENT_SPILL_DIR", Path),
    "spill_bytes_max": ("ASSAY_CLIENT_SPILL_BYTES_MAX", int),
}


def read_settings(**given: object) -> Settings:
    """The settings out of the arguments that are not None and, for the others, the environment. Raises ValueError."""
    values = {name: value for name, value in given.items() if value is not None}
    for name, (variable, read) in _READERS.items():
        text = os.environ.get(variable, "")
        if name in values or not text:
            continue
        try:
            values[name] = read(text)
        except ValueError as error:
            raise ValueError(f"{variable} is {text!r}: {error}") from error
    return Settings(**values)  # type: ignore[arg-type]  # each reader gives its field's type


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
