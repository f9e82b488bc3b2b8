"""The data directory of a suite on one machine: its user, layout version, secrets, and where its processes listen."""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from kit.embedded.files import plain_refusals, refusal, write_private
from kit.errors import AssayError, Kind
from kit.tls import ClientFiles

LAYOUT_VERSION = 1
FREE_BYTES_MIN = 512 * 1024 * 1024  # a new PostgreSQL takes 40 MB, its write-ahead log grows by as much before it is reused
SECRET_BYTES = 24  # 192 bits of randomness
SOCKET_PATH_BYTES_MAX = 103  # macOS; Linux takes 107
SOCKET_NAME_LONGEST = ".s.PGSQL.65535.lock"  # of what PostgreSQL puts there

# What may stand in a directory that becomes a data directory: the mark of a disk's own root, and what a crashed first
# start leaves before the layout version is written.
_EMPTY_NAMES = frozenset({"lost+found", "lock", "version.partial"})


@dataclass(frozen=True)
class ProcessAddress:
    """Where a process of the suite listens. `url` is "" for one that does not; it holds no password."""

    pid: int
    url: str


@dataclass(frozen=True)
class RunFile:
    """What other commands need to know of a running suite: its process id, the gateway's URL, its processes, and TLS to them.

    `otlp` is where spans of OpenTelemetry are taken, "" where none are.
    """

    pid: int
    url: str
    processes: Mapping[str, ProcessAddress]
    tls: ClientFiles | None = None
    otlp: str = ""


@dataclass(frozen=True)
class DataDir:
    """An opened data directory; `open_data_dir` makes it. `sockets` is the directory for PostgreSQL's socket."""

    path: Path
    sockets: Path

    @property
    def postgres(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.path / "postgres"

    @property
    def nats(self) -> Path:
        """NATS' configuration and streams."""
        return self.path / "nats"

    @property
    def logs(self) -> Path:
        """The output of every process."""
        return self.path / "logs"

    @property
    def mark(self) -> str:
        """A short name of this directory, by which processes and files that belong to it are known."""
        return _mark(self.path)

    def secret(self, name: str) -> str:
        """The secret of that name, made at random when it is first asked for and the same ever after."""
        file = self.path / "secrets.json"
        with plain_refusals(self.path):
            kept: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
            if name not in kept:
                kept[name] = secrets.token_urlsafe(SECRET_BYTES)
                write_private(file, json.dumps(kept, indent=2))
        return kept[name]

    def write_run(self, run: RunFile) -> None:
        """Tells other commands where the suite's processes are, until the directory is closed."""
        with plain_refusals(self.path):
            write_private(self.path / "run.json", json.dumps(asdict(run), indent=2, default=str))


@contextmanager
def open_data_dir(path: Path, *, free_bytes_min: int = FREE_BYTES_MIN) -> Iterator[DataDir]:
    """Opens the directory for this process alone, making it if need be.

    Raises AssayError with a reason and one line on what to do: DATA_DIR_IN_USE, DATA_DIR_NEWER, DATA_DIR_FOREIGN,
    DATA_DIR_FORBIDDEN, DATA_DIR_NOT_A_DIRECTORY, DATA_DIR_PATH_TOO_LONG, DISK_FULL, DISK_READ_ONLY.
    """
    path = path.expanduser().absolute()
    with plain_refusals(path):
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = path.resolve()
        lock = _locked(path)
    try:
        with plain_refusals(path):
            _check_layout(path)
            _check_free(path, free_bytes_min)
            data = _prepared(path)
        yield data
    finally:
        (path / "run.json").unlink(missing_ok=True)
        _remove_temporary_sockets(path)
        os.close(lock)


def read_run(path: Path) -> RunFile:
    """Where the suite on this directory listens; raises AssayError NOT_RUNNING when none does."""
    try:
        raw = json.loads((path.expanduser() / "run.json").read_text())
    except FileNotFoundError:
        raw = None
    if raw is None or not psutil.pid_exists(raw["pid"]):
        raise AssayError(Kind.UNAVAILABLE, "NOT_RUNNING", f"no suite runs on {path}: start one with `assay up`")
    processes = {name: ProcessAddress(**address) for name, address in raw["processes"].items()}
    return RunFile(pid=raw["pid"], url=raw["url"], processes=processes, tls=_client_files(raw["tls"]), otlp=raw.get("otlp", ""))


def _client_files(raw: Mapping[str, str | None] | None) -> ClientFiles | None:
    if raw is None:
        return None
    ca, certificate, key = (Path(name) if (name := raw[field]) else None for field in ("ca", "certificate", "key"))
    return None if ca is None else ClientFiles(ca, certificate, key, raw["server_name"] or "")


def _locked(path: Path) -> int:
    """The descriptor of the lock file, which names the process that holds it; the kernel frees it whatever happens."""
    descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    except BlockingIOError:
        holder = os.pread(descriptor, 20, 0).decode() or "another one"
        os.close(descriptor)
        sentence = f"{path} is in use by process {holder}: stop that one, or choose another directory with --data-dir"
        raise refusal("DATA_DIR_IN_USE", sentence) from None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _check_layout(path: Path) -> None:
    file = path / "version"
    if not file.exists():
        if any(entry.name not in _EMPTY_NAMES for entry in path.iterdir()):
            sentence = f"{path} holds other files: choose a new or empty directory with --data-dir"
            raise refusal("DATA_DIR_FOREIGN", sentence)
        return
    text = file.read_text().strip()
    if not text.isdigit():
        raise refusal("DATA_DIR_FOREIGN", f"{file} is not one of Assay's: choose another directory with --data-dir")
    if int(text) > LAYOUT_VERSION:
        raise newer(path)


def newer(path: Path) -> AssayError:
    """The refusal of a directory that this version is too old for."""
    sentence = f"{path} was written by a newer version of Assay: install that one, or choose another with --data-dir"
    return refusal("DATA_DIR_NEWER", sentence)


def _check_free(path: Path, free_bytes_min: int) -> None:
    free_bytes = shutil.disk_usage(path).free
    if free_bytes < free_bytes_min:
        sentence = (
            f"the disk of {path} has {free_bytes >> 20} MB free and {free_bytes_min >> 20} MB are needed: "
            "free some space, or choose a directory on another disk with --data-dir"
        )
        raise refusal("DISK_FULL", sentence)


def _prepared(path: Path) -> DataDir:
    data = DataDir(path, _socket_directory(path))
    # Root's PostgreSQL runs under another account, which has to pass through; every file inside keeps its own mode.
    path.chmod(0o711 if os.geteuid() == 0 else 0o700)
    if not (path / "version").exists():
        write_private(path / "version", f"{LAYOUT_VERSION}\n")
    for directory in (data.nats, data.logs, data.sockets):
        directory.mkdir(mode=0o700, exist_ok=True)
    return data


def _mark(path: Path) -> str:
    return f"assay-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"


def _socket_directory(path: Path) -> Path:
    """In the data directory where the socket's path is then short enough, else a private temporary one."""
    _remove_temporary_sockets(path)
    inside = path / "run"
    if len(os.fsencode(inside / SOCKET_NAME_LONGEST)) <= SOCKET_PATH_BYTES_MAX:
        return inside
    return Path(tempfile.mkdtemp(prefix=f"{_mark(path)}-"))


def _remove_temporary_sockets(path: Path) -> None:
    """Removes this suite's temporary directory for sockets, and those of earlier ones that were killed."""
    for directory in Path(tempfile.gettempdir()).glob(f"{_mark(path)}-*"):
        shutil.rmtree(directory, ignore_errors=True)
