"""Batches in files, for callers who must not lose any: written when memory is full or at the end, read back later.

A process writes a file of its own and holds a lock on it; what a process has left behind belongs to the first that gets
its lock. A batch keeps its id, so one that was sent and could not be struck out any more is a repeat that the collector
knows. Frames have a length and a checksum: a process that died while it wrote damages its last frame alone.
"""

import contextlib
import fcntl
import logging
import os
import struct
import threading
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

from assay_client.ids import time_ordered_id
from assay_client.lane import Batch, Kind

SUFFIX = ".spill"
DAMAGED_SUFFIX = ".damaged"
# How often a folder is searched for what others left.
SEARCH_EVERY_S = 30.0
_FRAME = struct.Struct("<4sBIII")  # magic, kind, items, length of the request, checksum of it all
_MAGIC = b"ASY1"
_KINDS = (Kind.CALLS, Kind.EVIDENCE)
_OWNER_ALONE = 0o600
_log = logging.getLogger("assay_client")


@dataclass(slots=True)
class _File:
    """An open, locked file and how far it was read and written."""

    path: Path
    descriptor: int
    read_bytes: int
    written_bytes: int


class Spill:
    """The folder as one process sees it. Any thread may call. A disk that refuses is told once, and is as if it were full."""

    def __init__(self, folder: Path, bytes_max: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._own: _File | None = None
        self._reading: _File | None = None
        self._frame_bytes = 0
        self._search_after_s = 0.0
        self._is_refusal_told = False

    def append(self, batch: Batch) -> bool:
        """Writes a batch and waits until it is on disk; False if it is not."""
        head = _FRAME.pack(_MAGIC, _KINDS.index(batch.kind), batch.count, len(batch.request), 0)
        checksum = zlib.crc32(batch.request, zlib.crc32(head))
        frame = _FRAME.pack(_MAGIC, _KINDS.index(batch.kind), batch.count, len(batch.request), checksum) + batch.request
        with self._lock:
            try:
                own = self._own = self._own or self._create()
                if own.written_bytes + len(frame) > self._bytes_max:
                    return False
                _write(own.descriptor, frame, own.written_bytes)
                os.fsync(own.descriptor)
            except OSError as error:
                self._tell_refusal(error)
                return False
            own.written_bytes += len(frame)
            return True

    def read(self) -> tuple[Batch, bool] | None:
        """The next batch and whether this process wrote it; `strike_out` it when it is settled. None: there is none now."""
        with self._lock:
            if self._reading is None:
                self._reading = self._next_file()
            while (file := self._reading) is not None:
                batch = _read_frame(file)
                if batch is not None:
                    self._frame_bytes = _FRAME.size + len(batch.request)
                    return batch, file is self._own
                self._finish(file)
                self._reading = self._next_file()
            return None

    def strike_out(self) -> None:
        """What was read last is settled."""
        with self._lock:
            if self._reading is not None:
                self._reading.read_bytes += self._frame_bytes
                if self._reading.read_bytes >= self._reading.written_bytes:
                    self._finish(self._reading)
                    self._reading = None

    def close(self) -> None:
        """Leaves what is left for another process."""
        with self._lock:
            for file in (self._own, self._reading):
                if file is not None:
                    if file.read_bytes >= file.written_bytes:
                        file.path.unlink(missing_ok=True)
                    with contextlib.suppress(OSError):  # closed already, if it is one file
                        os.close(file.descriptor)
            self._own = self._reading = None

    def forget(self) -> None:
        """In a forked child: the files are the parent's, and so are their locks, of which this is a copy."""
        for descriptor in {file.descriptor for file in (self._own, self._reading) if file is not None}:
            os.close(descriptor)

    def _create(self) -> _File:
        """A new file, which has its name only when it is locked, so that nobody takes it for left behind."""
        path = self.folder / f"{os.getpid()}-{time_ordered_id(int(time.time() * 1_000))}{SUFFIX}"
        hidden = path.with_suffix(".new")
        descriptor = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OWNER_ALONE)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        hidden.rename(path)
        _sync_folder(self.folder)
        return _File(path, descriptor, 0, 0)

    def _next_file(self) -> _File | None:
        if self._own is not None and self._own.read_bytes < self._own.written_bytes:
            return self._own
        now_s = time.monotonic()
        if now_s < self._search_after_s:
            return None
        with contextlib.suppress(OSError):
            for path in sorted(self.folder.glob(f"*{SUFFIX}")):
                if (self._own is None or path != self._own.path) and (claimed := _claim(path)) is not None:
                    return claimed
        self._search_after_s = now_s + SEARCH_EVERY_S
        return None

    def _finish(self, file: _File) -> None:
        """A file was read to its end, or to where it is damaged."""
        is_damaged = file.read_bytes < file.written_bytes
        if is_damaged:
            _log.warning("%s is damaged after %d of %d bytes; what is left is kept aside", file.path, file.read_bytes, file.written_bytes)
            file.path.rename(file.path.with_suffix(DAMAGED_SUFFIX))
        if file is self._own and not is_damaged:
            os.ftruncate(file.descriptor, 0)
            file.read_bytes = file.written_bytes = 0
            return
        if not is_damaged:
            file.path.unlink(missing_ok=True)
        if file is self._own:
            self._own = None
        os.close(file.descriptor)

    def _tell_refusal(self, error: OSError) -> None:
        if not self._is_refusal_told:
            self._is_refusal_told = True
            _log.warning("cannot write to %s: %s", self.folder, error)


def _claim(path: Path) -> _File | None:
    """The file, if nobody else has it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        stat = os.fstat(descriptor)
        if stat.st_nlink:  # else somebody else has sent it meanwhile
            return _File(path, descriptor, 0, stat.st_size)
    except OSError:
        pass
    os.close(descriptor)
    return None


def _read_frame(file: _File) -> Batch | None:
    """The batch at the place that reading has come to; None at the end, or where the file is damaged."""
    head = os.pread(file.descriptor, _FRAME.size, file.read_bytes)
    if len(head) < _FRAME.size:
        return None
    magic, kind, count, length, checksum = _FRAME.unpack(head)
    if magic != _MAGIC or kind >= len(_KINDS) or length > file.written_bytes:
        return None
    request = os.pread(file.descriptor, length, file.read_bytes + _FRAME.size)
    unsigned = _FRAME.pack(magic, kind, count, length, 0)
    if len(request) != length or zlib.crc32(request, zlib.crc32(unsigned)) != checksum:
        return None
    return Batch(_KINDS[kind], request, count, is_spilled=True)


def _write(descriptor: int, content: bytes, offset: int) -> None:
    done = 0
    while done < len(content):
        done += os.pwrite(descriptor, content[done:], offset + done)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
