"""TLS: which files it takes, contexts made of them, and taking up files that were renewed on disk while a process runs."""

import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NoReturn, TypeVar

from kit import logs
from kit.errors import AssayError, Kind

# Far more than any chain or bundle of authorities; a file that is larger was named by mistake.
FILE_BYTES_MAX = 4 * 1024 * 1024

Made = TypeVar("Made")
Mark = tuple[int, int, int] | None
_log = logs.get_logger(__name__)


@dataclass(frozen=True)
class ServerFiles:
    """PEM files to serve with. With `client_ca`, only those are served who show a certificate that it has signed."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files that are set."""
        return tuple(path for path in (self.certificate, self.key, self.client_ca) if path is not None)


@dataclass(frozen=True)
class ClientFiles:
    """PEM files to connect with: whom to trust, and what to show who asks for it.

    The server's certificate must be for the host that is connected to or, where that is not what it says, for `server_name`.
    """

    ca: Path
    certificate: Path | None = None
    key: Path | None = None
    server_name: str = ""

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files that are set."""
        return tuple(path for path in (self.ca, self.certificate, self.key) if path is not None)

    def absolute(self) -> "ClientFiles":
        """The same files for whoever works in another directory."""
        certificate, key = (path and path.absolute() for path in (self.certificate, self.key))
        return ClientFiles(self.ca.absolute(), certificate, key, self.server_name)


class Reloaded(Generic[Made]):
    """What is made of files, and made anew when one of them has changed.

    While they cannot be used, as in the middle of a renewal, what there was stays. For any thread. The files are looked at whenever it is
    asked for, which takes some microseconds.
    """

    def __init__(self, paths: Sequence[Path], make: Callable[[], Made]) -> None:
        """Raises AssayError TLS_FILES_UNUSABLE when nothing can be made of the files yet."""
        self._paths = paths
        self._make = make
        self._lock = threading.Lock()
        self._is_broken = False
        self._marks = self._look()
        try:
            self._made = make()
        except (OSError, ValueError) as error:
            raise AssayError(Kind.FAILED_PRECONDITION, "TLS_FILES_UNUSABLE", f"TLS with {self._names} is not possible: {error}") from error

    @property
    def current(self) -> Made:
        """Of the newest files that can be used."""
        with self._lock:
            # Looked at before they are read: files that change meanwhile are looked at again next time.
            marks = self._look()
            if marks != self._marks:
                self._marks = marks
                self._renew()
            return self._made

    def _renew(self) -> None:
        try:
            self._made = self._make()
        except (OSError, ValueError) as error:
            if not self._is_broken:
                _log.warning("renewed TLS files cannot be used, the ones before are kept", files=self._names, why=str(error))
            self._is_broken = True
        else:
            self._is_broken = False
            _log.info("renewed TLS files are taken up", files=self._names)

    def _look(self) -> list[Mark]:
        return [_mark(path) for path in self._paths]

    @property
    def _names(self) -> str:
        return ", ".join(map(str, self._paths))


def _mark(path: Path) -> Mark:
    """What changes when the file does, however it is replaced; None while there is none."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_ino, state.st_mtime_ns, state.st_size


def server_context(files: ServerFiles) -> ssl.SSLContext:
    """Each handshake is made with the files as they then are. Raises AssayError TLS_FILES_UNUSABLE."""
    reloaded = Reloaded(files.paths, lambda: checked_server_context(files))
    listening = checked_server_context(files)

    def use_current(connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = reloaded.current

    listening.sni_callback = use_current  # called in every handshake, whether or not the client names a server
    return listening


def checked_server_context(files: ServerFiles) -> ssl.SSLContext:
    """A context of the files as they are now. Raises OSError or ValueError for files that do not work or do not fit each other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key, password=_refuse_encrypted)
    if files.client_ca is not None:
        context.load_verify_locations(files.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(files: ClientFiles) -> ssl.SSLContext:
    """A context of the files as they are now, for one connection or a few. The same errors."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(files.ca)
    if files.certificate is not None:
        context.load_cert_chain(files.certificate, files.key, password=_refuse_encrypted)
    return context


def client_contexts(files: ClientFiles) -> Reloaded[ssl.SSLContext]:
    """For those who connect again and again. Raises AssayError TLS_FILES_UNUSABLE."""
    return Reloaded(files.paths, lambda: client_context(files))


def read_pem(path: Path) -> bytes:
    """A file's content. Raises OSError, or ValueError when it is too large to be what it should be."""
    with path.open("rb") as file:
        content = file.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise ValueError(f"{path} has more than {FILE_BYTES_MAX:,} bytes")
    return content


def _refuse_encrypted() -> NoReturn:
    """OpenSSL would ask on the terminal, where nobody sits."""
    raise ValueError("the key is encrypted: keep it unencrypted in a file that its owner alone may read")
