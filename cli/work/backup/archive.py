"""The file of a backup: a zip of tables in PostgreSQL's binary form, messages of the bus, secrets, and a manifest that says what is in it.

What is read from a backup may have been written by somebody else: names are used as names, never as paths.
"""

import json
import os
import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from kit.embedded.files import sync_directory
from kit.errors import AssayError, Kind

FORMAT = 1
# Fastest: at the next level a backup takes twice the time, and is a twentieth smaller.
COMPRESSION = 1
MANIFEST = "manifest.json"
# So much of a table is read, and handed to the database, at a time.
PIECE_BYTES = 256 * 1024
# Larger than a manifest of a thousand days of calls; of a message's header, larger than the bus takes.
MANIFEST_BYTES_MAX = 16 * 1024 * 1024
MESSAGE_BYTES_MAX = 64 * 1024 * 1024
_LENGTHS = struct.Struct("<II")


@dataclass(frozen=True)
class TableEntry:
    """A table, with its columns in the order of its rows."""

    schema: str
    name: str
    columns: Sequence[str]
    row_count: int = 0

    @property
    def member(self) -> str:
        """Where it is in the file."""
        return f"tables/{self.schema}.{self.name}"


@dataclass(frozen=True)
class StreamEntry:
    """A stream of the bus as it was: its incarnation, and how many of its messages are kept."""

    name: str
    incarnation: str
    message_count: int


@dataclass(frozen=True)
class Message:
    """A message of the bus, with its place in its stream."""

    subject: str
    sequence: int
    headers: Mapping[str, str]
    payload: bytes


@dataclass(frozen=True)
class Manifest:
    """What is in a backup. `schemas` has the version of each; `sequences` the last number that each gave."""

    assay_version: str
    time: str
    schemas: Mapping[str, str]
    tables: Sequence[TableEntry] = ()
    sequences: Mapping[str, int] = field(default_factory=dict)
    streams: Sequence[StreamEntry] = ()
    secrets: Sequence[str] = ()
    format: int = FORMAT


@contextmanager
def writing(path: Path) -> Iterator[zipfile.ZipFile]:
    """A new file that its owner alone may read, in its place when the block ends well and not before. Raises BACKUP_FILE_UNUSABLE."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "w+b") as file:
                with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as archive:
                    yield archive
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            sync_directory(path.parent)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error


@contextmanager
def reading(path: Path) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    """A backup and its manifest. Raises BACKUP_FILE_UNUSABLE, and BACKUP_NEWER for one of a later form."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive, _manifest(archive, path)
    except (zipfile.BadZipFile, zipfile.zlib.error, EOFError, KeyError, TypeError, ValueError) as error:  # type: ignore[attr-defined]
        raise _unusable(path, f"it is no whole backup ({error})") from error
    except FileNotFoundError as error:
        raise _unusable(path, "there is no such file") from error


def _manifest(archive: zipfile.ZipFile, path: Path) -> Manifest:
    if archive.getinfo(MANIFEST).file_size > MANIFEST_BYTES_MAX:
        raise ValueError("its manifest is too large")
    told = json.loads(archive.read(MANIFEST))
    if told["format"] > FORMAT:
        message = f"{path} was written by Assay {told['assay_version']}, which is newer than this one: use that version"
        raise AssayError(Kind.FAILED_PRECONDITION, "BACKUP_NEWER", message)
    tables = [TableEntry(**entry) for entry in told["tables"]]
    return Manifest(**told | {"tables": tables, "streams": [StreamEntry(**entry) for entry in told["streams"]]})


def add_manifest(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    """The last thing that is written."""
    archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=2))


@contextmanager
def member(archive: zipfile.ZipFile, name: str) -> Iterator[IO[bytes]]:
    """A new part of the file, of any size."""
    with archive.open(name, "w", force_zip64=True) as file:
        yield file


def pieces(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """The content of a part, whose checksum is checked on the way."""
    with archive.open(name) as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def write_message(file: IO[bytes], message: Message) -> None:
    """Appends a message."""
    head = json.dumps([message.subject, message.sequence, dict(message.headers)]).encode()
    file.write(_LENGTHS.pack(len(head), len(message.payload)) + head + message.payload)


def messages(archive: zipfile.ZipFile, name: str) -> Iterator[Message]:
    """The messages of a part, in their order."""
    with archive.open(name) as file:
        while lengths := file.read(_LENGTHS.size):
            head_bytes, payload_bytes = _LENGTHS.unpack(lengths)
            if head_bytes + payload_bytes > MESSAGE_BYTES_MAX:
                raise ValueError("a message is too large")
            head: list[Any] = json.loads(file.read(head_bytes))
            yield Message(head[0], head[1], head[2], file.read(payload_bytes))


def _unusable(path: Path, why: str) -> AssayError:
    return AssayError(Kind.FAILED_PRECONDITION, "BACKUP_FILE_UNUSABLE", f"{path} cannot be used: {why}")
